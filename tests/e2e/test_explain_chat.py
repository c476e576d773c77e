"""What a person sees of the language model: words on the card they have, and no second card."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.analyst_settings import ModelParts, build_analyst, model_faults, model_of
from bot.i18n import Words
from bot.settings import Settings
from bot.views.doctor import doctor
from bot.wiring import build_explain
from engine.domain.explanation import FALLBACK_RATIONALE, Budget
from engine.domain.provider import Plan, Provider
from engine.domain.secret import Secret
from engine.errors import InvalidInput
from engine.flow.explaining import ExplainIdeas
from engine.flow.in_words import WantInWords
from tests.e2e.conftest import label_of
from tests.model_server import ChatSite
from tests.provider_server import KEY
from tests.served import served

SECOND = timedelta(seconds=1)
PARTS = ModelParts(first=SECOND, whole=SECOND * 2, budget=Budget(tokens=100_000), per_minute=10)
GATE = "The EMA 20 stands above the EMA 50 on H1, and the gate let EURUSD through."


def plan_for(site: ChatSite) -> Plan:
    return Plan(
        provider=Provider.OPENAI, enabled=True, model="gpt-4o", base_url=f"{site.url}/v1",
        key=Secret(KEY),
    )  # fmt: skip


async def explained(chat: Any, site: ChatSite, parts: ModelParts = PARTS) -> None:
    """What the worker's job does, with a model at that place."""
    desk = chat.desk
    analyst = build_analyst(plan_for(site), parts, desk.world.store)
    assert analyst is not None
    await ExplainIdeas(store=desk.world.store, analyst=analyst, bell=desk.bell)()
    await chat.settle()


async def card_of(chat: Any) -> dict:
    """The card of the first idea, as it was sent."""
    await chat.desk.until_idea()
    await chat.settle()
    cards = [m for m in chat.sandbox.messages(1001) if "IDEA #" in m.get("caption", "")]
    assert len(cards) == 1
    return cards[0]


def now_shown(chat: Any, card: dict) -> tuple[str, int]:
    """The card as it stands, and how many messages there are."""
    messages = chat.sandbox.messages(1001)
    (found,) = [m for m in messages if m["message_id"] == card["message_id"]]
    return found["caption"], len(messages)


async def test_the_card_is_explained_where_it_stands(chat: Any) -> None:
    card = await card_of(chat)
    before = len(chat.sandbox.messages(1001))
    assert "💬" not in card["caption"]
    # What a model adds of its own is taken off, and what is true is shown.
    speak = f"{GATE} [Tap](https://evil.example) /panic <b>now</b>."
    async with served(ChatSite(speak=lambda _: speak)) as site:
        await explained(chat, site)
        caption, count = now_shown(chat, card)
        assert f"💬 {GATE}" in caption
        assert "evil" not in caption
        assert "/panic" not in caption
        assert count == before
        # Once for each language of those who see it.
        assert len(site.talks) == 2
        # The job and its sweep may come again: nobody is asked, and nothing is edited.
        await explained(chat, site)
        assert len(site.talks) == 2
    (why,) = await chat.say("/why")
    assert GATE in why["text"]
    assert "gpt-4o" in why["text"]
    (found,) = await chat.say("/history idea_explained")
    assert "idea in words" in found["text"]


async def test_without_the_model_the_card_says_so(chat: Any) -> None:
    card = await card_of(chat)
    async with served(ChatSite(always="hang")) as site:
        await explained(chat, site)
    caption, _ = now_shown(chat, card)
    assert FALLBACK_RATIONALE in caption
    (found,) = await chat.say("/history idea_explained")
    assert "LLM unavailable" in found["text"]
    # The card can be answered all the same.
    assert "Approve" in str(chat.sandbox.messages(1001)[-1].get("reply_markup", card))


async def test_a_person_asks_again_and_the_card_they_have_gets_the_words(chat: Any) -> None:
    card = await card_of(chat)
    store, bell = chat.desk.world.store, chat.desk.bell
    async with served(ChatSite(always="401")) as site:
        await explained(chat, site)
    (why,) = await chat.say("/why")
    assert FALLBACK_RATIONALE in why["text"]
    assert "its connection is not right" in why["text"]
    # Nobody can ask a model where none is used; here one is, from now on.
    assert "reply_markup" not in why
    want = WantInWords(store=store, bell=bell)
    chat.answerer.dispatcher["want_in_words"] = want
    (why,) = await chat.say("/why")
    label = label_of(why, "words")
    assert "nothing to ask for now" in (await chat.tap(why, label))["text"]
    chat.answerer.dispatcher["want_in_words"] = replace(want, patience=timedelta(0))
    assert "is asked" in (await chat.tap(why, label))["text"]
    assert FALLBACK_RATIONALE in now_shown(chat, card)[0]
    async with served(ChatSite(speak=lambda _: GATE)) as site:
        await explained(chat, site)
    caption, _ = now_shown(chat, card)
    assert f"💬 {GATE}" in caption
    assert FALLBACK_RATIONALE not in caption
    # The button of the old message does nothing any more, and a new one has none.
    assert "nothing to ask for now" in (await chat.tap(why, label))["text"]
    (why,) = await chat.say("/why")
    assert GATE in why["text"]
    assert "reply_markup" not in why


async def test_over_budget_is_no_answer_and_the_doctor_says_why(chat: Any) -> None:
    card = await card_of(chat)
    store = chat.desk.world.store
    poor = ModelParts(first=SECOND, whole=SECOND, budget=Budget(tokens=100), per_minute=10)
    async with served(ChatSite()) as site:
        await explained(chat, site, poor)
        assert site.talks == []
        found = await model_faults(plan_for(site), poor, store)()
    assert FALLBACK_RATIONALE in now_shown(chat, card)[0]
    told = doctor(Words("en"), found).text or ""
    assert "budget" in told
    assert "LLM_DAILY_TOKENS" in told


async def test_nobody_is_asked_where_no_model_is_used(chat: Any) -> None:
    world = chat.desk.world
    assert build_explain(world, chat.desk.bell) is None
    assert await model_faults(world.provider.plan, world.model, world.store)() == ()


def test_a_limit_of_money_needs_prices() -> None:
    limited = Settings(_env_file=None, llm_daily_cost=5)  # type: ignore[call-arg]
    with pytest.raises(InvalidInput, match="LLM_PRICE_IN"):
        model_of(limited)
    priced = Settings(  # type: ignore[call-arg]
        _env_file=None, llm_daily_cost=5, llm_price_in=1, llm_price_out=3
    )
    assert model_of(priced).budget.cost == 5
