"""Paper over a market that moves by itself: its prices are the venue's, its orders nobody's."""

from collections.abc import Awaitable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.errors import BrokerSilent, FeedError
from engine.ports import MarketData

Told = TypeVar("Told")


@dataclass(frozen=True, kw_only=True)
class PricedMarket:
    """The port ``MarketData`` as the paper broker needs it: a market that does not answer is a
    venue that does not answer, :class:`BrokerSilent`.
    """

    market: MarketData

    async def instant(self) -> datetime:
        """As the market's; so are all the others."""
        return await _heard(self.market.instant())

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        return await _heard(self.market.candles(symbol, timeframe, count))

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        return await _heard(self.market.candles_since(symbol, timeframe, after))

    async def quote(self, symbol: str) -> Quote | None:
        return await _heard(self.market.quote(symbol))

    async def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        return await _heard(self.market.rates(wanted))

    async def instrument(self, symbol: str) -> Instrument:
        return await _heard(self.market.instrument(symbol))


async def _heard(asked: Awaitable[Told]) -> Told:
    try:
        return await asked
    except FeedError as error:
        raise BrokerSilent(str(error)) from error
