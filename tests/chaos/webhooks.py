"""Two senders that are killed while three receivers take, refuse, hang and forget to answer:
``python -m tests.chaos webhooks --kills 100 --seed 1``.

Every event comes at least once to whoever wants it, under one id, in the order of the history.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from uuid import UUID

from bot.hooks import Hooks, assemble
from bot.world import now
from broker.webhooks import HttpWebhooks
from engine.domain.decision import Action
from engine.domain.webhook_events import EventType
from storage.database import open_database
from storage.transaction import PostgresStore
from storage.webhook_keys import DerivedSecrets
from tests.builders import decision
from tests.chaos import alone
from tests.chaos.harness import ROOT, environment
from tests.chaos.poster import MASTER, PATIENCE, RETRY, SLACK, only_here
from tests.hook_server import Came, HookServer, hook_server

_ACTIONS = (Action.ORDER_SENDING, Action.ORDER_FILLED, Action.POSITION_CLOSED, Action.AI_HALTED)
#: What leaves the house is among what does not.
_QUIET = (Action.NO_TRADE, Action.PERSON_JOINED)
_TROUBLE = ("reset", "500", "429 now", "301", "garbage", "nothing", "hang")
_WANTED = EventType.ORDER_FILLED


@dataclass
class Found:
    """What it came to."""

    counts: dict[str, object] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


@dataclass
class Senders:
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
async def senders(url: str) -> AsyncIterator[Senders]:
    """The process that forks them; they die with it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-m", "tests.chaos.poster", url,
        cwd=ROOT, env=environment(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    found = Senders(process)
    try:
        yield found
    finally:
        for number in tuple(found.alive):
            await found.tell("kill", number)
        assert process.stdin
        process.stdin.close()
        await process.wait()


class Weather:
    """What receivers do wrong. The third is bad at every second call; a kill falls while a request
    is at a receiver, or just after its answer.
    """

    def __init__(self, chance: Random, share: float) -> None:
        self.chance, self.share, self.due = chance, share, asyncio.Event()

    def of(self, bad: float) -> "Fate":
        return Fate(self, bad)


@dataclass
class Fate:
    weather: Weather
    bad: float

    def __call__(self, _: Came) -> str:
        chance = self.weather.chance
        if chance.random() < self.weather.share:
            self.weather.due.set()
            return chance.choice(("", "hang"))
        return chance.choice(_TROUBLE) if chance.random() < self.bad else ""


async def run(url: str, *, events: int, kills: int, seed: int) -> Found:
    """Kill on an empty, migrated database."""
    chance, store, began, killed = Random(seed), PostgresStore(), monotonic(), 0
    line = HttpWebhooks(PATIENCE, now, permit=only_here, tls_only=False)
    hooks = assemble(
        store, line, DerivedSecrets(MASTER), RETRY, chance=chance.random, url=None, slack=SLACK
    )
    weather = Weather(chance, min(0.5, kills / events))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(open_database(url, pool=3))
        receivers = [await stack.enter_async_context(hook_server()) for _ in range(3)]
        two = await stack.enter_async_context(senders(url))
        secrets = []
        for server, bad in zip(receivers, (0.02, 0.05, 0.5), strict=True):
            wanted = [_WANTED] if server is receivers[1] else []
            secrets.append((await hooks.add(None, server.url(), types=wanted))[1])
            server.fate = weather.of(bad)
        left = events
        while left or await _waiting(hooks) or killed < kills:
            for number in {0, 1} - two.alive:
                await two.tell("go", number)
            if left or killed < kills:
                # More than was asked for, when the kills are not all done yet.
                batch = min(chance.randint(1, 8), left) or 1
                await _happen(store, chance, batch)
                left = max(0, left - batch)
            try:
                await asyncio.wait_for(weather.due.wait(), 0.2)
            except TimeoutError:
                continue
            weather.due.clear()
            if killed < kills:
                await asyncio.sleep(chance.choice((0, 0, 0.001, 0.003, 0.01)))
                await two.tell("kill", chance.choice(sorted(two.alive)))
                killed += 1
        found = await _judged(store, receivers, secrets)
    found.counts |= {"kills": killed, "seconds": round(monotonic() - began)}
    return found


async def _happen(store: PostgresStore, chance: Random, count: int) -> None:
    entries = []
    for _ in range(count):
        entries.append(decision(action=chance.choice(_ACTIONS), bundle_hash=None).entry)
        if chance.random() < 0.5:
            entries.append(decision(action=chance.choice(_QUIET), bundle_hash=None).entry)
    async with store.begin() as tx:
        await tx.history.extend(entries)


async def _waiting(hooks: Hooks) -> bool:
    await hooks.gather()
    return any(waiting for _, waiting in await hooks.read(None))


async def _judged(store: PostgresStore, receivers: list[HookServer], secrets: list[str]) -> Found:
    found, tries = Found(), Counter[str]()
    async with store.begin() as tx:
        records = [d for d in await tx.history.list(limit=1_000_000) if d.entry.action in _ACTIONS]
        endpoints = await tx.webhooks.list()
        logged = {
            one.id: await tx.webhooks.deliveries(one.id, limit=1_000_000) for one in endpoints
        }
    for server, secret, endpoint in zip(receivers, secrets, endpoints, strict=True):
        wanted = [
            d for d in reversed(records) if endpoint.id != 2 or d.entry.action == "order_filled"
        ]
        ids = {str(UUID(one.hash[:32])): one.seq for one in wanted}
        name = f"receiver {endpoint.id}"
        came = Counter(one.id for one in server.came)
        taken = {one.id for one in server.taken}
        tries += came
        found.violations += [f"{name} never took {ids[i]}" for i in ids if i not in taken]
        found.violations += [f"{name} got {i}, which it did not want" for i in came if i not in ids]
        found.violations += [
            f"{name}: {each.event.id} is {each.state}"
            for each in logged[endpoint.id]
            if each.state != "delivered" or came[each.event.id] > each.attempts
        ]
        order = [ids.get(one.id, 0) for one in server.came]
        if order != sorted(order):
            found.violations.append(f"{name} got events out of order")
        bodies = {one.id: one.body for one in server.came}
        for one in server.came:
            if bodies[one.id] != one.body or not one.is_signed_by(secret):
                found.violations.append(f"{name}: {one.id} came in another form, or unsigned")
        found.counts[f"events for {name}"] = len(ids)
        found.counts["requests"] = found.counts.get("requests", 0) + len(server.came)  # type: ignore[operator]
        found.counts["came twice or more"] = found.counts.get("came twice or more", 0) + sum(  # type: ignore[operator]
            count > 1 for count in came.values()
        )
    return found


def main(arguments: list[str]) -> int:
    """Kill on servers of its own; 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos webhooks", description=__doc__)
    parser.add_argument("--events", type=int, default=400)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with alone.database() as url:
        found = asyncio.run(run(url, events=wanted.events, kills=wanted.kills, seed=wanted.seed))
    return alone.report(found.counts, found.violations)
