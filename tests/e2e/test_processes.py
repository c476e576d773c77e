"""The bot and two workers, each a process of its own, on PostgreSQL and Redis given by URL."""

# ruff: noqa: ASYNC110 -- what is waited for happens in other processes

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from redis.asyncio import from_url

from bot.i18n import words_for
from bot.sandbox import Sandbox, serve
from engine.domain.person import Person, Role
from storage.database import open_database
from storage.embedded import Servers
from storage.transaction import PostgresStore
from tests.chaos import harness, invariants
from tests.chaos.driver import always, loose

TOKEN = "700000002:token-of-the-processes"
MOVING = ("intent", "sending")
ANN, LUIS, EVE = 1001, 1002, 1003
EN, ES = words_for("en"), words_for("es")
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Desk:
    """The running product as its people see it, and its tables."""

    sandbox: Sandbox
    url: str
    owner_url: str
    folder: Path
    processes: list["subprocess.Popen[bytes]"]
    owner: Any
    used: set[str] = field(default_factory=set)
    claimed: dict[str, str] = field(default_factory=dict)

    async def say(self, who: int, text: str) -> str:
        """A person writes; the next answer's text."""
        before = await self._last_update()
        await self.sandbox.send(who, text)
        async with asyncio.timeout(25):
            while (message_id := await self._answered(who, before)) is None:
                await asyncio.sleep(0.05)
        messages = {m["message_id"]: m for m in self.sandbox.messages(who)}
        return str(messages[message_id].get("text") or messages[message_id].get("caption"))

    async def _last_update(self) -> int:
        return int(
            await self.owner.fetchval("SELECT coalesce(max(update_id), 0) FROM telegram_inbox")
        )

    async def _answered(self, who: int, before: int) -> int | None:
        """The message that answers the first update of a person after another one."""
        found: int | None = await self.owner.fetchval(
            "SELECT o.message_id FROM telegram_inbox i"
            " JOIN outbox o ON o.key = 'answer:' || i.update_id AND o.person_id = $1"
            " WHERE i.update_id > $2 AND o.state = 'sent' ORDER BY i.update_id LIMIT 1",
            who,
            before,
        )
        return found

    async def card(self, who: int, idea: str | None = None) -> dict[str, Any]:
        """The card of an idea that waits and was not used in a test yet, or of this idea."""

        def waiting() -> dict[str, Any] | None:
            for message in reversed(self.sandbox.messages(who)):
                data = _data(message, "ok")
                if data and (data not in self.used if idea is None else data == idea):
                    return message
            return None

        found: dict[str, Any] = await self.sandbox.wait_for(waiting, seconds=40)
        self.used.add(_data(found, "ok") or "")
        return found

    async def tap(self, who: int, message: dict[str, Any], word: str = "ok") -> str:
        """A person taps; the query's id."""
        data = (_data(message, "ok") or "").replace("v1:ok:", f"v1:{word}:")
        return await self.sandbox.tap(who, message["message_id"], data=data)

    async def told(self, query: str) -> str:
        """What a tap was answered."""
        answer = await self.sandbox.wait_for(lambda: self.sandbox.answers.get(query), seconds=20)
        return str(answer.get("text"))

    async def stamped(self, who: int, message: dict[str, Any], text: str) -> str:
        """The caption of a card when it carries a text."""

        def caption() -> str | None:
            for found in self.sandbox.messages(who):
                if found["message_id"] == message["message_id"] and text in found["caption"]:
                    return str(found["caption"])
            return None

        return str(await self.sandbox.wait_for(caption, seconds=25))

    async def orders(self, message: dict[str, Any]) -> list[Any]:
        """The orders of a card's idea, with their number of fills."""
        query = (
            "SELECT o.state, count(f.client_id) AS fills FROM trade_order o"
            " LEFT JOIN fill f USING (client_id) WHERE o.idea_id = $1 GROUP BY o.client_id, o.state"
        )
        return list(await self.owner.fetch(query, _idea(message)))

    async def ended(self, message: dict[str, Any]) -> list[str]:
        """The actions of the records of a card's idea, in order."""
        rows = await self.owner.fetch(
            "SELECT action FROM decision_history WHERE trade_idea_id = $1 ORDER BY seq",
            _idea(message),
        )
        return [row["action"] for row in rows]

    async def filled(self, message: dict[str, Any]) -> None:
        """Wait until the card's order has come to its end, and see that it is one fill."""
        async with asyncio.timeout(20):
            while (found := await self.orders(message)) == [] or found[0]["state"] in MOVING:
                await asyncio.sleep(0.05)
        assert [tuple(row) for row in found] == [("acked", 1)]


def _data(message: dict[str, Any], word: str) -> str | None:
    rows = (message.get("reply_markup") or {}).get("inline_keyboard", [])
    found = [b["callback_data"] for row in rows for b in row if "callback_data" in b]
    return next((data for data in found if data.startswith(f"v1:{word}:")), None)


