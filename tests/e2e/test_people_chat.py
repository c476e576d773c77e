"""Joining, roles, menus, the zone and the first steps, as people meet them in the chat."""

import re

import pytest
from aiogram.exceptions import TelegramAPIError
from tortoise import connections

from bot.commands import commands_of
from bot.i18n import LANGUAGES, words_for
from bot.menus import Menus
from engine.domain.person import Role
from engine.flow.logins import digest
from tests.e2e.conftest import Chat

EN, ES = words_for("en"), words_for("es")
ANN, LUIS, EVE, MALLORY = 1001, 1002, 1003, 1004


def labels(message: dict) -> list[str]:
    return [b["text"] for row in message["reply_markup"]["inline_keyboard"] for b in row]


def plain(text: str) -> str:
    return re.sub(r"<[^>]+>", "", text)


@pytest.fixture
def menus(chat: Chat) -> Menus:
    return Menus(bot=chat.answerer.bot, store=chat.desk.world.store)


def menu(chat: Chat, who: int) -> list[str]:
    return [command["command"] for command in chat.sandbox.commands(who)]


async def role_of(chat: Chat, who: int) -> Role:
    person = await chat.desk.talk.find_person(who)
    assert person is not None
    return person.role


async def test_stranger_asks_an_admin_lets_them_in_and_they_get_their_menu(
    chat: Chat, menus: Menus
) -> None:
    await menus.refresh()
    assert menu(chat, MALLORY) == ["help", "start"]
    (waits,) = await chat.say("/start", MALLORY)
    assert waits["text"] == plain(EN("start.pending", id=MALLORY))
    request = chat.sandbox.messages(ANN)[-1]
    assert request["text"] == "🙋 Mallory, id 1004, asks to be let in."
    assert labels(request) == ["viewer", "trader", "Refuse"]
    told = await chat.tap(request, "trader")
    assert told["text"] == "trader — by Ann"
    assert "reply_markup" not in chat.sandbox.messages(ANN)[-1]
    welcome = chat.sandbox.messages(MALLORY)[-1]
    assert welcome["text"] == "Your role is trader now, by Ann."
    await chat.say("/status", MALLORY)
    await menus.refresh()
    assert menu(chat, MALLORY) == [command.name for command in commands_of(Role.TRADER)]
    await chat.tap(welcome, "👋 How it works", MALLORY)
    first, second, third = chat.sandbox.messages(MALLORY)[-3:]
    assert "PAPER" in first["text"]
    assert labels(second) == ["📊 Status", "💡 Ideas", "❓ Help"]
    assert "/stop" in third["text"]
    (history,) = await chat.say("/history")
    assert "person let in — Mallory: trader" in history["text"]


async def test_second_admin_is_told_who_was_first(chat: Chat) -> None:
    await chat.desk.talk.change_role(ANN, LUIS, Role.ADMIN)
    await chat.say("/start", MALLORY)
    mine, theirs = chat.sandbox.messages(ANN)[-1], chat.sandbox.messages(LUIS)[-1]
    await chat.tap(mine, "viewer")
    told = await chat.tap(theirs, "Denegar", LUIS)
    assert told["text"] == "Ya respondida: observador — por Ann"
    assert told["show_alert"]
    assert await role_of(chat, MALLORY) is Role.VIEWER
    edited = next(m for m in chat.sandbox.messages(LUIS) if m["message_id"] == theirs["message_id"])
    assert edited["text"].endswith("observador — por Ann")
    changed = next(m for m in chat.sandbox.messages(LUIS) if "👥" in m.get("text", ""))
    assert changed["text"] == "👥 Mallory, id 1004: pendiente → observador, por Ann"


async def test_stranger_who_tries_commands_is_answered_once_and_announced_once(chat: Chat) -> None:
    before = len(chat.sandbox.messages(ANN))
    (answer,) = await chat.say("/status", MALLORY)
    assert answer["text"] == plain(EN("door.stranger", id=MALLORY))
    for text in ("/positions", "hello", "/stop"):
        assert await chat.say(text, MALLORY) == []
    (announced,) = chat.sandbox.messages(ANN)[before:]
    assert "Mallory, id 1004" in announced["text"]
    assert "reply_markup" not in announced


