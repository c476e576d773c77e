"""A market of two symbols that is moved by hand, with its calendar."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from broker.instruments import instrument
from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.domain.snapshot import CalendarEvent, CalendarView, Headline
from tests.builders import HOUR, NOW, PIP
from tests.fakes import HandMarket

_KEPT = 64


def _past(price: Decimal) -> list[Candle]:
    """Hours that waver a little, so that every indicator has a figure."""
    bars = []
    for i in range(_KEPT):
        first, last = price + PIP * (i % 3), price + PIP * ((i + 1) % 3)
        high, low = max(first, last) + 5 * PIP, min(first, last) - 5 * PIP
        bars.append(Candle(NOW - HOUR * (_KEPT - i), first, high, low, last, 100))
    return bars


_PAST = {"EURUSD": _past(Decimal("1.10000")), "GBPUSD": _past(Decimal("1.30000"))}
SYMBOLS = tuple(_PAST)


@dataclass
class Book:
    """One symbol: what one can deal at, since when, and what has been."""

    bid: Decimal
    played: list[Candle]
    spread: Decimal = 8 * PIP / 10
    seen: datetime = NOW
    quoted: bool = True


class Stage(HandMarket):
    """The port ``MarketData``; ``point`` is awaited wherever others may come in between."""

    def __init__(self, point: Callable[[], Awaitable[None]]) -> None:
        super().__init__(instrument(SYMBOLS[0]), _PAST[SYMBOLS[0]])
        self._point = point
        self.now = NOW
        self.books = {s: Book(bid=past[-1].close, played=[*past]) for s, past in _PAST.items()}

    def move(self, symbol: str, pips: Decimal) -> None:
        """The price moves, and is quoted now."""
        book = self.books[symbol]
        book.bid, book.seen = book.bid + pips * PIP, self.now

    def end_candle(self) -> None:
        """The hour ends for every symbol."""
        for book in self.books.values():
            last = book.played[-1]
            prices = (last.close, book.bid)
            high, low = max(prices) + 5 * PIP, min(prices) - 5 * PIP
            # An hour without a move is not the one before it shown again.
            volume = last.volume % 900 + 1
            book.played.append(Candle(last.time + HOUR, last.close, high, low, book.bid, volume))
            del book.played[:-_KEPT]
            self.now = max(self.now, last.time + 2 * HOUR)
        for book in self.books.values():
            book.seen = self.now

    async def instant(self) -> datetime:
        await self._point()
        return self.now

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        return tuple(self.books[symbol].played[-count:])

    async def quote(self, symbol: str) -> Quote | None:
        await self._point()
        book = self.books[symbol]
        return Quote(book.bid, book.bid + book.spread, book.seen) if book.quoted else None

    async def instrument(self, symbol: str) -> Instrument:
        return _INSTRUMENTS[symbol]


_INSTRUMENTS = {symbol: instrument(symbol) for symbol in SYMBOLS}


@dataclass
class Releases:
    """The ports ``Calendar`` and ``News``: releases put there by hand, or nothing known."""

    events: list[CalendarEvent] = field(default_factory=list)
    known: bool = True

    async def around(self, instant: datetime) -> CalendarView | None:
        if not self.known:
            return None
        return CalendarView(events=tuple(self.events), known_until=instant + timedelta(days=7))

    async def latest(self, instant: datetime) -> tuple[Headline, ...]:
        return ()
