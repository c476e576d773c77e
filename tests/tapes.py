"""A market of several symbols that are played side by side, made of the shipped recording."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from broker.feeds.recorded import shipped_recording
from broker.instruments import instrument
from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.domain.values import quantize
from engine.errors import NotFound


@dataclass(frozen=True, slots=True)
class Tape:
    """One symbol's candles, its specification and its spread in price."""

    candles: Sequence[Candle]
    instrument: Instrument
    spread: Decimal


class Tapes:
    """The port ``MarketData``: ``played`` candles of every symbol have closed."""

    def __init__(self, tapes: Mapping[str, Tape], *, played: int) -> None:
        self.tapes = tapes
        self.played = played
        self._times = [candle.time for candle in next(iter(tapes.values())).candles]

    def advance(self) -> None:
        """Close the next candle of every symbol."""
        self.played += 1

    def _tape(self, symbol: str) -> Tape:
        if symbol not in self.tapes:
            raise NotFound(f"there is no tape of {symbol}")
        return self.tapes[symbol]

    async def instant(self) -> datetime:
        return self._times[self.played - 1] + Timeframe.H1.length

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        if timeframe is not Timeframe.H1:
            raise NotFound(f"there is no {timeframe} tape of {symbol}")
        shown = self._tape(symbol).candles[max(0, self.played - count) : self.played]
        return tuple(shown)

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        first = bisect_right(self._times, after)
        return tuple(self._tape(symbol).candles[first : self.played])

    async def quote(self, symbol: str) -> Quote | None:
        tape = self._tape(symbol)
        bid = tape.candles[self.played - 1].close
        return Quote(bid, bid + tape.spread, await self.instant())

    async def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        known = {symbol: await self.quote(symbol) for symbol in wanted if symbol in self.tapes}
        return {symbol: quote for symbol, quote in known.items() if quote is not None}

    async def instrument(self, symbol: str) -> Instrument:
        return self._tape(symbol).instrument


def tape(symbol: str, *, scale: str, later: int, spread_pips: str) -> Tape:
    """The recording's prices times ``scale``, ``later`` candles on, under its own times."""
    known = instrument(symbol)
    recorded = shipped_recording().candles
    factor = Decimal(scale)
    candles = [
        Candle(
            stamp.time,
            *(
                quantize(getattr(shown, name) * factor, known.digits)
                for name in ("open", "high", "low", "close")
            ),
            shown.volume,
        )
        for stamp, shown in zip(recorded, recorded[later:], strict=False)
    ]
    return Tape(candles, known, Decimal(spread_pips) * known.pip)


def five() -> dict[str, Tape]:
    """Two dollar pairs, a yen pair, gold and an index, none of them in step with another."""
    return {
        "EURUSD": tape("EURUSD", scale="1", later=0, spread_pips="0.8"),
        "GBPUSD": tape("GBPUSD", scale="1.15", later=400, spread_pips="1.1"),
        "USDJPY": tape("USDJPY", scale="98", later=900, spread_pips="0.9"),
        "XAUUSD": tape("XAUUSD", scale="1700", later=1500, spread_pips="2.0"),
        "US500": tape("US500", scale="3600", later=2100, spread_pips="0.5"),
    }


def many(count: int) -> dict[str, Tape]:
    """So many symbols like EURUSD, thirty candles apart."""
    recorded, known = shipped_recording().candles, instrument("EURUSD")
    found = {}
    for number in range(count):
        symbol = f"S{number:02}USD"
        shifted = zip(recorded, recorded[number * 30 :], strict=False)
        found[symbol] = Tape(
            [replace(shown, time=stamp.time) for stamp, shown in shifted],
            replace(known, symbol=symbol, base=symbol[:3]),
            Decimal("0.00008"),
        )
    return found
