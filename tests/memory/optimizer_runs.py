"""The optimizer's searches, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from engine.domain.optimizer_run import CANCELLED, OptimizerRun, RunResult, RunState, RunWish
from engine.errors import NotFound
from engine.ports import Clock
from tests.memory.rows import View

_TABLE, _LEASES, _DOOR = "optimizer run", "optimizer lease", "optimizer door"
_OPEN = (RunState.QUEUED, RunState.RUNNING)


class MemoryOptimizerRuns:
    """The port ``OptimizerRuns`` in one transaction."""

    def __init__(self, view: View, clock: Clock, numbers: "count[int]") -> None:
        self._view, self._clock, self._numbers = view, clock, numbers

    async def add(self, wish: RunWish, message_id: int | None = None) -> OptimizerRun | None:
        await self._view.lock(_DOOR, 1)
        last = await self.last()
        if last is not None and last.state in _OPEN:
            return None
        run = OptimizerRun(
            id=next(self._numbers), wish=wish, state=RunState.QUEUED, created_at=self._clock(),
            message_id=message_id,
        )  # fmt: skip
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

    async def get(self, id_: int) -> OptimizerRun:
        found: OptimizerRun | None = self._view.get(_TABLE, id_)
        if found is None:
            raise NotFound(f"there is no search {id_}")
        return found

    async def list(self, limit: int) -> Sequence[OptimizerRun]:
        found = sorted(self._view.all(_TABLE), key=lambda run: run.id, reverse=True)
        return found[:limit]

    async def cancel(self, id_: int) -> bool:
        await self._view.lock(_TABLE, id_)
        found: OptimizerRun | None = self._view.get(_TABLE, id_)
        if found is None or found.state not in _OPEN:
            return False
        stopped = replace(found, cancelled=True)
        if found.state is RunState.QUEUED:
            stopped = replace(
                stopped, state=RunState.FAILED, finished_at=self._clock(),
                result=RunResult(reason=CANCELLED),
            )  # fmt: skip
        await self._view.put(_TABLE, id_, stopped)
        return True

    async def note(self, id_: int, done: int, total: int, lease: timedelta) -> bool | None:
        found: OptimizerRun | None = self._view.get(_TABLE, id_)
        if found is None or found.state is not RunState.RUNNING:
            return None
        await self._view.put(_TABLE, id_, replace(found, done=done, total=total))
        await self._view.put(_LEASES, id_, self._clock() + lease)
        return found.cancelled

    async def last(self) -> OptimizerRun | None:
        return max(self._view.all(_TABLE), key=lambda run: run.id, default=None)
