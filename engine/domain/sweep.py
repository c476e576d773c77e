"""A sweep: one backtest for each point of a grid, and what came of each."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID


class ShardState(StrEnum):
    """How one run of a sweep stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardFigures:
    """What one run came to; money in account currency. What cannot be said of so few trades is
    None. ``decisions`` is the hash of its decision stream.
    """

    trades: int
    profit: Decimal
    win_rate: Decimal | None
    profit_factor: Decimal | None
    expectancy: Decimal | None
    drawdown_percent: Decimal
    decisions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One run: its place in the sweep, its values by path, and its plan as a document. ``claim``
    counts who has taken it: only the last one's result is kept.
    """

    sweep_id: UUID
    number: int
    point: tuple[tuple[str, str], ...]
    plan: dict[str, Any]
    state: ShardState = ShardState.WAITING
    claim: int = 0
    figures: ShardFigures | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A sweep and how far it is; ``source`` names the candles. ``person_id`` is who wants it, None
    the command line, and ``message_id`` the message of the chat that shows it.
    """

    id: UUID
    title: str
    source: str
    created_at: datetime
    cancelled: bool
    total: int
    done: int
    failed: int
    person_id: int | None = None
    message_id: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing of it will be run any more."""
        return self.cancelled or self.done + self.failed == self.total

    @property
    def percent(self) -> int:
        """How much of it is done, 0 to 100."""
        return 100 * (self.done + self.failed) // self.total if self.total else 0
