"""Which candles were judged, and how."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from engine.domain.decision import GateSnapshot
from engine.domain.market import Timeframe


class Evaluations(Protocol):
    """Which candle of which strategy was judged; a second judgement is refused."""

    async def claim(self, symbol: str, timeframe: Timeframe, candle: datetime) -> bool:
        """True for exactly one transaction per candle."""
        ...

    async def known(self, symbol: str, timeframe: Timeframe, candle: datetime) -> bool:
        """Whether a candle needs no judging any more: it was judged, or nothing is judged now."""
        ...

    async def latest(self, symbol: str, timeframe: Timeframe) -> Mapping[UUID, GateSnapshot]:
        """The last evaluation of each strategy on the symbol."""
        ...

    async def record(self, evaluations: Sequence[GateSnapshot]) -> None:
        """Keep evaluations, in their order; they are never changed."""
        ...