def _idea(message: dict[str, Any]) -> str:
    return (_data(message, "why") or "").removeprefix("v1:why:")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(servers: Servers, tmp_path_factory: Any) -> AsyncIterator[Desk]:
    """An empty database, an empty Redis, three processes started at the same moment."""
    folder: Path = tmp_path_factory.mktemp("processes")
    redis_url = re.sub(r"([?&]db=)\d+", r"\g<1>5", servers.redis_url)
    if "db=" not in redis_url:
        redis_url += ("&" if "?" in redis_url else "?") + "db=5"
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(from_url(redis_url))
        await redis.flushdb()
        url, owner_url = await _database(servers, "processes")
        sandbox = Sandbox(token=TOKEN, enforce_flood=False)
        served = await serve(sandbox)
        stack.push_async_callback(served.close)
        environ = harness.environment(
            DATABASE_URL=url,
            DATABASE_OWNER_URL=owner_url,
            REDIS_URL=redis_url,
            TELEGRAM_BOT_TOKEN=TOKEN,
            TELEGRAM_API_URL=served.url,
            MARKET_PACE_SECONDS="0.2",
            AI_TRADER_HOME=str(folder),
        )
        commands = (["bot"], ["worker", "--name", "w1"], ["worker", "--name", "w2"])
        processes = [_start(folder, environ, words) for words in commands]
        stack.callback(_stop, processes)
        owner = await asyncpg.connect(owner_url)
        stack.push_async_callback(owner.close)
        found = Desk(sandbox, url, owner_url, folder, processes, owner)
        await _claim(found)
        yield found
    await _drop(servers, "processes")


async def _database(servers: Servers, name: str) -> tuple[str, str]:
    owner = await asyncpg.connect(servers.owner_url)
    await owner.execute(f"CREATE DATABASE {name}")
    await owner.close()
    urls = (servers.database_url, servers.owner_url)
    url, owner_url = (u.replace("/ai_trader?", f"/{name}?") for u in urls)
    return url, owner_url


async def _drop(servers: Servers, name: str) -> None:
    owner = await asyncpg.connect(servers.owner_url)
    await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await owner.close()


