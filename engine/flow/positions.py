"""What a person wants of an open trade: asked for, shown with its effect, and confirmed.

The question is stored with everything it means, so that the button that confirms it carries an id
alone. Nothing is sent here: a confirmed one is an INTENT that a worker sends.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from engine.domain.market import Instrument, Quote
from engine.domain.person import Role
from engine.domain.position_orders import (
    OPEN,
    Deed,
    PositionOrder,
    PositionOrderState,
)
from engine.domain.state import TradingState
from engine.errors import NotFound, Outdated, PositionRefused
from engine.flow.latch import market_time
from engine.flow.people import person_at_least
from engine.flow.position_records import (
    ASKED_LIFE,
    INTENT_LIFE,
    entry,
    position_client_id,
)
from engine.flow.trades import OpenTrade, ReadPositions
from engine.gate.management import (
    break_even,
    check_left,
    check_stop,
    check_targets,
    half,
    in_order,
    on_tick,
)
from engine.ports import Bell, MarketData, Store, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question to a person, and the trade as it stands."""

    order: PositionOrder
    trade: OpenTrade


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPosition:
    """Ask for a close, another stop or other targets of an open trade.

    Each raises :class:`NotAllowed` below a trader, :class:`PositionRefused` with the reason when it
    is not possible, and :class:`BrokerSilent`. What it answers takes effect by
    :class:`ConfirmPosition` alone.
    """

    store: Store
    read_positions: ReadPositions

    async def close(self, person_id: int, position_id: str) -> Asked:
        """Close all of it."""
        trade = await self._trade(person_id, position_id)
        return await self._ask(person_id, trade, Deed.CLOSE, volume_left=Decimal(0))

    async def part(self, person_id: int, position_id: str, left: Decimal | None = None) -> Asked:
        """Close a part and leave so many lots; without a volume, close half."""
        trade = await self._trade(person_id, position_id)
        if left is None:
            left = half(trade.position, _instrument(trade))
        check_left(trade.position, left, _instrument(trade))
        return await self._ask(person_id, trade, Deed.CLOSE, volume_left=left)

    async def stop(self, person_id: int, position_id: str, price: Decimal) -> Asked:
        """Move the stop to a price, rounded to the venue's tick."""
        trade = await self._trade(person_id, position_id)
        return await self._stop(person_id, trade, on_tick(price, _instrument(trade)))

    async def break_even(self, person_id: int, position_id: str) -> Asked:
        """Move the stop to where nothing is lost: entry and costs."""
        trade = await self._trade(person_id, position_id)
        if trade.charged is None:
            raise PositionRefused("no_rate")
        price = break_even(
            trade.position, trade.charged, quote=_quote(trade), instrument=_instrument(trade)
        )
        return await self._stop(person_id, trade, price)

    async def _stop(self, person_id: int, trade: OpenTrade, price: Decimal) -> Asked:
        if price == trade.position.stop_loss:
            raise PositionRefused("already")
        check_stop(
            trade.position,
            price,
            quote=_quote(trade),
            instrument=_instrument(trade),
            original=trade.first_stop,
        )
        return await self._ask(person_id, trade, Deed.STOP, stop_loss=price)

    async def targets(self, person_id: int, position_id: str, prices: Sequence[Decimal]) -> Asked:
        """Give it these targets instead of those it has, the nearest first."""
        trade = await self._trade(person_id, position_id)
        rounded = [on_tick(price, _instrument(trade)) for price in prices]
        targets = in_order(rounded, trade.position.direction)
        if targets == trade.targets:
            raise PositionRefused("already")
        check_targets(trade.position, targets, quote=_quote(trade), instrument=_instrument(trade))
        return await self._ask(person_id, trade, Deed.TARGETS, take_profit=targets)

    async def _trade(self, person_id: int, position_id: str) -> OpenTrade:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.TRADER)
        return await self.read_positions.one(person_id, position_id)

    async def _ask(
        self,
        person_id: int,
        trade: OpenTrade,
        deed: Deed,
        *,
        volume_left: Decimal | None = None,
        stop_loss: Decimal | None = None,
        take_profit: tuple[Decimal, ...] = (),
    ) -> Asked:
        account_id, position = self.read_positions.broker.account_id, trade.position
        async with self.store.begin() as tx:
            person = await person_at_least(tx, person_id, Role.TRADER)
            now = await tx.now()
            order = PositionOrder(
                client_id=position_client_id(account_id, position.id, deed, person_id, now),
                account_id=account_id,
                position_id=position.id,
                symbol=position.symbol,
                deed=deed,
                state=PositionOrderState.ASKED,
                asked_by=person_id,
                asked_name=person.name,
                created_at=now,
                valid_until=now + ASKED_LIFE,
                seen=position,
                idea_id=trade.idea_id,
                number=trade.number,
                volume_left=volume_left,
                stop_loss=stop_loss,
                take_profit=take_profit,
            )
            await _must_be_free(tx, order)
            await tx.position_orders.add(order)
        return Asked(order=order, trade=trade)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPosition:
    """The second tap, or its refusal. Either takes effect once, however often it comes."""

    store: Store
    market: MarketData
    bell: Bell

    async def __call__(self, person_id: int, client_id: str) -> PositionOrder:
        """The order as it stands: an INTENT, or what became of it since an earlier tap.

        Raises :class:`Outdated` when the question is too old, :class:`NotAllowed`, and
        :class:`PositionRefused` when something else is under way or trading was stopped.
        """
        at = await market_time(self.market)
        async with self.store.begin() as tx:
            person = await person_at_least(tx, person_id, Role.TRADER)
            order = await _asked_by(tx, person_id, client_id)
            now = await tx.now()
            if order.state is not PositionOrderState.ASKED:
                return order
            if order.valid_until is None or not now <= order.valid_until:
                raise Outdated("this question is too old; ask again")
            await _must_be_free(tx, order)
            after = replace(
                order.move(PositionOrderState.INTENT),
                asked_name=person.name,
                valid_until=now + INTENT_LIFE,
            )
            if not await tx.position_orders.swap(order, after):
                return await tx.position_orders.get(client_id)
            await tx.history.append(
                entry(after, now, rationale=f"{person.name} wants it", market_time=at)
            )
        await self.bell.ring("send_position_order", client_id)
        return after

    async def decline(self, person_id: int, client_id: str) -> PositionOrder:
        """Leave everything as it is; an order that was confirmed goes on."""
        async with self.store.begin() as tx:
            order = await _asked_by(tx, person_id, client_id)
            if order.state is not PositionOrderState.ASKED:
                return order
            after = order.move(PositionOrderState.CANCELLED, reason="declined")
            if await tx.position_orders.swap(order, after):
                return after
            return await tx.position_orders.get(client_id)


def _instrument(trade: OpenTrade) -> Instrument:
    if trade.instrument is None:
        raise PositionRefused("no_quote")
    return trade.instrument


def _quote(trade: OpenTrade) -> Quote:
    if trade.quote is None:
        raise PositionRefused("no_quote")
    return trade.quote


async def _asked_by(tx: Transaction, person_id: int, client_id: str) -> PositionOrder:
    """A question to this very person; somebody else's does not exist for them."""
    order = await tx.position_orders.get(client_id)
    if order.asked_by != person_id:
        raise NotFound(f"there is no position order {client_id[:40]}")
    return order


async def _must_be_free(tx: Transaction, order: PositionOrder) -> None:
    """Refuse what an emergency stop forbids, and what would run beside something it excludes."""
    control = await tx.controls.read()
    if control.state is TradingState.EMERGENCY_STOP and not order.closes_all:
        raise PositionRefused("stopped")
    others = await tx.position_orders.of_position(order.account_id, order.position_id)
    if any(other.state in OPEN and order.excludes(other) for other in others):
        raise PositionRefused("busy")
