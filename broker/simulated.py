"""The paper broker over columns of candles, for backtests: the same house dealing in the same
books, in a market that is in memory and never waited for.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from math import ceil, floor

import numpy as np

from broker.books import Books
from broker.dealer import Dealer, House
from broker.held import Held
from broker.terms import FREE, Terms
from engine.domain.account import Account, Direction, Position
from engine.domain.market import Candle, Instrument, Quote
from engine.domain.order import ClosedTrade, Fill, Order
from engine.domain.values import quantize
from engine.errors import InvalidInput
from engine.research.columns import Columns

#: Candles that are looked through at once for the end of a trade; doubled while there is none.
_FIRST_LOOK, _LONGEST_LOOK = 64, 65_536


class ColumnMarket:
    """The market after one candle, ``place``; those after it are not there."""

    def __init__(self, columns: Columns, facts: Instrument, spread: Decimal) -> None:
        self.columns, self.facts, self.spread = columns, facts, spread
        self.place = 0
        if not spread >= 0:
            raise InvalidInput(f"the spread must not be negative, is {spread}", field="spread")
        self._quoted = 0, columns.quote(0, spread)
        self._arrival: Quote | None = None

    @property
    def instant(self) -> datetime:
        """As ``Moment`` has it; so are all the others."""
        return self.columns.closes(self.place) if self._arrival is None else self._arrival.time

    @contextmanager
    def later(self, latency: timedelta) -> Iterator[None]:
        """For what is sent now and arrives so much later: its instant, and the quote of then, which
        is the open of the candle that has begun by then, or still this one's close.
        """
        if not latency:
            yield
            return
        arrival = self.instant + latency
        begun = int(np.searchsorted(self.columns.opened, int(arrival.timestamp()), side="right"))
        units = self.columns.close if begun - 1 <= self.place else self.columns.open
        bid = self.columns.price(units.item(max(begun - 1, self.place)))
        self._arrival = Quote(bid, bid + self.spread, arrival)
        try:
            yield
        finally:
            self._arrival = None

    def quote(self, symbol: str) -> Quote:
        if self._arrival is not None:
            return self._arrival
        # A look asks several times for the same.
        if self._quoted[0] != self.place:
            self._quoted = self.place, self.columns.quote(self.place, self.spread)
        return self._quoted[1]

    def instrument(self, symbol: str) -> Instrument:
        return self.facts

    def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        own = self.columns.symbol
        return {own: self.quote(own)} if own in wanted else {}

    def candles_since(self, symbol: str, after: datetime) -> tuple[Candle, ...]:
        columns, first = self.columns, self.place
        if columns.opened.item(first - 1) != (seconds := int(after.timestamp())):
            first = int(np.searchsorted(columns.opened, seconds, side="right"))
        if first == self.place:
            return (columns.candle(first),)
        return columns.candles(first, self.place + 1)

    def last_opened(self, symbol: str) -> datetime:
        return self.columns.time(self.place)


class SimulatedVenue:
    """A venue that stands after one candle, and is moved on by whoever asks it.

    ``zone`` is the broker's, whose midnights are its nights, ``latency`` how long what is sent is
    on its way.
    """

    def __init__(
        self,
        columns: Columns,
        facts: Instrument,
        *,
        spread: Decimal,
        terms: Terms = FREE,
        slippage_pips: Decimal = Decimal("0.1"),
        starting_balance: Decimal = Decimal("10000.00"),
        currency: str = "USD",
        zone: tzinfo = UTC,
        latency: timedelta = timedelta(0),
    ) -> None:
        self._latency = latency
        self.market = ColumnMarket(columns, terms.of(facts), spread)
        house = House(
            timeframe=columns.timeframe, currency=currency, slippage_pips=slippage_pips,
            terms=terms, zone=zone,
        )  # fmt: skip
        self._dealer = Dealer(house, self.market)
        self._books = Books.load({}, starting_balance)
        self._changes = 0
        self._seen: tuple[int, Account, tuple[Position, ...]] | None = None
        charges = (terms.swap_long, terms.swap_short, terms.stop_out_percent, terms.fee_percent)
        self._charges = any(charges)
        self._converts = facts.quote != currency
        self.account_id = house.account_id

    @property
    def is_patient(self) -> bool:
        """Whether nothing happens to what is open between its levels, and it makes most and least
        where the closes are extreme. Trades both ways whose worth hangs on the symbol's own price
        may make more in between.
        """
        if self._charges:
            return False
        held = self._books.positions
        return not self._converts or len({each.direction for each in held}) < 2

    @property
    def is_flat(self) -> bool:
        """Whether nothing is open."""
        return not self._books.positions

    def move(self, place: int) -> None:
        """Stand after a candle. Those in between must have ended nothing."""
        if self.is_patient and self._books.positions:
            seen = self.market.columns.time(place - 1)
            for held in self._books.positions:
                held.seen = max(held.seen, seen)
        self.market.place = place

    def play(self) -> tuple[ClosedTrade, ...]:
        """Let the candles since the last one work on what is open; the trades they ended."""
        self._dealer.catch_up(self._books)
        ended, self._books.ended = tuple(self._books.ended), []
        if ended:
            self._seen = None
        return ended

    def account(self) -> Account:
        """As the broker's."""
        return self._look()[0]

    def positions(self) -> tuple[Position, ...]:
        """As the broker's."""
        return self._look()[1]

    def equity(self) -> Decimal:
        """The account's, alone."""
        return quantize(self._dealer.equity(self._books), 2)

    def between(self, first: int, end: int) -> tuple[Decimal, Decimal]:
        """The least and the most equity at the closes of a stretch in which nothing ends: what is
        open makes them where the closes are the lowest and the highest.
        """
        closes = self.market.columns.close[first:end]
        found = []
        for place in {int(closes.argmin()), int(closes.argmax())}:
            self.market.place = first + place
            found.append(quantize(self._dealer.equity(self._books), 2))
        return min(found), max(found)

    def sides(self) -> tuple[tuple[Direction, str | None], ...]:
        """The direction and the strategy of each open trade."""
        return tuple([(held.direction, held.strategy_id) for held in self._books.positions])

    def _look(self) -> tuple[Account, tuple[Position, ...]]:
        place, seen = self.market.place, self._seen
        if seen is None or (seen[0] != place and self._books.positions):
            self._dealer.catch_up(self._books)
            seen = (place, *self._dealer.look(self._books))
        elif seen[0] != place:
            # Without open trades only its time changes.
            seen = (place, replace(seen[1], captured_at=self.market.instant), ())
        self._seen = seen
        return seen[1:]

    def submit(self, order: Order) -> Fill:
        """As the broker's; raises ``BrokerRefused``."""
        self._dealer.catch_up(self._books)
        with self.market.later(self._latency):
            fill = self._dealer.fill(self._books, order)
        self._seen = None
        return fill

    def restop(self, position_id: str, stop_loss: Decimal) -> None:
        """Another stop; raises ``BrokerRefused``."""
        self._change()
        with self.market.later(self._latency):
            self._dealer.modify(self._books, position_id, stop_loss, (), str(self._changes))

    def reduce(self, position_id: str, volume_left: Decimal) -> None:
        """Close down to so many lots; raises ``BrokerRefused``."""
        self._change()
        with self.market.later(self._latency):
            self._dealer.close(self._books, position_id, volume_left, str(self._changes))

    def _change(self) -> None:
        """Count an id; what was noted under others is not asked for again."""
        self._dealer.catch_up(self._books)
        self._seen = None
        self._changes += 1
        self._books.changes.clear()

    def next_end(self, after: int, end: int) -> int | None:
        """The first candle from ``after`` on, before ``end``, that ends an open trade or a part."""
        found = [
            place
            for held in self._books.positions
            if (place := self._end_of(held, after, end)) < end
        ]
        return min(found, default=None)

    def _end_of(self, held: Held, after: int, end: int) -> int:
        columns = self.market.columns
        least, most = self._ends_beyond(held)
        if held.time_limit_min is not None:
            until = held.opened_at + timedelta(minutes=held.time_limit_min)
            end = min(end, int(np.searchsorted(columns.opened, ceil(until.timestamp()))) + 1)
            limit = end - 1
        else:
            limit = end
        first, count = after, _FIRST_LOOK
        while first < end:
            last = min(end, first + count)
            ends = (columns.low[first:last] <= least) | (columns.high[first:last] >= most)
            place = int(ends.argmax())
            if ends[place]:
                return first + place
            first, count = last, min(2 * count, _LONGEST_LOOK)
        return limit

    def _ends_beyond(self, held: Held) -> tuple[int, int]:
        """The bid, in the columns' units, at or below which a trade ends, and the one at or above
        which it does.
        """
        low, high = held.stop_loss, held.targets[0]
        if held.direction is Direction.SELL:
            low, high = high - self.market.spread, low - self.market.spread
        places = self.market.columns.places
        return floor(low.scaleb(places)), ceil(high.scaleb(places))
