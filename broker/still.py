"""The market of one moment, for whoever asks the same of it for each of many trades."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.ports import MarketData


@dataclass(frozen=True, kw_only=True)
class StillMarket:
    """The port ``MarketData``, asked once for each thing: a thousand trades of a symbol are valued
    at one quote, and not at one each. For the length of one look only; nothing is kept longer.
    """

    market: MarketData
    _seen: dict[tuple[Any, ...], Any] = field(default_factory=dict, init=False)

    async def instant(self) -> datetime:
        """As the market's; so are all the others."""
        found: datetime = await self._once(self.market.instant)
        return found

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        found: tuple[Candle, ...] = await self._once(self.market.candles, symbol, timeframe, count)
        return found

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        asked = self.market.candles_since
        found: tuple[Candle, ...] = await self._once(asked, symbol, timeframe, after)
        return found

    async def quote(self, symbol: str) -> Quote | None:
        found: Quote | None = await self._once(self.market.quote, symbol)
        return found

    async def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        found: Mapping[str, Quote] = await self._once(self.market.rates, tuple(sorted(wanted)))
        return found

    async def instrument(self, symbol: str) -> Instrument:
        found: Instrument = await self._once(self.market.instrument, symbol)
        return found

    async def _once(self, ask: Callable[..., Awaitable[Any]], *what: Any) -> Any:
        key = (ask.__name__, *what)
        if key not in self._seen:
            self._seen[key] = await ask(*what)
        return self._seen[key]
