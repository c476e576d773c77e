"""The world the loop looks at: time, market data, calendar, news."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.domain.snapshot import CalendarView, Headline

#: Now, aware and in UTC. The wall's time: what approvals and orders live by.
Clock = Callable[[], datetime]


class MarketData(Protocol):
    """Candles and quotes. ``instant`` is the market's own time, which a recording plays at its
    own pace; sessions, news and the broker's day are measured on it.
    """

    async def instant(self) -> datetime:
        """The market time now."""
        ...

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        """The last ``count`` closed candles, oldest first; fewer when there are no more."""
        ...

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        """Closed candles that opened after ``after``, oldest first."""
        ...

    async def quote(self, symbol: str) -> Quote | None:
        """The current quote, or None when there is none to deal at."""
        ...

    async def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        """The current quotes of those symbols that the market has; the others are left out.

        It is asked for every pair that could turn one currency into another, so that an unknown
        symbol is no error here.
        """
        ...

    async def instrument(self, symbol: str) -> Instrument:
        """The symbol's specification; raises ``NotFound`` for a symbol the venue lacks."""
        ...


@runtime_checkable
class ManyCandles(Protocol):
    """A market that can read the candles of many streams in one go."""

    async def candles_of(
        self, streams: Collection[tuple[str, Timeframe]], count: int
    ) -> Mapping[tuple[str, Timeframe], tuple[Candle, ...]]:
        """As ``MarketData.candles`` for each; a stream it has none of is missing."""
        ...


class Calendar(Protocol):
    """Economic releases."""

    async def around(self, instant: datetime) -> CalendarView | None:
        """Releases of the day before to the week after; None when nothing is known."""
        ...


class News(Protocol):
    """Headlines: untrusted text."""

    async def latest(self, instant: datetime) -> tuple[Headline, ...]:
        """The newest headlines first, none published after the instant."""
        ...
