"""Two pushers that are killed while a server takes, refuses and forgets to answer:
``python -m tests.chaos signals --signals 400 --kills 200``.
"""

import argparse
import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import Any
from uuid import UUID

from engine.domain.signal import SignalState
from engine.domain.state import Control, TradingState
from storage.database import open_database
from storage.transaction import PostgresStore
from tests.builders import NOW
from tests.chaos import alone
from tests.chaos.harness import ROOT, environment
from tests.signal_server import EaServer, ea_server
from tests.signals import signal

_SYMBOLS = tuple(f"S{number}" for number in range(8))
#: Faults that leave a signal waiting would make the run wait for their pauses.
_FATES = ("no", "lost", "reset")


@dataclass
class Found:
    """What it came to."""

    counts: dict[str, object] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


@dataclass
class Pushers:
    """Two of them, by number; ``alive`` are those that were not killed."""

    process: asyncio.subprocess.Process
    alive: set[int] = field(default_factory=set)

    async def tell(self, what: str, number: int) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{what} {number}\n".encode())
        await self.process.stdout.readline()
        (self.alive.add if what == "go" else self.alive.discard)(number)


@asynccontextmanager
async def pushers(url: str, server: EaServer) -> AsyncIterator[Pushers]:
    """The process that forks them; they die with it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-m", "tests.chaos.pusher", url, server.url,
        cwd=ROOT, env=environment(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    found = Pushers(process)
    try:
        yield found
    finally:
        for number in tuple(found.alive):
            await found.tell("kill", number)
        assert process.stdin
        process.stdin.close()
        await process.wait()


async def run(url: str, *, signals: int, kills: int, seed: int) -> Found:
    """Kill on an empty, migrated database; a kill falls between a call's arrival and its answer, or
    just after the answer.
    """
    chance, store, began = Random(seed), PostgresStore(), monotonic()
    killed, due = 0, asyncio.Event()
    async with open_database(url, pool=3), ea_server() as server, pushers(url, server) as two:
        async with store.begin() as tx:
            await tx.controls.save(Control(state=TradingState.RUNNING, changed_at=NOW))
            for number in range(1, signals + 1):
                one = signal(number, symbol=chance.choice(_SYMBOLS))
                await tx.signal_queue.put(one)

        def fate(document: dict[str, Any]) -> str:
            if chance.random() < 2 * kills / signals:
                due.set()
                return chance.choice(("", "hang"))
            if chance.random() >= 0.04:
                return ""
            # A repeat of what was taken is never refused.
            return chance.choice(_FATES[document["signal_id"] in server.trades :])

        server.fate, server.pause = fate, 0.002
        while await _pending(store):
            for number in {0, 1} - two.alive:
                await two.tell("go", number)
            try:
                await asyncio.wait_for(due.wait(), 0.3)
            except TimeoutError:
                continue
            due.clear()
            if killed < kills:
                await asyncio.sleep(chance.choice((0, 0, 0.001, 0.003)))
                await two.tell("kill", chance.choice(sorted(two.alive)))
                killed += 1
        found = await _judged(store, server, signals)
    found.counts |= {"kills": killed, "seconds": round(monotonic() - began)}
    return found


async def _pending(store: PostgresStore) -> int:
    async with store.begin() as tx:
        return (await tx.signal_queue.totals()).get(SignalState.PENDING, 0)


async def _judged(store: PostgresStore, server: EaServer, signals: int) -> Found:
    found, states = Found(), Counter[str]()
    came = Counter(server.ids())
    for number in range(1, signals + 1):
        async with store.begin() as tx:
            one = await tx.signal_queue.get(UUID(int=number))
            ack = await tx.signal_queue.ack(UUID(int=number))
        assert one is not None
        states[one.state] += 1
        ticket = server.trades.get(str(UUID(int=number)))
        if one.state is SignalState.SENT and not (ack is not None and ack.ticket == ticket):
            found.violations.append(f"signal {number} is SENT with {ack}, its ticket is {ticket}")
        if one.state is SignalState.FAILED and (came[number] and one.attempts < 8):
            found.violations.append(f"signal {number} failed and was taken: {one.reason}")
        if one.attempts < came[number]:
            found.violations.append(f"signal {number} came more often than it was counted")
    orders: defaultdict[str, list[int]] = defaultdict(list)
    for document in server.received:
        orders[document["symbol"]].append(UUID(document["signal_id"]).int)
    for symbol, numbers in orders.items():
        if numbers != sorted(numbers):
            found.violations.append(f"{symbol} came as {numbers}")
    found.violations += [f"{name} was under way twice" for name in server.twice_at_once]
    found.violations += [f"a request was wrong: {what}" for what in server.refused]
    found.counts = {
        "signals": signals,
        **{f"  {state}": count for state, count in sorted(states.items())},
        "arrivals": sum(came.values()),
        "came twice or more": sum(count > 1 for count in came.values()),
        "traded": len(server.trades),
    }
    return found


def main(arguments: list[str]) -> int:
    """Kill on servers of its own; 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos signals", description=__doc__)
    parser.add_argument("--signals", type=int, default=400)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with alone.database() as url:
        found = asyncio.run(run(url, signals=wanted.signals, kills=wanted.kills, seed=wanted.seed))
    return alone.report(found.counts, found.violations)
