"""The paper broker: a simulated venue with its own books, filled at bid and ask."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any, Self

from broker.books import Books, check_levels, retarget, take_part
from broker.exits import shares
from broker.play import Play, exit_price, leaving, worse
from broker.still import StillMarket
from broker.terms import FREE, Terms
from broker.till import Till
from engine.domain.account import Account, Direction, Position
from engine.domain.market import Instrument, Quote, Timeframe
from engine.domain.order import ClosedTrade, Fill, Order
from engine.domain.position_orders import PositionChange
from engine.domain.values import quantize
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import Found, MarketData, NotFound, VenueLedger
from engine.snapshot.canonical import plain, restore


@dataclass(frozen=True, kw_only=True)
class PaperBroker:
    """The port ``Broker`` without a venue behind it.

    Every call first plays what the market did since the last one: a stop or target inside a candle
    is hit at its price, or at the open when the market jumped over it; each of several targets
    takes its share. Its books are one locked document, so that an order is either in them or
    provably not.

    Results are turned into account currency as they would have to be paid: a loss at the worse side
    of the other pairs, a gain too. An account for which there is no rate does not answer. What a
    trade costs is paid when it ends, and counted in its result from its first moment: the balance
    is the start and what all closed trades made, the equity that and what the open ones would make.
    ``zone`` is the broker's, whose midnights are the nights that a swap is charged for.
    """

    market: MarketData
    ledger: VenueLedger
    timeframe: Timeframe
    account_id: str = "paper-1"
    currency: str = "USD"
    starting_balance: Decimal = Decimal("10000.00")
    slippage_pips: Decimal = Decimal("0.1")
    terms: Terms = FREE
    zone: tzinfo = UTC
    is_live: bool = field(default=False, init=False)

    @property
    def _till(self) -> Till:
        return Till(market=self.market, currency=self.currency, terms=self.terms)

    @property
    def _play(self) -> Play:
        return Play(
            market=self.market, till=self._till, timeframe=self.timeframe,
            slippage_pips=self.slippage_pips, zone=self.zone,
        )  # fmt: skip

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[tuple[Self, Books]]:
        """The books, locked and played, and this broker in the market of that one moment."""
        async with self.ledger.open(f"paper:{self.account_id}") as document:
            books = Books.load(document, self.starting_balance)
            now = replace(self, market=StillMarket(market=self.market))
            await now._play.catch_up(books)
            yield now, books
            books.save(document)

    async def submit(self, order: Order) -> Fill:
        """Fill at the ask or bid plus slippage, or refuse with the reason.

        What one quote does not fill is cancelled at once, or the whole order is refused.
        """
        instrument = await self.market.instrument(order.symbol)
        quote = await self.market.quote(order.symbol)
        async with self._open() as (now, books):
            if order.client_id in books.orders:
                raise BrokerRefused(f"order {order.client_id} was given before")
            if quote is None or not await now.market.candles(order.symbol, self.timeframe, 1):
                raise BrokerRefused(f"{order.symbol} is not quoted")
            volume = self.terms.filled(order.volume, instrument)
            if not volume > 0:
                raise BrokerRefused(f"a quote fills {self.terms.fill_lots} lots only")
            fill = Fill(
                client_id=order.client_id,
                broker_id=str(books.number + 1),
                price=self._price(order.direction, quote, instrument),
                volume=volume,
                time=quote.time,
                unfilled=order.volume - volume,
            )
            account = await now._account(books)
            try:
                margin = await now._till.margin(fill.price, volume, instrument)
                paid = await now._till.commission(fill.price, volume, instrument, quote)
            except BrokerSilent as error:
                raise BrokerRefused(str(error)) from error
            if margin > account.margin_free:
                raise BrokerRefused("not enough free margin")
            await now._enter(books, order, fill, paid)
        return fill

    async def _enter(self, books: Books, order: Order, fill: Fill, paid: Decimal) -> None:
        last = await self.market.candles(order.symbol, self.timeframe, 1)
        known = await self.market.instrument(order.symbol)
        volumes = shares(
            fill.volume,
            len(order.take_profit),
            step=known.volume_step,
            least=known.volume_min,
        )
        books.number += 1
        books.orders[order.client_id] = plain(fill)
        books.positions.append(
            {
                "id": fill.broker_id,
                "client_id": order.client_id,
                "strategy_id": order.strategy_id,
                "symbol": order.symbol,
                "direction": str(order.direction),
                "volume": str(fill.volume),
                "entry_price": str(fill.price),
                "stop_loss": str(order.stop_loss),
                "targets": [str(price) for price in order.take_profit[: len(volumes)]],
                "shares": [str(volume) for volume in volumes],
                "time_limit_min": order.time_limit_min,
                "opened_at": fill.time.isoformat(),
                "seen": last[-1].time.isoformat(),
                "rolled": fill.time.isoformat(),
                "commission": str(paid),
                "swap": "0",
            }
        )

    def _price(self, way: Direction, quote: Quote, instrument: Instrument) -> Decimal:
        return worse(way, quote, instrument, self.slippage_pips)

    async def look_up(self, client_id: str) -> Found | NotFound:
        """Find an order. One that is not there is struck off: should a late attempt still
        arrive, it is refused, which is what makes its absence proven.
        """
        return (await self.look_up_many([client_id]))[client_id]

    async def look_up_many(self, client_ids: Sequence[str]) -> Mapping[str, Found | NotFound]:
        """The same for many orders, in one reading of the books."""
        async with self._open() as (_, books):
            return {name: _answer(books.orders.setdefault(name, None)) for name in client_ids}

    async def close(
        self, position_id: str, *, volume_left: Decimal, client_id: str
    ) -> PositionChange:
        """Close at the bid or ask less slippage, or refuse with the reason."""
        async with self._open() as (now, books):
            held = books.held(position_id, client_id)
            quote, known = await now._quoted(held["symbol"])
            volume = Decimal(held["volume"]) - volume_left
            if not (volume_left >= 0 and volume > 0):
                raise BrokerRefused(f"position {position_id} has {held['volume']} lots only")
            price = self._price(leaving(held), quote, known)
            if volume_left:
                part = take_part(held, volume, known)
            else:
                books.positions.remove(held)
                part = held
            at = await now.market.instant()
            await now._play.settle(books, part, price, "manual", quote, at)
            return books.note(
                client_id, position_id, volume_left, at, price=price, volume_closed=volume
            )

    async def modify(
        self,
        position_id: str,
        *,
        stop_loss: Decimal | None = None,
        take_profit: tuple[Decimal, ...] = (),
        client_id: str,
    ) -> PositionChange:
        """Another stop or other targets; what is not named stays as it is."""
        async with self._open() as (now, books):
            held = books.held(position_id, client_id)
            quote, known = await now._quoted(held["symbol"])
            check_levels(held, stop_loss, take_profit, quote, known)
            if stop_loss is not None:
                held["stop_loss"] = str(stop_loss)
            if take_profit:
                retarget(held, take_profit, known)
            at = await now.market.instant()
            return books.note(client_id, position_id, Decimal(held["volume"]), at)

    async def look_up_change(self, client_id: str) -> PositionChange | NotFound:
        """Find a change; one that is not there is struck off, as an order is."""
        async with self._open() as (_, books):
            known = books.changes.setdefault(client_id, None)
            return NotFound(proven=True) if known is None else restore(PositionChange, known)

    async def _quoted(self, symbol: str) -> tuple[Quote, Instrument]:
        quote = await self.market.quote(symbol)
        if quote is None:
            raise BrokerRefused(f"{symbol} is not quoted")
        return quote, await self.market.instrument(symbol)

    async def account(self) -> Account:
        async with self._open() as (now, books):
            return await now._account(books)

    async def positions(self) -> tuple[Position, ...]:
        async with self._open() as (now, books):
            return tuple([await now._position(held) for held in books.positions])

    async def both(self) -> tuple[Account, tuple[Position, ...]]:
        """The account and what is open, in one look."""
        async with self._open() as (now, books):
            positions = tuple([await now._position(held) for held in books.positions])
            return await now._account(books), positions

    async def closed_since(self, after: datetime) -> tuple[ClosedTrade, ...]:
        async with self._open() as (_, books):
            trades = [restore(ClosedTrade, closed) for closed in books.closed]
        return tuple(trade for trade in trades if trade.closed_at > after)

    async def _account(self, books: Books) -> Account:
        positions = [await self._position(held) for held in books.positions]
        open_profit = sum((p.profit for p in positions), Decimal(0))
        margin = await self._play.margin_used(books)
        equity = books.balance + open_profit
        return Account(
            id=self.account_id,
            currency=self.currency,
            balance=quantize(books.balance, 2),
            equity=quantize(equity, 2),
            margin_used=quantize(margin, 2),
            margin_free=quantize(equity - margin, 2),
            open_profit=quantize(open_profit, 2),
            captured_at=await self.market.instant(),
        )

    async def _position(self, held: dict[str, Any]) -> Position:
        quote = await self.market.quote(held["symbol"])
        instrument = await self.market.instrument(held["symbol"])
        made = await self._till.result(held, exit_price(held, quote), instrument, quote)
        return Position(
            id=held["id"],
            symbol=held["symbol"],
            direction=Direction(held["direction"]),
            volume=Decimal(held["volume"]),
            entry_price=Decimal(held["entry_price"]),
            stop_loss=Decimal(held["stop_loss"]),
            take_profit=Decimal(held["targets"][0]),
            opened_at=datetime.fromisoformat(held["opened_at"]),
            profit=made.net,
            commission=made.commission,
            swap=made.swap,
            client_id=held["client_id"],
            strategy_id=held["strategy_id"],
        )


def _answer(known: dict[str, Any] | None) -> Found | NotFound:
    return NotFound(proven=True) if known is None else Found(restore(Fill, known))
