"""Many symbols read and judged by several workers: real processes, PostgreSQL, Redis and arq.

    python -m tests.benchmarks ingest --symbols 100 --workers 4 --every 5 --seconds 20

A candle of every symbol closes at the same instant, every five seconds, at a venue that takes 30 ms
to answer; what is measured begins after ``--settle`` seconds. A cycle is inside its interval when
all of them are stored, and judged by five strategies, before the next ones close. Who waits for a
lock, and how long, is sampled twenty times a second.
"""

import argparse
import asyncio
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import asyncpg
import psutil

from storage.embedded import Servers, embedded_servers
from tests import histories
from tests.benchmarks.common import percentile
from tests.chaos import harness
from tests.clock_venue import named
from tests.ingest_worker import SOURCE, STRATEGIES, prepare

_LATENCY = 0.03
_START_SECONDS = 120
_WAITS = """
SELECT locktype, coalesce(relation::regclass::text, '') AS relation, left(query, 300) AS query,
       extract(epoch FROM clock_timestamp() - waitstart)::float8 AS seconds
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND waitstart IS NOT NULL AND datname = current_database()
"""
_CANDLES = """
SELECT symbol, extract(epoch FROM time)::bigint AS opened,
       extract(epoch FROM learnt_at)::float8 AS learnt,
       extract(epoch FROM evaluation.created_at)::float8 AS judged
FROM candle JOIN candle_stream ON candle_stream.id = stream_id
LEFT JOIN evaluation USING (symbol, timeframe)
WHERE source = $1 AND revision = 1 AND time >= to_timestamp($2) AND time < to_timestamp($3)
  AND (candle_time = time OR candle_time IS NULL)
"""


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Print how soon candles were stored and judged, and the longest wait for a lock."""
    parser = argparse.ArgumentParser(prog="ingest")
    parser.add_argument("--symbols", type=int, default=100)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--every", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--settle", type=float, default=60.0)
    wanted = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="ait-") as made:
        folder = Path(made)
        folder.chmod(0o711)  # noqa: ASYNC240 -- as root the servers run as nobody, who must get in
        async with (
            histories.scratch(servers, "ingest") as (url, owner_url),
            embedded_servers(folder / "redis", want_postgres=False) as redis,
        ):
            await prepare(named(wanted.symbols))
            environ = harness.environment(AI_TRADER_HOME=str(folder / "home"))
            words = [url, str(redis.redis_url), wanted.symbols, wanted.every, _LATENCY]
            with ExitStack() as stack:
                processes = [
                    stack.enter_context(process(folder / f"{number}.log", environ, words))
                    for number in range(wanted.workers)
                ]
                await _measure(owner_url, processes, wanted)


@contextmanager
def process(log: Path, environ: dict[str, str], words: Sequence[Any]) -> Iterator[psutil.Popen]:
    """A worker, killed at the end of the block."""
    with log.open("wb") as file:
        made = psutil.Popen(
            [sys.executable, "-m", "tests.ingest_worker", *map(str, words)],
            cwd=harness.ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
        )  # fmt: skip
    try:
        yield made
    finally:
        if made.is_running():
            made.kill()
        made.wait(30)


async def _measure(url: str, processes: Sequence[Any], wanted: Any) -> None:
    connection = await asyncpg.connect(url)
    taken = await _begun(connection, wanted.symbols)
    print(f"ingest: {wanted.symbols} first windows stored and judged after {taken:.1f} s")
    # The first time that a worker judges a symbol it reads all of its window.
    await asyncio.sleep(wanted.settle)
    server = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()")).parent()
    before, began = (_cpu(processes), _served(server)), datetime.now(UTC).timestamp()
    waits = await _sampled(connection, wanted.seconds)
    passed = datetime.now(UTC).timestamp() - began
    after = (_cpu(processes), _served(server))
    busy = [(b - a) * wanted.every / passed for a, b in zip(before, after, strict=True)]
    # Candles that closed in the time, but for those that had just closed at its end.
    first, last = began - wanted.every, began + wanted.seconds - 2 * wanted.every
    await asyncio.sleep(wanted.every)
    rows = await connection.fetch(_CANDLES, SOURCE, first, last)
    await connection.close()
    _tell(rows, wanted)
    _tell_waits(waits)
    cores = psutil.cpu_count() * wanted.every
    print(
        f"  a cycle computes {busy[0]:.2f} s in {wanted.workers} workers and {busy[1]:.2f} s in"
        f" PostgreSQL, {sum(busy) / cores:.0%} of what {psutil.cpu_count()} cores have in its time"
        f" (the machine's load is {psutil.getloadavg()[0]:.1f})"
    )


async def _begun(connection: asyncpg.Connection, symbols: int) -> float:
    start = perf_counter()
    async with asyncio.timeout(_START_SECONDS):
        while True:
            query = "SELECT count(DISTINCT symbol) FROM evaluation"
            if await connection.fetchval(query) >= symbols:
                return perf_counter() - start
            await asyncio.sleep(0.1)


def _cpu(processes: Sequence[Any]) -> float:
    used = [each.cpu_times() for each in processes]
    return float(sum(each.user + each.system for each in used))


def _served(server: Any) -> float:
    """What the database's processes have computed, also those that have ended."""
    own = server.cpu_times()
    return float(own.children_user + own.children_system) + _cpu(server.children(recursive=True))


async def _sampled(connection: asyncpg.Connection, seconds: float) -> dict[str, float]:
    """The longest wait that was seen, by what was waited for."""
    longest: defaultdict[str, float] = defaultdict(float)
    until = perf_counter() + seconds
    while perf_counter() < until:
        for row in await connection.fetch(_WAITS):
            ours = "candle_stream" in row["query"] or "candle_gap" in row["query"]
            name = (
                f"{'candles' if ours else 'judging'}: {row['locktype']} {row['relation']}".strip()
            )
            longest[name] = max(longest[name], row["seconds"])
        await asyncio.sleep(0.05)
    return longest


def _tell(rows: Sequence[asyncpg.Record], wanted: Any) -> None:
    closes: defaultdict[int, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        closes[row["opened"] + wanted.every].append(row)
    late = 0
    for at, found in closes.items():
        done = [row for row in found if row["judged"] and row["judged"] - at <= wanted.every]
        late += len(done) < wanted.symbols
    print(
        f"ingest of {wanted.symbols} symbols, {STRATEGIES} strategies, every {wanted.every} s, by"
        f" {wanted.workers} workers: {len(closes)} cycles, {late} not inside the interval,"
        f" {sum(row['judged'] is None for row in rows)} candles not judged"
    )
    for name in ("learnt", "judged"):
        taken = [row[name] - row["opened"] - wanted.every for row in rows if row[name]]
        p50, p95, most = (percentile(taken, percent) for percent in (50, 95, 100))
        word = "stored" if name == "learnt" else "judged"
        print(
            f"  closed to {word:<8} p50 {p50:5.2f} s  p95 {p95:5.2f} s  max {most:5.2f} s"
            f"   {p95 / wanted.every:5.2f} × {wanted.every} s"
        )


def _tell_waits(waits: dict[str, float]) -> None:
    ours = max((v for k, v in waits.items() if k.startswith("candles")), default=0.0)
    print(f"  longest wait for a lock of ingestion: {ours * 1e3:.0f} ms")
    for name, seconds in sorted(waits.items(), key=lambda each: -each[1]):
        print(f"    {name:<42} {seconds * 1e3:6.0f} ms")
