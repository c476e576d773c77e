"""Many Expert Advisors at the endpoint as it is deployed: a process of its own, real sockets.

    python -m tests.benchmarks ea-fleet --eas 1000 --seconds 20

First what one request costs beside a bare handler with one SELECT, a process as well: both are
asked in turns by the same clients, so that both meet the same machine. Then the fleet: each EA has
its own account, token, connection and phase, and asks once a second, in turns a heartbeat and for
commands. How long an answer took counts from the instant at which its request was due.
"""

import argparse
import asyncio
import gc
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import psutil

from engine.domain.market import Timeframe
from engine.domain.terminal import Beat, Stream, Terminal, Wishes
from engine.flow.admission import digest
from storage.embedded import Servers, embedded_servers
from storage.transaction import PostgresStore
from tests import histories
from tests.benchmarks.common import percentile
from tests.benchmarks.ea_line import BEAT, Line
from tests.chaos import harness

WANTED, P99_MS = 0.60, 100
_CLIENTS, _ROUNDS, _WINDOW = 16, 5, 1.0
_SYMBOLS = 20
_BODY = json.dumps(BEAT).encode()


@dataclass(frozen=True, slots=True)
class Process:
    """A server that was started: its port and what it may be measured by."""

    port: int
    watched: psutil.Process

    @property
    def seconds(self) -> float:
        """What it has computed so far."""
        used = self.watched.cpu_times()
        return float(used.user + used.system)


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Print requests per second beside the bare handler, and the fleet's waits."""
    parser = argparse.ArgumentParser(prog="ea-fleet")
    parser.add_argument("--eas", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20.0)
    wanted = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="ait-") as made:
        folder = Path(made)
        folder.chmod(0o711)  # noqa: ASYNC240 -- as root the servers run as nobody, who must get in
        async with (
            histories.scratch(servers, "ea_fleet") as (url, _),
            embedded_servers(folder / "redis", want_postgres=False) as redis,
        ):
            await histories.desk()
            await _enlist(wanted.eas)
            environ = harness.environment(
                DATABASE_URL=url, REDIS_URL=redis.redis_url, BROKER="mt_bridge",
                ACCOUNT_ID="fleet-0", AI_TRADER_HOME=str(folder / "home"),
            )  # fmt: skip
            async with _served(folder, environ, url) as (endpoint, bare):
                await _beside(endpoint, bare)
                await _fleet(endpoint, wanted.eas, wanted.seconds)
            print((folder / "ea.log").read_text()[-2000:], end="")


def _token(number: int) -> str:
    return f"{number:06}".ljust(43, "t")


async def _enlist(eas: int) -> None:
    """An account each, with a terminal that was heard and has told its symbols."""
    async with PostgresStore().begin() as tx:
        now = await tx.now()
        for number in range(eas):
            await tx.terminals.save(_terminal(number, now))


def _terminal(number: int, now: datetime) -> Terminal:
    names = [f"SYM{each:03}" for each in range(_SYMBOLS)]
    told = BEAT
    seen = {each.name: told[each.name] for each in fields(Beat) if each.name in told}
    seen = {**seen, "equity": Decimal(str(told["equity"])), "skew_seconds": 0}
    return Terminal(
        account_id=f"fleet-{number}", login=number + 1, server=told["server"], company="Bench",
        currency="USD", margin_mode="hedging", trade_mode="demo", leverage=100, ea_version="1.00",
        build=1, magic_base=(number + 1) << 32, last_seq=0, token_digest=digest(_token(number)),
        token_used_at=now, registered_at=now, instance=told["instance"], run=told["run"],
        run_before="", heard_at=now, beat=Beat(**seen), beat_at=now,
        wishes=Wishes(
            symbols=tuple(names), names=False, sync_now=False,
            candles=tuple(Stream(symbol=n, timeframe=Timeframe.M15, count=3) for n in names),
        ),
    )  # fmt: skip


@asynccontextmanager
async def _served(
    folder: Path, environ: dict[str, str], url: str
) -> AsyncIterator[tuple[Process, Process]]:
    with ExitStack() as stack:
        port = _free_port()
        ours = [sys.executable, "-m", "bot", "ea"]
        endpoint = stack.enter_context(
            _process(folder / "ea.log", {**environ, "EA_PORT": str(port)}, ours, port)
        )
        port = _free_port()
        peer = [sys.executable, "-m", "tests.benchmarks.ea_bare", url, str(port)]
        bare = stack.enter_context(_process(folder / "bare.log", environ, peer, port))
        for each in (endpoint, bare):
            await _listens(each)
        yield endpoint, bare


def _free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port: int = made.getsockname()[1]
        return port


