"""Searches of the optimizer run one at a time and end once, in both stores."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from engine.domain.optimizer_run import OptimizerRun, RunResult, RunState, RunWish
from engine.errors import NotFound

WISH = RunWish(strategy_id=UUID(int=5), days=200, folds=3, candidates=9, seed=4, by=7)
LEASE, GONE = timedelta(minutes=1), timedelta(0)
RESULT = RunResult(outside=Decimal("0.25"), trades_outside=30, tried=9, reason="no_better")


async def claim(store: Any, lease: timedelta = LEASE) -> OptimizerRun | None:
    async with store.begin() as tx:
        found: OptimizerRun | None = await tx.optimizer_runs.claim(lease)
        return found


async def test_one_waits_or_runs_at_a_time_and_one_worker_has_it(store: Any) -> None:
    async def add() -> OptimizerRun | None:
        async with store.begin() as tx:
            found: OptimizerRun | None = await tx.optimizer_runs.add(WISH)
            return found

    assert await claim(store) is None
    made = [one for one in await asyncio.gather(*(add() for _ in range(4))) if one]
    assert [(one.wish, one.state) for one in made] == [(WISH, RunState.QUEUED)]
    claimed = [one for one in await asyncio.gather(*(claim(store) for _ in range(4))) if one]
    assert [(one.id, one.state) for one in claimed] == [(made[0].id, RunState.RUNNING)]
    assert await add() is None
    async with store.begin() as tx:
        assert await tx.optimizer_runs.finish(made[0].id, RunState.DONE, RESULT)
        assert not await tx.optimizer_runs.finish(made[0].id, RunState.FAILED, RunResult())
    async with store.begin() as tx:
        last = await tx.optimizer_runs.last()
    assert (last.state, last.result) == (RunState.DONE, RESULT)
    assert last.finished_at >= last.created_at
    assert await claim(store) is None
    assert await add() is not None


async def test_one_whose_worker_is_gone_is_taken_again(store: Any) -> None:
    async with store.begin() as tx:
        assert await tx.optimizer_runs.last() is None
        await tx.optimizer_runs.add(WISH)
    assert await claim(store, GONE) is not None
    again = await claim(store)
    assert again is not None
    assert await claim(store) is None


async def test_how_far_one_is_and_that_it_is_stopped(store: Any) -> None:
    async with store.begin() as tx:
        queued = await tx.optimizer_runs.add(WISH, 70)
        assert await tx.optimizer_runs.note(queued.id, 1, 9, LEASE) is None
        assert await tx.optimizer_runs.cancel(queued.id)
        assert not await tx.optimizer_runs.cancel(queued.id)
        over = await tx.optimizer_runs.get(queued.id)
        assert (over.state, over.cancelled, over.message_id) == (RunState.FAILED, True, 70)
        assert over.result == RunResult(reason="cancelled")
        assert over.finished_at is not None
        run = await tx.optimizer_runs.add(WISH)
    assert await claim(store, GONE) is not None
    async with store.begin() as tx:
        assert await tx.optimizer_runs.note(run.id, 3, 9, LEASE) is False
    assert await claim(store) is None
    async with store.begin() as tx:
        assert await tx.optimizer_runs.cancel(run.id)
        assert await tx.optimizer_runs.note(run.id, 4, 9, LEASE) is True
        first, second = await tx.optimizer_runs.list(2)
        assert (first.id, first.done, first.percent, first.is_under_way) == (run.id, 4, 44, True)
        assert (second.id, second.is_under_way) == (queued.id, False)
        with pytest.raises(NotFound):
            await tx.optimizer_runs.get(run.id + 1)
