"""Updates that come three times each to a bot that is killed again and again: none is lost."""

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from bot.sandbox import DEFAULT_PEOPLE, Sandbox, serve
from bot.world import now
from engine.domain.person import Person, Role
from storage.database import open_database
from storage.migrate import migrate
from storage.transaction import PostgresStore
from tests.chaos import alone, harness
from tests.chaos.bot_life import PLACES, TOKEN
from tests.chaos.driver import Plan, build, prepare
from tests.chaos.harness import Zygote
from tests.conftest import ROLE, running_servers

ANN, LUIS, EVE = 1001, 1002, 1003
_TIMES = 3
_DUE_IDEAS = 40
#: After so many deaths one life is spared.
_LET_LIVE = 8
#: What each of them sends again and again; a tap's data begins with its version.
_SAYS = {
    ANN: ("/status", "v1:status", "idea", "/pause", "hello", "/resume"),
    LUIS: ("/whoami", "idea", "v1:status", "v0:old"),
    EVE: ("/today", "v1:status", "idea"),
}


@dataclass
class Found:
    """What the deaths came to."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


@dataclass
class Crowd:
    """The people in the local chat, and what they have sent so far."""

    sandbox: Sandbox
    chance: Random
    ideas: list[str]
    sent: dict[int, tuple[int, str]] = field(default_factory=dict)
    queries: dict[int, str] = field(default_factory=dict)

    async def send(self) -> None:
        """Each does one or two things."""
        for who in (ANN, LUIS, EVE):
            for _ in range(self.chance.randint(1, 2)):
                await self._send(who, self.chance.choice(_SAYS[who]))

    async def _send(self, who: int, what: str) -> None:
        update_id = self.sandbox.telegram.queue.next_id
        if what == "idea":
            word = self.chance.choice(("ok", "no", "half"))
            what = f"v1:{word}:{self.chance.choice(self.ideas)}"
        if what.startswith("v"):
            self.queries[update_id] = await self.sandbox.tap(who, 1, data=what)
        else:
            await self.sandbox.send(who, what)
        self.sent[update_id] = (who, what)


def thrice(sandbox: Sandbox) -> None:
    """Make Telegram forget an update only when it was confirmed three times."""
    queue, confirmed = sandbox.telegram.queue, Counter[int]()

    def confirm(offset: int) -> None:
        for item in [one for one in queue.waiting if one.update["update_id"] < offset]:
            confirmed[item.update["update_id"]] += 1
            if confirmed[item.update["update_id"]] >= _TIMES:
                queue.waiting.remove(item)

    queue.confirm = confirm  # type: ignore[method-assign]


async def run(
    urls: tuple[str, str], redis: str, home: Path, zygote: Zygote, *, kills: int, seed: int
) -> Found:
    """Kill on an empty, migrated database, and check the tables and the chat."""
    url, owner_url = urls
    found, chance = Found(), Random(seed)
    await prepare(url)
    async with open_database(url, pool=4):
        ideas = await _people_and_ideas(url)
    sandbox = Sandbox(token=TOKEN, people=DEFAULT_PEOPLE, enforce_flood=False)
    served = await serve(sandbox)
    for who in (ANN, LUIS, EVE):
        await sandbox.send(who, "/start")
    crowd = Crowd(sandbox, chance, ideas)
    thrice(sandbox)
    order = {"url": url, "redis": redis, "chat": served.url, "home": str(home)}
    try:
        for number in range(kills):
            await crowd.send()
            ended = await asyncio.to_thread(_life, zygote, order, number, chance)
            found.counts[ended] += 1
            if number % _LET_LIVE == _LET_LIVE - 1:
                # Lives that end at their first update would leave more than anybody may have.
                await asyncio.to_thread(zygote.life, {}, **order, settle=True, limit=60)
        await asyncio.to_thread(zygote.life, {}, **order, settle=True, limit=60)
        await _check(owner_url, crowd, found)
    finally:
        await served.close()
    found.violations += await _effects(owner_url)
    found.violations += await asyncio.to_thread(harness.history_faults, url)
    return found


def _life(zygote: Zygote, order: dict[str, Any], number: int, chance: Random) -> str:
    """One death in three is at a random instant, the others are in a window."""
    if number % 3 == 2:
        return zygote.life({}, **order, kill_after=chance.uniform(0.0, 0.8), limit=20)
    place = PLACES[number % len(PLACES)]
    ended = zygote.life({}, **order, place=place, nth=chance.randint(1, 3), limit=4)
    return f"killed when {place}" if ended == "trapped" else ended


async def _people_and_ideas(url: str) -> list[str]:
    """Everybody is seated, and ideas wait that nobody has answered."""
    life = build(Plan(url=url))
    async with PostgresStore().begin() as tx:
        for id_, role in ((LUIS, Role.TRADER), (EVE, Role.VIEWER)):
            await tx.people.save(Person(id=id_, name=str(id_), role=role, chat_id=id_))
    for _ in range(_DUE_IDEAS):
        await life.world.market.advance(now, life.world.pace)
        await life.work.sync_broker()
        await life.work.run_cycle("EURUSD", life.world.market.recording.timeframe)
    async with life.world.store.begin() as tx:
        waiting = [idea.hex for idea in await tx.ideas.pending()]
    assert waiting
    return waiting


async def _check(owner_url: str, crowd: Crowd, found: Found) -> None:
    """Everything sent is in the inbox once, is done, and was answered once."""
    db = await asyncpg.connect(owner_url)
    inbox = {row["update_id"]: row for row in await db.fetch("SELECT * FROM telegram_inbox")}
    rows = await db.fetch("SELECT key, payload FROM outbox WHERE kind = 'answer'")
    await db.close()
    answers = Counter(row["key"] for row in rows)
    found.counts["updates"] = len(crowd.sent)
    found.counts["attempts"] = sum(row["attempts"] for row in inbox.values())
    for update_id, (who, what) in crowd.sent.items():
        name = f"update {update_id} ({who}: {what})"
        row = inbox.get(update_id)
        if row is None or row["done_at"] is None or row["error"]:
            found.violations.append(f"{name} was lost: {row and dict(row)}")
            continue
        written = answers[f"answer:{update_id}"]
        toast = (crowd.sandbox.answers.get(crowd.queries.get(update_id, "")) or {}).get("text")
        found.counts["answered"] += 1
        if what == "v1:status":
            # Its screen is what matters; the toast only says that it is fresh.
            right = written == 1
        elif update_id in crowd.queries:
            # A tap whose words were shown, or follow as a message; never both. When the death came
            # between the two, nobody knows: nothing is said twice.
            right = written + bool(toast) == 1 or (not written and row["told"])
            found.counts["taps nobody knows of"] += not written and not toast
        else:
            right = written == 1
        if not right:
            found.violations.append(f"{name} has {written} answers and the toast {toast!r}")
    extra = {key for key, count in answers.items() if count > 1}
    found.violations += [f"{key} was queued more than once" for key in extra]
    found.violations += [f"the chat: {json.dumps(one)}" for one in crowd.sandbox.violations[:3]]


async def _effects(owner_url: str) -> list[str]:
    """Every idea was decided at most once, and has at most one order."""
    db = await asyncpg.connect(owner_url)
    decided = await db.fetch(
        "SELECT trade_idea_id, count(*) AS times FROM decision_history"
        " WHERE action IN ('human_approved', 'human_rejected', 'risk_rejected', 'idea_expired')"
        " GROUP BY trade_idea_id HAVING count(*) > 1"
    )
    ordered = await db.fetch("SELECT idea_id FROM trade_order GROUP BY idea_id HAVING count(*) > 1")
    tapped = await db.fetchval("SELECT count(*) FROM approval WHERE ending <> 'pending'")
    await db.close()
    problems = [f"idea {row[0]} was decided {row[1]} times" for row in decided]
    problems += [f"idea {row[0]} has several orders" for row in ordered]
    return problems if tapped else [*problems, "no tap has decided anything"]


@contextmanager
def _servers() -> Iterator[tuple[tuple[str, str], str, Path]]:
    with tempfile.TemporaryDirectory(prefix="ait-") as folder:
        Path(folder).chmod(0o711)
        with running_servers(Path(folder) / "home") as servers:
            asyncio.run(migrate(servers.owner_url, runtime_role=ROLE))
            yield (servers.database_url, servers.owner_url), servers.redis_url, Path(folder) / "bot"


def main(arguments: list[str]) -> int:
    """``make chaos ARGS="updates --kills 200"``."""
    parser = argparse.ArgumentParser(prog="updates", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with _servers() as (urls, redis, home), harness.zygote("tests.chaos.bot_life") as zygote:
        found = asyncio.run(run(urls, redis, home, zygote, kills=wanted.kills, seed=wanted.seed))
    return alone.report(dict(sorted(found.counts.items())), found.violations)
