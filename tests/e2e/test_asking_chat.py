"""Questions that templates do not cover, answered by a language model, in the real chat."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tortoise import connections

from bot.analyst_settings import ModelParts
from bot.inquiries import AnswerInquiries
from bot.limiter import Limiter
from bot.live_text import Drafts
from engine.domain.wording import Verdict
from engine.flow.ask.inquiries import Inquiries, Wording
from storage.outbox import PostgresDeliveries
from tests.asking import PARTS, STRANGE, confidence, wording_for
from tests.e2e.conftest import UNLIMITED, Chat, chat, desk, label_of, mode  # noqa: F401
from tests.model_server import ChatSite, Speech
from tests.served import served

EVE, LUIS = 1003, 1002
QUESTION = f"/ask {STRANGE}"


@asynccontextmanager
async def asking(
    chat: Chat,  # noqa: F811
    speak: Callable[[dict[str, Any]], Speech],
    parts: ModelParts = PARTS,
    **faults: Any,
) -> AsyncIterator[tuple[ChatSite, AnswerInquiries, Wording]]:
    """The chat with a model at its side."""
    world, talk = chat.desk.world, chat.desk.talk
    async with served(ChatSite(speak=speak, **faults)) as site:
        wording = wording_for(chat.desk, site, parts)
        chat.answerer.dispatcher["wording"] = wording
        yield (
            site,
            AnswerInquiries(
                wording=wording,
                inquiries=Inquiries(store=world.store, ask=talk.ask),
                find_person=talk.find_person,
                deliveries=PostgresDeliveries(),
                bell=chat.desk.bell,
                drafts=Drafts(bot=chat.answerer.bot, limiter=Limiter(limits=UNLIMITED)),
            ),
            wording,
        )


async def finished(chat: Chat, answering: AnswerInquiries, who: int) -> list[dict]:  # noqa: F811
    """Everything that the model's end of it leaves in a chat."""
    before = len(chat.sandbox.messages(who))
    await answering.drain()
    await chat.settle()
    return chat.sandbox.messages(who)[before:]


async def verdicts(chat: Chat) -> list[tuple[Verdict, str | None]]:  # noqa: F811
    async with chat.desk.world.store.begin() as tx:
        return [(one.verdict, one.reason) for one in await tx.inquiries.replies(10)]


def drafts(chat: Chat, who: int) -> list[str]:  # noqa: F811
    """The texts of all drafts that were shown to a person, in order."""
    found = [call for call in chat.sandbox.calls if call["method"] == "sendMessageDraft"]
    return [call["params"].get("text", "") for call in found if call["params"]["chat_id"] == who]


async def test_a_model_answers_what_the_templates_do_not_and_proves_it(
    chat: Chat,  # noqa: F811
) -> None:
    idea = await chat.desk.until_idea()
    await chat.settle()
    async with asking(chat, confidence) as (site, answering, _):
        assert await chat.say(QUESTION, EVE) == []
        (said,) = await finished(chat, answering, EVE)
        score = f"{idea.confidence.score:f}"
        assert f"The confidence of idea #{idea.number} is {score}." in said["text"]
        assert "each sentence checked" in said["text"]
        before = len(chat.sandbox.messages(EVE))
        await chat.tap(said, label_of(said, "Record"), EVE)
        opened = chat.sandbox.messages(EVE)[before:]
        assert any("equal, bit for bit" in (m.get("text") or "") for m in opened)
        # The words of who asked stand behind a fence, and what it may call reads only.
        first = site.talks[0]
        assert "newest thought" not in first["messages"][0]["content"]
        assert {tool["function"]["name"] for tool in first["tools"]} >= {"why", "confidence"}
        assert await verdicts(chat) == [(Verdict.SHOWN, None)]
        # The same update again: nothing is asked or said twice.
        assert await answering.drain() == 0
        # What the record answers itself is answered at once, with words only on demand.
        (sure,) = await chat.say(f"/ask what is the confidence of idea {idea.number}?", EVE)
        assert len(site.talks) == 2
        toast = await chat.tap(sure, label_of(sure, "In words"), EVE)
        assert "Asking the model" in toast["text"]
        (both,) = await finished(chat, answering, EVE)
        assert both["text"].index("threshold then") < both["text"].index("The confidence of idea")


