"""A sweep by one worker and by two: how many times as fast two are, on this machine, in this run.

    python -m tests.benchmarks sweep --runs 8 --bars 30000

Each worker is a process of its own, as on another machine, and plays its runs in further ones. Wall
and processor seconds of all of them are printed, and what the same machine makes of twice as many
bare loops at the same time: two workers cannot be faster than that. Where others work meanwhile the
wall's ratio falls; the processor seconds of a run then still say whether two cost more than one.
"""

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import psutil

from engine.domain.backtest import Costs
from engine.research.columns import Columns
from engine.research.plan import Plan
from engine.research.space import Axis
from engine.research.sweeping import ReadSweep, StartSweep, result_hash, shards_of
from storage.embedded import Servers
from storage.transaction import PostgresStore
from tests import histories
from tests.bars import bars, crossing
from tests.chaos import harness
from tests.independent import OPEN_GATE

_SOURCE, _PAGE, _LEASE = "bench", 5_000, timedelta(hours=1)
#: A loop that does nothing but count, and so takes a processor and little else.
_LOOP = "n = 0\nfor i in range(60_000_000): n += i"


@dataclass(frozen=True, slots=True)
class _Took:
    """Seconds by the wall's clock, and by the processors' of all that worked."""

    wall: float
    busy: float


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Print the ratio of two workers against one, beside the machine's own."""
    parser = argparse.ArgumentParser(prog="sweep")
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--bars", type=int, default=30_000)
    parser.add_argument("--times", type=int, default=2)
    wanted = parser.parse_args(arguments)
    columns = bars(wanted.bars)
    bare = [_timed([[sys.executable, "-c", _LOOP]] * many, os.environ) for many in (1, 2)]
    took: dict[int, list[_Took]] = {1: [], 2: []}
    results = set()
    for number in range(wanted.times):
        for workers in took:
            name = f"sweep_{number}_{workers}"
            async with histories.scratch(servers, name) as (url, _):
                id_ = await _started(columns, wanted.runs)
                with tempfile.TemporaryDirectory(prefix="ait-") as home:
                    environ = harness.environment(DATABASE_URL=url, AI_TRADER_HOME=home)
                    words = [sys.executable, "-m", "bot", "sweep", "work", str(id_), "--jobs", "1"]
                    work = _timing([words] * workers, environ)
                    took[workers].append(await asyncio.to_thread(work))
                results.add(await _result(id_))
    best = {workers: min(found, key=lambda each: each.wall) for workers, found in took.items()}
    for workers, each in best.items():
        print(
            f"{wanted.runs} runs of {wanted.bars:,} candles by {workers}: {each.wall:6.1f} s,"
            f" {each.busy:6.1f} s of processors"
        )
    print(f"  two workers are {best[1].wall / best[2].wall:.2f} times as fast as one,")
    print(
        f"  two bare loops {2 * bare[0].wall / bare[1].wall:.2f} times as fast as one after the"
        f" other (load {psutil.getloadavg()[0]:.1f}, {os.cpu_count()} processors);"
        f" results: {len(results)}"
    )


async def _started(columns: Columns, runs: int) -> UUID:
    """A sweep over stored candles: a setup, so that the pipeline is asked at each of them, with so
    many other stops.
    """
    store = PostgresStore()
    key = (columns.symbol, columns.timeframe)
    async with store.begin() as tx:
        await tx.streams.enlist(_SOURCE, [key])
        (state,) = await tx.streams.take(_SOURCE, [key], most=1, lease=_LEASE, holder="bench")
    for first in range(0, len(columns), _PAGE):
        page = [columns.candle(n) for n in range(first, min(first + _PAGE, len(columns)))]
        async with store.begin() as tx:
            assert await tx.streams.hold(state, _LEASE)
            await tx.candles.put(state.number, page)
    strategy = crossing(setup="mean_reversion", entry_conditions=())
    plan = Plan(
        source=_SOURCE, symbol=columns.symbol, timeframe=columns.timeframe,
        strategies=(strategy,), settings=OPEN_GATE["settings"], calendar=None, costs=Costs(),
        balance=Decimal(1_000_000),
    )  # fmt: skip
    stops = tuple(f"{Decimal(20 + number) / 10} * atr" for number in range(runs))
    shards = shards_of(plan, (Axis("exit_rules.stop_loss", stops),), most=runs, seed=1)
    return (await StartSweep(store=store)(None, shards, "bench")).id


async def _result(id_: UUID) -> str:
    sweep, shards = await ReadSweep(store=PostgresStore())(None, id_)
    assert sweep.done == sweep.total, [shard.problem for shard in shards]
    return result_hash(shards)


def _timing(commands: Sequence[Sequence[str]], environ: dict[str, str]) -> Callable[[], _Took]:
    return lambda: _timed(commands, environ)


def _timed(commands: Sequence[Sequence[str]], environ: os._Environ[str] | dict[str, str]) -> _Took:
    """Run all of them at the same time, until the last has ended."""
    before, began = _children(), time.monotonic()
    running = [
        subprocess.Popen(
            each, env=environ, cwd=harness.ROOT, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for each in commands
    ]  # fmt: skip
    ended = [each.wait() for each in running]
    assert not any(ended), ended
    return _Took(time.monotonic() - began, _children() - before)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
