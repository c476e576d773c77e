"""A recorded market, played candle by candle; its place is kept outside, for all processes."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from importlib.resources import as_file, files
from pathlib import Path

from broker.feeds.csv_candles import read_candles
from broker.instruments import instrument
from broker.terms import FREE, Terms
from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.errors import InvalidInput, NotFound
from engine.ports import Clock, VenueLedger


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Candles of one symbol and timeframe, oldest first, and the spread to deal them at."""

    name: str
    symbol: str
    timeframe: Timeframe
    candles: Sequence[Candle]
    spread_pips: str = "0.8"

    @cached_property
    def times(self) -> list[datetime]:
        """When each candle opened."""
        return [candle.time for candle in self.candles]


@cache
def shipped_recording() -> Recording:
    """EUR/USD, 5,000 hourly candles of 2017 and 2018; data/ORIGIN.md says whence."""
    with as_file(files("broker.feeds.data") / "eurusd-h1.csv") as path:
        candles = read_candles(path, Timeframe.H1)
    return Recording(name="eurusd-h1", symbol="EURUSD", timeframe=Timeframe.H1, candles=candles)


def read_recording(path: Path) -> Recording:
    """A recording of one's own, from a file named ``<symbol>-<timeframe>.csv`` with UTC times."""
    symbol, _, timeframe = path.stem.upper().rpartition("-")
    if not symbol or timeframe not in list(Timeframe):
        raise InvalidInput(f"{path.name} must be named as ai-trader import does: eurusd-h1.csv")
    candles = read_candles(path, Timeframe(timeframe))
    return Recording(
        name=f"own:{path.stem}", symbol=symbol, timeframe=Timeframe(timeframe), candles=candles
    )


class RecordedMarket:
    """The port ``MarketData`` over one recording, which is played candle by candle.

    The market time is when the last played candle closed. The place is a document in the ledger, so
    that any number of workers see the same market and only one of them moves it on. ``terms`` are
    those of the venue that trades in it.
    """

    def __init__(
        self, recording: Recording, ledger: VenueLedger, *, start: int, terms: Terms = FREE
    ) -> None:
        if not 0 < start < len(recording.candles):
            raise InvalidInput(f"a recording of {len(recording.candles)} cannot start at {start}")
        self.recording = recording
        self._ledger = ledger
        self._start = start
        self._instrument = terms.of(instrument(recording.symbol))

    @property
    def _document(self) -> str:
        return f"recording:{self.recording.name}"

    async def played(self) -> int:
        """How many candles have closed."""
        document = await self._ledger.read(self._document)
        return int(document.get("played", self._start))

    async def advance(
        self, clock: Clock, pace: timedelta, *, after: datetime | None = None
    ) -> Candle | None:
        """Close the next candle if the last one closed ``pace`` ago; None when it is not time yet,
        somebody else just did, or the recording is over. ``after`` is the instant that the caller
        has dealt with: from another one it is not moved on, so that nobody skips a candle.
        """
        now = clock()
        async with self._ledger.open(self._document) as document:
            played = int(document.get("played", self._start))
            last = document.get("at")
            if last is not None and now < datetime.fromisoformat(last) + pace:
                return None
            if played >= len(self.recording.candles):
                return None
            if after is not None and self._closed(played) != after:
                return None
            document["played"], document["at"] = played + 1, now.isoformat()
            return self.recording.candles[played]

    async def rest(self, clock: Clock) -> None:
        """Hold the tape: the pace counts from now."""
        async with self._ledger.open(self._document) as document:
            document.setdefault("played", self._start)
            document["at"] = clock().isoformat()

    async def instant(self) -> datetime:
        """When the last played candle closed."""
        return self._closed(await self.played())

    def _closed(self, played: int) -> datetime:
        return self.recording.candles[played - 1].time + self.recording.timeframe.length

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        self._check(symbol, timeframe)
        played = await self.played()
        return tuple(self.recording.candles[max(0, played - count) : played])

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        self._check(symbol, timeframe)
        first = bisect_right(self.recording.times, after)
        return tuple(self.recording.candles[first : await self.played()])

    async def quote(self, symbol: str) -> Quote | None:
        """Bid is the last close; the ask is the fixed spread above it."""
        self._check(symbol, self.recording.timeframe)
        played = await self.played()
        bid = self.recording.candles[played - 1].close
        spread = type(bid)(self.recording.spread_pips) * self._instrument.pip
        return Quote(bid, bid + spread, self._closed(played))

    async def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        """The recording's own quote, if it is wanted: a recording holds no other."""
        symbol = self.recording.symbol
        quote = await self.quote(symbol) if symbol in wanted else None
        return {} if quote is None else {symbol: quote}

    async def instrument(self, symbol: str) -> Instrument:
        self._check(symbol, self.recording.timeframe)
        return self._instrument

    def _check(self, symbol: str, timeframe: Timeframe) -> None:
        if symbol != self.recording.symbol or timeframe is not self.recording.timeframe:
            raise NotFound(
                f"the recording holds no {timeframe} candles of {symbol}",
                symbol=symbol[:24], timeframe=str(timeframe),
            )  # fmt: skip