def _start(folder: Path, environ: dict[str, str], words: list[str]) -> "subprocess.Popen[bytes]":
    with (folder / f"{words[-1]}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "bot", *words],
            cwd=harness.ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _stop(processes: list["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def _claim(desk: Desk) -> None:
    """Ann claims the bot and starts trading, Luis is let in as a trader; what they were told."""
    log = desk.folder / "bot.log"

    def code() -> str | None:
        found = re.search(r"/start (\S+)", log.read_text())
        return found[1] if found else None

    async with asyncio.timeout(40):
        while (given := code()) is None:
            assert desk.processes[0].poll() is None, log.read_text()
            await asyncio.sleep(0.05)
    control = await desk.owner.fetchrow("SELECT state, reason FROM control")
    desk.claimed["state"] = f"{control['state']} {control['reason']}"
    desk.claimed["stranger"] = await desk.say(EVE, "/status")
    desk.claimed["wrong"] = await desk.say(LUIS, "/start not-the-code")
    desk.claimed["right"] = await desk.say(ANN, f"/start {given}")
    desk.claimed["late"] = await desk.say(EVE, f"/start {given}")
    async with open_database(desk.url, pool=2), PostgresStore().begin() as tx:
        await tx.people.save(
            Person(id=LUIS, name="Luis", role=Role.TRADER, language="es", chat_id=LUIS)
        )
        await tx.settings.save_risk(loose(), by="test", reason="any idea will do")
        for strategy in await tx.settings.strategies():
            off = replace(strategy, is_active=False)
            await tx.settings.save_strategy(off, by="test", reason="one idea at a time")
        await tx.settings.save_strategy(
            always("buy", stop="12 pips"), by="test", reason="ideas at once"
        )
    desk.claimed["resumed"] = await desk.say(ANN, "/resume")


async def test_fresh_install_is_paused_and_its_printed_code_makes_one_admin(desk: Desk):
    assert desk.claimed["state"] == "paused fresh_install"
    assert str(EVE) in desk.claimed["stranger"]
    assert EN("start.claimed") in desk.claimed["right"]
    assert EN("start.claimed") not in desk.claimed["late"]
    assert desk.claimed["wrong"] == ES("door.wrong_code", count=4)
    assert EN("control.running") in desk.claimed["resumed"]
    admins = await desk.owner.fetch("SELECT id FROM person WHERE role = 'admin'")
    assert [row["id"] for row in admins] == [ANN]


async def test_tap_on_approve_fills_exactly_one_order_and_stamps_every_card(desk: Desk):
    card = await desk.card(ANN)
    assert card["photo"]
    other = await desk.card(LUIS, _data(card, "ok"))
    assert await desk.told(await desk.tap(ANN, card)) == EN("toast.approved")
    await desk.filled(card)
    assert "Ann" in await desk.stamped(ANN, card, "✅")
    assert "📈" in await desk.stamped(ANN, card, "📈")
    assert "Ann" in await desk.stamped(LUIS, other, "✅")
    actions = await desk.ended(card)
    assert actions[:4] == ["ai_proposed", "human_approved", "order_sending", "order_filled"]


async def test_history_why_and_replay_tell_the_same_story(desk: Desk):
    card = await desk.card(ANN)
    await desk.told(await desk.tap(ANN, card))
    await desk.filled(card)
    row = await desk.owner.fetchrow("SELECT number FROM trade_ideas WHERE id = $1", _idea(card))
    why = await desk.say(ANN, f"/why {row['number']}")
    assert f"#{row['number']}" in why
    assert "Ann" in why
    seq = re.findall(r"/replay (\d+)", why)[-1]
    assert EN("replay.equal") in await desk.say(ANN, f"/replay {seq}")
    assert re.search(r"\d+ \d+ \w+", await desk.say(ANN, "/history")) is not None


async def test_two_people_who_tap_at_once_have_one_effect_and_the_later_is_told_so(desk: Desk):
    card = await desk.card(ANN)
    other = await desk.card(LUIS, _data(card, "ok"))
    queries = [await desk.tap(ANN, card), await desk.tap(LUIS, other, "no")]
    first, second = [await desk.told(query) for query in queries]
    approved = first == EN("toast.approved")
    if approved:
        assert second.startswith(ES("toast.already", ending=""))
        await desk.filled(card)
    else:
        assert second == ES("toast.rejected")
        assert first.startswith(EN("toast.already", ending=""))
        assert await desk.orders(card) == []
    actions = await desk.ended(card)
    assert [a for a in actions if a.startswith("human")] == [
        "human_approved" if approved else "human_rejected"
    ]


async def test_second_tap_of_the_same_person_has_no_effect_and_is_told_so(desk: Desk):
    card = await desk.card(ANN)
    queries = [await desk.tap(ANN, card) for _ in range(3)]
    told = [await desk.told(query) for query in queries]
    assert told[0] == EN("toast.approved")
    assert all(text.startswith(EN("toast.already", ending="")) for text in told[1:])
    await desk.filled(card)
    assert (await desk.ended(card)).count("human_approved") == 1


async def test_tap_after_the_expiry_does_nothing_and_says_that_it_was_too_late(desk: Desk):
    card = await desk.card(ANN)
    await desk.owner.execute(
        "UPDATE approval SET expires_at = clock_timestamp() WHERE idea_id = $1", _idea(card)
    )
    assert await desk.told(await desk.tap(ANN, card)) == EN("toast.expired")
    assert await desk.orders(card) == []
    assert (await desk.ended(card))[1:] == ["idea_expired"]
    await desk.stamped(ANN, card, "⌛")


async def test_tap_while_paused_sends_nothing_and_says_that_trading_is_stopped(desk: Desk):
    card = await desk.card(LUIS)
    try:
        assert EN("control.paused") in await desk.say(ANN, "/pause")
        assert await desk.told(await desk.tap(LUIS, card)) == ES(
            "toast.halted", detail=ES("failed.state")
        )
        assert await desk.orders(card) == []
        assert (await desk.ended(card))[1:] == ["risk_rejected"]
    finally:
        await desk.say(ANN, "/resume")


async def test_order_is_filled_although_the_worker_that_took_it_is_killed(desk: Desk):
    card = await desk.card(ANN)
    query = await desk.tap(ANN, card)
    victim = desk.processes.pop()
    os.killpg(victim.pid, signal.SIGKILL)
    victim.wait()
    assert await desk.told(query) == EN("toast.approved")
    async with asyncio.timeout(45):
        while [row["state"] for row in await desk.orders(card)] not in (
            ["acked"],
            ["absent"],
            ["cancelled"],
        ):
            await asyncio.sleep(0.1)


async def test_everything_written_by_three_processes_is_whole(desk: Desk):
    await desk.say(ANN, "/pause")
    assert [process.poll() for process in desk.processes] == [None] * len(desk.processes)
    assert desk.sandbox.violations == []
    # Beside the local Telegram, which answers what is being sent meanwhile.
    await asyncio.to_thread(_stop, desk.processes)
    books = await invariants.check(desk.owner_url)
    assert books.violations == []
    assert all(row["error"] is None for row in books.outbox), json.dumps(
        [dict(row) for row in books.outbox if row["error"]], default=str
    )
    assert await asyncio.to_thread(harness.history_faults, desk.url) == []
