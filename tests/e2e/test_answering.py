"""People side by side: what is slow holds up nobody else, a halt waits for nothing, floods end."""

# ruff: noqa: ASYNC110 -- what is waited for is seen in the database only

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiogram import BaseMiddleware
from tortoise import connections
from tortoise.expressions import Q

from bot.answerer import PEOPLE, Answerer
from bot.intake import Refuser
from bot.receiver import FetchUpdates
from bot.taps import PATIENCE_SECONDS
from engine.domain.person import Person, Role
from engine.domain.state import TradingState
from storage.inbox import ROOM, TOO_MANY
from storage.models import InboxRow, OrderRow, OutboxRow
from tests.e2e.conftest import Chat
from tests.fakes import message, tap

ANN, LUIS, EVE = 1001, 1002, 1003


class Slow(BaseMiddleware):
    """Holds updates with a text until they are let go."""

    def __init__(self, dispatcher: Any) -> None:
        self.texts: tuple[str, ...] = ()
        self.go = asyncio.Event()
        self.begun: list[str] = []
        dispatcher.update.outer_middleware(self)

    async def __call__(self, handler: Any, event: Any, data: dict[str, Any]) -> Any:
        text = (event.message and event.message.text) or event.callback_query.data
        self.begun.append(text)
        if text.startswith(self.texts):
            await self.go.wait()
        return await handler(event, data)


@pytest.fixture
def slow(chat: Chat) -> Slow:
    return Slow(chat.answerer.dispatcher)


