"""Signals in the chat and in the terminal: the line of /ea, findings of /doctor, the commands."""
# ruff: noqa: F811 - fixtures are arguments

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from bot.i18n import LANGUAGES, words_for
from bot.pushing import build_push, run_push
from bot.settings import Settings
from bot.talk import build_talk
from bot.views import push as views
from broker.signal_push.server import HttpSignalServer
from engine.domain.market import Timeframe
from engine.domain.signal import Contact, Forecast, Reach, SignalState
from engine.domain.state import TradingState
from engine.errors import InvalidInput, NotAllowed
from engine.flow.signal_status import PUSHER, ReadSignalQueue, finding
from tests.chaos.harness import ROOT, environment
from tests.conftest import Database
from tests.e2e.conftest import Chat, chat, desk, mode  # noqa: F401
from tests.integration.conftest import Desk
from tests.signal_server import KEY, EaServer, answer, ea_server
from tests.signals import signal

ADMIN, TRADER, VIEWER, STRANGER = 1001, 1002, 1003, 1004


@pytest.fixture
async def ea() -> AsyncIterator[EaServer]:
    async with ea_server() as found:
        found.other = {"/health": answer(200, "{}")}
        yield found


def settings(ea: EaServer, **values: Any) -> Settings:
    given = {"ea_server_url": ea.url, "ea_api_key": SecretStr(KEY), "ea_request_timeout": 1,
             "ea_push_enabled": True, "ea_push_interval": 1, **values}  # fmt: skip
    return Settings(_env_file=None, **given)  # type: ignore[call-arg]


async def queue(desk: Desk, *numbers: int) -> None:
    async with desk.world.store.begin() as tx:
        for number in numbers:
            await tx.signal_queue.put(signal(number, symbol=f"S{number}"))


async def once(desk: Desk, ea: EaServer) -> Any:
    push = build_push(settings(ea), desk.world.store)
    async with push.server.connected() as line:
        return await push.push_signals(line)(None)


async def test_what_is_queued_is_pushed_acknowledged_and_counted(desk: Desk, ea: EaServer) -> None:
    push = build_push(settings(ea), desk.world.store)
    async with desk.world.store.begin() as tx:
        now = await tx.now()
    forecast = Forecast(
        model="rf_m1", symbol="EURUSD", timeframe=Timeframe.M1, probability=signal().confidence,
        sl_pips=signal().sl_pips, tp_pips=signal().tp_pips, price=signal().price, timestamp=now,
    )  # fmt: skip
    queued, again = [await push.queue_signal(None, forecast) for _ in range(2)]
    assert queued is not None
    assert again == (queued[0], False)
    assert await push.queue_signal(TRADER, replace(forecast, probability=Decimal("0.5"))) is None
    await queue(desk, 2, 3)
    ea.fate = lambda one: "no" if one["symbol"] == "S3" else ""
    done = await once(desk, ea)
    assert (done.sent, done.failed, done.expired, done.waiting) == (2, 1, 0, 0)
    assert ea.refused == []
    async with desk.world.store.begin() as tx:
        ack = await tx.signal_queue.ack(queued[0].signal_id)
    assert ack is not None
    assert ack.ticket == ea.trades[str(queued[0].signal_id)]
    status = await push.read_queue(None)
    assert (status.generated, status.sent, status.failed, status.connection) == (3, 2, 1, None)
    assert (await push.check_connection(None)).connected
    document = views.status_document(await push.read_queue(None))
    assert document["queue_status"]["SENT"]["count"] == 2
    assert document["queue_status"]["SENT"]["latest"].endswith("Z")
    assert document["counters"] == {
        "ea_signals_generated_total": 3,
        "ea_signals_sent_total": 2,
        "ea_signals_failed_total": 1,
        "ea_connection_test_success": 1,
    }
    assert [one["reason"] for one in document["failed"]] == ["success is false: market is closed"]


async def test_who_may_queue_push_and_look(desk: Desk, ea: EaServer) -> None:
    push = build_push(settings(ea), desk.world.store)
    async with push.server.connected() as line:
        for who in (VIEWER, STRANGER):
            with pytest.raises(NotAllowed):
                await push.push_signals(line)(who)
        assert (await push.push_signals(line)(TRADER)).sent == 0
    await push.read_queue(VIEWER)
    with pytest.raises(NotAllowed):
        await push.read_queue(STRANGER)
    with pytest.raises(NotAllowed):
        await push.check_connection(STRANGER)


def with_push(chat: Chat, server: HttpSignalServer) -> None:
    """Let the chat's use cases know where signals go, as the settings would."""
    world = replace(chat.desk.world, signal_server=server)
    talk = build_talk(world, chat.desk.bell, claim_code="x")
    found = chat.answerer.dispatcher.workflow_data
    found["read_signal_queue"], found["diagnose"] = talk.read_signal_queue, talk.diagnose


