"""What the paper venue does with its books in the market of one moment; nothing waits here."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from broker.books import Books, check_levels, retarget, take_part
from broker.held import Held, shares
from broker.play import Play, exit_price, worse
from broker.still import Moment
from broker.terms import FREE, Terms
from broker.till import Till
from engine.domain.account import Account, Direction, Position
from engine.domain.market import Instrument, Quote, Timeframe
from engine.domain.order import Fill, Order
from engine.domain.position_orders import PositionChange
from engine.domain.values import quantize
from engine.errors import BrokerRefused, BrokerSilent

_NOTHING = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class House:
    """How a paper venue deals; ``zone`` is the broker's, whose midnights are its nights."""

    timeframe: Timeframe
    account_id: str = "paper-1"
    currency: str = "USD"
    slippage_pips: Decimal = Decimal("0.1")
    terms: Terms = FREE
    zone: tzinfo = UTC


@dataclass(frozen=True)
class Dealer:
    """A house in the market of one moment. Books that it is given are played up to then first, by
    :meth:`catch_up`.
    """

    house: House
    market: Moment
    _play: Play = field(init=False)

    def __post_init__(self) -> None:
        house = self.house
        till = Till(market=self.market, currency=house.currency, terms=house.terms)
        play = Play(
            market=self.market, till=till, timeframe=house.timeframe,
            slippage_pips=house.slippage_pips, zone=house.zone,
        )  # fmt: skip
        object.__setattr__(self, "_play", play)

    def catch_up(self, books: Books) -> None:
        """Let the candles since the last look work on what is open."""
        if books.positions:
            self._play.catch_up(books)

    def fill(self, books: Books, order: Order) -> Fill:
        """Fill at the ask or bid plus slippage; raises :class:`BrokerRefused`.

        What one quote does not fill is cancelled at once, or the whole order is refused.
        """
        terms = self.house.terms
        quote, known = self._quoted(order.symbol)
        seen = self.market.last_opened(order.symbol)
        if seen is None:
            raise BrokerRefused(f"there is no candle of {order.symbol} yet")
        volume = terms.filled(order.volume, known)
        if not volume > 0:
            raise BrokerRefused(f"a quote fills {terms.fill_lots} lots only")
        fill = Fill(
            client_id=order.client_id,
            broker_id=str(books.number + 1),
            price=self._price(order.direction, quote, known),
            volume=volume,
            time=quote.time,
            unfilled=order.volume - volume,
        )
        try:
            margin = self._play.till.margin(fill.price, volume, known)
            paid = self._play.till.commission(fill.price, volume, known, quote)
        except BrokerSilent as error:
            raise BrokerRefused(str(error)) from error
        free = self.equity(books) - self._play.margin_used(books)
        if margin > quantize(free, 2):
            raise BrokerRefused("not enough free margin")
        self.enter(books, order, fill, paid, seen)
        return fill

    def enter(self, books: Books, order: Order, fill: Fill, paid: Decimal, seen: datetime) -> None:
        """Write a filled order down as open: what was paid for it, and the last candle before."""
        known = self.market.instrument(order.symbol)
        volumes = shares(
            fill.volume,
            len(order.take_profit),
            step=known.volume_step,
            least=known.volume_min,
        )
        books.number += 1
        books.positions.append(
            Held(
                id=fill.broker_id,
                client_id=order.client_id,
                strategy_id=order.strategy_id,
                symbol=order.symbol,
                direction=order.direction,
                volume=fill.volume,
                entry_price=fill.price,
                stop_loss=order.stop_loss,
                targets=order.take_profit[: len(volumes)],
                shares=volumes,
                time_limit_min=order.time_limit_min,
                opened_at=fill.time,
                seen=seen,
                rolled=fill.time,
                commission=paid,
            )
        )

    def close(
        self, books: Books, position_id: str, volume_left: Decimal, client_id: str
    ) -> PositionChange:
        """Close at the bid or ask less slippage; raises :class:`BrokerRefused`."""
        held = books.held(position_id, client_id)
        quote, known = self._quoted(held.symbol)
        volume = held.volume - volume_left
        if not (volume_left >= 0 and volume > 0):
            raise BrokerRefused(f"position {position_id} has {held.volume} lots only")
        price = self._price(held.leaving, quote, known)
        if volume_left:
            part = take_part(held, volume, known)
        else:
            books.positions.remove(held)
            part = held
        at = self.market.instant
        self._play.settle(books, part, price, "manual", quote, at)
        return books.note(
            client_id, position_id, volume_left, at, price=price, volume_closed=volume
        )

    def modify(
        self,
        books: Books,
        position_id: str,
        stop_loss: Decimal | None,
        take_profit: tuple[Decimal, ...],
        client_id: str,
    ) -> PositionChange:
        """Another stop or other targets; raises :class:`BrokerRefused`."""
        held = books.held(position_id, client_id)
        quote, known = self._quoted(held.symbol)
        check_levels(held, stop_loss, take_profit, quote, known)
        if stop_loss is not None:
            held.stop_loss = stop_loss
        if take_profit:
            retarget(held, take_profit, known)
        return books.note(client_id, position_id, held.volume, self.market.instant)

    def equity(self, books: Books) -> Decimal:
        """The balance and what the open trades would make, in cents."""
        return books.balance + sum((self._play.net(held, {}) for held in books.positions), _NOTHING)

    def look(self, books: Books) -> tuple[Account, tuple[Position, ...]]:
        """The account, and what is open."""
        positions = tuple([self._position(held) for held in books.positions])
        open_profit = sum((p.profit for p in positions), _NOTHING)
        margin = self._play.margin_used(books)
        equity = books.balance + open_profit
        account = Account(
            id=self.house.account_id,
            currency=self.house.currency,
            balance=quantize(books.balance, 2),
            equity=quantize(equity, 2),
            margin_used=quantize(margin, 2),
            margin_free=quantize(equity - margin, 2),
            open_profit=quantize(open_profit, 2),
            captured_at=self.market.instant,
        )
        return account, positions

    def _position(self, held: Held) -> Position:
        quote = self.market.quote(held.symbol)
        known = self.market.instrument(held.symbol)
        made = self._play.till.result(held, exit_price(held, quote), known, quote)
        return Position(
            id=held.id,
            symbol=held.symbol,
            direction=held.direction,
            volume=held.volume,
            entry_price=held.entry_price,
            stop_loss=held.stop_loss,
            take_profit=held.targets[0],
            opened_at=held.opened_at,
            profit=made.net,
            commission=made.commission,
            swap=made.swap,
            client_id=held.client_id,
            strategy_id=held.strategy_id,
        )

    def _price(self, way: Direction, quote: Quote, known: Instrument) -> Decimal:
        return worse(way, quote, known, self.house.slippage_pips)

    def _quoted(self, symbol: str) -> tuple[Quote, Instrument]:
        quote = self.market.quote(symbol)
        if quote is None:
            raise BrokerRefused(f"{symbol} is not quoted")
        return quote, self.market.instrument(symbol)
