"""Webhooks and the model's provider on a phone: how they stand, what is wrong, and a try."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tortoise import connections

from bot.hooks import Hooks, build_hooks
from bot.i18n import LANGUAGES, words_for
from bot.provider_settings import build_provider, parts_of
from bot.views import hooks as views
from bot.views import hub
from bot.world import now
from engine.domain.person import Role
from engine.domain.provider import AiReach, ConnectionMode, Lost, Offer, Provider
from engine.domain.webhook_events import EventType
from engine.domain.webhooks import Event, Off, Reply, Why
from engine.flow.provider_records import ProviderStatus
from tests.builders import NOW
from tests.e2e.conftest import Chat, label_of
from tests.hook_server import hook_server
from tests.integration.test_api_provider import settings as provider_settings
from tests.integration.test_hooks import settings_of
from tests.provider_server import KEY, AuthSite, ModelSite
from tests.served import served

EN = words_for("en")
ANN, LUIS, EVE = 1001, 1002, 1003


def with_hooks(chat: Chat) -> Hooks:
    """The chat of a bot that has ``WEBHOOK_SECRET``."""
    hooks = build_hooks(settings_of(), chat.desk.world.store, now)
    chat.answerer.dispatcher["test_webhook"] = hooks.test
    return hooks


def seen(chat: Chat, message: dict, who: int = ANN) -> dict:
    """A message as it stands now."""
    found = chat.sandbox.messages(who)
    return next(one for one in found if one["message_id"] == message["message_id"])


async def test_an_admin_sees_each_webhook_and_tries_one(chat: Chat) -> None:
    hooks = with_hooks(chat)
    (message,) = await chat.say("/webhooks")
    assert "ai-trader webhook add" in message["text"]
    async with hook_server() as server:
        await hooks.add(None, server.url("/in?token=of-the-address"), description="", types=())
        (message,) = await chat.say("/webhooks")
        assert "127.0.0.3" in message["text"]
        assert "of-the-address" not in str(message)
        await chat.tap(message, label_of(message, "Test 1"))
        assert "took the test in" in seen(chat, message)["text"]
        assert [one.document["type"] for one in server.came] == ["webhook.test"]
        server.fate = lambda _: "500"
        await chat.tap(message, label_of(message, "Test 1"))
        assert "did not take the test. It answered with status 500." in seen(chat, message)["text"]
        await hooks.change(None, 1, is_on=False)
        await chat.tap(message, EN("button.refresh"))
        assert "switched off by a person" in seen(chat, message)["text"]
        before = len(server.came)
        await chat.say("/webhooks", LUIS)
        await chat.sandbox.tap(LUIS, message["message_id"], data="v1:hooktest:1")
        await chat.settle()
        assert len(server.came) == before


async def test_a_bot_without_the_secret_says_where_a_try_is_made(chat: Chat) -> None:
    hooks = build_hooks(settings_of(), chat.desk.world.store, now)
    await hooks.add(None, "http://127.0.0.3:9/x", description="", types=())
    (message,) = await chat.say("/webhooks")
    assert "WEBHOOK_SECRET" in message["text"]
    assert [b["text"] for row in message["reply_markup"]["inline_keyboard"] for b in row] == [
        EN("button.refresh")
    ]
    await chat.sandbox.tap(ANN, message["message_id"], data="v1:hooktest:1")
    await chat.settle()
    assert await hooks.deliveries(None, 1) == []


async def codes(chat: Chat) -> set[str]:
    found = await chat.desk.talk.diagnose(None)
    return {one.code for one in found if one.code.startswith("webhook")}


async def test_what_is_wrong_with_webhooks_is_found_after_ten_minutes(chat: Chat) -> None:
    hooks = build_hooks(settings_of(), chat.desk.world.store, now)
    for number in range(4):
        await hooks.add(None, f"http://127.0.0.3:9/{number}", description="", types=())
    store, db = chat.desk.world.store, connections.get("default")
    event = Event(id="1", type=EventType.ORDER_FILLED, body="{}")
    async with store.begin() as tx:
        for which in (1, 2):
            await tx.webhooks.queue(which, event)
        at = await tx.now()
        failing = await tx.webhooks.take(2)
        await tx.webhooks.save(replace(failing, failures=3, failing_since=at))
        await tx.webhooks.save(replace(await tx.webhooks.take(3), off=Off.PERSON))
    assert await codes(chat) == set()
    await db.execute_query("UPDATE webhook_delivery SET created_at = now() - interval '11 minutes'")
    async with store.begin() as tx:
        late = at - timedelta(minutes=12)
        await tx.webhooks.save(replace(await tx.webhooks.take(2), failures=7, failing_since=late))
        await tx.webhooks.save(replace(await tx.webhooks.take(4), off=Off.GONE))
    assert await codes(chat) == {"webhook_waits", "webhook_failing", "webhook_gone"}
    (message,) = await chat.say("/doctor", EVE)
    assert (
        "Webhook 2 (127.0.0.3:9) has taken nothing for 12 min: failed tries in a row: 7"
        in message["text"]
    )
    assert "Events for webhook 1 (127.0.0.3:9) have waited for 11 min (1)" in message["text"]
    assert "/2" not in message["text"]
    async with store.begin() as tx:
        await tx.webhooks.save(replace(await tx.webhooks.take(4), off=Off.FAILING))
    assert "webhook_given_up" in await codes(chat)


async def test_the_providers_connection_is_seen_and_tried_in_the_settings(chat: Chat) -> None:
    (message,) = await chat.say("/settings")
    async with served(ModelSite()) as site, served(AuthSite()) as auth:
        parts = parts_of(provider_settings(site, auth, llm_api_key=KEY, llm_enabled=True))
        made = build_provider(parts, chat.desk.world.store, chat.desk.bell)
        dispatcher = chat.answerer.dispatcher
        dispatcher["read_provider"], dispatcher["check_provider"] = made.read, made.check
        await chat.tap(message, EN("hub.ai"))
        text = seen(chat, message)["text"]
        assert "OpenAI" in text
        assert "Connected with a key of the settings." in text
        await chat.tap(message, EN("ai_section.test"))
        assert "AI online" in seen(chat, message)["text"]
        site.key = "sk-another"
        await chat.tap(message, EN("ai_section.test"))
        text = seen(chat, message)["text"]
        assert "Invalid OpenAI API key" in text
        assert KEY not in text
        (other,) = await chat.say("/settings", EVE)
        await chat.tap(other, EN("hub.ai"), EVE)
        keyboard = seen(chat, other, EVE)["reply_markup"]["inline_keyboard"]
        assert [[b["text"] for b in row] for row in keyboard] == [[EN("drafts.back")]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_of_both_has_words(language: str) -> None:
    words = words_for(language)
    took = timedelta(milliseconds=12)
    for why in Why:
        tried = (1, Reply(status=500, why=why, took=took))
        assert views.endpoints(words, (), may_test=True, tried=tried).text
    for off in Off:
        assert words.has(f"webhooks.off_{off}")
    for mode in ConnectionMode:
        for lost in (None, *Lost):
            status = ProviderStatus(
                provider=Provider.OPENAI, enabled=False, model=None, lost=lost,
                mode=None if lost else mode, at=NOW, expires_at=NOW,
            )  # fmt: skip
            for reach in AiReach:
                assert hub.ai(words, status, Role.TRADER, Offer(reach=reach)).text
