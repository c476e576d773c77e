"""Defects put into the driver on purpose: a checker that finds none of them checks nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from engine.domain.approval import Ending
from engine.domain.order import OrderState
from engine.errors import BrokerRefused, BrokerSilent
from engine.flow.execution import record_fill, record_rejection, record_silence
from engine.ports import NotFound
from storage.models import ApprovalRow, OrderRow
from tests.chaos.traps import TrappedStore

#: Each defect, and the kill points at which it must show.
DEFECTS: dict[str, tuple[str, ...]] = {
    "resend_after_restart": ("submit:after", "submit:after", "submit:after"),
    "record_after_send": ("submit:after", "submit:after"),
    "not_found_is_retried": ("submit:after",),
    "no_compare_and_set": ("human_approved:after_commit",),
    "tap_done_before_it_is_handled": ("human_approved:before_commit",),
    "history_in_a_second_transaction": ("human_approved:after_commit",),
    "order_in_a_second_transaction": ("human_approved:after_commit",),
    "only_the_bell_sends": ("human_approved:after_commit",),
    "nobody_resolves": ("submit:before",),
    "unknown_is_forgotten": ("submit:after", "submit:after"),
    "candle_claimed_before_it_is_judged": ("ai_proposed:before_commit",),
}
#: What a real adapter makes harmless by knowing an order's id again; see ``new_ids``.
UNMASKED = frozenset(("resend_after_restart", "record_after_send", "not_found_is_retried"))


class DefectiveStore(TrappedStore):
    """The store with one of its promises broken."""

    def __init__(self, trap: Any, defect: str) -> None:
        super().__init__(trap)
        self._defect = defect

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        later: list[Any] = []
        async with super().begin() as tx:
            if self._defect == "no_compare_and_set":
                _without_compare(tx)
            if self._defect == "history_in_a_second_transaction":
                tx.history.append = _answers_put_off(later, tx.history.append)
            if self._defect == "order_in_a_second_transaction":
                tx.orders.add = _put_off(later, "orders", "add")
            if self._defect == "candle_claimed_before_it_is_judged":
                tx.evaluations.claim = _all  # the driver claimed it in a transaction of its own
            yield tx
            self._pass(later, "before_commit")
        self._pass(later, "after_commit")
        for table, name, argument in later:
            async with super().begin() as tx:
                await getattr(getattr(tx, table), name)(argument)

    def _pass(self, later: list[Any], moment: str) -> None:
        for table, _, argument in later:
            if table == "history":
                self._trap.at(f"{argument.action}:{moment}")


async def _all(candles: Any) -> Any:
    return set(candles)


def _put_off(later: list[Any], table: str, name: str) -> Any:
    async def put_off(argument: Any) -> bool:
        later.append((table, name, argument))
        return True

    return put_off


def _answers_put_off(later: list[Any], append: Any) -> Any:
    put_off = _put_off(later, "history", "append")

    async def chosen(entry: Any) -> Any:
        return await (put_off if entry.human_override and entry.idea_id else append)(entry)

    return chosen


def _without_compare(tx: Any) -> None:
    found = tx.ideas.approval

    async def approval(idea_id: Any) -> Any:
        return replace(await found(idea_id), ending=Ending.PENDING, decided_at=None)

    async def end(ended: Any, *, expired: bool = False) -> bool:
        del expired
        await (
            ApprovalRow.filter(idea_id=ended.idea_id)
            .using_db(tx._connection)
            .update(
                ending=str(ended.ending), decided_by=ended.decided_by, decided_at=ended.decided_at
            )
        )
        return True

    tx.ideas.approval, tx.ideas.end = approval, end


class ResolveByRetry:
    """Not found is taken for never arrived: the order goes back into the queue."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self) -> None:
        async with self._inner.store.begin() as tx:
            lost = [
                *await tx.orders.in_state(OrderState.SENDING),
                *await tx.orders.in_state(OrderState.UNKNOWN),
            ]
        for order in lost:
            try:
                answer = await self._inner.broker.look_up(order.client_id)
            except BrokerSilent:
                continue
            if isinstance(answer, NotFound):
                await _back_to_intent(order)
            else:
                await record_fill(self._inner.store, self._inner.bell, order, answer.fill)


class ResolveByResend:
    """An order that was being sent is sent again after a restart."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self) -> None:
        inner = self._inner
        async with inner.store.begin() as tx:
            lost = await tx.orders.in_state(OrderState.SENDING)
        for order in lost:
            try:
                fill = await inner.broker.submit(order)
            except BrokerRefused as error:
                await record_rejection(inner.store, inner.bell, order, str(error))
            except BrokerSilent as error:
                await record_silence(inner.store, inner.bell, order, str(error))
            else:
                await record_fill(inner.store, inner.bell, order, fill)
        await inner()


class ResolveNothing:
    """Orders whose answer was lost are left alone."""

    async def __call__(self) -> None:
        return None


class ForgetUnknown:
    """An order whose answer was lost is taken for cancelled."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self) -> None:
        async with self._inner.store.begin() as tx:
            for state in (OrderState.SENDING, OrderState.UNKNOWN):
                for order in await tx.orders.in_state(state):
                    after = replace(order, state=OrderState.CANCELLED, reason="forgotten")
                    await tx.orders.swap(order, after)


class SendThenRecord:
    """The venue is called first, and the order is written down when it has answered."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, client_id: str) -> None:
        inner = self._inner
        async with inner.store.begin() as tx:
            order = await tx.orders.get(client_id)
        if order.state is not OrderState.INTENT:
            return
        try:
            fill = await inner.broker.submit(order)
        except (BrokerRefused, BrokerSilent):
            return
        sending = order.move(OrderState.SENDING)
        async with inner.store.begin() as tx:
            await tx.orders.swap(order, sending)
        await record_fill(inner.store, inner.bell, sending, fill)


async def _back_to_intent(order: Any) -> None:
    document = (await OrderRow.get(client_id=order.client_id)).document
    await OrderRow.filter(client_id=order.client_id).update(
        state="intent", document={**document, "state": "intent"}
    )
