"""PostgreSQL and Redis killed apart, under the whole product: ``servers --crashes 50 --seed 1``.

PostgreSQL is stopped at once (SIGQUIT, what ``pg_ctl stop -m immediate`` sends) or killed with its
postmaster, Redis is killed or loses every key, in mid-flow and while the product starts. Work has
resumed when a job of the worker has left a trace in the database after the server was back.
"""

import argparse
import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import redis

from storage.embedded import Servers, data_folder, running_servers
from tests.benchmarks.common import percentile
from tests.chaos import demo, invariants
from tests.chaos.alone import report
from tests.chaos.demo import Person

KINDS = ("postgres stopped", "postgres killed", "redis killed", "redis flushed")
#: The figure that is held, and how long is waited before it counts as never.
LIMIT, _PATIENCE = 10.0, 90.0
#: One of so many crashes comes while the product starts after a kill of its own.
_EARLY = 5


@dataclass
class Run:
    """What a run saw. ``resumed`` and ``ready`` are in seconds."""

    chance: Random
    home: Path
    person: Person
    counts: Counter[str] = field(default_factory=Counter)
    resumed: list[float] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    #: Whether the product, which keeps the servers alive, has ended itself.
    ended: Callable[[], bool] = lambda: False

    def crash(self, kind: str) -> float:
        """Do it; the instant at which it was done. Waits until the server is another one."""
        self.counts[kind] += 1
        if kind == "redis flushed":
            self._redis().flushall()
            return time.time()
        if kind == "redis killed":
            before = self._redis_pid()
            assert before > 0, "Redis is not there"
            at = time.time()
            os.kill(before, signal.SIGKILL)
            _until(lambda: self._redis_pid() not in (0, before) or self.ended())
            return at
        pid = self._postmaster()
        assert pid > 0, "PostgreSQL is not there"
        at = time.time()
        os.kill(pid, signal.SIGQUIT if kind == "postgres stopped" else signal.SIGKILL)
        _until(lambda: self._postmaster() not in (0, pid) or self.ended())
        return at

    def traces(self) -> tuple[int, float]:
        """How many candles are judged, when the venue was last read; raises while it is down."""
        return asyncio.run(_traces(self._servers().database_url))

    def measure(self, at: float) -> None:
        """Wait until a job has left a trace."""
        before: tuple[int, float] | None = None
        while time.time() - at < _PATIENCE:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, LookupError):
                now = self.traces()
                if before is not None and now != before:
                    self.resumed.append(time.time() - at)
                    return
                before = now
            time.sleep(0.05)
        self.violations.append(f"nothing was done for {_PATIENCE:.0f} s after a crash")

    def _servers(self) -> Servers:
        found = running_servers(self.home)
        if found is None:
            raise LookupError("nobody runs the servers")
        return found

    def _redis(self) -> Any:
        return redis.Redis.from_url(self._servers().redis_url)

    def _redis_pid(self) -> int:
        try:
            return int(self._redis().info()["process_id"])
        except (redis.RedisError, LookupError):
            return 0

    def _postmaster(self) -> int:
        for file in data_folder(self.home).rglob("postmaster.pid"):
            lines = file.read_text().splitlines()
            if len(lines) > 7 and lines[7].strip() == "ready":
                return int(lines[0])
        return 0


async def _traces(url: str) -> tuple[int, float]:
    db = await asyncpg.connect(url, timeout=2)
    try:
        judged = await db.fetchval("SELECT count(*) FROM evaluation")
        read = await db.fetchval("SELECT max(at) FROM heartbeat WHERE name LIKE 'broker:%'")
    finally:
        await db.close()
    return judged, 0.0 if read is None else read.timestamp()


def _until(condition: Any, seconds: float = _PATIENCE) -> None:
    last = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > last:
            raise RuntimeError("the server did not come back")
        time.sleep(0.02)


@contextmanager
def _looking(person: Person) -> Iterator[None]:
    """The person taps whatever asks, for as long as the block runs."""
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            person.look()
            time.sleep(0.05)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(20)


