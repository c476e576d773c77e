"""A storm of alerts for the courier: what is queued, the faults, and what must come of it.

The courier is a process of its own that can be killed; the local chat and PostgreSQL stay.
"""

import asyncio
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tortoise import connections

from bot.sandbox import Person, Sandbox, serve
from engine.domain.notice import Priority
from engine.domain.person import Person as Reader
from engine.domain.person import Role
from storage.mapping import json_text
from storage.transaction import PostgresStore
from tests.chaos import harness

TOKEN = "700000003:token-of-the-storm"
FIRST = 5001

_QUEUE = """
INSERT INTO outbox (key, person_id, chat_id, priority, kind, payload, state, attempts, not_before,
                    created_at)
VALUES ($1, $2, $2, $3, 'answer', $4, 'queued', 0, clock_timestamp(), clock_timestamp())
"""


@dataclass
class Storm:
    """The chats, the database and the courier's process."""

    sandbox: Sandbox
    chats: tuple[int, ...]
    zygote: "subprocess.Popen[str]"
    queued: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    before: dict[int, int] = field(default_factory=dict)
    lives: bool = False
    kills: int = 0

    async def alert(self, chat: int, text: str, *, halt: bool = False) -> None:
        """Queue an alert; halts have a button and are pinned."""
        payload: dict[str, Any] = {"text": f"<b>{text}</b>"}
        if halt:
            payload |= {
                "pin": True,
                "buttons": [[{"text": "Seen", "callback_data": "v1:seen:1"}]],
            }
        await _put(chat, f"storm:{text}", Priority.SAFETY if halt else Priority.NORMAL, payload)
        self.queued[chat].append(text)

    def start(self) -> None:
        """Start a courier's process."""
        self._tell("go")
        self.lives = True

    def kill(self) -> None:
        """Kill it, wherever it is."""
        if self.lives:
            self._tell("kill")
            self.lives = False
            self.kills += 1

    def _tell(self, word: str) -> None:
        assert self.zygote.stdin
        assert self.zygote.stdout
        self.zygote.stdin.write(f"{word}\n")
        self.zygote.stdin.flush()
        assert self.zygote.stdout.readline() == "done\n"

    async def waiting(self) -> int:
        """Rows that are not settled."""
        rows = await connections.get("default").execute_query_dict(
            "SELECT count(*) AS n FROM outbox WHERE state IN ('queued', 'sending')"
        )
        return int(rows[0]["n"])

    async def settled(self, seconds: float) -> None:
        """Wait until nothing waits any more."""
        async with asyncio.timeout(seconds):
            while await self.waiting():  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    def texts(self, chat: int) -> list[str]:
        """What the chat was told, in order."""
        return [m["text"] for m in self.sandbox.messages(chat)[self.before[chat] :]]

    def faults(self) -> list[str]:
        """What is wrong with what came: lost, doubled, out of order, a halt behind an alert that
        was queued with it, or a halt that is not pinned.
        """
        found: list[str] = []
        for chat in self.chats:
            told, wanted = self.texts(chat), self.queued[chat]
            found += [f"{chat}: {text} is lost" for text in wanted if text not in told]
            found += [f"{chat}: {t} came twice" for t in set(told) if told.count(t) > 1]
            halts = [text for text in told if text.startswith("halt")]
            alerts = [text for text in told if not text.startswith("halt")]
            if alerts != [text for text in wanted if not text.startswith("halt")]:
                found.append(f"{chat}: the alerts came in another order: {alerts}")
            if len(self.sandbox.pins(chat)) != len(halts):
                found.append(f"{chat}: {len(self.sandbox.pins(chat))} pins of {len(halts)}")
        return found

    def flood(self) -> int:
        """Calls that broke a limit, by the local chat's own count."""
        return self.sandbox.flood_violations

    def late_halts(self, at: int) -> list[str]:
        """Halts queued when ``at`` messages had come to their chat, that more than two overtook:
        one is under way while it is queued.
        """
        found = []
        for chat in self.chats:
            for place, text in enumerate(self.texts(chat)):
                if text.startswith("halt") and place > at + 2:
                    found.append(f"{chat}: {text} came {place}th")
        return found


@asynccontextmanager
async def storm(url: str, *, chats: int) -> AsyncIterator[Storm]:
    """A chat server with so many people, who are known to the (open) database."""
    ids = tuple(range(FIRST, FIRST + chats))
    people = [Person(id_, f"Person {id_}", None, "en") for id_ in ids]
    sandbox = Sandbox(token=TOKEN, people=people)
    served = await serve(sandbox)
    environ = harness.environment(
        DATABASE_URL=url,
        TELEGRAM_BOT_TOKEN=TOKEN,
        TELEGRAM_API_URL=served.url,
    )
    zygote = _couriers(environ)
    made = Storm(sandbox, ids, zygote)
    try:
        async with PostgresStore().begin() as tx:
            for id_ in ids:
                reader = Reader(id=id_, name=f"Person {id_}", role=Role.VIEWER, chat_id=id_)
                await tx.people.save(reader)
        for id_ in ids:
            await sandbox.send(id_, "/start")
            made.before[id_] = len(sandbox.messages(id_))
        yield made
    finally:
        made.kill()
        zygote.communicate(timeout=15)
        await served.close()


async def _put(chat: int, key: str, priority: Priority, payload: dict[str, Any]) -> None:
    await connections.get("default").execute_query(
        _QUEUE, [key, chat, priority.rank, json_text(payload)]
    )


async def queue_rows(chats: Sequence[int], each: int) -> None:
    """So many messages for each of some chats."""
    for number in range(each):
        for chat in chats:
            await _put(chat, f"row:{number}", Priority.NORMAL, {"text": f"message {number}"})


def _couriers(environ: dict[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.storm_courier"],
        cwd=harness.ROOT,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


async def queue(storm_: Storm, alerts: int) -> None:
    """So many alerts, spread evenly over the chats."""
    for number in range(alerts):
        chat = storm_.chats[number % len(storm_.chats)]
        await storm_.alert(chat, f"alert {number}")


def weather(sandbox: Sandbox, chance: Random, chats: Sequence[int]) -> None:
    """One fault, of those that Telegram and the way there have."""
    chat = chance.choice(chats)
    fault: dict[str, Any] = chance.choice(
        (
            {"code": 429, "description": "Too Many Requests: injected", "retry_after": 1},
            {"code": 429, "description": "Too Many Requests: injected"},
            {"code": 500, "description": "Internal Server Error"},
            {"disconnect": True},
            {"disconnect": True, "after": True},
            {"disconnect": True, "after": True},
            {"code": 502, "description": "Bad Gateway", "after": True},
        )
    )
    sandbox.fault("sendMessage", contains=f'"{chat}"' if chance.random() < 0.7 else "", **fault)


def everywhere(sandbox: Sandbox, chats: int) -> None:
    """Telegram holds the whole bot: whatever it sends is refused for a while."""
    sandbox.fault(
        "sendMessage",
        times=min(chats, 3),
        code=429,
        description="Too Many Requests: injected for all",
        retry_after=2,
    )
