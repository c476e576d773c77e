"""Where the optimizer's searches are kept."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from engine.domain.optimizer_run import OptimizerRun, RunResult, RunState, RunWish


class OptimizerRuns(Protocol):
    """Searches: one at a time."""

    async def add(self, wish: RunWish, message_id: int | None = None) -> OptimizerRun | None:
        """Ask for a search; None while another is queued or running."""
        ...

    async def get(self, id_: int) -> OptimizerRun:
        """One search; raises :class:`NotFound`."""
        ...

    async def list(self, limit: int) -> Sequence[OptimizerRun]:
        """The newest ones first."""
        ...

    async def cancel(self, id_: int) -> bool:
        """Stop one: one that is queued is over, one that runs is told. False when it has ended."""
        ...

    async def note(self, id_: int, done: int, total: int, lease: timedelta) -> bool | None:
        """Note how far one is and keep it for so long more: whether somebody stopped it. None when
        it does not run any more.
        """
        ...

    async def claim(self, lease: timedelta) -> OptimizerRun | None:
        """Take the one that is queued, or whose worker was not heard of for its lease; only one of
        many askers gets it.
        """
        ...

    async def finish(self, id_: int, state: RunState, result: RunResult) -> bool:
        """End one that is running; False when it has ended before."""
        ...

    async def last(self) -> OptimizerRun | None:
        """The newest."""
        ...
