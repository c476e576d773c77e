"""A busy worker over a real Redis that is told to stop leaves nothing half done."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.asyncio.client import Pipeline

from bot.worker import encode, open_queue, work_off
from storage.embedded import Servers

JOBS = 8


@pytest.fixture
async def pool(servers: Servers) -> AsyncIterator[ArqRedis]:
    """A queue in which some jobs wait."""
    async with open_queue(servers.redis_url) as pool:
        await pool.flushdb()
        for _ in range(JOBS):
            await pool.enqueue_job("job")
        yield pool
        await pool.flushdb()


def worker_of(pool: ArqRedis, job: Any) -> Worker:
    return Worker(
        functions=[func(job, name="job")], redis_pool=pool, handle_signals=False, poll_delay=0.02,
        keep_result=0, max_jobs=10, job_serializer=encode, job_deserializer=json.loads,
    )  # fmt: skip


async def stop(running: "asyncio.Task[None]") -> None:
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def many(begun: list[str]) -> None:
    """Wait until every job is begun, and the worker looks at them again, as it always does."""
    while len(begun) < JOBS:  # noqa: ASYNC110 -- the jobs tell nobody
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)


async def test_a_stop_leaves_no_connection_behind(
    pool: ArqRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    reset = Pipeline.reset
    talks: list[str] = []

    async def slowly(self: Any) -> None:
        if self.watching:
            talks.append("begun")
            await asyncio.sleep(0.2)
            talks.append("ended")
        await reset(self)

    monkeypatch.setattr(Pipeline, "reset", slowly)
    said: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: said.append(context["message"])
    )
    begun: list[str] = []

    async def job(_: Any) -> None:
        begun.append("a job")
        await asyncio.sleep(60)

    running = asyncio.ensure_future(work_off(worker_of(pool, job), patience=0.1))
    await many(begun)
    assert talks.count("begun") == talks.count("ended") + 1
    await stop(running)
    del running  # nothing holds what was left behind any more
    gc.collect()
    assert talks.count("begun") == talks.count("ended")
    assert said == []


async def test_what_soon_ends_ends_and_what_hangs_comes_again(pool: ArqRedis) -> None:
    begun: list[str] = []
    ended: list[str] = []

    async def job(_: Any) -> None:
        begun.append("a job")
        is_quick = len(begun) % 2
        await asyncio.sleep(0.2 if is_quick else 60)
        ended.append("a job")

    running = asyncio.ensure_future(work_off(worker_of(pool, job), patience=0.5))
    await many(begun)
    async with asyncio.timeout(5):
        await stop(running)
    assert len(ended) == JOBS / 2
    # The connections are still open, and the queue knows what was done and what waits.
    assert await pool.zcard("arq:queue") == JOBS / 2
    assert await pool.keys("arq:in-progress:*") == []


async def test_who_stops_at_once_begins_nothing(pool: ArqRedis) -> None:
    begun: list[str] = []

    async def job(_: Any) -> None:
        begun.append("a job")

    running = asyncio.ensure_future(work_off(worker_of(pool, job), patience=5))
    await asyncio.sleep(0)
    await stop(running)
    assert begun == []
    assert await pool.zcard("arq:queue") == JOBS