async def test_role_is_changed_in_two_steps_and_the_person_hears_of_it(
    chat: Chat, menus: Menus
) -> None:
    await menus.refresh()
    (listed,) = await chat.say("/users")
    assert [line.split(" · ")[:2] for line in listed["text"].split("\n")[1:]] == [
        ["🔑 Ann", "admin"], ["🤝 Luis", "trader"], ["👁 Eve", "viewer"],
    ]  # fmt: skip
    await chat.tap(listed, "👁 Eve")
    (one,) = chat.sandbox.messages(ANN)[-1:]
    assert labels(one) == ["Make trader", "Make admin", "🚫 Remove", "◂ Back"]
    await chat.tap(one, "Make trader")
    (asked,) = chat.sandbox.messages(ANN)[-1:]
    assert asked["text"].startswith("Eve, id 1003\nviewer → trader")
    assert await role_of(chat, EVE) is Role.VIEWER
    await chat.tap(asked, "Make trader")
    assert await role_of(chat, EVE) is Role.TRADER
    assert "Your role is trader now" in chat.sandbox.messages(EVE)[-1]["text"]
    await menus.refresh()
    assert "stop" in menu(chat, EVE)
    await chat.sandbox.tap(ANN, one["message_id"], data="v1:user:1001")
    await chat.settle()
    (own,) = chat.sandbox.messages(ANN)[-1:]
    assert labels(own) == ["◂ Back"]


async def test_removed_person_hears_it_and_then_nothing(chat: Chat, menus: Menus) -> None:
    await menus.refresh()
    (listed,) = await chat.say("/users")
    await chat.tap(listed, "🤝 Luis")
    await chat.tap(chat.sandbox.messages(ANN)[-1], "🚫 Remove")
    asked = chat.sandbox.messages(ANN)[-1]
    assert "Take all access from Luis" in asked["text"]
    await chat.tap(asked, "🚫 Remove")
    assert chat.sandbox.messages(LUIS)[-1]["text"] == ES("users.you_are_out")
    count = len(chat.sandbox.messages(LUIS))
    await chat.say("/stop")
    assert len(chat.sandbox.messages(LUIS)) == count
    await menus.refresh()
    assert menu(chat, LUIS) == ["help", "start"]
    (refused,) = await chat.say("/status", LUIS)
    assert refused["text"] == plain(ES("door.refused", id=LUIS))
    assert await chat.say("/start", LUIS) == []
    assert (await chat.say("/users"))[0]["text"].split("\n")[-1].startswith("🚫 Luis · no access")


async def test_notice_that_was_under_way_does_not_reach_who_was_removed(chat: Chat) -> None:
    await chat.desk.talk.change_role(ANN, EVE, Role.REFUSED)
    await chat.settle()
    count = len(chat.sandbox.messages(EVE))
    await chat.desk.talk.change_control.pause(None)
    await connections.get("default").execute_query(
        "INSERT INTO outbox (key, person_id, chat_id, priority, kind, payload, state, attempts,"
        " not_before, created_at) SELECT 'late', 1003, 1003, priority, kind, payload, 'queued', 0,"
        " now(), now() FROM outbox WHERE kind = 'state' LIMIT 1"
    )
    await chat.settle()
    assert len(chat.sandbox.messages(EVE)) == count


async def test_who_blocks_the_bot_is_told_of_and_comes_back_by_writing(chat: Chat) -> None:
    await chat.sandbox.block(EVE)
    await chat.settle()
    assert "Eve (id 1003) cannot be written to" in chat.sandbox.messages(ANN)[-1]["text"]
    assert "has blocked the bot" in (await chat.say("/users"))[0]["text"]
    count = len(chat.sandbox.messages(EVE))
    await chat.say("/pause")
    await chat.sandbox.block(EVE, blocked=False)
    await chat.settle()
    await chat.say("/resume")
    assert "Trading is ON" in chat.sandbox.messages(EVE)[-1]["text"]
    assert len(chat.sandbox.messages(EVE)) == count + 2  # what they missed, and the news
    assert "has blocked" not in (await chat.say("/users"))[0]["text"]


async def test_language_changes_the_words_and_the_menu(chat: Chat, menus: Menus) -> None:
    await menus.refresh()
    (offered,) = await chat.say("/language", EVE)
    assert labels(offered) == [words_for(code)("language.name") for code in LANGUAGES]
    await chat.tap(offered, "Deutsch", EVE)
    await menus.refresh()
    shown = {c["command"]: c["description"] for c in chat.sandbox.commands(EVE)}
    assert shown["status"] == words_for("de")("command.status")
    assert "stop" not in shown


