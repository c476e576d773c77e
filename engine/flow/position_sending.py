"""Send what is wanted of a position: looked at once more, written down, then exactly one attempt.

What nobody knows the outcome of is never sent again. It is looked up: by its id where the venue
keeps one, and by the position itself, whose goal is absolute.
"""

import asyncio
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import timedelta

from engine.domain.account import Position
from engine.domain.decision import Entry
from engine.domain.position_orders import (
    Deed,
    PositionChange,
    PositionOrder,
    PositionOrderState,
)
from engine.domain.state import TradingState
from engine.errors import BrokerRefused, BrokerSilent, FeedError, PositionRefused
from engine.flow.execution import PATIENCE_SECONDS
from engine.flow.latch import market_time
from engine.flow.position_records import (
    end,
    keep,
    record_absent,
    record_change,
    record_unknown,
)
from engine.flow.reconcile import SETTLE_SECONDS
from engine.flow.trades import first_stop
from engine.gate.management import check_stop, check_targets
from engine.ports import Bell, Broker, MarketData, Store, Transaction
from engine.snapshot.canonical import plain

#: A venue that keeps no ids has shown the position unchanged for so long: nothing will arrive.
PROOF_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPositionOrder:
    """Send one INTENT, at most once in its life; safe to call any number of times, from anywhere.

    A close waits for no quote, no news and no gate. While the venue is silent it stays an INTENT,
    until it is too old.
    """

    store: Store
    broker: Broker
    market: MarketData
    bell: Bell

    async def __call__(self, client_id: str) -> PositionOrder:
        async with self.store.begin() as tx:
            order = await tx.position_orders.get(client_id)
        if order.state is not PositionOrderState.INTENT or order.deed is Deed.FLATTEN:
            return order
        position, refusal = None, None
        try:
            position = await self._position(order)
            await self._judge(order, position)
        except PositionRefused as error:
            refusal = error
        except (BrokerSilent, FeedError):
            refusal = PositionRefused("silent")
        moved = await self._release(order, position, refusal)
        if moved is None:
            return order
        if moved.state is not PositionOrderState.SENDING:
            await self.bell.ring("deliver")
            return moved
        return await self._attempt(moved)

    async def _position(self, order: PositionOrder) -> Position:
        for position in await self.broker.positions():
            if position.id == order.position_id:
                return position
        raise PositionRefused("gone")

    async def _judge(self, order: PositionOrder, position: Position) -> None:
        """Refuse what is done already, what was looked at in another state, and levels that the
        market has reached meanwhile.
        """
        if order.deed is not Deed.TARGETS and order.reached(position):
            raise PositionRefused("already")
        if order.deed is Deed.CLOSE:
            return
        assert order.seen is not None
        if order.deed is Deed.STOP:
            changed = order.seen.stop_loss != position.stop_loss
        else:
            changed = order.seen.take_profit != position.take_profit
        if changed:
            raise PositionRefused("changed")
        quote = await self.market.quote(order.symbol)
        if quote is None:
            raise PositionRefused("no_quote")
        instrument = await self.market.instrument(order.symbol)
        if order.stop_loss is None:
            check_targets(position, order.take_profit, quote=quote, instrument=instrument)
            return
        async with self.store.begin() as tx:
            original = await first_stop(tx, position)
        check_stop(position, order.stop_loss, quote=quote, instrument=instrument, original=original)

    async def _release(
        self, order: PositionOrder, position: Position | None, refusal: PositionRefused | None
    ) -> PositionOrder | None:
        """INTENT to SENDING, or to CANCELLED with the reason; None when it must wait, or someone
        was first.
        """
        at = await market_time(self.market)
        async with self.store.begin() as tx:
            now = await tx.now()
            if order.valid_until is not None and not now <= order.valid_until:
                refusal = PositionRefused("expired")
            elif refusal is not None and refusal.reason == "silent":
                return None
            elif not order.closes_all and await _is_stopped(tx):
                refusal = PositionRefused("stopped")
            elif not await tx.position_orders.alone(order):
                return None
            if refusal is None:
                after = replace(order.move(PositionOrderState.SENDING), sending_at=now)
                rationale = "looked at once more"
            else:
                after = order.move(
                    PositionOrderState.CANCELLED, reason=refusal.reason, facts=refusal.facts
                )
                rationale = str(refusal)
            record: Entry | None = await keep(
                tx, order, after, now, rationale=rationale, market_time=at, position=plain(position)
            )
            if record is None:
                return None
            await tx.history.append(record)
        return after

    async def _attempt(self, order: PositionOrder) -> PositionOrder:
        try:
            attempt = await self._begin(order)
            if attempt is None:
                after = order.move(PositionOrderState.REJECTED, reason="stopped")
                return await end(self.store, self.bell, order, after, "trading was stopped")
            change = await attempt
        except BrokerRefused as error:
            facts = {"message": str(error)[:200]}
            after = order.move(PositionOrderState.REJECTED, reason="refused", facts=facts)
            return await end(self.store, self.bell, order, after, str(error))
        except (BrokerSilent, TimeoutError) as error:
            why = str(error) or "the broker did not answer in time"
            return await record_unknown(self.store, self.bell, order, why)
        return await record_change(self.store, self.bell, order, change)

    async def _begin(self, order: PositionOrder) -> asyncio.Task[PositionChange] | None:
        """Start the one attempt; None when an emergency stop forbids it meanwhile.

        A stop waits till what it forbids has begun, or knows that it never will. It does not wait
        for an exit, which it allows.
        """
        # The attempt must not inherit this transaction's connection.
        outside, loop = copy_context(), asyncio.get_running_loop()
        if order.closes_all:
            return loop.create_task(self._submit(order), context=outside)
        attempt = None
        try:
            async with self.store.begin() as tx:
                if not await _is_stopped(tx):
                    attempt = loop.create_task(self._submit(order), context=outside)
                    await asyncio.sleep(0)
        except Exception:
            if attempt is None:
                raise
        return attempt

    async def _submit(self, order: PositionOrder) -> PositionChange:
        async with asyncio.timeout(PATIENCE_SECONDS):
            if order.volume_left is not None:
                return await self.broker.close(
                    order.position_id, volume_left=order.volume_left, client_id=order.client_id
                )
            return await self.broker.modify(
                order.position_id,
                stop_loss=order.stop_loss,
                take_profit=order.take_profit,
                client_id=order.client_id,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvePositionOrders:
    """Find out what became of those whose answer was lost; nothing is ever sent here.

    One that the venue does not know stays UNKNOWN until the venue proves that it can never arrive,
    or has shown the position unchanged for ``proof_seconds``: an exit must not stay blocked by one
    that is lost.
    """

    store: Store
    broker: Broker
    bell: Bell
    settle_seconds: float = SETTLE_SECONDS
    proof_seconds: float = PROOF_SECONDS

    async def __call__(self) -> tuple[PositionOrder, ...]:
        async with self.store.begin() as tx:
            lost = await tx.position_orders.stuck(self.settle_seconds)
            unknown = await tx.position_orders.in_state(PositionOrderState.UNKNOWN)
        return tuple([await self._resolve(order) for order in (*lost, *unknown)])

    async def _resolve(self, order: PositionOrder) -> PositionOrder:
        try:
            found = await self.broker.look_up_change(order.client_id)
            held = {position.id: position for position in await self.broker.positions()}
        except BrokerSilent as error:
            if order.state is PositionOrderState.UNKNOWN:
                return order
            return await record_unknown(self.store, self.bell, order, str(error))
        if isinstance(found, PositionChange):
            return await record_change(self.store, self.bell, order, found)
        position = held.get(order.position_id)
        if order.reached(position):
            after = order.move(PositionOrderState.DONE)
            why = "the position is as it was wanted"
            return await end(self.store, self.bell, order, after, why)
        if order.state is PositionOrderState.SENDING:
            why = "the venue does not show it"
            order = await record_unknown(self.store, self.bell, order, why)
        if position is None:
            return await record_absent(self.store, self.bell, order, "gone", "it is not open")
        if found.proven or await self._is_proven(order):
            return await record_absent(
                self.store, self.bell, order, "not_done", "it never arrived, and will not"
            )
        return order

    async def _is_proven(self, order: PositionOrder) -> bool:
        async with self.store.begin() as tx:
            now = await tx.now()
        return order.sending_at is not None and now - order.sending_at >= timedelta(
            seconds=self.proof_seconds
        )


async def _is_stopped(tx: Transaction) -> bool:
    """Whether only full closes are allowed; no stop can begin before this transaction ends."""
    return (await tx.controls.hold()).state is TradingState.EMERGENCY_STOP
