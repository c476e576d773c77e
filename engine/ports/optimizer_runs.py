"""Where the optimizer's searches are kept."""

from datetime import timedelta
from typing import Protocol

from engine.domain.optimizer_run import OptimizerRun, RunResult, RunState, RunWish


class OptimizerRuns(Protocol):
    """Searches: one at a time."""

    async def add(self, wish: RunWish) -> OptimizerRun | None:
        """Ask for a search; None while another is queued or running."""
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