@contextmanager
def _process(
    log: Path, environ: dict[str, str], words: Sequence[str], port: int
) -> Iterator[Process]:
    with log.open("wb") as file:
        process = subprocess.Popen(
            words, cwd=harness.ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=file,
            stderr=file,
        )  # fmt: skip
    try:
        yield Process(port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(30)


async def _listens(process: Process) -> None:
    async with asyncio.timeout(60):
        while True:
            assert process.watched.status() != psutil.STATUS_ZOMBIE, "a process has ended"
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", process.port)
                writer.close()
                return
            await asyncio.sleep(0.05)


async def _beside(endpoint: Process, bare: Process) -> None:
    """Requests per second of each kind, in turns with the bare handler."""
    lines = [Line(endpoint.port, _token(n), n + 1) for n in range(_CLIENTS)]
    peers = [Line(bare.port) for _ in range(_CLIENTS)]
    number = count()
    kinds: dict[str, tuple[list[Line], Callable[[Line], Awaitable[Any]]]] = {
        "bare + SELECT": (peers, lambda line: line.post("/", _BODY)),
        "heartbeat": (lines, lambda line: line.beat()),
        "execute, empty": (lines, lambda line: line.fetch()),
        "heartbeat that changes something": (
            lines, lambda line: line.beat(open_positions=next(number) % 2),
        ),
    }  # fmt: skip
    for clients in (1, _CLIENTS):
        rates: dict[str, list[float]] = {name: [] for name in kinds}
        busy: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(_ROUNDS + 1):
            for name, (all_, ask) in kinds.items():
                server = bare if all_ is peers else endpoint
                before = server.seconds
                rate, done = await _closed_loop(all_[:clients], ask)
                rates[name].append(rate)
                busy[name].append((server.seconds - before) / done)
        base = rates["bare + SELECT"][1:]
        for name, taken in rates.items():
            shares = [one / other for one, other in zip(taken[1:], base, strict=True)]
            print(
                f"ea {name:<33} {clients:2} clients {median(taken[1:]):7.0f} /s"
                f"  {median(shares):5.2f} of bare ({min(shares):.2f} to {max(shares):.2f};"
                f" wanted {WANTED:.2f})  {median(busy[name][1:]) * 1e6:4.0f} µs of its process"
            )
    for line in (*lines, *peers):
        line.close()


async def _closed_loop(
    lines: Sequence[Line], ask: Callable[[Line], Awaitable[Any]]
) -> tuple[float, int]:
    """Requests per second and how many, each client asking again as soon as it is answered."""
    start = perf_counter()
    until, done = start + _WINDOW, 0

    async def client(line: Line) -> None:
        nonlocal done
        while perf_counter() < until:
            await ask(line)
            done += 1

    await asyncio.gather(*(client(line) for line in lines))
    return done / (perf_counter() - start), done


async def _fleet(endpoint: Process, eas: int, seconds: float) -> None:
    """Everybody asks once a second; the first three seconds do not count."""
    taken: dict[str, list[float]] = {"heartbeat": [], "execute": []}
    faults: list[str] = []
    chance = Random(1)
    loop = asyncio.get_running_loop()
    begin = loop.time() + 1

    async def one(number: int) -> None:
        line, due = Line(endpoint.port, _token(number), number + 1), begin + chance.random()
        for turn in count():
            if due > begin + 3 + seconds:
                line.close()
                return
            await asyncio.sleep(max(0.0, due - loop.time()))
            name = ("heartbeat", "execute")[(turn + number) % 2]
            try:
                await (line.beat() if name == "heartbeat" else line.fetch())
            except (OSError, RuntimeError) as problem:
                faults.append(f"{type(problem).__name__}: {problem}")
                line.close()
                line = Line(endpoint.port, _token(number), number + 1)
            if due > begin + 3:
                taken[name].append(loop.time() - due)
            due += 1.0

    gc.collect()
    gc.freeze()  # this side's pauses are not the endpoint's
    before, started, mine = endpoint.seconds, perf_counter(), process_time()
    await asyncio.gather(*(one(number) for number in range(eas)))
    passed = perf_counter() - started
    busy, own = (endpoint.seconds - before) / passed, (process_time() - mine) / passed
    for name, values in (*taken.items(), ("all", [v for each in taken.values() for v in each])):
        p50, p99, most = (percentile(values, percent) * 1e3 for percent in (50, 99, 100))
        print(
            f"ea fleet of {eas}, {name:<10} {len(values):6} answers  p50 {p50:6.1f} ms"
            f"  p99 {p99:6.1f} ms  max {most:6.1f} ms   {p99 / P99_MS:5.2f} × {P99_MS} ms"
        )
    print(
        f"ea fleet of {eas}: {len(faults)} errors; the endpoint computes {busy:.0%} of a core,"
        f" this side {own:.0%}"
    )
    for fault in faults[:3]:
        print(" ", fault)