async def test_a_telegram_that_does_not_answer_only_delays_a_menu(chat: Chat, menus: Menus) -> None:
    chat.sandbox.fault("setMyCommands", times=1)
    with pytest.raises(TelegramAPIError):
        await menus.refresh()
    await menus.refresh()
    assert "stop" in menu(chat, LUIS)
    calls = len(chat.sandbox.calls)
    await menus.refresh()
    assert len(chat.sandbox.calls) == calls


async def test_zone_is_chosen_by_city_by_buttons_and_by_name(chat: Chat) -> None:
    (changed,) = await chat.say("/timezone madrid", EVE)
    assert "Europe/Madrid: it is" in changed["text"]
    assert re.search(r"\d\d:\d\d CES?T", changed["text"])
    (asked,) = await chat.say("/timezone", EVE)
    await chat.tap(asked, "Asia", EVE)
    page = chat.sandbox.messages(EVE)[-1]
    assert "page 1 of" in page["text"]
    await chat.tap(page, "Next ▸", EVE)
    await chat.sandbox.tap(EVE, page["message_id"], data="v1:zone:Asia/Tokyo")
    await chat.settle()
    (who,) = await chat.say("/whoami", EVE)
    assert "time zone Asia/Tokyo" in who["text"]
    assert "Chat 1003" in who["text"]
    (which,) = await chat.say("/timezone san", EVE)
    assert which["text"] == EN("zone.which")
    (none,) = await chat.say("/timezone zzzz", EVE)
    assert "I know no time zone zzzz" in none["text"]


async def test_web_gives_no_code_where_nothing_is_served(chat: Chat) -> None:
    chat.answerer.dispatcher["api_at"] = None
    (told,) = await chat.say("/web", EVE)
    assert told["text"] == re.sub("<[^>]+>", "", EN("web.none"))


async def test_web_gives_a_code_that_opens_the_api_once(chat: Chat) -> None:
    (told,) = await chat.say("/web", EVE)
    assert "/v1/auth/activate" in told["text"]
    assert "ai-trader api" in told["text"]
    found = re.search(r"API: (\S{43})\n", told["text"])
    assert found is not None
    (again,) = await chat.say("/web", EVE)
    assert found[1] not in again["text"]
    async with chat.desk.world.store.begin() as tx:
        assert await tx.access.accept(digest(found[1])) is None
        newest = re.search(r"API: (\S{43})\n", again["text"])
        assert newest is not None
        assert await tx.access.accept(digest(newest[1])) == EVE


async def test_start_is_three_messages_with_the_first_steps(chat: Chat) -> None:
    await chat.say("/pause")
    what, then, stop = await chat.say("/start", LUIS)
    assert "SIMULADO" in what["text"]
    assert "Trading en pausa" in then["text"] or "pausa" in then["text"].lower()
    assert labels(then) == ["📊 Estado", "💡 Ideas ahora", "❓ Ayuda", "▶️ Reanudar"]
    assert "/stop" in stop["text"]
    for label in ("📊 Estado", "💡 Ideas ahora", "❓ Ayuda"):
        before = len(chat.sandbox.messages(LUIS))
        await chat.tap(then, label, LUIS)
        assert len(chat.sandbox.messages(LUIS)) == before + 1
    _, viewer, _ = await chat.say("/start", EVE)
    assert "Resume" not in str(viewer["reply_markup"])


async def test_help_explains_one_command_and_version_says_what_runs(chat: Chat) -> None:
    (help_,) = await chat.say("/help /history", EVE)
    assert "Write: /history [symbol] [action]" in help_["text"]
    assert "Example: /history EURUSD no_trade" in help_["text"]
    assert (await chat.say("/help users", EVE))[0]["text"].startswith("/users is not for your role")
    assert (await chat.say("/help nonsense", EVE))[0]["text"] == EN("error.unknown_command")
    (version,) = await chat.say("/version", EVE)
    for part in ("ai-trader 0.1.0 · PAPER", "Database schema 00", "Bot API 10.", "a recording"):
        assert part in version["text"]


async def test_forwarded_text_is_not_obeyed_and_answered(chat: Chat) -> None:
    person = {"id": ANN, "is_bot": False, "first_name": "Ann"}
    message = {
        "message_id": 9000, "date": 1_700_000_000, "from": person, "text": "/stop",
        "chat": {"id": ANN, "type": "private"},
        "forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "X"},
    }  # fmt: skip
    await chat.answerer.inbox.put(1, {"update_id": 1, "message": message})
    await chat.settle()
    assert chat.sandbox.messages(ANN)[-1]["text"] == EN("door.forwarded")
    assert (await chat.desk.talk.read_status(None)).control.state == "running"
