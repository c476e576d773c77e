"""A worker that is told to stop lets begun jobs end, for a while."""

import asyncio
from typing import Any

from bot.worker import wind_up


class Stopping:
    """What ``wind_up`` needs of arq's worker."""

    def __init__(self, *jobs: Any) -> None:
        self.allow_pick_jobs = True
        self.tasks = {str(number): asyncio.ensure_future(job) for number, job in enumerate(jobs)}
        self._pool: Any = object()
        self.closed_with: Any = "not closed"

    async def close(self) -> None:
        self.closed_with = self._pool


async def test_a_job_that_soon_ends_is_not_cut_off() -> None:
    ended = []

    async def job() -> None:
        await asyncio.sleep(0.05)
        ended.append("its end")

    worker: Any = Stopping(job())
    await wind_up(worker, patience=5)
    assert ended == ["its end"]
    assert worker.allow_pick_jobs is False
    assert worker.closed_with is None


async def test_a_job_that_hangs_is_cut_off_and_may_still_say_so() -> None:
    told = []

    async def job(worker: Any) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            told.append(worker._pool is not None)

    worker: Any = Stopping()
    worker.tasks["a"] = asyncio.ensure_future(job(worker))
    await wind_up(worker, patience=0.05)
    assert told == [True]
    assert worker.closed_with is None
