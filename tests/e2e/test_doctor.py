"""What is wrong, in the chat and in the terminal."""

import ast
from dataclasses import replace
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from tortoise import connections

import broker.oanda.health
import engine.flow.diagnosis
import engine.flow.webhook_faults
import storage.surroundings
from bot.i18n import LANGUAGES, words_for
from engine.domain.feed import Trouble
from engine.domain.stream import StreamTrouble
from engine.errors import FeedError
from engine.flow import feed_faults, ingest_faults
from storage.heartbeats import beat
from tests.e2e.conftest import Chat, label_of


def codes() -> set[str]:
    """Every code a finding can have, read from the source."""
    found = {"no_worker", "no_bot", "given_up", "stuck", "set_aside"}
    found |= {*feed_faults._MISSING.values(), *feed_faults._ENDS.values()}
    found |= {f"feed_{trouble}" for trouble in Trouble}
    found |= {"oanda_hedges", "oanda_nets", *engine.flow.webhook_faults._OFF.values()}
    found |= {f"stream_{trouble}" for trouble in StreamTrouble}
    modules = (
        engine.flow.diagnosis,
        feed_faults,
        ingest_faults,
        storage.surroundings,
        broker.oanda.health,
        engine.flow.webhook_faults,
    )
    for module in modules:
        for node in ast.walk(ast.parse(Path(module.__file__).read_text("utf-8"))):
            if not isinstance(node, ast.keyword) or node.arg != "code":
                continue
            if isinstance(node.value, ast.Constant):
                found.add(node.value.value)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_and_its_remedy_have_words(language: str) -> None:
    words = words_for(language)
    assert len(codes()) >= 33
    for code in codes():
        assert words.has(f"doctor.{code}"), code
        assert words.has(f"doctor.fix.{code}"), code


async def test_a_silent_worker_is_the_first_thing_named_until_it_lives(chat: Chat) -> None:
    (message,) = await chat.say("/doctor")
    assert "No worker is alive" in message["text"]
    assert "ai-trader worker" in message["text"]
    assert message["text"].index("No worker") < message["text"].index("no headlines")
    await beat("worker:here")
    await beat("bot")
    await chat.tap(message, label_of(message, "Refresh"))
    again = next(m for m in chat.sandbox.messages(1001) if m["message_id"] == message["message_id"])
    assert "No worker" not in again["text"]


async def test_what_stops_trading_is_found(chat: Chat) -> None:
    await beat("worker:here")
    await beat("bot")
    await chat.desk.talk.change_control.stop(None)
    connection = connections.get("default")
    await connection.execute_query(
        "UPDATE strategies SET document = jsonb_set(document, '{is_active}', 'false')"
    )
    await connection.execute_query("UPDATE person SET role = 'trader' WHERE role = 'admin'")
    found = {finding.code for finding in await chat.desk.talk.diagnose(None)}
    assert {"stopped", "no_strategy", "no_admin"} <= found


async def test_a_market_that_does_not_even_tell_its_time_is_found(chat: Chat) -> None:
    diagnose = chat.desk.talk.diagnose
    market = AsyncMock(spec=diagnose.market)
    for name in ("instant", "candles", "quote"):
        getattr(market, name).side_effect = FeedError("the venue is away")
    found = [f for f in await replace(diagnose, market=market)(None) if f.code == "data"]
    assert [finding.facts["fault"] for finding in found] == ["unreadable"]


async def test_events_leave_out_the_judging_of_candles(chat: Chat) -> None:
    await chat.desk.until_idea()
    await chat.say("/pause")
    (message,) = await chat.say("/events")
    assert "no setup" not in message["text"].lower()
    judged = (await chat.say("/history"))[0]["text"]
    assert judged != message["text"]
