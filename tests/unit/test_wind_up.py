"""A worker that is told to stop lets begun jobs end, for a while."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from arq.jobs import serialize_job
from arq.worker import Worker, func

from bot import worker as ours
from bot.worker import encode, wind_up


class Queue:
    """What arq asks of Redis for the one job that waits; each answer takes a while."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.open = True
        #: Commands that were answered, and those that met a queue that was closed.
        self.answered: list[str] = []
        self.met_closed: list[str] = []
        self._asked: list[str] = []

    @asynccontextmanager
    async def pipeline(self, *, transaction: bool) -> AsyncIterator["Queue"]:
        """Itself: one asks at a time."""
        assert transaction
        yield self

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: self._asked.append(name)

    async def execute(self) -> list[Any]:
        """The job, and that this is its first try."""
        asked, self._asked = self._asked, []
        await asyncio.sleep(self.seconds)
        (self.answered if self.open else self.met_closed).extend(asked)
        job = serialize_job("job", (), {}, None, 0, serializer=encode)
        return [job, 1, None]


def begun(queue: Any, job: Callable[[Any], Awaitable[None]]) -> Worker:
    """A real worker of arq's that has taken the job from the queue."""
    worker = Worker(
        functions=[func(job, name="job")], redis_pool=queue, handle_signals=False,
        job_serializer=encode, job_deserializer=json.loads, keep_result=0,
    )  # fmt: skip
    worker.tasks["1"] = asyncio.ensure_future(worker.run_job("1", 0))
    return worker


async def stopped(worker: Worker, queue: Queue, *, patience: float) -> None:
    """As the process does it: once the worker is wound up, its connections are closed. Its loop has
    ended before.
    """
    ended = asyncio.get_running_loop().create_future()
    ended.set_result(None)
    await wind_up(worker, ended, patience=patience)
    queue.open = False
    await asyncio.sleep(0.3)


async def test_a_job_that_soon_ends_is_not_cut_off() -> None:
    ended, queue = [], Queue()

    async def job(_: Any) -> None:
        await asyncio.sleep(0.05)
        ended.append("its end")

    worker = begun(queue, job)
    await stopped(worker, queue, patience=5)
    assert ended == ["its end"]
    assert worker.allow_pick_jobs is False
    assert "zrem" in queue.answered
    assert queue.met_closed == []


async def test_a_job_that_hangs_is_cut_off_cleans_up_undisturbed_and_stays_in_the_queue() -> None:
    told, queue = [], Queue()

    async def job(_: Any) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.2)
            told.append(queue.open)

    await stopped(begun(queue, job), queue, patience=0.05)
    assert told == [True]
    assert queue.answered[-1] == "delete"
    assert "zrem" not in queue.answered
    assert queue.met_closed == []


async def test_what_is_being_written_of_a_job_is_waited_for() -> None:
    queue = Queue(seconds=0.1)

    async def job(_: Any) -> None:
        queue.seconds = 0.2

    worker = begun(queue, job)
    while queue.seconds < 0.2:  # noqa: ASYNC110 -- the job tells nobody
        await asyncio.sleep(0.01)
    await stopped(worker, queue, patience=0)
    assert "zrem" in queue.answered
    assert queue.met_closed == []


async def test_a_job_that_only_begins_is_cut_off_too() -> None:
    queue = Queue(seconds=0.1)

    async def job(_: Any) -> None:
        await asyncio.sleep(60)

    await stopped(begun(queue, job), queue, patience=0)
    assert queue.answered[-1] == "delete"
    assert queue.met_closed == []


async def test_a_queue_that_hangs_does_not_keep_a_stop(monkeypatch: Any) -> None:
    monkeypatch.setattr(ours, "_WRITING_SECONDS", 0.2)
    queue = Queue(seconds=60)

    async def job(_: Any) -> None:
        """Never begun."""

    async with asyncio.timeout(2):
        await stopped(begun(queue, job), queue, patience=0)
    assert queue.answered == []
