"""Which candles were judged, and how."""

from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime
from typing import Protocol
from uuid import UUID

from engine.domain.decision import GateSnapshot
from engine.domain.market import Timeframe

#: A symbol's candles of one timeframe, and one of them by when it opened.
Watched = tuple[str, Timeframe]
Closed = tuple[str, Timeframe, datetime]


class Evaluations(Protocol):
    """Which candle of which strategy was judged; a second judgement is refused."""

    async def claim(self, candles: Collection[Closed]) -> Set[Closed]:
        """Those of them that nobody had; each is answered to exactly one transaction."""
        ...

    async def known(self, symbol: str, timeframe: Timeframe, candle: datetime) -> bool:
        """Whether a candle needs no judging any more: it was judged, or nothing is judged now."""
        ...

    async def latest(
        self, watched: Collection[Watched]
    ) -> Mapping[Watched, Mapping[UUID, GateSnapshot]]:
        """The last evaluation of each strategy, where there was one."""
        ...

    async def record(self, evaluations: Sequence[GateSnapshot]) -> None:
        """Keep evaluations, in their order; they are never changed."""
        ...