def run(*, crashes: int, seed: int, settle: float = 15.0, say: Any = print) -> Run:
    """Crash so many times, let it settle, and check everything."""
    folder = Path(tempfile.mkdtemp(prefix="ait-"))
    folder.chmod(0o711)
    port = demo._free_port()
    result = demo.Result()
    person = Person(f"http://127.0.0.1:{port}", result)
    made = Run(Random(seed), folder / "home", person)
    try:
        asyncio.run(demo._fill(made.home))
        left = crashes
        while left > 0:
            some = min(left, _EARLY)
            _one_life(made, port, some, say)
            left -= some
        demo._last_life(made.home, port, person, settle)
        asyncio.run(demo._check(made.home, result))
    except Exception:
        say((folder / "demo.log").read_text()[-4000:], flush=True)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    made.violations += result.violations
    assert isinstance(result.books, invariants.Books)
    made.counts.update(result.books.counts)
    return made


def _one_life(made: Run, port: int, crashes: int, say: Any) -> None:
    """A life of the product with crashes in mid-flow, a kill, and a start with a crash in it."""
    with demo._demo(made.home, port) as process:
        demo._until_up(process, made.person)
        made.person.again()
        with _looking(made.person):
            for _ in range(crashes - 1):
                time.sleep(made.chance.uniform(0.5, 4))
                kind = KINDS[sum(made.counts[each] for each in KINDS) % len(KINDS)]
                made.measure(made.crash(kind))
                say(f"{kind}: {made.resumed[-1]:.1f} s", flush=True)
        os.kill(process.pid, signal.SIGKILL)
    made.counts["kills of the product"] += 1
    with demo._demo(made.home, port) as process:
        began = time.monotonic()
        demo._until_up(process, made.person)
        made.ready.append(time.monotonic() - began)
        os.kill(process.pid, signal.SIGKILL)
    made.counts["kills of the product"] += 1
    with demo._demo(made.home, port) as process:
        _while_it_starts(made, process, say)


def _while_it_starts(made: Run, process: "subprocess.Popen[bytes]", say: Any) -> None:
    """The servers are there, the product is recovering: one of them goes. It either goes on or
    ends; whoever keeps it alive starts it again then.
    """
    kind = KINDS[made.counts["crashes while it starts"] % len(KINDS)]
    need = made._postmaster if kind.startswith("postgres") else made._redis_pid
    _until(lambda: need() or process.poll() is not None)
    time.sleep(made.chance.uniform(0, 2))
    made.counts["crashes while it starts"] += 1
    made.ended = lambda: process.poll() is not None
    with suppress(LookupError, redis.RedisError, ProcessLookupError, AssertionError):
        made.crash(kind)
    made.ended = _never
    with suppress(RuntimeError):
        demo._until_up(process, made.person)
        say(f"{kind} while it started: it went on", flush=True)
        os.kill(process.pid, signal.SIGKILL)
        return
    made.counts["starts that ended by it"] += 1
    say(f"{kind} while it started: it ended", flush=True)


def _never() -> bool:
    return False


def figures(name: str, taken: Sequence[float]) -> dict[str, object]:
    """Median, 95th percentile and the slowest, in seconds."""
    if not taken:
        return {}
    return {
        f"{name} p50 s": f"{percentile(taken, 50):.1f}",
        f"{name} p95 s": f"{percentile(taken, 95):.1f}",
        f"{name} max s": f"{max(taken):.1f}",
    }


def main(arguments: list[str]) -> int:
    """Run, print a table, and answer 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="servers", description=__doc__)
    parser.add_argument("--crashes", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    made = run(crashes=wanted.crashes, seed=wanted.seed)
    late = sum(seconds > LIMIT for seconds in made.resumed)
    counts = {
        **made.counts,
        **figures("resumed", made.resumed),
        f"resumed later than {LIMIT:.0f} s": late,
        **figures("ready", made.ready),
    }
    return report(counts, made.violations)
