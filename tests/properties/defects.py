"""Defects put into the product on purpose: machines that find none of them prove nothing."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.approval import Ending
from engine.domain.gate import Check
from engine.domain.person import Person, Role
from engine.errors import BrokerRefused, BrokerSilent
from engine.flow import execution, judgement
from engine.flow.execution import SendOrder
from engine.flow.reconcile import ResolveOrders
from engine.gate.case import CASE_CHECKS, SCENE_CHECKS, Case, Scene
from engine.gate.limits import reached
from engine.snapshot.collect import Collect
from tests.memory.trading import MemoryIdeas, MemoryOrders

Defect = Callable[[pytest.MonkeyPatch], None]
#: Each defect by name, with the machine in whose weather it must show.
DEFECTS: dict[str, tuple[str, Defect]] = {}


def defect(machine: str) -> Callable[[Defect], Defect]:
    """Enter a defect."""

    def register(function: Defect) -> Defect:
        DEFECTS[function.__name__] = (machine, function)
        return function

    return register


def _everywhere(patch: pytest.MonkeyPatch, name: str, value: Any) -> None:
    """Replace a name in every module of the flow that knows it."""
    modules = [m for n, m in sys.modules.items() if n.startswith("engine.flow.")]
    known = [module for module in modules if hasattr(module, name)]
    assert known, f"nothing in the flow is called {name}"
    for module in known:
        patch.setattr(module, name, value)


def _passes(*_: Any) -> tuple[bool, str, str]:
    return True, "0", "0"


@defect("settings")
def sent_without_the_second_look(patch: pytest.MonkeyPatch) -> None:
    """What the gate says before the send is not listened to."""
    patch.setattr(execution, "_refusal", lambda *_: None)


@defect("ideas")
def yes_after_the_expiry(patch: pytest.MonkeyPatch) -> None:
    """An approval is ended without a look at the clock."""

    async def end(self: MemoryIdeas, approval: Any, *, expired: bool = False) -> bool:
        stored = await self.approval(approval.idea_id)
        if stored is None or stored.ending is not Ending.PENDING:
            return False
        await self._view.put("approval", approval.idea_id, approval)
        return True

    patch.setattr(MemoryIdeas, "end", end)


@defect("orders")
def swap_without_compare(patch: pytest.MonkeyPatch) -> None:
    """An order is moved whatever state it is in by now."""

    async def swap(self: MemoryOrders, before: Any, after: Any) -> bool:
        await self._view.put("order", before.client_id, after)
        return True

    patch.setattr(MemoryOrders, "swap", swap)


@defect("halts")
def halt_that_forgets_the_queue(patch: pytest.MonkeyPatch) -> None:
    """What is queued stays queued when trading halts or is stopped."""

    async def nothing(*_: Any) -> list[Any]:
        return []

    _everywhere(patch, "_cancel_queued", nothing)


@defect("settings")
def one_trade_too_many(patch: pytest.MonkeyPatch) -> None:
    """``count <= limit`` where ``count < limit`` is meant."""

    def check(scene: Any) -> tuple[bool, str, str]:
        count, limit = len(scene.held), scene.bundle.settings.max_concurrent_trades
        return count <= limit, str(count), str(limit)

    patch.setitem(SCENE_CHECKS, Check.MAX_CONCURRENT_TRADES, check)


@defect("halts")
def halt_a_cent_late(patch: pytest.MonkeyPatch) -> None:
    """A limit that is met exactly does not halt yet."""

    def late(settings: Any, equity: Any, day: Any) -> Any:
        found = reached(settings, equity + Decimal("0.01"), day)
        return found if found is None else reached(settings, equity - Decimal("0.01"), day)

    _everywhere(patch, "reached", late)


@defect("settings")
def acts_on_an_old_picture(patch: pytest.MonkeyPatch) -> None:
    """What changed since the bundle was collected is not asked for."""

    async def holds(*_: Any) -> bool:
        return True

    patch.setattr(Collect, "still_holds", holds)


@defect("halts")
def send_begun_without_the_lock(patch: pytest.MonkeyPatch) -> None:
    """Between the record and the attempt nobody looks at the trading state."""

    async def begin(self: SendOrder, order: Any, _: Any) -> Any:
        return asyncio.get_running_loop().create_task(self._submit(order))

    patch.setattr(SendOrder, "_begin", begin)


@defect("orders")
def unknown_is_sent_again(patch: pytest.MonkeyPatch) -> None:
    """What was not found is taken for never sent."""
    resolve = ResolveOrders.__call__

    async def resend(self: ResolveOrders) -> Any:
        for order in await resolve(self):
            if str(order.state) == "unknown":
                with suppress(BrokerRefused, BrokerSilent, TimeoutError):
                    await self.broker.submit(order)

    patch.setattr(ResolveOrders, "__call__", resend)


@defect("ideas")
def anybody_may_approve(patch: pytest.MonkeyPatch) -> None:
    """Roles are not looked at."""

    async def person(tx: Any, person_id: int, role: Role) -> Person:
        known = await tx.people.get(person_id)
        return known or Person(id=person_id, name="?", role=role, chat_id=person_id)

    _everywhere(patch, "person_at_least", person)


@defect("orders")
def unknown_does_not_block(patch: pytest.MonkeyPatch) -> None:
    """An order that nobody knows about is not counted against its symbol."""
    patch.setitem(SCENE_CHECKS, Check.UNKNOWN_ORDER, _passes)


@defect("orders")
def rejection_without_a_record(patch: pytest.MonkeyPatch) -> None:
    """The venue's no is stored, and not written down."""

    async def reject(store: Any, _: Any, order: Any, reason: str) -> Any:
        after = replace(order, state=execution.OrderState.REJECTED, reason=reason)
        async with store.begin() as tx:
            await tx.orders.swap(order, after)
        return after

    _everywhere(patch, "record_rejection", reject)


@defect("orders")
def orders_that_keep_for_a_day(patch: pytest.MonkeyPatch) -> None:
    """An order may leave long after it was decided."""
    _everywhere(patch, "ORDER_LIFE", timedelta(days=1))


@defect("settings")
def queue_that_is_not_counted(patch: pytest.MonkeyPatch) -> None:
    """Only positions count, not the orders that will become some."""
    for kind in (Scene, Case):
        patch.setattr(kind, "held", property(lambda scene: scene.bundle.positions))


@defect("ideas")
def price_that_ran_away(patch: pytest.MonkeyPatch) -> None:
    """How far the price moved since the card is not looked at."""
    patch.setitem(CASE_CHECKS, Check.PRICE_DRIFT, _passes)


@defect("ideas")
def more_than_the_card_said(patch: pytest.MonkeyPatch) -> None:
    """The size is made anew at the tap, without the card's as its cap."""
    size = judgement.size

    def anew(*seen: Any, at_most: Any = None, **named: Any) -> Any:
        del at_most
        return size(*seen, **named)

    patch.setattr(judgement, "size", anew)
