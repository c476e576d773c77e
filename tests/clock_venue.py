"""A remote venue whose market is a function of the clock: every process sees the same one.

A candle lasts ``seconds`` of real time, by any name of a timeframe; its prices are the recording's.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from broker.feeds.recorded import shipped_recording
from broker.instruments import instrument
from engine.domain import market as domain
from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.errors import FeedError
from engine.ports import Clock

BARS = shipped_recording().candles


def wall() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def shorten(timeframe: Timeframe, seconds: int) -> None:
    """Let the candles of a timeframe last so long in this process, so that many close soon."""
    domain._LENGTHS[timeframe] = timedelta(seconds=seconds)


def named(count: int) -> tuple[str, ...]:
    """So many symbols."""
    return tuple(f"S{number:03}USD" for number in range(count))


@dataclass(frozen=True)
class ClockVenue:
    """The port ``MarketData``; every answer takes ``latency`` seconds, as a network does."""

    latency: float = 0.03
    page: int = 1000
    clock: Clock = wall

    async def instant(self) -> datetime:
        return self.clock()

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        await asyncio.sleep(self.latency)
        step = timeframe.length.total_seconds()
        last = int(self.clock().timestamp() // step) - 1
        first = last - min(count, self.page) + 1
        return tuple(self.candle(symbol, number, step) for number in range(first, last + 1))

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        await asyncio.sleep(self.latency)
        step = timeframe.length.total_seconds()
        last = int(self.clock().timestamp() // step) - 1
        first = int(after.timestamp() // step) + 1
        ends = min(last, first + self.page - 1)
        return tuple(self.candle(symbol, number, step) for number in range(first, ends + 1))

    def candle(self, symbol: str, number: int, step: float) -> Candle:
        """The candle that opened so many steps after 1970."""
        bar = BARS[(number + 30 * int(symbol[1:4])) % len(BARS)]
        return replace(bar, time=datetime.fromtimestamp(number * step, UTC))

    async def quote(self, symbol: str) -> Quote | None:
        await asyncio.sleep(self.latency)
        now = self.clock()
        step = Timeframe.M1.length.total_seconds()
        bid = self.candle(symbol, int(now.timestamp() // step) - 1, step).close
        return Quote(bid, bid + type(bid)("0.00008"), now)

    async def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        return {}

    async def instrument(self, symbol: str) -> Instrument:
        await asyncio.sleep(self.latency)
        if not symbol.startswith("S"):
            raise FeedError(f"there is no {symbol}")
        known = instrument("EURUSD")
        return replace(known, symbol=symbol, base=symbol[:4])
