"""PostgreSQL goes while a task is about to begin: the task and the pool go on afterwards."""

import asyncio
import gc
import threading
from typing import Any

import asyncpg
import pytest
from asyncpg.pool import PoolConnectionHolder

from bot.running import surely
from storage.database import open_database
from storage.transaction import PostgresStore
from tests.conftest import Database

_END_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def end_connections(url: str) -> None:
    """End every connection while this thread's loop stands still, so that it notices nothing."""

    async def end() -> None:
        db = await asyncpg.connect(url)
        await db.execute(_END_ALL)
        await db.close()

    thread = threading.Thread(target=lambda: asyncio.run(end()))
    thread.start()
    thread.join()


async def test_a_task_goes_on_after_its_begin_met_a_dead_connection(database: Database) -> None:
    async with open_database(database.url, pool=2):
        store, failed = PostgresStore(), 0
        for _ in range(4):  # more often than the pool has connections
            await begin(store)
            end_connections(database.owner_url)
            for _ in range(3):  # each that is dead may be met once
                try:
                    await begin(store)
                except Exception:
                    failed += 1
                await asyncio.sleep(0.01)
            async with asyncio.timeout(10):
                await begin(store)
        assert failed > 0, "no begin met a dead connection"


async def test_who_is_cancelled_on_the_way_back_into_the_pool_leaves_no_error(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Ctrl-C may meet it: the pool ends by itself what it has begun."""
    said: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: said.append(str(context)))
    release, releasing = PoolConnectionHolder.release, asyncio.Event()

    async def slow(*given: Any) -> None:
        releasing.set()
        await release(*given)

    async with open_database(database.url, pool=1):
        store = PostgresStore()
        await begin(store)
        monkeypatch.setattr(PoolConnectionHolder, "release", slow)
        for _ in range(3):
            releasing.clear()
            task = asyncio.ensure_future(begin(store))
            await releasing.wait()
            await asyncio.sleep(0)  # the question is asked, and not answered yet
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(5):
                await begin(store)  # the one connection is there again
    gc.collect()
    await asyncio.sleep(0)
    assert said == []


async def begin(store: PostgresStore) -> None:
    """A transaction of this very task."""
    async with store.begin() as tx:
        await tx.now()


async def test_a_first_step_is_tried_again_until_it_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.running._PAUSE_SECONDS", 0.001)
    tries = []

    async def step() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise asyncpg.ConnectionDoesNotExistError("gone")

    await surely(step, "the step")
    assert len(tries) == 3
