"""The optimizer's searches, in memory."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from engine.domain.optimizer_run import OptimizerRun, RunResult, RunState, RunWish
from engine.ports import Clock
from tests.memory.rows import View

_TABLE, _LEASES, _DOOR = "optimizer run", "optimizer lease", "optimizer door"
_OPEN = (RunState.QUEUED, RunState.RUNNING)


class MemoryOptimizerRuns:
    """The port ``OptimizerRuns`` in one transaction."""

    def __init__(self, view: View, clock: Clock, numbers: "count[int]") -> None:
        self._view, self._clock, self._numbers = view, clock, numbers

    async def add(self, wish: RunWish) -> OptimizerRun | None:
        await self._view.lock(_DOOR, 1)
        last = await self.last()
        if last is not None and last.state in _OPEN:
            return None
        run = OptimizerRun(
            id=next(self._numbers), wish=wish, state=RunState.QUEUED, created_at=self._clock()
        )
        await self._view.insert(_TABLE, run.id, run)
        return run

    async def claim(self, lease: timedelta) -> OptimizerRun | None:
        last, now = await self.last(), self._clock()
        if last is None or self._view.is_held(_TABLE, last.id) or last.state not in _OPEN:
            return None
        until: datetime | None = self._view.get(_LEASES, last.id)
        if last.state is RunState.RUNNING and until is not None and until > now:
            return None
        claimed = replace(last, state=RunState.RUNNING)
        await self._view.put(_TABLE, last.id, claimed)
        await self._view.put(_LEASES, last.id, now + lease)
        return claimed

    async def finish(self, id_: int, state: RunState, result: RunResult) -> bool:
        await self._view.lock(_TABLE, id_)
        found: OptimizerRun | None = self._view.get(_TABLE, id_)
        if found is None or found.state is not RunState.RUNNING:
            return False
        ended = replace(found, state=state, result=result, finished_at=self._clock())
        await self._view.put(_TABLE, id_, ended)
        return True

    async def last(self) -> OptimizerRun | None:
        return max(self._view.all(_TABLE), key=lambda run: run.id, default=None)
