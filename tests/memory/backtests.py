"""Backtests in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.domain.backtest import BacktestRun, RunState, Wish
from engine.errors import NotFound
from engine.ports import Clock
from engine.ports.backtests import RunFiles
from tests.memory.rows import View

_TABLE = "backtest"
_Row = tuple[BacktestRun, datetime | None, RunFiles | None]


class MemoryBacktests:
    """The port ``Backtests`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def add(
        self, id_: UUID, person_id: int | None, message_id: int | None, wish: Wish
    ) -> bool:
        if self._find(id_) is not None or await self.under_way(person_id) is not None:
            return False
        run = BacktestRun(
            id=id_, person_id=person_id, message_id=message_id, wish=wish, state=RunState.WAITING,
            asked_at=self._clock(), changed_at=self._clock(),
        )  # fmt: skip
        await self._view.put(_TABLE, id_, (run, None, None))
        return True

    async def get(self, id_: UUID) -> BacktestRun:
        found = self._find(id_)
        if found is None:
            raise NotFound(f"there is no backtest {id_}")
        return found[0]

    async def list(self, person_id: int | None, limit: int) -> Sequence[BacktestRun]:
        mine = [replace(run, report=None) for run in self._runs() if run.person_id == person_id]
        return sorted(mine, key=lambda run: run.asked_at, reverse=True)[:limit]

    async def under_way(self, person_id: int | None) -> BacktestRun | None:
        mine = (run for run in self._runs() if run.person_id == person_id)
        return next((run for run in mine if run.is_under_way), None)

    async def cancel(self, id_: UUID) -> bool:
        found = self._find(id_)
        if found is None or not found[0].is_under_way:
            return False
        waits = found[0].state is RunState.WAITING
        state = RunState.CANCELLED if waits else found[0].state
        await self._put(found, replace(found[0], cancelled=True, state=state))
        return True

    async def take(self, lease: float) -> BacktestRun | None:
        waiting = [run for run in self._runs() if run.state is RunState.WAITING]
        if not waiting:
            return None
        first = min(waiting, key=lambda run: (run.asked_at, run.id))
        taken = replace(first, state=RunState.RUNNING)
        await self._put(self._view.get(_TABLE, first.id), taken, lease)
        return taken

    async def note(self, id_: UUID, done: int, total: int, lease: float) -> bool | None:
        found = self._find(id_)
        if found is None or found[0].state is not RunState.RUNNING:
            return None
        await self._put(found, replace(found[0], done=done, total=total), lease)
        return found[0].cancelled

    async def finish(
        self,
        id_: UUID,
        state: RunState,
        *,
        report: dict[str, Any] | None = None,
        problem: str | None = None,
        files: RunFiles | None = None,
    ) -> bool:
        found = self._find(id_)
        if found is None or found[0].state is not RunState.RUNNING:
            return False
        ended = replace(
            found[0], state=state, report=report, problem=problem, changed_at=self._clock()
        )
        await self._view.put(_TABLE, id_, (ended, None, files))
        return True

    async def break_off(self) -> Sequence[BacktestRun]:
        broken = []
        for found in self._view.all(_TABLE):
            run, until, _ = found
            if run.state is RunState.RUNNING and until is not None and until < self._clock():
                broken.append(replace(run, state=RunState.BROKEN_OFF))
                await self._put(found, broken[-1])
        return broken

    async def files(self, id_: UUID) -> RunFiles:
        found = self._find(id_)
        if found is None or found[2] is None:
            raise NotFound(f"there is no report of backtest {id_}")
        return found[2]

    def _find(self, id_: UUID) -> _Row | None:
        found: _Row | None = self._view.get(_TABLE, id_)
        return found

    def _runs(self) -> Sequence[BacktestRun]:
        return [run for run, _, _ in self._view.all(_TABLE)]

    async def _put(self, row: _Row, run: BacktestRun, lease: float | None = None) -> None:
        until = None if lease is None else self._clock() + timedelta(seconds=lease)
        changed = replace(run, changed_at=self._clock())
        await self._view.put(_TABLE, run.id, (changed, until, row[2]))
