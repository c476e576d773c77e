"""The market of one moment, as the paper venue deals in it: whatever is asked, nothing waits."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from broker.held import Held
from engine.domain.conversion import pairs
from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.ports import MarketData


class Moment(Protocol):
    """A market that stands still. It is asked for symbols that are held or dealt in only."""

    @property
    def instant(self) -> datetime:
        """The market's own time."""
        ...

    def quote(self, symbol: str) -> Quote | None:
        """The quote, or None when there is none to deal at."""
        ...

    def instrument(self, symbol: str) -> Instrument:
        """The symbol's specification."""
        ...

    def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        """The quotes of those of these symbols that there are."""
        ...

    def candles_since(self, symbol: str, after: datetime) -> Sequence[Candle]:
        """Closed candles that opened after ``after``, oldest first."""
        ...

    def last_opened(self, symbol: str) -> datetime | None:
        """When the last closed candle of an order's symbol opened; None before the first."""
        ...


@dataclass(frozen=True, kw_only=True)
class StillMarket:
    """What was read of a market in one look."""

    instant: datetime
    quotes: Mapping[str, Quote | None]
    instruments: Mapping[str, Instrument]
    others: Mapping[str, Quote]
    candles: Mapping[tuple[str, datetime], Sequence[Candle]]
    last: datetime | None

    def quote(self, symbol: str) -> Quote | None:
        """As :class:`Moment` has it; so are all the others."""
        return self.quotes[symbol]

    def instrument(self, symbol: str) -> Instrument:
        return self.instruments[symbol]

    def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        return {symbol: self.others[symbol] for symbol in wanted if symbol in self.others}

    def candles_since(self, symbol: str, after: datetime) -> Sequence[Candle]:
        return self.candles[symbol, after]

    def last_opened(self, symbol: str) -> datetime | None:
        return self.last


async def stand_still(
    market: MarketData,
    held: Iterable[Held],
    *,
    timeframe: Timeframe,
    currency: str,
    order_of: str | None = None,
) -> StillMarket:
    """Read what positions, and an order of a symbol, need to be played and valued in a currency.

    Each thing is asked for once, however many positions want it. Raises ``NotFound`` for a symbol
    the market lacks.
    """
    seen = sorted({(each.symbol, each.seen) for each in held})
    symbols = sorted({symbol for symbol, _ in seen} | ({order_of} if order_of else set()))
    instruments = {symbol: await market.instrument(symbol) for symbol in symbols}
    wanted = {pair for known in instruments.values() for pair in pairs(known, currency)}
    ends = await market.candles(order_of, timeframe, 1) if order_of else ()
    return StillMarket(
        instruments=instruments,
        last=ends[-1].time if ends else None,
        quotes={symbol: await market.quote(symbol) for symbol in symbols},
        others=await market.rates(sorted(wanted)) if wanted else {},
        candles={key: await market.candles_since(key[0], timeframe, key[1]) for key in seen},
        instant=await market.instant(),
    )
