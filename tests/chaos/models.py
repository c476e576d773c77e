"""A language model that fails in every way, beside a real worker: ``models``.

Each life is a worker process on an empty database that trades by itself, with a model server that
does one thing wrong. Ideas, orders and cards must come as without a model, and what became of each
explanation must stand on the card and in the history.
"""

import argparse
import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
from redis.asyncio import from_url

from bot.sandbox import Sandbox, serve
from engine.domain.explanation import DEGRADED, FALLBACK_RATIONALE, Fate
from engine.domain.state import Mode
from storage.embedded import Servers
from storage.migrate import migrate
from tests.chaos.alone import report
from tests.chaos.driver import PERSON, prepare
from tests.chaos.model_faults import FAULTS, TRUE, Fault, place_of
from tests.chaos.product import started
from tests.conftest import ROLE, running_servers
from tests.provider_server import KEY, MODELS

TOKEN = "700000003:token-of-the-models"
#: Candles of a life and their pace, at which the chat's limits hold up no card; and how long it is
#: waited for the first explanation.
CANDLES, PACE, PATIENCE = 5, "2", 12.0
#: Seconds that a card, a fill, a candle or the end may take longer than the longest of a life
#: without a model; the first of each pays for a start.
_LONGER = 4.0
_WHAT = ("card", "fill", "candle", "stop")
_LIMITS = {"LLM_FIRST_TIMEOUT": "1", "LLM_TIMEOUT": "2"}


@dataclass
class Life:
    """What a life came to; times are seconds."""

    name: str
    ideas: int = 0
    cards: list[float] = field(default_factory=list)
    fills: list[float] = field(default_factory=list)
    candles: list[float] = field(default_factory=list)
    explained: dict[str, int] = field(default_factory=dict)
    stop: float = 0.0
    violations: list[str] = field(default_factory=list)

    @property
    def longest(self) -> tuple[float, ...]:
        """From an idea to its card, to its fill, from a candle to the next, and to stop."""
        taken = (self.cards, self.fills, self.candles)
        return (*(max(each, default=float("inf")) for each in taken), self.stop)

    def wrong(self, what: str) -> None:
        """Note what must not be."""
        self.violations.append(f"{self.name}: {what}")


@dataclass
class Bench:
    """Servers, and a database that each life gets a copy of."""

    servers: Servers
    folder: Path
    number: int = 0
    prefix: str = "models"
    #: A migrated database to begin with, if there is one.
    template: str = ""
    #: The longest of a life without a model.
    bare: tuple[float, ...] = ()

    async def begin(self) -> tuple[str, str]:
        """The addresses of an empty database that is ready to trade, beside an empty Redis."""
        async with from_url(self.redis_url) as redis:
            await redis.flushdb()
        owner = await asyncpg.connect(self.servers.owner_url)
        name, base = f"{self.prefix}_{self.number}", f"{self.prefix}_base"
        if self.number == 0:
            await owner.execute(f"CREATE DATABASE {base} TEMPLATE {self.template or 'template1'}")
            url, owner_url = self.urls(base)
            if not self.template:
                await migrate(owner_url, runtime_role=ROLE)
            await prepare(url, ways=("buy",), mode=Mode.AUTONOMOUS)
        self.number += 1
        await owner.execute(f"CREATE DATABASE {name} TEMPLATE {base}")
        await owner.close()
        return self.urls(name)

    @property
    def redis_url(self) -> str:
        """A database of Redis that nobody else uses."""
        url, _, _ = self.servers.redis_url.partition("?")
        return f"{url}?db=6"

    async def close(self) -> None:
        """Remove the databases."""
        owner = await asyncpg.connect(self.servers.owner_url)
        for name in (*range(self.number), "base"):
            await owner.execute(f"DROP DATABASE IF EXISTS {self.prefix}_{name} WITH (FORCE)")
        await owner.close()

    def urls(self, name: str) -> tuple[str, str]:
        """Of the runtime role, and of the owner."""
        url, owner_url = (
            url.replace("/ai_trader?", f"/{name}?")
            for url in (self.servers.database_url, self.servers.owner_url)
        )
        return url, owner_url


async def live(bench: Bench, name: str, fault: Fault | None, candles: int = CANDLES) -> Life:
    """One life; without a fault there is no model."""
    life = Life(name)
    async with AsyncExitStack() as stack:
        url, owner_url = await bench.begin()
        sandbox = Sandbox(token=TOKEN, enforce_flood=False)
        chat = await serve(sandbox)
        stack.push_async_callback(chat.close)
        await sandbox.send(PERSON, "/start")
        settings = {}
        if fault is not None:
            address = await stack.enter_async_context(place_of(fault))
            settings = {
                "LLM_ENABLED": "true", "LLM_MODEL": MODELS[0], "LLM_API_KEY": KEY,
                "LLM_BASE_URL": f"{address}/v1", **_LIMITS, **fault.settings,
            }  # fmt: skip
        owner = await asyncpg.connect(owner_url)
        stack.push_async_callback(owner.close)
        log = bench.folder / f"{name}.log"
        with started(
            log, "worker", DATABASE_URL=url, REDIS_URL=bench.redis_url,
            TELEGRAM_BOT_TOKEN=TOKEN, TELEGRAM_API_URL=chat.url, MARKET_PACE_SECONDS=PACE,
            AI_TRADER_HOME=str(bench.folder / f"home {name}"), **settings,
        ) as process:  # fmt: skip
            await _played(owner, candles)
            await _explained(owner, fault)
            begun = time.monotonic()
            process.terminate()
            await asyncio.to_thread(process.wait, 60)
            life.stop = time.monotonic() - begun
        await _read(owner, life)
        captions = [m.get("caption", "") for m in sandbox.messages(PERSON)]
        _judge(life, fault, bench.bare or life.longest, await _told(owner), captions)
        if fault is not None and "Traceback" in log.read_text():
            life.wrong("a traceback in the log")
    return life


