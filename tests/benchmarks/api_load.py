"""Reads of the HTTP API beside everything else that happens at once, with the real processes.

    python -m tests.benchmarks api-load --seconds 600

Bot, worker, API and the Expert Advisors' endpoint are processes of their own over one database; the
worker judges a candle every second. Twenty reads a second are due beside fifty terminals that ask
once a second and five taps a second; every minute twenty people log in at once. How long a read
took counts from the instant at which it was due. Each process's event loop is watched from inside,
and its memory from outside. It ends by itself.
"""

import argparse
import asyncio
import gc
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count, cycle
from pathlib import Path
from random import Random
from time import time
from typing import Any

import asyncpg
from aiohttp import ClientError, ClientSession, TCPConnector

from bot.api.tokens import Tokens
from bot.api.uses import build_access
from bot.sandbox import Person as ChatPerson
from bot.sandbox import Sandbox, serve
from bot.world import now
from engine.domain.person import Person, Role
from storage.database import open_database
from storage.embedded import Servers, embedded_servers
from storage.transaction import PostgresStore
from tests import histories
from tests.benchmarks.api_seen import NAMES, Seen, report
from tests.benchmarks.ea_fleet import Process, _enlist, _free_port, _listens, _process, _token
from tests.benchmarks.ea_line import Line
from tests.benchmarks.tap import PEOPLE, TOKEN, Bench, _folder, _stock, _waiting
from tests.chaos import harness
from tests.chaos.driver import prepare

