"""The paper broker over columns of candles, without waiting for anything: for backtests.

It is the very broker of the paper account. Its coroutines never wait here, because its books and
its market are in memory; so they are run to their end where they are called.
"""

from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np

from broker.paper import PaperBroker
from broker.terms import FREE, Terms
from engine.domain.account import Account, Direction, Position
from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.domain.order import ClosedTrade, Fill, Order
from engine.errors import NotFound
from engine.research.columns import Columns
from engine.snapshot.canonical import restore

T = TypeVar("T")

#: Candles that are looked through at once for the end of a trade; doubled while there is none.
_FIRST_LOOK, _LONGEST_LOOK = 64, 65_536


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine that never waits answers."""
    try:
        work.send(None)
    except StopIteration as ended:
        answer: T = ended.value
        return answer
    work.close()
    raise RuntimeError("a simulated venue must not wait")


class ColumnMarket:
    """The port ``MarketData`` over columns: the candles up to ``place`` have closed."""

    def __init__(self, columns: Columns, facts: Instrument, spread: Decimal) -> None:
        self.columns, self.facts, self.spread = columns, facts, spread
        self.place = 0

    async def instant(self) -> datetime:
        return self.columns.closes(self.place)

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        self._check(symbol)
        first = max(0, self.place + 1 - count)
        return tuple([self.columns.candle(place) for place in range(first, self.place + 1)])

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        self._check(symbol)
        first = int(np.searchsorted(self.columns.opened, int(after.timestamp()), side="right"))
        return tuple([self.columns.candle(place) for place in range(first, self.place + 1)])

    async def quote(self, symbol: str) -> Quote | None:
        self._check(symbol)
        bid = self.columns.price(self.columns.close[self.place])
        return Quote(bid, bid + self.spread, self.columns.closes(self.place))

    async def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        symbol = self.columns.symbol
        quote = await self.quote(symbol) if symbol in wanted else None
        return {} if quote is None else {symbol: quote}

    async def instrument(self, symbol: str) -> Instrument:
        self._check(symbol)
        return self.facts

    def _check(self, symbol: str) -> None:
        if symbol != self.columns.symbol:
            raise NotFound(f"there are no candles of {symbol} here")


@dataclass
class _Ledger:
    """The port ``VenueLedger`` with one document, which nobody else opens."""

    document: dict[str, Any] = field(default_factory=dict)

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[dict[str, Any]]:
        yield self.document

    async def read(self, name: str) -> dict[str, Any]:
        return self.document


class SimulatedVenue:
    """A venue that stands after one candle, and is moved on by whoever asks it.

    ``zone`` is the broker's, whose midnights are its nights. ``is_patient`` is whether nothing
    happens to an open trade between its levels: no night is charged and no margin called.
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
    ) -> None:
        self.market = ColumnMarket(columns, terms.of(facts), spread)
        self._ledger = _Ledger()
        self._broker = PaperBroker(
            market=self.market, ledger=self._ledger, timeframe=columns.timeframe, terms=terms,
            slippage_pips=slippage_pips, starting_balance=starting_balance, currency=currency,
            zone=zone,
        )  # fmt: skip
        self._told = self._changes = 0
        self._seen: tuple[int, Account, tuple[Position, ...]] | None = None
        charges = terms.swap_long or terms.swap_short or terms.stop_out_percent
        self.is_patient = not charges
        self.account_id = self._broker.account_id

    @property
    def _held(self) -> list[dict[str, Any]]:
        held: list[dict[str, Any]] = self._ledger.document.get("positions", [])
        return held

    @property
    def is_flat(self) -> bool:
        """Whether nothing is open."""
        return not self._held

    def move(self, place: int) -> None:
        """Stand after a candle. Those in between must have ended nothing."""
        if self._held and self.is_patient:
            seen = self.market.columns.time(place - 1).isoformat()
            for held in self._held:
                held["seen"] = max(held["seen"], seen)
        self.market.place = place

    def play(self) -> tuple[ClosedTrade, ...]:
        """Let the candles since the last one work on what is open; the trades they ended."""
        if self._held:
            self._look()
        closed = self._ledger.document.get("closed", [])
        new, self._told = closed[self._told :], len(closed)
        if new:
            self._seen = None
        if len(closed) > 500:
            # Each was told; the broker would carry them through every look.
            self._ledger.document["closed"], self._told = [], 0
        return tuple(restore(ClosedTrade, trade) for trade in new)

    def account(self) -> Account:
        """As the broker's."""
        return self._look()[0]

    def positions(self) -> tuple[Position, ...]:
        """As the broker's."""
        return self._look()[1]

    def _look(self) -> tuple[Account, tuple[Position, ...]]:
        place, seen = self.market.place, self._seen
        if seen is None or (seen[0] != place and self._held):
            seen = (place, *at_once(self._broker.both()))
        elif seen[0] != place:
            # Without open trades only its time changes.
            seen = (place, replace(seen[1], captured_at=self.market.columns.closes(place)), ())
        self._seen = seen
        return seen[1:]

    def submit(self, order: Order) -> Fill:
        """As the broker's; raises ``BrokerRefused``."""
        self._seen = None
        fill = at_once(self._broker.submit(order))
        self._ledger.document["orders"].clear()  # an id is used once here
        return fill

    def restop(self, position_id: str, stop_loss: Decimal) -> None:
        """Another stop; raises ``BrokerRefused``."""
        self._seen = None
        name = self._name()
        at_once(self._broker.modify(position_id, stop_loss=stop_loss, client_id=name))

    def reduce(self, position_id: str, volume_left: Decimal) -> None:
        """Close down to so many lots; raises ``BrokerRefused``."""
        self._seen = None
        name = self._name()
        at_once(self._broker.close(position_id, volume_left=volume_left, client_id=name))

    def _name(self) -> str:
        """An id for a change; what was noted under others is not asked for again."""
        self._changes += 1
        self._ledger.document.get("changes", {}).clear()
        return str(self._changes)

    def next_end(self, after: int, end: int) -> int | None:
        """The first candle from ``after`` on, before ``end``, that ends an open trade or a part."""
        found = [place for held in self._held if (place := self._end_of(held, after, end)) < end]
        return min(found, default=None)

    def _end_of(self, held: dict[str, Any], after: int, end: int) -> int:
        columns = self.market.columns
        scale = Decimal(10) ** columns.places
        stop, target = (float(Decimal(p) * scale) for p in (held["stop_loss"], held["targets"][0]))
        spread = float(self.market.spread * scale)
        if held["time_limit_min"] is not None:
            opened = datetime.fromisoformat(held["opened_at"])
            until = opened + timedelta(minutes=held["time_limit_min"])
            end = min(end, int(np.searchsorted(columns.opened, int(until.timestamp()))) + 1)
            limit = end - 1
        else:
            limit = end
        first, count = after, _FIRST_LOOK
        while first < end:
            last = min(end, first + count)
            if Direction(held["direction"]) is Direction.BUY:
                ends = (columns.low[first:last] <= stop) | (columns.high[first:last] >= target)
            else:
                ends = columns.high[first:last] + spread >= stop
                ends |= columns.low[first:last] + spread <= target
            place = int(ends.argmax())
            if ends[place]:
                return first + place
            first, count = last, min(2 * count, _LONGEST_LOOK)
        return limit