async def _until(owner: Any, query: str, count: int, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while await owner.fetchval(query) < count and time.monotonic() < ends:  # noqa: ASYNC110
        await asyncio.sleep(0.1)


async def _played(owner: Any, candles: int) -> None:
    await _until(owner, "SELECT count(*) FROM evaluation", candles, candles * 3 + 30)


async def _explained(owner: Any, fault: Fault | None) -> None:
    """Until the first idea is explained, and the card of it is drawn again."""
    if fault is None or fault.reason == "":
        return
    await _until(owner, "SELECT count(*) FROM idea_explanation", 1, PATIENCE)
    query = "SELECT count(*) FROM outbox WHERE key LIKE 'card:%:explained' AND state = 'sent'"
    await _until(owner, query, 1, PATIENCE)


async def _read(owner: Any, life: Life) -> None:
    life.ideas = await owner.fetchval("SELECT count(*) FROM trade_ideas")
    rows = await owner.fetch(
        "SELECT extract(epoch FROM o.sent_at - i.created_at)::float8 AS card FROM trade_ideas i"
        " JOIN outbox o ON o.key = 'idea:' || i.id WHERE o.sent_at IS NOT NULL"
    )
    life.cards = sorted(row["card"] for row in rows)
    rows = await owner.fetch(
        "SELECT extract(epoch FROM h.occurred_at - i.created_at)::float8 AS fill FROM trade_ideas i"
        " JOIN decision_history h ON h.trade_idea_id = i.id AND h.action = 'order_filled'"
    )
    life.fills = sorted(row["fill"] for row in rows)
    rows = await owner.fetch("SELECT created_at AS at FROM evaluation")
    ats = sorted(row["at"] for row in rows)
    life.candles = sorted((b - a).total_seconds() for a, b in pairwise(ats))
    rows = await owner.fetch(
        "SELECT coalesce(reason, fate) AS what FROM idea_explanation ORDER BY at"
    )
    for row in rows:
        life.explained[row["what"]] = life.explained.get(row["what"], 0) + 1


async def _told(owner: Any) -> list[str]:
    rows = await owner.fetch(
        "SELECT rationale FROM decision_history WHERE action = 'idea_explained' ORDER BY seq"
    )
    return [row["rationale"] for row in rows]


def _judge(
    life: Life, fault: Fault | None, bare: tuple[float, ...], told: list[str], captions: list[str]
) -> None:
    """What must hold, whatever the model does."""
    if life.ideas < 3 or len(life.fills) < life.ideas - 2:
        life.wrong(f"{life.ideas} ideas, {len(life.fills)} fills")
    if len(life.cards) < life.ideas - 2:
        life.wrong(f"{len(life.cards)} cards of {life.ideas} ideas")
    for what, took, most in zip(_WHAT, life.longest, bare, strict=True):
        if not took <= most + _LONGER:
            life.wrong(f"a {what} took {took:.1f} s, without a model {most:.1f} s")
    if fault is None or fault.reason == "":
        if told or life.explained:
            life.wrong(f"explained: {life.explained}")
        return
    first = next(iter(life.explained), "")
    lost = fault.reason is not None
    if first != (fault.reason or Fate.SHOWN):
        life.wrong(f"the first explanation is {first!r}")
    if not told or told[0].startswith(f"{DEGRADED}: {FALLBACK_RATIONALE}") is not lost:
        life.wrong(f"the history says {told[:1]}")
    words = FALLBACK_RATIONALE if lost else TRUE
    if not any(f"💬 {words}" in caption for caption in captions):
        life.wrong("no card says so")


async def _run(names: list[str], candles: int) -> tuple[dict[str, object], list[str]]:
    counts: dict[str, object] = {}
    violations: list[str] = []
    with tempfile.TemporaryDirectory(prefix="ait-") as folder:
        Path(folder).chmod(0o711)  # noqa: ASYNC240 - before anything runs
        with running_servers(Path(folder) / "home") as servers:
            bench = Bench(servers, Path(folder))
            for name in ["no model", *names]:
                life = await live(bench, name, FAULTS.get(name), candles)
                bench.bare = bench.bare or life.longest
                violations += life.violations
                counts[name] = _line(life)
                print(f"  {name:<24}{counts[name]}", flush=True)
    return {"lives": len(counts)}, violations


def _line(life: Life) -> str:
    times = "  ".join(f"{seconds:.2f}" for seconds in life.longest)
    return f"{life.ideas:>3} ideas  {times}  {life.explained}"


def main(arguments: list[str]) -> int:
    """The command's words after ``models``."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos models", description=__doc__)
    parser.add_argument("--faults", nargs="*", choices=tuple(FAULTS), default=list(FAULTS))
    parser.add_argument("--candles", type=int, default=CANDLES)
    wanted = parser.parse_args(arguments)
    print("  the longest seconds to a card, to a fill, to the next candle, to stop; explanations")
    return report(*asyncio.run(_run(wanted.faults, wanted.candles)))
