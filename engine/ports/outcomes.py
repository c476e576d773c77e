"""What the market did after each idea."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from engine.domain.market import Timeframe
from engine.domain.outcome import Answered, Outcome, Progress, Tally


class Outcomes(Protocol):
    """How far each idea was followed, and how it ended."""

    async def due(
        self, symbol: str, timeframe: Timeframe, *, before: datetime, limit: int
    ) -> Sequence[tuple[UUID, Progress | None]]:
        """Ideas without an outcome whose last counted candle opened before an instant: those never
        followed (None) first, then the ones left longest ago.
        """
        ...

    async def save(self, idea_id: UUID, step: Progress | Outcome) -> None:
        """Store how far an idea is; never back in time, and never over an outcome."""
        ...

    async def of_idea(self, idea_id: UUID) -> Progress | Outcome | None:
        """How far one idea is; None before it was first followed."""
        ...

    async def tallies(self) -> Sequence[Tally]:
        """Every idea, counted by score, strategy, symbol and result."""
        ...

    async def answered(self, person_id: int) -> Sequence[Answered]:
        """The ideas a person answered, and those nobody did."""
        ...
