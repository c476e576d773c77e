"""What every step of a position order shares: its record, its notice, and how it is saved."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.order import ClosedTrade
from engine.domain.position_orders import (
    UNDER_WAY,
    Deed,
    PositionChange,
    PositionOrder,
    PositionOrderState,
)
from engine.flow.people import actor
from engine.ports import Bell, Store, Transaction
from engine.snapshot.canonical import digest, plain

#: How long a person may think about the second tap.
ASKED_LIFE = timedelta(seconds=60)
#: What has not left this long after the second tap never leaves, but for a flatten.
INTENT_LIFE = timedelta(seconds=60)

#: Who asks for a close of a trade whose time is up; a name among the words for actors.
TIME_LIMIT = "time_limit"

_ACTIONS = {
    PositionOrderState.INTENT: Action.POSITION_ORDERED,
    PositionOrderState.SENDING: Action.POSITION_SENDING,
    PositionOrderState.DONE: Action.POSITION_CHANGED,
    PositionOrderState.REJECTED: Action.POSITION_REFUSED,
    PositionOrderState.UNKNOWN: Action.POSITION_UNKNOWN,
    PositionOrderState.ABSENT: Action.POSITION_ABSENT,
    PositionOrderState.CANCELLED: Action.POSITION_CANCELLED,
}
#: States of a close that the venue may have dealt.
_MAY_BE = (*UNDER_WAY, PositionOrderState.DONE)
_FINE = (PositionOrderState.INTENT, PositionOrderState.SENDING, PositionOrderState.DONE)
#: Why a close that was dealt is not all that was wanted.
SHORT = "short"
#: Ends that matter to whoever asked and to nobody else.
_QUIET = ("gone", "already", "changed")


def cause_of(trade: ClosedTrade, asked: Sequence[PositionOrder]) -> str | None:
    """Which rule closed a trade, or a part of one, that a venue says was closed by hand; None when
    a person did. ``asked`` is what was wanted of its position, the newest first.
    """
    may_be = [order for order in asked if order.deed is Deed.CLOSE and order.state in _MAY_BE]
    if "/" not in trade.position_id:
        whole = next((order for order in may_be if order.closes_all), None)
        if whole is not None:
            return TIME_LIMIT if whole.asked_name == TIME_LIMIT else None
    return next((order.rule for order in may_be if _took(order, trade)), None)


def _took(order: PositionOrder, trade: ClosedTrade) -> bool:
    """Whether the close of a rule may be what took this part."""
    if order.rule is None or order.seen is None or order.volume_left is None:
        return False
    volume = order.seen.volume - order.volume_left
    return volume == trade.volume and order.price in (None, trade.exit_price)


def position_client_id(*parts: object) -> str:
    """An id of the same length as an order's, from whatever makes it the only one."""
    return "ap-" + digest("|".join(str(part) for part in parts).encode())[:24]


async def keep(
    tx: Transaction,
    before: PositionOrder,
    after: PositionOrder,
    now: datetime,
    *,
    rationale: str,
    market_time: datetime | None = None,
    **detail: Any,
) -> Entry | None:
    """Save a step and have it told; the answer is its record, the caller's to append last in its
    transaction. None when someone was first.
    """
    if not await tx.position_orders.swap(before, after):
        return None
    told = notice(after)
    if told is not None:
        await tx.outbox.tell(*told)
    return entry(after, now, rationale=rationale, market_time=market_time, **detail)


def entry(
    order: PositionOrder,
    now: datetime,
    *,
    rationale: str,
    market_time: datetime | None = None,
    **detail: Any,
) -> Entry:
    """The history record of the state an order is in."""
    by_rule = order.rule is not None or order.asked_name == TIME_LIMIT
    by_person = order.flatten_id is None and not by_rule
    asked = order.state is PositionOrderState.INTENT and by_person
    result = "pass" if order.state in _FINE else f"fail:{order.reason or order.state}"
    return Entry(
        action=_ACTIONS[order.state],
        occurred_at=now,
        actor=actor(order.asked_by) if asked else "system",
        symbol=order.symbol or None,
        market_time=market_time,
        rationale=rationale,
        risk_check_result=result[:60],
        idea_id=order.idea_id,
        human_override=asked,
        detail={"position_order": plain(order), **detail},
    )


def notice(order: PositionOrder) -> tuple[Notice, Audience] | None:
    """Who is told of the state an order is in, if anybody."""
    state = order.state
    if state in (PositionOrderState.INTENT, PositionOrderState.SENDING):
        return None
    is_told = order.idea_id is not None and order.reason != SHORT
    if state is PositionOrderState.DONE and order.closes_all and is_told:
        # The trade's own end is told as an answer to its card.
        return None
    if state is PositionOrderState.CANCELLED and order.rule is not None:
        # It never left, and the rule asks again if it still wants it.
        return None
    mine = order.reason in _QUIET and order.asked_by is not None
    done = state is PositionOrderState.DONE and order.deed is not Deed.FLATTEN
    # What is tried again for as long as it takes says so once for each position, or step.
    one = order.client_id
    if order.flatten_id is not None:
        one = f"{order.flatten_id}:{order.position_id}"
    elif order.rule is not None and not done:
        one = f"{order.account_id}:{order.position_id}:{order.rule}:{order.step}"
    found = Notice(
        kind=Kind.POSITION_ORDER,
        key=f"position:{one}:{state}",
        priority=Priority.TRADE if done or mine else Priority.SAFETY,
        detail={"client_id": order.client_id},
    )
    return found, Audience(person_id=order.asked_by) if mine else Audience()


async def end(
    store: Store,
    bell: Bell,
    before: PositionOrder,
    after: PositionOrder,
    rationale: str,
    *,
    market_time: datetime | None = None,
) -> PositionOrder:
    """Write down what became of one that was sent; the stored one when someone was first."""
    async with store.begin() as tx:
        now = await tx.now()
        record = await keep(tx, before, after, now, rationale=rationale, market_time=market_time)
        if record is None:
            return await tx.position_orders.get(before.client_id)
        await tx.history.append(record)
    if after.state is PositionOrderState.DONE:
        await bell.ring("sync_broker")
    if after.flatten_id is not None:
        await bell.ring("flatten")
    await bell.ring("deliver")
    return after


async def record_change(
    store: Store, bell: Bell, order: PositionOrder, change: PositionChange
) -> PositionOrder:
    """The venue did it, or of a close as much as it could at once: what is left is said then."""
    wanted, left = order.volume_left, change.volume_left
    is_short = wanted is not None and left > wanted
    after = replace(
        order.move(
            PositionOrderState.DONE,
            reason=SHORT if is_short else None,
            facts={"volume": f"{left:f}"} if is_short else None,
        ),
        price=change.price,
        volume_closed=change.volume_closed,
    )
    dealt = "" if change.price is None else f" {change.volume_closed} at {change.price}"
    rest = f", {left} lots are left" if is_short else ""
    why = f"{order.deed} done{dealt}{rest}"
    return await end(store, bell, order, after, why, market_time=change.time)


async def record_unknown(store: Store, bell: Bell, order: PositionOrder, why: str) -> PositionOrder:
    """Nobody knows whether the venue did it: an alert, and it is looked up till somebody does."""
    after = order.move(PositionOrderState.UNKNOWN, reason="unknown", facts={})
    return await end(store, bell, order, after, why)


async def record_absent(
    store: Store, bell: Bell, order: PositionOrder, reason: str, why: str
) -> PositionOrder:
    """It was not done, and will not be."""
    return await end(store, bell, order, order.move(PositionOrderState.ABSENT, reason=reason), why)
