"""Restoring a backup: once killed in its middle, once to its end with the product started on it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from storage.embedded import Servers
from tests.chaos import demo, invariants
from tests.chaos.demo import Person
from tests.chaos.harness import ROOT, command, environment, history_faults
from tests.chaos.product import answers, started, until
from tests.chaos.servers import _looking
from tests.conftest import _named

#: How often the venue is read by a product that is stopped, before it is believed to send nothing.
CYCLES = 4
#: Tables to which a restore itself adds rows: the stop, its record, and who is told of it.
ADDED = {"decision_history", "outbox", "snapshot_bundle", "snapshot_part"}


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A backup and what was seen when it was made."""

    file: Path
    manifest: dict[str, Any]
    seconds: float


@dataclass
class Run:
    """What a run saw; times are in seconds."""

    chance: Random
    folder: Path
    copies: list[Copy] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    times: dict[str, list[float]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def took(self, what: str, seconds: float) -> None:
        """Note how long something took."""
        self.times.setdefault(what, []).append(seconds)

    def must(self, holds: bool, otherwise: str) -> None:
        """Note a violation unless it holds."""
        if not holds:
            self.violations.append(otherwise)


class Quiet(Person):
    """Approves whatever asks, but never lifts a stop."""

    def say(self, text: str) -> None:
        """Anything but a resume."""
        if text != "/resume":
            super().say(text)


@contextmanager
def _empty(servers: Servers, name: str) -> Iterator[dict[str, str]]:
    """The settings of an empty database, for as long as the block runs."""
    asyncio.run(_execute(servers.owner_url, f"CREATE DATABASE {name} TEMPLATE template0"))
    try:
        yield {
            "DATABASE_URL": _named(servers.database_url, name),
            "DATABASE_OWNER_URL": _named(servers.owner_url, name),
            "REDIS_URL": servers.redis_url,
            "TELEGRAM_BOT_TOKEN": "700000009:for-a-start-that-is-refused",
        }
    finally:
        asyncio.run(_execute(servers.owner_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(url: str, sql: str) -> None:
    db = await asyncpg.connect(url)
    await db.execute(sql)
    await db.close()


def cut_off(made: Run, servers: Servers, copy: Copy, number: int) -> None:
    """Kill a restore in its middle; nothing may start on what is left."""
    with _empty(servers, f"cut_{number}") as environ:
        environ["AI_TRADER_HOME"] = str(made.folder / f"cut-{number}")
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "restore", str(copy.file)],
            cwd=ROOT, env=environment(**environ),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(lambda: asyncio.run(_is_marked(environ["DATABASE_OWNER_URL"])), "the restore")
        time.sleep(made.chance.uniform(0, 1.5))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        if not asyncio.run(_is_marked(environ["DATABASE_OWNER_URL"])):
            made.counts["restores that were done before they were killed"] += 1
            return
        made.counts["restores killed in their middle"] += 1
        for words in (("worker",), ("up",)):
            done = command(*words, CHAT_PORT=str(demo._free_port()), **environ)
            refused = done.returncode == 2 and "was not finished" in done.stderr
            made.must(refused, f"cut {number}: {words[0]} answers {done.stderr[-200:]}")
            made.counts["starts refused"] += refused
        done = command("restore", str(copy.file), **environ)
        made.must(done.returncode == 2 and "not empty" in done.stderr, f"cut {number}: restored")


async def _is_marked(url: str) -> bool:
    db = await asyncpg.connect(url)
    found: bool = await db.fetchval("SELECT to_regclass('restore_unfinished') IS NOT NULL")
    await db.close()
    return found


@dataclass(frozen=True, kw_only=True)
class Look:
    """A restored database at an instant; ``venue`` are the orders that the venue has taken."""

    rows: dict[str, int]
    state: str
    orders: Counter[str]
    venue: frozenset[str]
    read_at: Any


async def _look(url: str, tables: Any = ()) -> Look:
    db = await asyncpg.connect(url)
    try:
        orders = await db.fetch("SELECT state FROM trade_order")
        venue = await db.fetchval("SELECT document FROM document WHERE name LIKE 'paper:%'")
        return Look(
            rows={name: await db.fetchval(f'SELECT count(*) FROM "{name}"') for name in tables},
            state=await db.fetchval("SELECT state FROM control"),
            orders=Counter(row["state"] for row in orders),
            venue=frozenset(invariants.venue_trades(json.loads(venue))) if venue else frozenset(),
            read_at=await db.fetchval("SELECT max(at) FROM heartbeat WHERE name LIKE 'broker:%'"),
        )
    finally:
        await db.close()


def restored(made: Run, servers: Servers, copy: Copy, number: int, say: Any) -> None:
    """Restore to the end, check what came out, start the product on it, and let it trade again."""
    with _empty(servers, f"copy_{number}") as environ:
        url = environ["DATABASE_OWNER_URL"]
        environ["AI_TRADER_HOME"] = str(made.folder / f"copy-{number}")
        began = time.monotonic()
        done = command("restore", str(copy.file), **environ)
        taken = time.monotonic() - began
        made.must(done.returncode == 0, f"copy {number}: {done.stdout[-200:]}{done.stderr[-200:]}")
        found = asyncio.run(_look(url, copy.manifest["rows"]))
        _check(made, copy, found, number)
        made.violations += history_faults(environ["DATABASE_URL"])
        environ.pop("TELEGRAM_BOT_TOKEN")
        taken += _live(made, environ, found, number)
        made.took("restore and start", taken)
    say(f"copy {number}: back after {taken:.1f} s", flush=True)


def _check(made: Run, copy: Copy, found: Look, number: int) -> None:
    """Rows as they were counted, trading off, and nothing that could still leave."""
    for table, rows in copy.manifest["rows"].items():
        is_more = found.rows[table] > rows and table in ADDED
        same = found.rows[table] == rows or is_more
        made.must(same, f"copy {number}: {table} has {found.rows[table]} rows instead of {rows}")
    made.counts["tables compared"] += len(copy.manifest["rows"])
    made.counts["rows compared"] += sum(copy.manifest["rows"].values())
    made.must(found.state == "emergency_stop", f"copy {number}: trading is {found.state}")
    for state in ("intent", "sending"):
        made.must(found.orders[state] == 0, f"copy {number}: an order is {state}")
    made.counts["orders UNKNOWN after the restore"] += found.orders["unknown"]


def _live(made: Run, environ: dict[str, str], before: Look, number: int) -> float:
    """Start on the copy, see it send nothing, resume, see it trade; how long the start took."""
    asyncio.run(_flush(environ["REDIS_URL"]))
    port, api = demo._free_port(), demo._free_port()
    person = Quiet(f"http://127.0.0.1:{port}", demo.Result())
    environ |= {"CHAT_PORT": str(port), "API_PORT": str(api), "MARKET_PACE_SECONDS": "0.1"}
    began = time.monotonic()
    with started(made.folder / "copy.log", "up", **environ) as process:
        until(lambda: answers(api, "/ready") == 200, "a product that is ready", 180)
        seconds = time.monotonic() - began
        with _looking(person):
            stopped = _cycles(environ["DATABASE_OWNER_URL"])
            made.must(stopped.venue == before.venue, f"copy {number}: it sent while stopped")
            made.must(stopped.state == "emergency_stop", f"copy {number}: it is {stopped.state}")
            made.counts["orders sent while stopped"] += len(stopped.venue - before.venue)
            Person.say(person, "/resume")
            until(
                lambda: asyncio.run(_look(environ["DATABASE_OWNER_URL"])).venue > before.venue,
                f"copy {number} to trade again", 180,
            )  # fmt: skip
            made.counts["copies that traded again"] += 1
            Person.say(person, "/pause")
            wrong = _settled(environ["DATABASE_OWNER_URL"])
            made.violations += [f"copy {number}: {fault}" for fault in wrong]
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    return seconds


def _cycles(url: str) -> Look:
    """The look after the venue was read so often."""
    seen: set[Any] = set()

    def enough() -> Look | None:
        found = asyncio.run(_look(url))
        seen.add(found.read_at)
        return found if len(seen) > CYCLES else None

    found = until(enough, "the venue to be read", 180)
    assert found is not None
    return found


def _settled(url: str) -> list[str]:
    """What is wrong with the books once what was under way has come to its end."""
    wrong = ["nobody looked"]
    last = time.monotonic() + 40
    while wrong and time.monotonic() < last:
        time.sleep(0.5)
        wrong = asyncio.run(_books(url))
    return wrong


async def _flush(url: str) -> None:
    """What the product of the copy before has queued is not this one's."""
    import redis.asyncio as redis

    client = redis.Redis.from_url(url)
    await client.flushall()
    await client.aclose()


async def _books(url: str) -> list[str]:
    books = await invariants.read(url)
    return [*invariants._no_order_twice(books), *invariants._venue_equals_books(books)]
