"""Backtests: wanted by people, played by workers, each by one of them at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from engine.domain.backtest import BacktestRun, RunState, Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """What is shown of a finished run: the page as HTML, the curve as PNG."""

    page: bytes
    picture: bytes


class Backtests(Protocol):
    """Runs, with the database's clock."""

    async def add(
        self, id_: UUID, person_id: int | None, message_id: int | None, wish: Wish
    ) -> bool:
        """Put one down to be played; False when this person has one under way."""
        ...

    async def get(self, id_: UUID) -> BacktestRun:
        """One run; raises :class:`NotFound`."""
        ...

    async def list(self, person_id: int | None, limit: int) -> Sequence[BacktestRun]:
        """The last runs of a person without their reports, the newest first."""
        ...

    async def under_way(self, person_id: int | None) -> BacktestRun | None:
        """A person's run that waits or is played."""
        ...

    async def cancel(self, id_: UUID) -> bool:
        """Ask a run to stop: one that waits is over, one that is played will be told. False for one
        that has ended.
        """
        ...

    async def take(self, lease: float) -> BacktestRun | None:
        """The run that has waited longest is the caller's to play, for so many seconds."""
        ...

    async def note(self, id_: UUID, done: int, total: int, lease: float) -> bool | None:
        """Note how far a run is and keep it for so many seconds more: whether somebody asked it to
        stop. None when it is not the caller's any more.
        """
        ...

    async def finish(
        self,
        id_: UUID,
        state: RunState,
        *,
        report: dict[str, Any] | None = None,
        problem: str | None = None,
        files: RunFiles | None = None,
    ) -> bool:
        """Note what a run that is played came to; False when it is not played any more."""
        ...

    async def break_off(self) -> Sequence[BacktestRun]:
        """Note of runs whose worker was not heard of in time that they ended."""
        ...

    async def files(self, id_: UUID) -> RunFiles:
        """The files of a run; raises :class:`NotFound` where there are none."""
        ...