@asynccontextmanager
async def running(chat: Chat, **changes: Any) -> AsyncIterator[Answerer]:
    """The answerer at work, as wide as it is in the product."""
    answerer = replace(chat.answerer, people=PEOPLE, **changes)
    refuser = Refuser(
        bot=answerer.bot,
        find_person=chat.desk.talk.find_person,
        deliveries=answerer.deliveries,
        bell=answerer.bell,
        intake=chat.intake,
    )
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(answerer.run()), group.create_task(refuser.run())]
        try:
            yield answerer
        finally:
            for task in tasks:
                task.cancel()


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Wait until something asked of the database holds."""
    async with asyncio.timeout(seconds):
        while not (found := await condition()):
            await asyncio.sleep(0.02)
        return found


async def state(chat: Chat) -> TradingState:
    return (await chat.desk.talk.read_status(None)).control.state


async def answer_to(update_id: int) -> str | None:
    row = await OutboxRow.get_or_none(key=f"answer:{update_id}")
    return None if row is None else str(row.payload["text"])


async def nothing_waits() -> bool:
    return not await InboxRow.filter(done_at__isnull=True).exists()


async def test_halt_waits_neither_for_others_nor_for_its_own_senders_slow_updates(
    chat: Chat, slow: Slow
) -> None:
    slow.texts = ("/history",)
    async with chat.desk.world.store.begin() as tx:
        for who in (7, 8, 9):
            await tx.people.save(Person(id=who, name="V", role=Role.VIEWER, chat_id=who))
    async with running(chat):
        crowd = [message(n, "/history", who) for n, who in enumerate((ANN, LUIS, EVE, 7, 8, 9), 1)]
        await chat.intake.take(crowd)

        async def busy() -> bool:
            return len(slow.begun) == PEOPLE

        await until(busy)
        await chat.intake.take([message(50, "/stop", LUIS)])

        async def stopped() -> bool:
            return await state(chat) == "emergency_stop"

        await until(stopped, 5)
        assert await answer_to(1) is None
        slow.go.set()
        await until(nothing_waits)
    assert await answer_to(1) is not None


@pytest.mark.parametrize(
    ("wish", "halt"), [("/resume", "/pause"), ("/resume", "/stop"), ("/mode", "/stop")]
)
async def test_older_wish_to_start_does_not_outlive_a_halt_that_overtook_it(
    chat: Chat, slow: Slow, wish: str, halt: str
) -> None:
    await chat.say("/pause")
    slow.texts = ("/history",)
    async with running(chat):
        await chat.intake.take(
            [message(1, "/history"), message(2, wish), message(3, "/status"), message(4, halt)]
        )
        await until(lambda: answer_to(4))
        slow.go.set()
        await until(nothing_waits)
    assert "you stopped trading after" in str(await answer_to(2))
    assert "Status" in str(await answer_to(3))
    assert await state(chat) in ("paused", "emergency_stop")


async def test_wish_to_start_after_the_halt_is_obeyed(chat: Chat) -> None:
    async with running(chat):
        await chat.intake.take([message(1, "/pause"), message(2, "/resume")])
        await until(nothing_waits)
    assert await state(chat) in ("running", "paused")
    assert "you stopped" not in str(await answer_to(2))


async def test_tap_with_slow_work_is_answered_soon_and_its_words_follow(
    chat: Chat, slow: Slow
) -> None:
    await chat.desk.until_idea()
    card = await chat.card()
    slow.texts = ("v1:ok:",)
    async with running(chat):
        query = await chat.sandbox.tap(ANN, card["message_id"], label="✅ Approve")
        await chat._fetch()
        await chat.sandbox.wait_for(
            lambda: query in chat.sandbox.answers, seconds=PATIENCE_SECONDS + 2
        )
        assert not chat.sandbox.answers[query].get("text")
        assert await OrderRow.all().count() == 0
        slow.go.set()
        await until(nothing_waits)
    last = await InboxRow.all().order_by("-update_id").first()
    assert str(await answer_to(last.update_id)).startswith("Approved")
    assert await OrderRow.all().count() == 1


async def test_tap_that_waited_too_long_is_no_error_and_its_words_come_as_a_message(
    chat: Chat,
) -> None:
    await chat.desk.until_idea()
    card = await chat.card()
    query = await chat.sandbox.tap(ANN, card["message_id"], label="❌ Reject")
    chat.sandbox.advance(60)
    await chat.settle()
    assert query not in chat.sandbox.answers
    assert chat.sandbox.messages(ANN)[-1]["text"] == "Rejected."
    assert await InboxRow.filter(error__isnull=False).count() == 0


async def test_flood_of_one_person_is_told_once_and_starves_nobody(chat: Chat) -> None:
    (shown,) = await chat.say("/status")
    async with running(chat):
        for _ in range(200):
            await chat.sandbox.tap(ANN, shown["message_id"], data="v1:status")
        await chat.sandbox.send(LUIS, "/whoami")
        offset = None
        while updates := await chat.answerer.bot(FetchUpdates(offset=offset)):
            await chat.intake.take(updates)
            offset = updates[-1]["update_id"] + 1
        luis = await InboxRow.filter(person_id=LUIS).order_by("-update_id").first()
        began = asyncio.get_running_loop().time()
        await until(lambda: answer_to(luis.update_id))
        assert asyncio.get_running_loop().time() - began < 2
        await until(nothing_waits, 30)
    refused = await InboxRow.filter(error=TOO_MANY).count()
    assert 50 <= refused <= 200 - ROOM
    told = [a for a in chat.sandbox.answers.values() if "too much" in (a.get("text") or "")]
    assert len(told) == 1
    assert told[0]["show_alert"]


async def test_end_lets_what_is_begun_finish_and_keeps_the_rest(chat: Chat, slow: Slow) -> None:
    slow.texts = ("/history",)
    async with running(chat):
        await chat.intake.take([message(1, "/history"), message(2, "/status")])

        async def begun() -> bool:
            return slow.begun == ["/history"]

        await until(begun)
        asyncio.get_running_loop().call_later(0.3, slow.go.set)
    assert await answer_to(1) is not None
    assert slow.begun == ["/history"]
    waiting = [one.update_id for one in await chat.answerer.inbox.waiting()]
    assert waiting == [2]
    await chat.answerer.drain()
    assert await answer_to(2) is not None


async def test_end_does_not_wait_for_ever(chat: Chat, slow: Slow) -> None:
    slow.texts = ("/history",)
    async with asyncio.timeout(5):
        async with running(chat, last_seconds=0.2):
            await chat.intake.take([message(1, "/history")])

            async def begun() -> bool:
                return slow.begun == ["/history"]

            await until(begun)
    (left,) = await chat.answerer.inbox.waiting()
    assert left.update_id == 1


async def test_update_that_cannot_be_set_down_is_tried_again(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [True, True]
    begin = type(chat.answerer.inbox).begin

    async def sometimes(self: Any, update_id: int) -> Any:
        if broken:
            broken.pop()
            raise OSError("the database is away")
        return await begin(self, update_id)

    monkeypatch.setattr(type(chat.answerer.inbox), "begin", sometimes)
    async with running(chat):
        await chat.intake.take([message(1, "/status")])
        await until(nothing_waits)
    assert "Status" in str(await answer_to(1))


KINDS = {
    "command": message(11, "/status"),
    "text": message(12, "hello"),
    "stranger": message(13, "/start", 4242),
    "halt": message(14, "/stop"),
    "tap": tap(15, "v1:status"),
    "old button": tap(16, "v0:status"),
    "forged": tap(17, "v1:ok:zz"),
    "member": {"update_id": 18, "my_chat_member": {"from": {"id": 1001, "is_bot": False,
               "first_name": "A"}}},
    "unreadable": {"update_id": 19, "message": {"date": "never"}},
    "new kind": {"update_id": 20, "telepathy": {"from": {"id": 1001}}},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
async def test_update_of_any_kind_that_comes_three_times_is_answered_once(
    chat: Chat, kind: str
) -> None:
    update = KINDS[kind]
    for _ in range(3):
        await chat.intake.take([update, update])
        await chat.answerer.drain()
        await connections.get("default").execute_query(
            "UPDATE telegram_inbox SET done_at = NULL WHERE update_id = $1 AND attempts < 2",
            [update["update_id"]],
        )
    row = await InboxRow.get(update_id=update["update_id"])
    # The number of one update may begin that of another.
    whole, parts = f"answer:{row.update_id}", f"answer:{row.update_id}:"
    answers = await OutboxRow.filter(Q(key=whole) | Q(key__startswith=parts)).count()
    assert answers <= 1
    assert kind not in ("command", "text", "stranger", "halt", "tap") or answers == 1
