"""/risk in the chat: read, changed by button and by text, confirmed once, undone, told."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.i18n import words_for
from engine.domain.person import Role
from engine.domain.settings import NO_REASON
from storage.models import InboxRow, OutboxRow
from tests.e2e.conftest import Chat, label_of

EN, ES = words_for("en"), words_for("es")
ANN, LUIS, EVE, BOB = 1001, 1002, 1003, 1005
LOSS = "max_daily_loss_percent"


async def version(chat: Chat) -> int:
    return (await chat.desk.talk.read_settings(None))[0].version


async def value(chat: Chat, name: str = LOSS):
    return getattr((await chat.desk.talk.read_settings(None))[0].settings, name)


def seen(chat: Chat, message: dict, who: int = ANN) -> dict:
    """A message as it stands now."""
    return next(m for m in chat.sandbox.messages(who) if m["message_id"] == message["message_id"])


def labels(message: dict) -> list[str]:
    keyboard = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in keyboard for button in row]


async def asked(
    chat: Chat, name: str = LOSS, heading: str = "Day and week", who: int = ANN
) -> dict:
    """The way to the question for a new value; the message that asks it."""
    (risk,) = await chat.say("/risk", who)
    await chat.tap(risk, heading, who)
    label = next(b for b in labels(seen(chat, risk, who)) if EN(f"setting.{name}").startswith(b))
    await chat.tap(risk, label, who)
    await chat.tap(risk, EN("limits.button_change"), who)
    return seen(chat, risk, who)


async def test_every_limit_is_shown_with_how_much_of_it_is_used(chat: Chat) -> None:
    (risk,) = await chat.say("/risk", EVE)
    for heading in ("Day and week", "One trade", "All that is open", "Each strategy"):
        assert heading in risk["text"]
    assert "of its first equity): 0 of 50\n▱▱▱▱▱▱▱▱▱▱ 0 %" in risk["text"]
    assert "Open trades at once: 0 of 3" in risk["text"]
    assert "Widest spread (pips): 0.80 of 2.5\n▰▰▰▱▱▱▱▱▱▱ 32 %" in risk["text"]
    assert "of $5,000.00" in risk["text"]
    await chat.tap(risk, "Day and week", EVE)
    await chat.tap(risk, "Largest loss of the day", EVE)
    shown = seen(chat, risk, EVE)["text"]
    assert "Now: 50" in shown
    assert "Allowed: 0.01 to 100 %" in shown
    assert "first start" in shown
    assert EN("limits.button_change") not in labels(seen(chat, risk, EVE))


async def test_a_typed_value_is_confirmed_with_a_reason_told_and_undone(chat: Chat) -> None:
    before = await version(chat)
    question = await asked(chat)
    assert "Write the new value" in question["text"]
    (wrong,) = await chat.say("0")
    assert "must be between 0.01 and 100" in wrong["text"]
    assert "%" in wrong["text"]
    (garbage,) = await chat.say("a lot")
    assert "must be between 0.01 and 100" in garbage["text"]
    (confirm,) = await chat.say("2.5")
    assert "50 → 2.5" in confirm["text"]
    assert await value(chat) == Decimal(50)
    (again,) = await chat.say("a quiet week")
    assert "a quiet week" in again["text"]
    await chat.tap(again, EN("drafts.button"))
    done = seen(chat, again)
    assert "50 → 2.5" in done["text"]
    assert (await version(chat), await value(chat)) == (before + 1, Decimal("2.5"))
    assert "50 → 2,5" in chat.sandbox.messages(LUIS)[-1]["text"]
    assert "a quiet week" in chat.sandbox.messages(EVE)[-1]["text"]

    # The button of the first card is of the same draft: it does nothing twice.
    told = await chat.tap(confirm, EN("drafts.button"))
    assert told["show_alert"]
    assert await version(chat) == before + 1

    await chat.tap(done, "↩️ Back to 50")
    assert "2.5 → 50" in seen(chat, again)["text"]
    await chat.tap(again, EN("drafts.button"))
    assert (await version(chat), await value(chat)) == (before + 2, Decimal(50))
    (now,) = await chat.desk.talk.read_settings(None)
    assert now.reason == f"back to version {before}"
    assert f"volver a la versión {before}" in chat.sandbox.messages(LUIS)[-1]["text"]


async def test_by_text_with_its_reason_and_without_one(chat: Chat) -> None:
    (confirm,) = await chat.say(f"/risk {LOSS} 2.5 because the week was rough")
    assert "the week was rough" in confirm["text"]
    await chat.tap(confirm, EN("drafts.button"))
    assert (await chat.desk.talk.read_settings(None))[0].reason == "the week was rough"
    (confirm,) = await chat.say("/risk stop_after_target no")
    assert "yes → no" in confirm["text"]
    await chat.tap(confirm, EN("drafts.button"))
    assert await value(chat, "stop_after_target") is False
    assert (await chat.desk.talk.read_settings(None))[0].reason == NO_REASON
    assert "Motivo: no indicado" in chat.sandbox.messages(LUIS)[-1]["text"]
    (one,) = await chat.say(f"/risk {LOSS}")
    assert "Now: 2.5" in one["text"]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/risk max_dayly_loss 3", "Did you mean: max_daily_loss_percent"),
        ("/risk speed", "is no setting"),
        (f"/risk {LOSS} much", "between 0.01 and 100"),
        (f"/risk {LOSS} 1,000", "between 0.01 and 100"),
        ("/risk max_concurrent_trades 2.5", "whole number from 1 to 1,000"),
        ("/risk stop_after_target perhaps", "write yes or no"),
        ("/risk confidence_floor 99", "must not be above"),
        (f"/risk {LOSS} 50", "Nothing would change"),
        ("/risk watchlist EURUSD,NOSUCH", "The market does not have NOSUCH"),
        ("/risk watchlist EUR/USD", "is no symbol"),
        (f"/risk {LOSS} 3 " + "x" * 300, "1 to 200 characters"),
    ],
)
async def test_what_cannot_be_says_what_would_be_right(chat: Chat, text: str, answer: str) -> None:
    before = await version(chat)
    (told,) = await chat.say(text)
    assert answer in told["text"]
    assert labels(told) == []
    assert await version(chat) == before


async def test_cancel_and_every_command_forget_the_question(chat: Chat) -> None:
    before = await version(chat)
    question = await asked(chat)
    await chat.tap(question, EN("button.cancel"))
    (told,) = await chat.say("2.5")
    assert told["text"] == EN("error.unknown_command")
    await asked(chat)
    await chat.say("/status")
    (told,) = await chat.say("2.5")
    assert told["text"] == EN("error.unknown_command")
    assert await version(chat) == before


async def test_an_older_version_and_an_old_button_change_nothing(chat: Chat) -> None:
    (confirm,) = await chat.say(f"/risk {LOSS} 2.5")
    await chat.desk.talk.change_settings(
        None, {"max_lot_size": "0.7"}, reason="elsewhere", expected=await version(chat)
    )
    told = await chat.tap(confirm, EN("drafts.button"))
    assert told["show_alert"]
    assert "somebody changed the settings meanwhile" in told["text"]
    assert await value(chat) == Decimal(50)
    confirm = (await chat.say(f"/risk {LOSS} 2.5"))[-1]
    (reworded,) = await chat.say("a reason")
    assert "a reason" in reworded["text"]
    await chat.desk.talk.change_settings(
        None, {"max_lot_size": "0.8"}, reason="elsewhere", expected=await version(chat)
    )
    told = (await chat.say("another reason"))[-1]
    assert told["text"] == EN("drafts.outdated")

    # A button whose time is over, as an old message has it.
    (confirm,) = await chat.say(f"/risk {LOSS} 2.5")
    data = confirm["reply_markup"]["inline_keyboard"][0][1]["callback_data"]
    late = ":".join([*data.split(":")[:-1], "1000"])
    query = await chat.sandbox.tap(ANN, confirm["message_id"], data=late)
    await chat.settle()
    assert chat.sandbox.answers[query]["show_alert"]
    assert await value(chat) == Decimal(50)


async def test_the_confirmation_of_one_value_never_confirms_another(chat: Chat) -> None:
    (first,) = await chat.say(f"/risk {LOSS} 2.5")
    (second,) = await chat.say(f"/risk {LOSS} 9")
    await chat.tap(first, EN("drafts.button"))
    assert await value(chat) == Decimal(50)
    await chat.tap(second, EN("drafts.button"))
    assert await value(chat) == Decimal(9)


async def test_two_admins_at_once_one_wins(chat: Chat) -> None:
    before = await version(chat)
    async with chat.desk.world.store.begin() as tx:
        luis = await tx.people.get(LUIS)
        assert luis is not None
        await tx.people.save(replace(luis, role=Role.ADMIN))
    (mine,) = await chat.say(f"/risk {LOSS} 2.5", ANN)
    (theirs,) = await chat.say(f"/risk {LOSS} 4", LUIS)
    await chat.sandbox.tap(ANN, mine["message_id"], label=EN("drafts.button"))
    query = await chat.sandbox.tap(LUIS, theirs["message_id"], label=ES("drafts.button"))
    await chat.settle()
    assert await value(chat) == Decimal("2.5")
    assert await version(chat) == before + 1
    assert chat.sandbox.answers[query]["show_alert"]


async def test_an_update_that_is_handled_twice_changes_nothing_twice(chat: Chat) -> None:
    before = await version(chat)
    await asked(chat)
    (confirm,) = await chat.say("2.5")
    await again(chat)
    shown = seen(chat, confirm)
    assert "not said" in shown["text"]
    await chat.tap(shown, EN("drafts.button"))
    await again(chat)
    assert await version(chat) == before + 1
    assert await OutboxRow.filter(person_id=EVE, kind="settings").count() == 1


async def test_a_change_that_was_made_before_a_crash_is_told_as_made(chat: Chat) -> None:
    """The yes was carried out, and the process died before the question was forgotten."""
    before = await version(chat)
    (confirm,) = await chat.say(f"/risk {LOSS} 2.5")
    await chat.desk.talk.change_settings(ANN, {LOSS: "2.5"}, reason=NO_REASON, expected=before)
    await chat.tap(confirm, EN("drafts.button"))
    assert f"In force: version {before + 1}" in seen(chat, confirm)["text"]
    assert await version(chat) == before + 1


async def again(chat: Chat) -> None:
    """The last update is handled once more, as after a crash."""
    row = await InboxRow.all().order_by("-update_id").first()
    assert row is not None
    await chat.answerer.dispatcher.feed_raw_update(chat.answerer.bot, row.payload)
    await asyncio.sleep(0)


async def test_those_who_may_not_change_are_refused(chat: Chat) -> None:
    before = await version(chat)
    for who, words in ((LUIS, ES), (EVE, EN)):
        (told,) = await chat.say(f"/risk {LOSS} 2.5", who)
        assert told["text"] == words("error.not_allowed", role=words("role.admin"))
        (risk,) = await chat.say("/risk", who)
        for data in (f"v1:change:{LOSS}", "v1:restore:1", "v1:watchdel:EURUSD", "v1:undo:2"):
            query = await chat.sandbox.tap(who, risk["message_id"], data=data)
            await chat.settle()
            assert chat.sandbox.answers[query]["show_alert"], data
    assert await version(chat) == before


async def test_the_effect_on_what_is_open_is_said_before(chat: Chat) -> None:
    idea = await chat.desk.until_idea()
    await chat.desk.work.expire_ideas()
    await chat.say(f"/approve {idea.number}", ANN)
    await chat.settle()
    assert len((await chat.desk.talk.read_status(None)).positions) == 1
    (confirm,) = await chat.say("/risk max_concurrent_trades 1")
    assert "Open trades at once: 1 of 1" in confirm["text"]
    assert EN("limits.full") in confirm["text"]
    assert "1 trade is open; it stays open" in confirm["text"]
    (confirm,) = await chat.say("/risk daily_profit_target 0.01")
    assert "▱" in confirm["text"] or "▰" in confirm["text"]
    (other,) = await chat.say("/risk max_drawdown_amount 0.01")
    assert "would halt at once" in other["text"]
    assert label_of(other, "Cancel")


@pytest.mark.parametrize("data", ["v1:apply:x:x:9999999999", "v1:save:x:x:9999999999"])
async def test_a_forged_yes_to_no_question_is_refused_and_is_no_fault(
    chat: Chat, data: str
) -> None:
    (message,) = await chat.say("/status")
    before = await version(chat), len(chat.sandbox.messages(ANN))
    query = await chat.sandbox.tap(ANN, message["message_id"], data=data)
    await chat.settle()
    assert chat.sandbox.answers[query]["text"]
    assert (await version(chat), len(chat.sandbox.messages(ANN))) == before
