"""The paper broker: a simulated venue with its own books, filled at bid and ask."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from broker.books import Books, check_levels, retarget, take_part
from broker.exchange import exchanged
from broker.exits import exit_of, shares, split_off
from engine.domain.account import Account, Direction, Position
from engine.domain.market import Candle, Instrument, Quote, Timeframe
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
    of the other pairs, a gain too. An account for which there is no rate does not answer.
    """

    market: MarketData
    ledger: VenueLedger
    timeframe: Timeframe
    account_id: str = "paper-1"
    currency: str = "USD"
    starting_balance: Decimal = Decimal("10000.00")
    slippage_pips: Decimal = Decimal("0.1")
    commission_per_lot: Decimal = Decimal("0")
    is_live: bool = field(default=False, init=False)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Books]:
        async with self.ledger.open(f"paper:{self.account_id}") as document:
            books = Books.load(document, self.starting_balance)
            await self._catch_up(books)
            yield books
            books.save(document)

    async def submit(self, order: Order) -> Fill:
        """Fill at the ask or bid plus slippage, whole, or refuse with the reason."""
        instrument = await self.market.instrument(order.symbol)
        quote = await self.market.quote(order.symbol)
        async with self._open() as books:
            if order.client_id in books.orders:
                raise BrokerRefused(f"order {order.client_id} was given before")
            if quote is None:
                raise BrokerRefused(f"{order.symbol} is not quoted")
            fill = Fill(
                client_id=order.client_id,
                broker_id=str(books.number + 1),
                price=self._price(order.direction, quote, instrument),
                volume=order.volume,
                time=quote.time,
            )
            account = await self._account(books)
            try:
                margin = await self._margin(fill.price, order.volume, instrument)
            except BrokerSilent as error:
                raise BrokerRefused(str(error)) from error
            if margin > account.margin_free:
                raise BrokerRefused("not enough free margin")
            await self._enter(books, order, fill)
        return fill

    async def _enter(self, books: Books, order: Order, fill: Fill) -> None:
        last = await self.market.candles(order.symbol, self.timeframe, 1)
        known = await self.market.instrument(order.symbol)
        volumes = shares(
            order.volume,
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
                "volume": str(order.volume),
                "entry_price": str(fill.price),
                "stop_loss": str(order.stop_loss),
                "targets": [str(price) for price in order.take_profit[: len(volumes)]],
                "shares": [str(volume) for volume in volumes],
                "time_limit_min": order.time_limit_min,
                "opened_at": fill.time.isoformat(),
                "seen": last[-1].time.isoformat(),
            }
        )

    def _price(self, way: Direction, quote: Quote, instrument: Instrument) -> Decimal:
        worse = way.sign * self.slippage_pips * instrument.pip
        price = quote.ask if way is Direction.BUY else quote.bid
        return quantize(price + worse, instrument.digits)

    async def look_up(self, client_id: str) -> Found | NotFound:
        """Find an order. One that is not there is struck off: should a late attempt still
        arrive, it is refused, which is what makes its absence proven.
        """
        async with self._open() as books:
            known = books.orders.setdefault(client_id, None)
            if known is None:
                return NotFound(proven=True)
            return Found(restore(Fill, known))

    async def close(
        self, position_id: str, *, volume_left: Decimal, client_id: str
    ) -> PositionChange:
        """Close at the bid or ask less slippage, or refuse with the reason."""
        async with self._open() as books:
            held = books.held(position_id, client_id)
            quote, known = await self._quoted(held["symbol"])
            volume = Decimal(held["volume"]) - volume_left
            if not (volume_left >= 0 and volume > 0):
                raise BrokerRefused(f"position {position_id} has {held['volume']} lots only")
            long = Direction(held["direction"]) is Direction.BUY
            price = self._price(Direction.SELL if long else Direction.BUY, quote, known)
            if volume_left:
                part = take_part(held, volume, known)
            else:
                books.positions.remove(held)
                part = held
            at = await self.market.instant()
            await self._settle(books, part, price, "manual", quote, at)
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
        async with self._open() as books:
            held = books.held(position_id, client_id)
            quote, known = await self._quoted(held["symbol"])
            check_levels(held, stop_loss, take_profit, quote, known)
            if stop_loss is not None:
                held["stop_loss"] = str(stop_loss)
            if take_profit:
                retarget(held, take_profit, known)
            at = await self.market.instant()
            return books.note(client_id, position_id, Decimal(held["volume"]), at)

    async def look_up_change(self, client_id: str) -> PositionChange | NotFound:
        """Find a change; one that is not there is struck off, as an order is."""
        async with self._open() as books:
            known = books.changes.setdefault(client_id, None)
            return NotFound(proven=True) if known is None else restore(PositionChange, known)

    async def _quoted(self, symbol: str) -> tuple[Quote, Instrument]:
        quote = await self.market.quote(symbol)
        if quote is None:
            raise BrokerRefused(f"{symbol} is not quoted")
        return quote, await self.market.instrument(symbol)

    async def account(self) -> Account:
        async with self._open() as books:
            return await self._account(books)

    async def positions(self) -> tuple[Position, ...]:
        async with self._open() as books:
            return tuple([await self._position(held) for held in books.positions])

    async def closed_since(self, after: datetime) -> tuple[ClosedTrade, ...]:
        async with self._open() as books:
            trades = [restore(ClosedTrade, closed) for closed in books.closed]
        return tuple(trade for trade in trades if trade.closed_at > after)

    async def _account(self, books: Books) -> Account:
        positions = [await self._position(held) for held in books.positions]
        open_profit = sum((p.profit for p in positions), Decimal(0))
        margin = Decimal(0)
        for position in positions:
            instrument = await self.market.instrument(position.symbol)
            margin += await self._margin(position.entry_price, position.volume, instrument)
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

    async def _margin(self, price: Decimal, volume: Decimal, instrument: Instrument) -> Decimal:
        # Taken as a loss, so that it is never less than what the sizing counted with.
        taken = -volume * instrument.contract_size * price * instrument.margin_rate
        return -await exchanged(self.market, taken, instrument, self.currency, None)

    async def _position(self, held: dict[str, Any]) -> Position:
        quote = await self.market.quote(held["symbol"])
        instrument = await self.market.instrument(held["symbol"])
        direction, entry = Direction(held["direction"]), Decimal(held["entry_price"])
        price = entry
        if quote is not None:
            price = quote.bid if direction is Direction.BUY else quote.ask
        profit = await self._profit(held, price, instrument, quote)
        return Position(
            id=held["id"],
            symbol=held["symbol"],
            direction=direction,
            volume=Decimal(held["volume"]),
            entry_price=entry,
            stop_loss=Decimal(held["stop_loss"]),
            take_profit=Decimal(held["targets"][0]),
            opened_at=datetime.fromisoformat(held["opened_at"]),
            profit=profit,
            client_id=held["client_id"],
            strategy_id=held["strategy_id"],
        )

    async def _profit(
        self, held: dict[str, Any], price: Decimal, instrument: Instrument, quote: Quote | None
    ) -> Decimal:
        volume = Decimal(held["volume"])
        gained = Direction(held["direction"]).sign * (price - Decimal(held["entry_price"]))
        amount = gained * volume * instrument.contract_size
        gross = await exchanged(self.market, amount, instrument, self.currency, quote)
        return quantize(gross - volume * self.commission_per_lot, 2)

    async def _catch_up(self, books: Books) -> None:
        """Play the candles each position has not seen, oldest first."""
        for held in list(books.positions):
            quote = await self.market.quote(held["symbol"])
            spread = quote.spread if quote else Decimal(0)
            after = datetime.fromisoformat(held["seen"])
            for candle in await self.market.candles_since(held["symbol"], self.timeframe, after):
                held["seen"] = candle.time.isoformat()
                if await self._play(books, held, candle, spread):
                    break

    async def _play(
        self, books: Books, held: dict[str, Any], candle: Candle, spread: Decimal
    ) -> bool:
        """What a candle does to a position; True when nothing is left of it."""
        at = candle.time + self.timeframe.length
        while (ended := exit_of(held, candle, spread)) is not None:
            price, reason = ended
            # It left at this price, so that a rate which is the symbol's own price was this one.
            bid = price if Direction(held["direction"]) is Direction.BUY else price - spread
            quote = Quote(bid, bid + spread, candle.time)
            if reason != "take_profit" or len(held["targets"]) == 1:
                books.positions.remove(held)
                await self._settle(books, held, price, reason, quote, at)
                return True
            await self._settle(books, split_off(held), price, reason, quote, at)
        return False

    async def _settle(
        self,
        books: Books,
        held: dict[str, Any],
        price: Decimal,
        reason: str,
        quote: Quote,
        at: datetime,
    ) -> None:
        instrument = await self.market.instrument(held["symbol"])
        profit = await self._profit(held, price, instrument, quote)
        books.balance += profit
        trade = ClosedTrade(
            position_id=held["id"],
            client_id=held["client_id"],
            symbol=held["symbol"],
            direction=Direction(held["direction"]),
            volume=Decimal(held["volume"]),
            entry_price=Decimal(held["entry_price"]),
            exit_price=price,
            profit=profit,
            opened_at=datetime.fromisoformat(held["opened_at"]),
            closed_at=at,
            reason=reason,
        )
        books.closed.append(plain(trade))
