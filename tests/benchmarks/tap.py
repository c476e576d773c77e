"""A tap to its answer and to the stamp on its card, with the real bot and worker as processes.

Five taps a second, by people who all tap the same ideas: one decides, the others are told who did.
The worker judges a candle every second meanwhile. Telegram's limits are in force.
"""

# ruff: noqa: ASYNC110 -- what is waited for happens in other processes

import argparse
import asyncio
import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, time
from typing import Any

import asyncpg
import psutil

from bot.sandbox import Person as ChatPerson
from bot.sandbox import Sandbox, serve
from engine.domain.person import Person, Role
from engine.strategies.documents import shipped
from storage.database import open_database
from storage.embedded import Servers, embedded_servers
from storage.transaction import PostgresStore
from tests import histories
from tests.benchmarks.common import percentile
from tests.chaos import harness
from tests.chaos.driver import prepare

TOKEN = "700000005:token-of-the-benchmark"
PEOPLE = range(1001, 1009)
PER_SECOND = 5.0
ANSWERED_MS, STAMPED_MS = 100, 500


@dataclass
class Bench:
    """The running product, and when each tap was made."""

    sandbox: Sandbox
    url: str
    owner: Any
    tapped: dict[str, float] = field(default_factory=dict)
    decided: dict[tuple[int, int], float] = field(default_factory=dict)


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Print start times, memory, and the percentiles of both ways."""
    parser = argparse.ArgumentParser(prog="tap")
    parser.add_argument("--ideas", type=int, default=15)
    wanted = parser.parse_args(arguments)
    with _folder() as folder:
        async with (
            histories.scratch(servers, "tap") as (url, owner_url),
            embedded_servers(folder / "redis", want_postgres=False) as redis,
        ):
            # It opens the database for itself, and closes it for everybody.
            await prepare(url)
            async with open_database(url):
                await _measure(url, owner_url, redis.redis_url, folder, wanted.ideas)


async def _measure(url: str, owner_url: str, redis_url: str, folder: Path, ideas: int) -> None:
    store = PostgresStore()
    async with store.begin() as tx:
        _, risk = await tx.settings.risk()
        risk = replace(risk, idea_ttl_seconds=3600)
        await tx.settings.save_risk(risk, by="bench", reason="ideas that wait")
        for id_ in PEOPLE:
            await tx.people.save(Person(id=id_, name=f"P{id_}", role=Role.TRADER, chat_id=id_))
    people = [ChatPerson(id_, f"P{id_}", f"p{id_}", "en") for id_ in PEOPLE]
    sandbox = Sandbox(token=TOKEN, people=people)
    sandbox._dispatch.calls = deque()
    served = await serve(sandbox)
    owner = await asyncpg.connect(owner_url)
    for id_ in PEOPLE:
        await sandbox.send(id_, "hello")
    environ = harness.environment(
        DATABASE_URL=url,
        REDIS_URL=redis_url,
        TELEGRAM_BOT_TOKEN=TOKEN,
        TELEGRAM_API_URL=served.url,
        MARKET_PACE_SECONDS="1",
        MARKET_WAITS="false",
        AI_TRADER_HOME=str(folder / "home"),
    )
    bench = Bench(sandbox, url, owner)
    with ExitStack() as stack:
        began = perf_counter()
        bot = stack.enter_context(_process(folder, environ, "bot"))
        await _until(lambda: any(c["method"] == "getUpdates" for c in sandbox.calls), bot)
        _ready("bot", perf_counter() - began, 12, bot, 512)
        began = perf_counter()
        worker = stack.enter_context(_process(folder, environ, "worker", "--name", "bench"))
        while not await owner.fetchval("SELECT 1 FROM heartbeat WHERE name = 'worker:bench'"):
            await asyncio.sleep(0.02)
        _ready("worker", perf_counter() - began, 4, worker, 120)
        await _stock(bench, ideas)
        await _tap(bench, ideas)
        await asyncio.sleep(3)
        for name, process in (("bot", bot), ("worker", worker)):
            print(f"{name} in the end{_memory(process):>56.0f} MB")
        await _report(bench)
        for name in ("bot", "worker"):
            shown = (folder / f"{name}.log").read_text()
            print(*re.findall(r".* (?:ERROR|WARNING) .*", shown)[-3:], sep="\n")
    await owner.close()
    await served.close()


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="ait-") as made:
        Path(made).chmod(0o711)  # as root the servers run as nobody, who must get in
        yield Path(made)


@contextmanager
def _process(
    folder: Path, environ: dict[str, str], *words: str
) -> Iterator["subprocess.Popen[bytes]"]:
    with (folder / f"{words[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", *words],
            cwd=harness.ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


async def _until(condition: Any, process: "subprocess.Popen[bytes]", seconds: float = 120) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            assert process.poll() is None, "a process has ended"
            await asyncio.sleep(0.02)


def _memory(process: "subprocess.Popen[bytes]") -> float:
    return float(psutil.Process(process.pid).memory_info().rss) / 1e6


def _ready(
    name: str, seconds: float, limit: float, process: "subprocess.Popen[bytes]", memory: float
) -> None:
    used = psutil.Process(process.pid).cpu_times()
    print(
        f"{name} ready{'':<30} {seconds:6.1f} s (limit {limit:.0f} s), of it"
        f" {used.user + used.system:4.1f} s computing; {_memory(process):4.0f} MB ({memory:.0f})"
    )


async def _stock(bench: Bench, ideas: int) -> None:
    """Ideas wait in every chat, and no more are made."""

    def cards() -> int:
        chats = [_waiting(bench.sandbox, id_) for id_ in PEOPLE]
        return min(len(found) for found in chats)

    stopped = False
    async with asyncio.timeout(600):
        while cards() < ideas:
            made = await bench.owner.fetchval("SELECT count(*) FROM trade_ideas")
            if made >= ideas and not stopped:
                stopped = True
                await _quiet_strategies()
            await asyncio.sleep(0.5)
    # What is still queued must not be taken for a stamp that is late.
    while await bench.owner.fetchval("SELECT count(*) FROM outbox WHERE state = 'queued'"):
        await asyncio.sleep(0.2)


async def _quiet_strategies() -> None:
    """The shipped strategies instead of those that always have an idea."""
    async with PostgresStore().begin() as tx:
        for strategy in await tx.settings.strategies():
            off = replace(strategy, is_active=False)
            await tx.settings.save_strategy(off, by="bench", reason="enough ideas")
        for strategy in shipped():
            await tx.settings.save_strategy(strategy, by="bench", reason="the cycle goes on")


def _waiting(sandbox: Sandbox, who: int) -> dict[str, dict[str, Any]]:
    """Cards with buttons in a chat, by idea."""
    found = {}
    for message in sandbox.messages(who):
        rows = (message.get("reply_markup") or {}).get("inline_keyboard", [])
        for button in (one for row in rows for one in row):
            if str(button.get("callback_data")).startswith("v1:ok:"):
                found[button["callback_data"][6:]] = message
    return found


async def _tap(bench: Bench, ideas: int) -> None:
    """Everybody taps every idea; the first of them in turn, half of them yes."""
    chance, chats = Random(1), {id_: _waiting(bench.sandbox, id_) for id_ in PEOPLE}
    shown = list(chats[PEOPLE[0]])[:ideas]
    next_at = perf_counter()
    for number, idea in enumerate(shown):
        people = chance.sample(list(PEOPLE), len(PEOPLE))
        for place, who in enumerate(people):
            next_at += 1 / PER_SECOND
            await asyncio.sleep(max(0.0, next_at - perf_counter()))
            message_id = chats[who][idea]["message_id"]
            word = "ok" if number % 2 else "no"
            at = time()
            query = await bench.sandbox.tap(who, message_id, data=f"v1:{word}:{idea}")
            bench.tapped[query] = at
            if place == 0:
                bench.decided[who, message_id] = at


async def _report(bench: Bench) -> None:
    answered, stamped = [], []
    seen: set[tuple[int, int]] = set()
    for call in bench.sandbox.calls:
        params = call["params"]
        if call["method"] == "answerCallbackQuery":
            answered.append(call["at"] - bench.tapped[params["callback_query_id"]])
        elif call["method"].startswith("editMessage"):
            card = (int(params["chat_id"]), int(params["message_id"]))
            if card in bench.decided and card not in seen and call["at"] > bench.decided[card]:
                seen.add(card)
                stamped.append(call["at"] - bench.decided[card])
    lost = len(bench.tapped) - len(answered), len(bench.decided) - len(stamped)
    print(f"taps {len(bench.tapped)}, unanswered {lost[0]}; decided {len(bench.decided)},"
          f" not stamped {lost[1]}")  # fmt: skip
    _percentiles("tap → callback answered", answered, 99, ANSWERED_MS)
    _percentiles("tap → own card stamped", stamped, 95, STAMPED_MS)
    rows = await bench.owner.fetch(
        "SELECT payload -> 'callback_query' ->> 'id' AS query,"
        " extract(epoch FROM received_at)::float AS received,"
        " extract(epoch FROM done_at)::float AS done FROM telegram_inbox"
    )
    parts = [row for row in rows if row["query"] in bench.tapped]
    fetched = [row["received"] - bench.tapped[row["query"]] for row in parts]
    handled = [row["done"] - row["received"] for row in parts]
    _percentiles("  of it: tap → stored", fetched, 99, ANSWERED_MS)
    _percentiles("  of it: stored → done", handled, 99, ANSWERED_MS)


def _percentiles(name: str, seconds: list[float], percent: int, limit: float) -> None:
    at = {p: percentile(seconds, p) * 1e3 for p in (50, 95, 99)}
    print(
        f"{name:<28}{'  '.join(f'p{p} {value:6.0f} ms' for p, value in at.items())}"
        f"   p{percent} is {at[percent] / limit:5.2f} × {limit:.0f} ms"
    )
