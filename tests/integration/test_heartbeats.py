"""Signs of life: a name that will never come back is not shown for ever."""

import asyncio
from contextlib import suppress

import asyncpg

from bot.processes import beating
from storage.heartbeats import ages, beat
from tests.conftest import Database


async def test_a_worker_that_starts_forgets_those_that_are_gone_and_nobody_else(
    opened: Database,
) -> None:
    for name in ("worker:gone", "worker:resting", "bot", "broker:paper-1"):
        await beat(name)
    connection = await asyncpg.connect(opened.url)
    await connection.execute("UPDATE heartbeat SET at = at - interval '6 days'")
    await connection.execute(
        "UPDATE heartbeat SET at = at - interval '2 days' WHERE name <> 'worker:resting'"
    )
    await connection.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await beating("new")()
    assert sorted(await ages()) == ["bot", "broker:paper-1", "worker:new", "worker:resting"]