async def test_ea_has_a_line_when_signals_are_pushed(chat: Chat, ea: EaServer) -> None:
    (message,) = await chat.say("/ea", VIEWER)
    assert "📤" not in message["text"]
    with_push(chat, HttpSignalServer(ea.url, KEY, timedelta(seconds=1)))
    await queue(chat.desk, 1, 2, 3)
    ea.fate = lambda one: {"S2": "no", "S3": "500"}.get(one["symbol"], "")
    await once(chat.desk, ea)
    (message,) = await chat.say("/ea", VIEWER)
    line = (
        f"📤 Signals to 127.0.0.1:{ea.port}, last 24 h: 1 waiting · 1 sent · 1 failed · 0 too old"
    )
    assert line in message["text"]
    assert "None leaves" not in message["text"]
    await chat.say("/pause", ADMIN)
    (message,) = await chat.say("/ea", VIEWER)
    assert "None leaves while trading is stopped" in message["text"]


async def test_doctor_says_when_nobody_pushes_or_nobody_is_there(chat: Chat, ea: EaServer) -> None:
    with_push(chat, HttpSignalServer(ea.url, KEY, timedelta(seconds=1)))
    (message,) = await chat.say("/doctor")
    assert f"Nobody pushes signals to 127.0.0.1:{ea.port}" in message["text"]
    assert "ai-trader push" in message["text"]
    async with chat.desk.world.store.begin() as tx:
        await tx.heartbeats.beat(f"{PUSHER}:here")
    ea.other = {"/health": answer(401, "")}
    (message,) = await chat.say("/doctor")
    assert "Nobody pushes" not in message["text"]
    assert "refuses the key (HTTP 401)" in message["text"]
    assert "EA_API_KEY" in message["text"]
    assert KEY not in message["text"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reach", Reach)
def test_every_outcome_of_a_test_has_words(language: str, reach: Reach) -> None:
    server = HttpSignalServer("http://10.0.0.5:8080/signals", KEY, timedelta(seconds=10))
    contact = Contact(reach, 503)
    document = views.test_document(words_for(language), contact, server)
    assert document["ea_server"] == "10.0.0.5:8080"
    assert document["ea_url"] == "http://10.0.0.5:8080/signals"
    assert document["message"][0] == ("✅" if contact.connected else "❌") or language == "ar"
    assert "{" not in document["message"]
    if not contact.connected:
        assert words_for(language).has(f"doctor.fix.{finding(contact, server).code}")


@pytest.mark.parametrize("state", TradingState)
async def test_the_line_names_the_state_that_holds_signals_back(
    desk: Desk, state: TradingState
) -> None:
    server = HttpSignalServer("http://10.0.0.5:8080/signals", KEY, timedelta(seconds=10))
    read = ReadSignalQueue(store=desk.world.store, server=server)
    status = replace(await read(None), held=state)
    lines = views.lines(words_for("en"), status)
    assert len(lines) == 3
    assert str(words_for("en")(f"state.{state}")) in lines[-1]
    assert status.count(SignalState.SENT) == 0


# ---- the process -----------------------------------------------------------------------------


class Flaky:
    """A store whose database is away at first."""

    def __init__(self, store: Any) -> None:
        self.store, self.failures = store, 2

    def begin(self) -> Any:
        if self.failures:
            self.failures -= 1
            raise OSError("the database is away")
        return self.store.begin()


async def test_the_pusher_pushes_beats_and_comes_back_after_a_failure(
    desk: Desk, ea: EaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.running._PAUSE_SECONDS", 0.05)
    store = Flaky(desk.world.store)
    await queue(desk, 1)
    running = asyncio.get_running_loop().create_task(run_push(settings(ea), store, name="here"))
    async with asyncio.timeout(20):
        while not ea.trades:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert store.failures == 0
    async with desk.world.store.begin() as tx:
        assert f"{PUSHER}:here" in await tx.heartbeats.seen()


async def test_what_is_switched_off_does_not_run(desk: Desk, ea: EaServer) -> None:
    with pytest.raises(InvalidInput, match="EA_PUSH_ENABLED"):
        await run_push(settings(ea, ea_push_enabled=False), desk.world.store, name="here")


async def command(
    database: Database, ea: EaServer, *words: str
) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bot", "push", *words],
        cwd=ROOT,
        env=environment(
            DATABASE_URL=database.url, EA_SERVER_IP="127.0.0.1", EA_SERVER_PORT=str(ea.port),
            EA_API_KEY=KEY, EA_REQUEST_TIMEOUT="2",
        ),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


async def test_the_command_tests_pushes_and_shows_the_queue(
    desk: Desk,
    database: Database,
    ea: EaServer,
) -> None:
    await queue(desk, 1, 2)
    done = await command(database, ea, "--test")
    assert (done.returncode, json.loads(done.stdout)) == (0, {
        "connected": True,
        "ea_server": f"127.0.0.1:{ea.port}",
        "ea_url": ea.url,
        "message": "✅ Connected",
    })  # fmt: skip
    done = await command(database, ea, "--once")
    assert json.loads(done.stdout)["sent_count"] == 2
    assert json.loads(done.stdout)["message"] == "2 signals were pushed to the EA server."
    done = await command(database, ea, "--status")
    document = json.loads(done.stdout)
    assert list(document["queue_status"]) == ["SENT"]
    assert document["period"] == "last_24_hours"
    assert document["counters"]["ea_connection_test_success"] == 1
    done = await command(database, ea)
    assert done.returncode == 2
    assert "EA_PUSH_ENABLED" in done.stderr
    assert KEY not in done.stdout + done.stderr
