"""The open trades as people see them: live result in money and R, levels, age."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from engine.domain.account import Account, Position
from engine.domain.conversion import convert, pairs
from engine.domain.market import Instrument, Quote
from engine.domain.order import Order
from engine.domain.person import Role
from engine.domain.position_orders import OPEN, Deed, PositionOrder, PositionOrderState
from engine.domain.state import Control
from engine.errors import BrokerSilent, FeedError, PositionRefused
from engine.flow.glance import Glance
from engine.flow.latch import market_or_wall
from engine.flow.people import person_at_least
from engine.gate.management import costs, exit_price, result_in_r
from engine.ports import MarketData, Store, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTrade:
    """An open position with its story.

    ``number`` is its idea's, None for a trade that is not ours. ``first_stop`` is the stop it was
    opened with, ``r`` the live result in units of that risk. ``per_price`` is account currency for
    a move of one in price, ``charged`` the costs as a distance in price; None without a rate.
    """

    position: Position
    currency: str
    instrument: Instrument
    quote: Quote | None
    age: timedelta
    number: int | None = None
    idea_id: UUID | None = None
    first_stop: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    r: Decimal | None = None
    per_price: Decimal | None = None
    charged: Decimal | None = None
    under_way: PositionOrder | None = None

    def money_at(self, price: Decimal) -> Decimal | None:
        """The result if the trade is left at a price, in account currency."""
        if self.per_price is None or self.charged is None:
            return None
        position = self.position
        gained = position.direction.sign * (price - position.entry_price) - self.charged
        return gained * self.per_price

    def r_at(self, price: Decimal) -> Decimal | None:
        """The same in units of the first risk."""
        return result_in_r(self.position, price, self.first_stop)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTrades:
    """Every open trade, oldest first. ``account`` is None while the broker does not answer;
    ``arriving`` counts orders that may still become trades, ``age`` is how old the venue's figures
    are.
    """

    trades: tuple[OpenTrade, ...]
    account: Account | None
    control: Control
    arriving: int
    instant: datetime
    age: timedelta = timedelta(0)

    @property
    def profit(self) -> Decimal:
        """The live result of all of them."""
        return sum((trade.position.profit for trade in self.trades), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPositions:
    """The open trades, valued by the venue as everywhere else."""

    store: Store
    broker: Glance
    market: MarketData

    async def __call__(self, person_id: int) -> OpenTrades:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            control = await tx.controls.read()
            arriving = len(await tx.orders.unproven())
        instant = await market_or_wall(self.store, self.market)
        seen = await self.broker.look()
        account, positions = seen.account, seen.positions
        trades = []
        for position in sorted(positions, key=lambda held: (held.opened_at, held.id)):
            assert account is not None
            trades.append(await self._trade(position, account, instant))
        return OpenTrades(
            trades=tuple(trades),
            account=account,
            control=control,
            arriving=arriving,
            instant=instant,
            age=seen.age,
        )

    async def one(self, person_id: int, position_id: str) -> OpenTrade:
        """One open trade; raises :class:`PositionRefused` when it is not open any more, and
        :class:`BrokerSilent`.
        """
        seen = await self(person_id)
        if seen.account is None:
            raise BrokerSilent("the broker does not answer")
        for trade in seen.trades:
            if trade.position.id == position_id:
                return trade
        raise PositionRefused("gone")

    async def _trade(self, position: Position, account: Account, instant: datetime) -> OpenTrade:
        instrument = await self.market.instrument(position.symbol)
        quote = rate = None
        with suppress(FeedError):
            quote = await self.market.quote(position.symbol)
            rate = await rate_of(self.market, position, instrument, quote, account.currency)
        async with self.store.begin() as tx:
            order = await tx.orders.find(position.client_id) if position.client_id else None
            idea = await tx.ideas.get(order.idea_id) if order is not None else None
            asked = await tx.position_orders.of_position(account.id, position.id)
        first = None if order is None else order.stop_loss
        known = quote is not None and rate is not None
        return OpenTrade(
            position=position,
            currency=account.currency,
            instrument=instrument,
            quote=quote,
            age=instant - position.opened_at,
            number=None if idea is None else idea.number,
            idea_id=None if idea is None else idea.id,
            first_stop=first,
            targets=_targets(position, order, asked),
            r=None if quote is None else result_in_r(position, exit_price(position, quote), first),
            per_price=None if rate is None else position.volume * instrument.contract_size * rate,
            charged=costs(position, quote, instrument, rate)  # type: ignore[arg-type]
            if known
            else None,
            under_way=next((other for other in asked if other.state in OPEN), None),
        )


async def rate_of(
    market: MarketData,
    position: Position,
    instrument: Instrument,
    quote: Quote | None,
    currency: str,
) -> Decimal | None:
    """Account currency for one unit of a position's quote currency; None when not known."""
    quotes = dict(await market.rates(pairs(instrument, currency)))
    if quote is not None:
        quotes[position.symbol] = quote
    conversion = convert(instrument, currency, quotes, gain=position.profit > 0)
    return None if conversion is None else conversion.rate


def _targets(
    position: Position, order: Order | None, asked: Sequence[PositionOrder]
) -> tuple[Decimal, ...]:
    """The targets that are left. The venue shows the nearest; those behind it are in our records:
    of the last order that set them, or of the one that opened the trade.
    """
    nearest = position.take_profit
    if nearest is None:
        return ()
    done = [
        other.take_profit
        for other in asked
        if other.deed is Deed.TARGETS and other.state is PositionOrderState.DONE
    ]
    recorded = done[0] if done else order.take_profit if order is not None else ()
    return recorded[recorded.index(nearest) :] if nearest in recorded else (nearest,)


async def first_stop(tx: Transaction, position: Position) -> Decimal | None:
    """The stop a trade of ours was opened with."""
    order = await tx.orders.find(position.client_id) if position.client_id else None
    return None if order is None else order.stop_loss
