"""Which candles were judged."""

from datetime import datetime
from typing import Protocol

from engine.domain.market import Timeframe


class Evaluations(Protocol):
    """Which candle of which strategy was judged; a second judgement is refused."""

    async def claim(self, symbol: str, timeframe: Timeframe, candle: datetime) -> bool:
        """True for exactly one transaction per candle."""
        ...

    async def known(self, symbol: str, timeframe: Timeframe, candle: datetime) -> bool:
        """Whether a candle needs no judging any more: it was judged, or nothing is judged now."""
        ...
