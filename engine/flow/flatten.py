"""Close everything after an emergency stop: asked once, in force until nothing is open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from engine.domain.account import Position
from engine.domain.decision import Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Role
from engine.domain.position_orders import (
    OPEN,
    Deed,
    PositionOrder,
    PositionOrderState,
)
from engine.domain.state import TradingState
from engine.errors import BrokerSilent, Outdated
from engine.flow.latch import market_time
from engine.flow.people import person_at_least
from engine.flow.position_records import entry, keep, position_client_id
from engine.ports import Bell, Broker, MarketData, Store, Transaction

#: A close that a venue refused is tried again after so long, and each time twice as long, ...
_FIRST_PAUSE = timedelta(seconds=30)
#: ... but never longer: a market that was closed opens again.
_LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatten:
    """Confirm that everything is to be closed. It needs the emergency stop the person saw.

    What is open is not asked here: the venue may be silent, and must not make a person wait.
    """

    store: Store
    broker: Broker
    market: MarketData
    bell: Bell

    async def __call__(self, person_id: int, *, expected: int) -> PositionOrder:
        """The flatten in force; a second tap, or a second person, joins the first.

        ``expected`` is the version of the control the question was about. Raises
        :class:`NotAllowed` below a trader and :class:`Outdated` when trading is no longer stopped,
        or was stopped anew.
        """
        at = await market_time(self.market)
        async with self.store.begin() as tx:
            person = await person_at_least(tx, person_id, Role.TRADER)
            control = await tx.controls.take()
            if control.state is not TradingState.EMERGENCY_STOP or control.version != expected:
                raise Outdated("trading is not stopped as it was shown", state=control.state)
            running = await _in_force(tx)
            if running:
                return running[0]
            now = await tx.now()
            account_id = self.broker.account_id
            order = PositionOrder(
                client_id=position_client_id(account_id, Deed.FLATTEN, expected, now),
                account_id=account_id,
                position_id="",
                symbol="",
                deed=Deed.FLATTEN,
                state=PositionOrderState.INTENT,
                asked_by=person_id,
                asked_name=person.name,
                created_at=now,
                valid_until=None,
            )
            await tx.position_orders.add(order)
            why = f"{person.name} wants everything closed"
            await tx.history.append(entry(order, now, rationale=why, market_time=at))
        await self.bell.ring("flatten")
        return order


@dataclass(frozen=True, slots=True, kw_only=True)
class PursueFlatten:
    """Turn a flatten into closes, and end it when nothing is open and nothing can arrive any more.

    A trade that appears late, from an order whose answer was lost, is closed as well. A close that
    the venue refused is asked for again after a pause; one whose outcome is not known is waited
    for. Leaving the emergency stop ends the flatten; closes that were asked for go on.
    """

    store: Store
    broker: Broker
    market: MarketData
    bell: Bell

    async def __call__(self) -> tuple[PositionOrder, ...]:
        """The closes that were added."""
        async with self.store.begin() as tx:
            running = await _in_force(tx)
        if not running:
            return ()
        try:
            positions: tuple[Position, ...] | None = await self.broker.positions()
        except BrokerSilent:
            positions = None
        at = await market_time(self.market)
        added: list[PositionOrder] = []
        for flatten in running:
            added += await self._pursue(flatten, positions, at)
        for order in added:
            await self.bell.ring("send_position_order", order.client_id)
        await self.bell.ring("deliver")
        return tuple(added)

    async def _pursue(
        self,
        flatten: PositionOrder,
        positions: Sequence[Position] | None,
        at: datetime | None,
    ) -> list[PositionOrder]:
        async with self.store.begin() as tx:
            control = await tx.controls.hold()
            now = await tx.now()
            if control.state is not TradingState.EMERGENCY_STOP:
                after = flatten.move(PositionOrderState.CANCELLED, reason="released")
                await _close(tx, flatten, after, now, "trading goes on", at)
                return []
            if positions is None:
                await tx.outbox.tell(_silent(flatten), Audience())
                return []
            added = []
            entries: list[Entry] = []
            for position in positions:
                order = await _wanted(tx, flatten, position, now)
                if order is not None and await tx.position_orders.add(order):
                    added.append(order)
                    entries.append(entry(order, now, rationale="all is to be closed"))
            if positions or await _something_arrives(tx):
                await tx.history.extend(entries)
                return added
            after = flatten.move(PositionOrderState.DONE)
            await _close(tx, flatten, after, now, "nothing is open", at)
            return []


async def _in_force(tx: Transaction) -> list[PositionOrder]:
    intents = await tx.position_orders.in_state(PositionOrderState.INTENT)
    return [order for order in intents if order.deed is Deed.FLATTEN]


async def _close(
    tx: Transaction,
    before: PositionOrder,
    after: PositionOrder,
    now: datetime,
    why: str,
    at: datetime | None,
) -> None:
    record = await keep(tx, before, after, now, rationale=why, market_time=at)
    if record is not None:
        await tx.history.append(record)


async def _wanted(
    tx: Transaction, flatten: PositionOrder, position: Position, now: datetime
) -> PositionOrder | None:
    """The close a position needs now; None while one is under way or its pause is not over."""
    asked = await tx.position_orders.of_position(flatten.account_id, position.id)
    if any(order.state in OPEN and order.closes_all for order in asked):
        return None
    mine = [order for order in asked if order.flatten_id == flatten.client_id]
    refused = [order for order in mine if order.state is PositionOrderState.REJECTED]
    if refused:
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(len(refused) - 1, 10))
        if not now - refused[0].created_at >= pause:
            return None
    order = await tx.orders.find(position.client_id) if position.client_id else None
    idea = None if order is None else await tx.ideas.get(order.idea_id)
    return PositionOrder(
        client_id=position_client_id(flatten.client_id, position.id, len(mine)),
        account_id=flatten.account_id,
        position_id=position.id,
        symbol=position.symbol,
        deed=Deed.CLOSE,
        state=PositionOrderState.INTENT,
        asked_by=flatten.asked_by,
        asked_name=flatten.asked_name,
        created_at=now,
        valid_until=None,
        seen=position,
        idea_id=None if idea is None else idea.id,
        number=None if idea is None else idea.number,
        flatten_id=flatten.client_id,
        volume_left=Decimal(0),
    )


async def _something_arrives(tx: Transaction) -> bool:
    """Whether a trade may still appear, or a close of one is not known to be done."""
    if await tx.orders.unproven():
        return True
    return bool(
        await tx.position_orders.in_state(PositionOrderState.SENDING)
        or await tx.position_orders.in_state(PositionOrderState.UNKNOWN)
    )


def _silent(flatten: PositionOrder) -> Notice:
    return Notice(
        kind=Kind.POSITION_ORDER,
        key=f"position:{flatten.client_id}:silent",
        priority=Priority.SAFETY,
        detail={"client_id": flatten.client_id, "silent": True},
    )
