"""One search of the optimizer: asked for, run by one worker, ended once."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from engine.domain.change_proposal import FoldFigures

#: Why a search that was stopped proposes nothing.
CANCELLED = "cancelled"


class RunState(StrEnum):
    """QUEUED waits for a worker. FAILED says why in the run's reason."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWish:
    """What to search: a strategy, over so many days up to now, in so many folds, with so many
    candidates drawn with ``seed``.
    """

    strategy_id: UUID
    days: int = 365
    folds: int = 4
    candidates: int = 40
    seed: int = 1
    by: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a search came to: the steps, the mean results of the choices and of the present document
    in the tests, and the proposal that was made, or why none was (a code).
    """

    folds: tuple[FoldFigures, ...] = ()
    outside: Decimal | None = None
    baseline: Decimal | None = None
    trades_outside: int = 0
    tried: int = 0
    proposal_id: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerRun:
    """A search and how it stands: ``done`` of at most ``total`` trials. ``message_id`` is the
    message of the chat that shows it to whoever asked; ``cancelled`` whether somebody stopped it.
    """

    id: int
    wish: RunWish
    state: RunState
    created_at: datetime
    finished_at: datetime | None = None
    result: RunResult | None = None
    message_id: int | None = None
    done: int = 0
    total: int = 0
    cancelled: bool = False

    @property
    def is_under_way(self) -> bool:
        """Whether it may still change."""
        return self.state in (RunState.QUEUED, RunState.RUNNING)

    @property
    def percent(self) -> int:
        """How much of it is done, 0 to 100."""
        return 100 * self.done // self.total if self.total else 0
