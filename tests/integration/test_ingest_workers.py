"""Workers side by side over PostgreSQL: one is killed in the middle, none judges another's."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from tortoise import connections

from bot import jobs
from bot.wiring import build_work
from engine.domain.market import Timeframe
from engine.domain.state import TradingState
from engine.errors import FeedError
from storage.locks import Lock
from storage.sole import Sole
from storage.transaction import PostgresStore
from tests.chaos import harness
from tests.clock_venue import ClockVenue, named
from tests.conftest import Database
from tests.ingest_filler import HISTORY, SOURCE, SYMBOLS, filler
from tests.ingest_worker import STRATEGIES, prepare, world_of
from tests.integration.conftest import RecordingBell

HOUR = Timeframe.H1.length


async def rows(query: str, *values: Any) -> list[dict[str, Any]]:
    return await connections.get("default").execute_query_dict(query, list(values))


@contextmanager
def process(url: str, holder: str) -> Iterator["subprocess.Popen[bytes]"]:
    made = subprocess.Popen(
        [sys.executable, "-m", "tests.ingest_filler", url, holder],
        cwd=harness.ROOT, env=harness.environment(), stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield made
    finally:
        made.kill()
        made.wait(30)


async def until(query: str, *values: Any) -> None:
    """Until a query counts something."""
    async with asyncio.timeout(60):
        while True:
            if (await rows(query, *values))[0]["count"]:
                return
            await asyncio.sleep(0.01)


async def test_a_worker_that_is_killed_in_the_middle_of_a_back_fill_loses_nothing(
    opened: Database,
) -> None:
    ours = filler(0.0, "test")
    await ours.spread()
    held = "SELECT count(*) FROM candle_stream WHERE holder = $1 AND leased_until IS NOT NULL"
    some = f"{held} AND filled_from < filled_to AND filled_to < filled_until"
    with process(opened.url, "killed") as killed, process(opened.url, "other"):
        await until(some, "killed")
        killed.kill()
        killed.wait(30)
        (left,) = await rows(held, "killed")
        # The other one passes over what the dead one held, and fills the rest.
        await until(
            "SELECT (count(*) = $1)::int AS count FROM candle_stream"
            " WHERE filled_to = filled_until",
            len(SYMBOLS) - left["count"],
        )  # fmt: skip
    (before,) = await rows("SELECT count(*) FROM candle")
    # A minute later.
    await rows(
        "UPDATE candle_stream SET due_at = clock_timestamp(), leased_until = CASE WHEN"
        " leased_until IS NOT NULL THEN clock_timestamp() END"
    )
    while any(done.percent != 100 for done in await ours()):
        pass
    (after,) = await rows("SELECT count(*), max(revision) AS revision FROM candle")
    assert before["count"] < after["count"] or not left["count"]
    assert after["revision"] == 1
    expected = int(HISTORY / HOUR)
    for symbol in SYMBOLS:
        async with ours.store.begin() as tx:
            kept = await tx.candles.last(SOURCE, (symbol, Timeframe.H1), 2 * expected)
            (state,) = await tx.streams.states(SOURCE, [(symbol, Timeframe.H1)])
        assert abs(len(kept) - expected) <= 1
        venue = await ClockVenue(0.0, page=5000).candles(symbol, Timeframe.H1, len(kept))
        assert kept[-len(venue) + 1 :] == venue[-len(kept) + 1 :]
        assert {b.time - a.time for a, b in pairwise(kept)} == {HOUR}
        assert state.percent == 100
    assert await rows("SELECT * FROM candle_gap") == []


#: No candle closes while a test runs.
NOON = datetime(2026, 3, 11, 12, tzinfo=UTC)


class Still(ClockVenue):
    """A venue whose time stands."""

    def __init__(self) -> None:
        super().__init__(0.0, clock=lambda: NOON)


class Worker:
    """A worker of this process, with a connection of its own for the lock."""

    def __init__(self, url: str, venue: Any) -> None:
        self.world = world_of(url, named(6), venue, 60)
        work: Any = build_work(self.world, RecordingBell())
        self.judging = Sole(url, Lock.JUDGING)
        self.context = {"world": self.world, "work": work, "judging": self.judging}


async def judged() -> Counter[str]:
    found = await rows("SELECT pair AS symbol FROM gate_snapshots")
    return Counter(row["symbol"] for row in found)


@pytest.fixture
async def url(opened: Database) -> str:
    await prepare(named(6))
    return opened.url


async def test_workers_that_race_judge_each_candle_once(url: str) -> None:
    workers = [Worker(url, Still()) for _ in range(4)]
    await asyncio.gather(*(jobs.ingest(worker.context) for worker in workers))
    # What was stored after the last look of whoever judged is the next second's.
    await jobs.ingest(workers[0].context)
    assert await judged() == Counter(dict.fromkeys(named(6), STRATEGIES))
    await asyncio.gather(*(jobs.judge(worker.context) for worker in workers))
    assert await judged() == Counter(dict.fromkeys(named(6), STRATEGIES))
    for worker in workers:
        await worker.judging.close()


async def test_what_a_dead_worker_stored_is_judged_by_the_next(url: str) -> None:
    dead, next_ = Worker(url, Still()), Worker(url, Still())
    assert dead.world.cadence.candles.total_seconds() == 60
    await dead.context["work"].ingestion.candles.spread()
    assert len(await dead.context["work"].ingestion.candles()) == 6  # and then it dies
    assert not await judged()
    await jobs.ingest(next_.context)
    assert await judged() == Counter(dict.fromkeys(named(6), STRATEGIES))
    await next_.judging.close()


async def test_a_symbol_that_cannot_be_judged_keeps_no_other_waiting(url: str) -> None:
    class Half(Still):
        async def instrument(self, symbol: str) -> Any:
            if symbol == "S000USD":
                raise FeedError("no specification")
            return await super().instrument(symbol)

    worker = Worker(url, Half())
    await jobs.ingest(worker.context)
    assert await judged() == Counter(dict.fromkeys(named(6)[1:], STRATEGIES))
    await worker.judging.close()


async def test_nothing_is_judged_in_an_emergency_stop(url: str) -> None:
    worker = Worker(url, Still())
    async with PostgresStore().begin() as tx:
        control = await tx.controls.take()
        stopped = control.move(
            TradingState.EMERGENCY_STOP, reason="test", by="test", at=control.changed_at
        )
        await tx.controls.save(stopped)
    await jobs.ingest(worker.context)
    assert not await judged()
    assert len(await rows("SELECT FROM candle_stream WHERE latest IS NOT NULL")) == 6
    await worker.judging.close()


async def test_failures_are_in_the_log_and_the_account_is_kept(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Away(Still):
        async def candles(self, *_: Any) -> Any:
            raise FeedError("the venue is away")

    worker = Worker(url, Away())
    await jobs.ingest(worker.context)
    assert "candles of S000USD M1 were not read: FeedError('the venue is away')" in caplog.text
    await jobs.keep_account(worker.context)
    await jobs.keep_account(worker.context)
    (kept,) = await rows("SELECT account_id, equity, open_positions FROM snapshot_account")
    assert (kept["account_id"], kept["open_positions"]) == ("bench-1", 0)
    await worker.judging.close()


async def test_the_product_s_role_cannot_change_a_candle(opened: Database) -> None:
    ours = filler(0.0, "test")
    await ours.spread()
    await ours()
    connection = await asyncpg.connect(opened.url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("UPDATE candle SET close = 1")
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(
            "INSERT INTO candle SELECT stream_id, time, 2, open, high, low, 'NaN', volume"
            " FROM candle LIMIT 1"
        )
    await connection.close()