READS, EAS, TAPS, LOGINS = 20, 50, 5, 20
_IDEAS, _SETTLE = 8, 5.0
_PASSWORD = "four plain words here"
_PATHS = (
    "/v1/dashboard/summary", "/v1/ai/history?limit=50", "/v1/ai/ideas/active", "/v1/events",
    "/v1/trading/positions", "/v1/trading/orders?limit=50", "/v1/trading/metrics",
    "/v1/system/state", "/v1/strategies", "/v1/settings/risk",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Site:
    """The running product: where each process is, its log and its loop, and who may read."""

    folder: Path
    processes: dict[str, Process]
    key: str

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.processes['api'].port}{path}"


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Print percentiles, faults, lags and slopes."""
    parser = argparse.ArgumentParser(prog="api-load")
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args(arguments).seconds
    with _folder() as folder:
        async with (
            histories.scratch(servers, "api_load") as (url, owner_url),
            embedded_servers(folder / "redis", want_postgres=False) as redis,
        ):
            await prepare(url)
            async with open_database(url):
                key = await _seat()
                await _measure(url, owner_url, redis.redis_url, folder, key, seconds)


async def _seat() -> str:
    """People who tap, log in and read; fifty terminals. The key of a machine that reads."""
    store = PostgresStore()
    access = build_access(store, Tokens(secret="x" * 48, clock=now))
    async with store.begin() as tx:
        _, risk = await tx.settings.risk()
        risk = replace(risk, idea_ttl_seconds=3600)
        await tx.settings.save_risk(risk, by="bench", reason="ideas that wait")
        for id_ in PEOPLE:
            await tx.people.save(Person(id=id_, name=f"P{id_}", role=Role.TRADER, chat_id=id_))
    for id_ in PEOPLE:
        await access.set_login.by_operator(id_, f"p{id_}@example.com", _PASSWORD)
    await _enlist(EAS)
    _, key = await access.issue_key(None, PEOPLE[0], "bench", Role.VIEWER, life=None)
    return key


async def _measure(
    url: str, owner_url: str, redis_url: str, folder: Path, key: str, seconds: float
) -> None:
    people = [ChatPerson(id_, f"P{id_}", f"p{id_}", "en") for id_ in PEOPLE]
    sandbox = Sandbox(token=TOKEN, people=people)
    sandbox._dispatch.calls = deque()
    async with AsyncExitStack() as stack:
        served = await serve(sandbox)
        stack.push_async_callback(served.close)
        owner = await asyncpg.connect(owner_url)
        stack.push_async_callback(owner.close)
        for id_ in PEOPLE:
            await sandbox.send(id_, "hello")
        environ = harness.environment(
            DATABASE_URL=url, REDIS_URL=redis_url, TELEGRAM_BOT_TOKEN=TOKEN,
            TELEGRAM_API_URL=served.url, MARKET_PACE_SECONDS="1", MARKET_WAITS="false",
            AI_TRADER_HOME=str(folder / "home"), API_BEHIND_PROXY="true",
        )  # fmt: skip
        site = Site(folder, await stack.enter_async_context(_started(folder, environ)), key)
        bench = Bench(sandbox, url, owner)
        await _stock(bench, _IDEAS)
        seen = Seen()
        await _load(site, bench, seen, seconds)
        report(site.folder, bench, seen, seconds)


@asynccontextmanager
async def _started(folder: Path, environ: dict[str, str]) -> AsyncIterator[dict[str, Process]]:
    async with AsyncExitStack() as stack:
        found = {}
        for name in NAMES:
            port = _free_port()
            lag = str(folder / f"{name}.lag")
            command = [sys.executable, "-m", "tests.benchmarks.watched", lag, name]
            more = {"API_PORT": str(port), "EA_PORT": str(port)}
            if name == "ea":
                more |= {"BROKER": "mt_bridge", "ACCOUNT_ID": "fleet-0"}
            log = folder / f"{name}.log"
            found[name] = stack.enter_context(_process(log, {**environ, **more}, command, port))
        for name in ("api", "ea"):
            try:
                await _listens(found[name])
            except AssertionError:
                print((folder / f"{name}.log").read_text()[-2000:])
                raise
        yield found


async def _load(site: Site, bench: Bench, seen: Seen, seconds: float) -> None:
    """Everything at once, for so long; the first seconds do not count."""
    begin = time() + 1
    end = begin + _SETTLE + seconds
    before = {name: process.seconds for name, process in site.processes.items()}
    gc.collect()
    gc.freeze()  # this side's pauses are not the product's
    connector = TCPConnector(limit=READS + LOGINS)
    headers = {"X-API-Key": site.key}
    async with ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        paths = cycle(_PATHS)

        async def read() -> None:
            path, sent = next(paths), time()
            async with session.get(site.url(path), headers=headers) as answer:
                await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{path} {answer.status}")
            seen.note(path, sent, time() - sent)

        group.create_task(_paced(seen, "read", READS, begin, end, read))
        for number in range(EAS):
            group.create_task(_terminal(site, seen, number, begin, end))
        group.create_task(_paced(seen, "tap", TAPS, begin, end, _tapping(bench)))
        group.create_task(_logging_in(site, session, seen, begin, end))
        group.create_task(_weigh(site, seen, begin, end))
    seen.computed = {
        name: (process.seconds - before[name]) / (end - begin)
        for name, process in site.processes.items()
    }
    await asyncio.sleep(3)
    counted = begin + _SETTLE
    for kind, taken in seen.taken.items():
        seen.taken[kind] = [one for one in taken if one[0] >= counted]


async def _paced(
    seen: Seen, kind: str, rate: float, begin: float, end: float, ask: Callable[[], Awaitable[Any]]
) -> None:
    """So many a second, each due at its instant however long the others take."""

    async def one(due: float) -> None:
        try:
            await ask()
        except (ClientError, OSError, RuntimeError, TimeoutError) as problem:
            seen.faults[f"{kind}: {problem or type(problem).__name__}"] += 1
        seen.note(kind, due, time() - due)

    async with asyncio.TaskGroup() as group:
        for number in count():
            due = begin + number / rate
            if due > end:
                return
            await asyncio.sleep(max(0.0, due - time()))
            group.create_task(one(due))


async def _terminal(site: Site, seen: Seen, number: int, begin: float, end: float) -> None:
    line = Line(site.processes["ea"].port, _token(number), number + 1)
    turns = count(number)

    async def ask() -> None:
        await (line.beat() if next(turns) % 2 else line.fetch())

    await _paced(seen, "terminal", 1, begin + Random(number).random(), end, ask)
    line.close()


def _tapping(bench: Bench) -> Callable[[], Awaitable[None]]:
    """Everybody taps every card, again and again: the first tap decides, the others are told."""
    chats = {who: _waiting(bench.sandbox, who) for who in PEOPLE}
    ideas = list(chats[PEOPLE[0]])[:_IDEAS]
    taps = cycle([(who, idea) for idea in ideas for who in PEOPLE])

    async def tap() -> None:
        who, idea = next(taps)
        at = time()
        message_id = chats[who][idea]["message_id"]
        query = await bench.sandbox.tap(who, message_id, data=f"v1:ok:{idea}")
        bench.tapped[query] = at

    return tap


async def _logging_in(
    site: Site, session: ClientSession, seen: Seen, begin: float, end: float
) -> None:
    """Twenty people at once, from as many addresses, every minute; at least once."""
    every = min(60.0, (end - begin) / 2)

    async def one(number: int) -> None:
        body = {"email": f"p{PEOPLE[number % len(PEOPLE)]}@example.com", "password": _PASSWORD}
        address = {"X-Forwarded-For": f"10.0.{number}.{len(seen.logins) % 250}"}
        due = time()
        url = site.url("/v1/auth/login")
        async with session.post(url, json=body, headers=address) as answer:
            await answer.read()
            if answer.status != 200:
                seen.faults[f"login: {answer.status}"] += 1
        seen.note("login", due, time() - due)

    for turn in count(1):
        due = begin + _SETTLE + (turn - 0.5) * every
        if due > end:
            return
        await asyncio.sleep(max(0.0, due - time()))
        began = time()
        async with asyncio.TaskGroup() as group:
            for number in range(LOGINS):
                group.create_task(one(number))
        seen.logins.append((began, time()))


async def _weigh(site: Site, seen: Seen, begin: float, end: float) -> None:
    """What each process holds in memory, every second."""
    while time() < end:
        await asyncio.sleep(1)
        for name, process in site.processes.items():
            held = process.watched.memory_info().rss / 1e6
            seen.memory.setdefault(name, []).append((time() - begin, held))