async def test_a_lie_is_never_seen_and_is_counted(chat: Chat) -> None:  # noqa: F811
    await chat.desk.until_idea()
    await chat.settle()

    def lies(body: dict[str, Any]) -> Speech:
        said = confidence(body)
        return f"{said} So the profit will be 900 EUR." if isinstance(said, str) else said

    async with asking(chat, lies) as (_, answering, _wording):
        await chat.say(QUESTION, EVE)
        (said,) = await finished(chat, answering, EVE)
    assert "900" not in json.dumps(chat.sandbox.messages(EVE)) + "".join(drafts(chat, EVE))
    assert "I do not understand" in said["text"]
    assert "not shown" in said["text"]
    # What it looked up can be had as a sure answer.
    assert label_of(said, "Confidence")
    ((verdict, reason),) = await verdicts(chat)
    assert verdict is Verdict.UNSUPPORTED
    assert reason is not None
    async with chat.desk.world.store.begin() as tx:
        assert (await tx.analyst_books.spent((await tx.now()).date())).unsupported == 1


async def test_whole_sentences_grow_in_a_draft_and_stop_ends_it(
    chat: Chat,  # noqa: F811
) -> None:
    await chat.desk.until_idea()
    await chat.settle()

    def endless(body: dict[str, Any]) -> Speech:
        said = confidence(body)
        return f"{said} And then {'word ' * 200}" if isinstance(said, str) else said

    async with asking(chat, endless, pause=0.02) as (_, answering, _wording):
        await chat.say(QUESTION, EVE)
        running = asyncio.ensure_future(answering.drain())
        for _ in range(200):
            await asyncio.sleep(0.02)
            if any(drafts(chat, EVE)):
                break
        (inquiry,) = await _open(chat)
        await chat.sandbox.stop_draft(EVE, inquiry)
        await chat.settle()
        assert await running == 1
        await chat.settle()
    # Before the first words there is only the sign that it thinks; then whole sentences.
    thinking, *grown = drafts(chat, EVE)
    assert thinking == ""
    assert grown
    assert all(text.endswith(".") and "word" not in text for text in grown)
    last = chat.sandbox.messages(EVE)[-1]
    assert "Stopped" in last["text"]
    assert "I do not understand" in last["text"]
    # Whoever else sends that update stops nothing of hers.
    assert not await answering.inquiries.watch(inquiry)


async def _open(chat: Chat) -> list[int]:  # noqa: F811
    found = await connections.get("default").execute_query_dict(
        "SELECT id FROM model_inquiry WHERE NOT is_done"
    )
    return [row["id"] for row in found]


async def test_without_drafts_one_message_grows_and_becomes_the_answer(
    chat: Chat,  # noqa: F811
) -> None:
    await chat.desk.until_idea()
    await chat.settle()
    async with asking(chat, confidence) as (_, answering, _wording):
        answering.drafts.works = False
        await chat.say(QUESTION, EVE)
        before = len(chat.sandbox.messages(EVE))
        await answering.drain()
        await chat.settle()
        (said,) = chat.sandbox.messages(EVE)[before:]
    assert "The threshold was 60." in said["text"]
    assert "Stop" not in json.dumps(said["reply_markup"])
    assert chat.sandbox.violations == []


async def test_what_a_restart_cut_off_ends_with_the_sure_answer(
    chat: Chat,  # noqa: F811
) -> None:
    await chat.desk.until_idea()
    await chat.settle()
    async with asking(chat, confidence, always="hang") as (_, answering, _wording):
        await chat.say(QUESTION, EVE)
        (inquiry,) = await _open(chat)
        # Another process took it and died.
        assert await answering.inquiries.claim(inquiry) is not None
        assert await answering.drain() == 0
        await connections.get("default").execute_query(
            "UPDATE model_inquiry SET claimed_until = clock_timestamp() - interval '1 s'"
        )
        (said,) = await finished(chat, answering, EVE)
        assert "cut off by a restart" in said["text"]
        assert "I do not understand" in said["text"]
        assert await finished(chat, answering, EVE) == []


async def test_whatever_is_wrong_with_the_model_the_answer_comes_in_time(
    chat: Chat,  # noqa: F811
) -> None:
    await chat.desk.until_idea()
    await chat.settle()
    short = replace(PARTS, whole=timedelta(seconds=1), first=timedelta(seconds=1))
    async with asking(chat, confidence, short) as (site, answering, _wording):
        for fault in ("hang", "cut", "garbage", "503", "cut short"):
            site.always = fault
            await chat.say(QUESTION, EVE)
            began = asyncio.get_running_loop().time()
            (said,) = await finished(chat, answering, EVE)
            assert "not available" in said["text"], fault
            assert asyncio.get_running_loop().time() - began < 8, fault
            # Everything else is answered meanwhile: the bot's handlers wait for no model.
            assert await chat.say("/ask is trading on?", EVE)
