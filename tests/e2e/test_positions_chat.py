"""Open trades managed from the chat: seen, closed, moved, each act confirmed by a second tap."""

import re
from decimal import Decimal

import pytest
from tortoise import connections

from engine.domain.position_orders import PositionOrderState
from engine.errors import BrokerSilent
from engine.flow.exposures import exposures
from storage.models import PositionOrderRow
from tests.e2e.conftest import Chat, label_of

ANN, LUIS, EVE = 1001, 1002, 1003
D = Decimal


async def opened(chat: Chat) -> int:
    """One trade of ours is open; the number of its idea."""
    idea = await chat.desk.until_idea()
    await chat.tap(await chat.card(), "✅ Approve")
    assert len(await chat.desk.world.broker.positions()) == 1
    return idea.number


async def held(chat: Chat):
    (position,) = await chat.desk.world.broker.positions()
    return position


def labels(message: dict) -> list[str]:
    keyboard = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in keyboard for button in row]


def shown(chat: Chat, message: dict, who: int = ANN) -> dict:
    """A message as it stands now."""
    return next(m for m in chat.sandbox.messages(who) if m["message_id"] == message["message_id"])


async def answered(chat: Chat, message: dict, part: str, who: int = ANN) -> list[dict]:
    """Tap the button that holds a text; the new messages."""
    before = {m["message_id"] for m in chat.sandbox.messages(who)}
    await chat.tap(message, label_of(message, part), who)
    return [m for m in chat.sandbox.messages(who) if m["message_id"] not in before]


async def nothing_asked(chat: Chat) -> bool:
    return await PositionOrderRow.exclude(state="asked").count() == 0


async def test_exposure_is_a_tap_away_with_its_picture(chat: Chat) -> None:
    (empty,) = await chat.say("/positions")
    (nothing,) = await answered(chat, empty, "Exposure")
    assert "Nothing is open" in nothing["text"]
    assert "photo" not in nothing
    await opened(chat)
    (listed,) = await chat.say("/positions")
    (shown_,) = await answered(chat, listed, "Exposure")
    assert shown_["photo"]
    position = await held(chat)
    limits = await chat.desk.talk.read_limits(ANN)
    seen = exposures(limits.bundle)
    (symbol,) = seen.by_symbol
    assert max(symbol.long, symbol.short) == seen.total
    assert seen.total == pytest.approx(position.volume * 100_000 * D("1.1"), rel=D("0.2"))
    assert f"EURUSD: ▲ long {seen.total:,.0f}" in shown_["caption"]
    assert f"EUR: ▲ long {seen.total:,.0f}" in shown_["caption"]
    assert "USD: ▼" not in shown_["caption"]


async def test_the_list_shows_each_trade_and_opens_it_in_place(chat: Chat) -> None:
    (empty,) = await chat.say("/positions")
    assert "Nothing is open" in empty["text"]
    number = await opened(chat)
    (listed,) = await chat.say("/positions")
    position = await held(chat)
    for text in (f"#{number} EURUSD", str(position.stop_loss), " R)", "open for", "PAPER"):
        assert text in listed["text"]
    await chat.tap(listed, label_of(listed, f"#{number} EURUSD"))
    one = shown(chat, listed)
    assert labels(one) == [
        "🏁 Close", "½ Close half", "⚖ Break-even", "🛡 Move stop", "🎯 Set target",
        "🔄 Refresh", "☰ Open trades",
    ]  # fmt: skip
    assert "there about −" in one["text"]
    await chat.tap(one, "🔄 Refresh")
    await chat.tap(shown(chat, listed), "☰ Open trades")
    assert "Open trades" in shown(chat, listed)["text"]


async def test_close_by_button_asks_first_and_the_end_answers_the_card(chat: Chat) -> None:
    await opened(chat)
    card = await chat.card()
    (listed,) = await chat.say("/positions")
    await chat.tap(listed, label_of(listed, "EURUSD"))
    (asked,) = await answered(chat, shown(chat, listed), "🏁 Close")
    volume = (await held(chat)).volume
    assert f"Close <b>{volume} lots</b>" in _html(asked)
    assert "about" in asked["text"]
    assert await nothing_asked(chat)
    news = await answered(chat, asked, "✔")
    assert await chat.desk.world.broker.positions() == ()
    assert re.search(r"Close of #\d+ EURUSD: confirmed", shown(chat, asked)["text"])
    assert labels(shown(chat, asked)) == []
    (reply,) = [m for m in news if "reply_to_message" in m]
    assert reply["reply_to_message"]["message_id"] == card["message_id"]
    assert "manual close" in reply["text"]
    assert "By Ann" in reply["text"]
    luis = chat.sandbox.messages(LUIS)[-1]["text"]
    assert "cierre manual" in luis
    assert "Ann" in luis
    (history,) = await chat.say("/history")
    assert "trade changed" in history["text"]


def _html(message: dict) -> str:
    """A message's text with its bold parts marked."""
    text = message["text"].encode("utf-16-le")
    for entity in sorted(message.get("entities", []), key=lambda e: -e["offset"]):
        if entity["type"] == "bold":
            start, end = entity["offset"] * 2, (entity["offset"] + entity["length"]) * 2
            text = (
                text[:start] + "<b>".encode("utf-16-le") + text[start:end]
                + "</b>".encode("utf-16-le") + text[end:]
            )  # fmt: skip
    return text.decode("utf-16-le")


async def test_cancel_and_a_late_confirmation_close_nothing(chat: Chat) -> None:
    number = await opened(chat)
    (asked,) = await chat.say(f"/close {number}")
    await chat.tap(asked, "✖ Cancel")
    assert "Nothing was changed" in shown(chat, asked)["text"]
    (asked,) = await chat.say("/close EURUSD")
    await connections.get("default").execute_query(
        "UPDATE position_order SET document = jsonb_set(document, '{valid_until}',"
        " to_jsonb(now() - interval '1 second'))"
    )
    answer = await chat.tap(asked, label_of(asked, "✔"))
    assert answer["show_alert"]
    assert len(await chat.desk.world.broker.positions()) == 1
    assert await PositionOrderRow.filter(state__in=["intent", "sending", "done"]).count() == 0


async def test_double_taps_and_two_people_close_once(chat: Chat) -> None:
    number = await opened(chat)
    (mine,) = await chat.say(f"/close {number}")
    (theirs,) = await chat.say(f"/close {number}", LUIS)
    for who, message in ((ANN, mine), (ANN, mine), (LUIS, theirs)):
        await chat.sandbox.tap(who, message["message_id"], label=label_of(message, "✔"))
    await chat.settle()
    assert await chat.desk.world.broker.positions() == ()
    assert (await chat.desk.actions()).count("position_sending") == 1
    assert (await chat.desk.actions()).count("position_closed") == 1


async def test_pick_list_has_the_result_on_each_button_and_cancel(chat: Chat) -> None:
    number = await opened(chat)
    (picked,) = await chat.say("/close")
    assert re.fullmatch(rf"#{number} EURUSD (BUY|SELL) [\d.]+ · .?\$[\d.]+", labels(picked)[0])
    assert labels(picked)[1:] == ["✖ Cancel"]
    (asked,) = await answered(chat, picked, "EURUSD")
    assert "✔ Confirm" in labels(asked)
    await chat.tap(picked, "✖ Cancel")
    assert len(await chat.desk.world.broker.positions()) == 1


@pytest.mark.parametrize("by", ["text", "button"])
async def test_half_leaves_what_was_shown(chat: Chat, by: str) -> None:
    number = await opened(chat)
    before = (await held(chat)).volume
    if by == "text":
        (asked,) = await chat.say(f"/close {number} half")
    else:
        (listed,) = await chat.say("/positions")
        await chat.tap(listed, label_of(listed, "EURUSD"))
        (asked,) = await answered(chat, shown(chat, listed), "½")
    left = D(re.search(r"([\d.]+) lots stay open", asked["text"])[1])  # type: ignore[index]
    news = await answered(chat, asked, "✔")
    assert (await held(chat)).volume == left
    assert before / 2 <= left < before
    (reply,) = [m for m in news if "reply_to_message" in m]
    assert f"down to {left} lots: ✅" in reply["text"]
    assert "By Ann" in reply["text"]


async def test_a_volume_closes_just_so_much(chat: Chat) -> None:
    number = await opened(chat)
    before = (await held(chat)).volume
    (asked,) = await chat.say(f"/close {number} 0,01")
    await chat.tap(asked, label_of(asked, "✔"))
    assert (await held(chat)).volume == before - D("0.01")


async def test_stop_target_and_break_even_by_text(chat: Chat) -> None:
    number = await opened(chat)
    position = await held(chat)
    sign, entry = position.direction.sign, position.entry_price
    stop = position.stop_loss + sign * D("0.00020")
    (asked,) = await chat.say(f"/stoploss {number} {stop}")
    assert f"from {position.stop_loss} to {stop}" in asked["text"]
    await chat.tap(asked, label_of(asked, "✔"))
    assert (await held(chat)).stop_loss == stop
    near, far = entry + sign * D("0.01000"), entry + sign * D("0.02000")
    (asked,) = await chat.say(f"/target {number} {near} {far}")
    assert f"{near} / {far}" in asked["text"]
    await chat.tap(asked, label_of(asked, "✔"))
    assert ((await held(chat)).take_profit, (await held(chat)).stop_loss) == (near, stop)
    (listed,) = await chat.say("/positions")
    assert f"{near} / {far}" in listed["text"]
    (answer,) = await chat.say(f"/breakeven {number}")
    assert "break-even" in answer["text"] or "Move the stop" in answer["text"]


async def test_a_typed_stop_is_shown_back_and_takes_effect_by_the_button_alone(
    chat: Chat,
) -> None:
    await opened(chat)
    position = await held(chat)
    sign = position.direction.sign
    (listed,) = await chat.say("/positions")
    await chat.tap(listed, label_of(listed, "EURUSD"))
    (prompt,) = await answered(chat, shown(chat, listed), "🛡")
    assert str(position.stop_loss) in prompt["text"]
    (wrong,) = await chat.say("soon")
    assert "1.0850" in wrong["text"]
    (wide,) = await chat.say(str(position.stop_loss - sign * D("0.00100")))
    assert f"may not go beyond the first one, {position.stop_loss}" in wide["text"]
    (beyond,) = await chat.say(str(position.entry_price + sign * D("0.01")))
    assert "would be hit at once" in beyond["text"]
    typed = position.stop_loss + sign * D("0.00010")
    (asked,) = await chat.say(str(typed))
    assert (await held(chat)).stop_loss == position.stop_loss
    await chat.tap(asked, label_of(asked, "✔"))
    assert (await held(chat)).stop_loss == typed
    (after,) = await chat.say(str(typed))
    assert "✔ Confirm" not in labels(after)


async def test_a_command_cancels_the_question_that_waits(chat: Chat) -> None:
    await opened(chat)
    position = await held(chat)
    (listed,) = await chat.say("/positions")
    await chat.tap(listed, label_of(listed, "EURUSD"))
    await answered(chat, shown(chat, listed), "🎯")
    await chat.say("/status")
    (answer,) = await chat.say(str(position.entry_price + position.direction.sign * D("0.01")))
    assert labels(answer) == []
    assert await PositionOrderRow.all().count() == 0


@pytest.mark.parametrize(
    "command",
    ["/close {n}", "/close", "/close {n} half", "/stoploss {n} 1.0", "/target {n} 1.0",
     "/breakeven {n}", "/panic"],
)  # fmt: skip
async def test_a_viewer_is_refused(chat: Chat, command: str) -> None:
    number = await opened(chat)
    (answer,) = await chat.say(command.format(n=number), EVE)
    assert "needs the role trader" in answer["text"]
    (listed,) = await chat.say("/positions", EVE)
    await chat.tap(listed, label_of(listed, "EURUSD"), EVE)
    assert labels(shown(chat, listed, EVE)) == ["🔄 Refresh", "☰ Open trades"]
    assert await PositionOrderRow.all().count() == 0
    assert (await chat.desk.talk.read_status(None)).control.state == "running"


async def test_a_forged_button_does_nothing(chat: Chat) -> None:
    number = await opened(chat)
    (listed,) = await chat.say("/positions", EVE)
    (asked,) = await chat.say(f"/close {number}")
    row = await PositionOrderRow.get()
    forged = (
        f"v1:pgo:{row.client_id}", "v1:pgo:ap-0", "v1:pgo:", "v1:pclose:0123456789abcdef",
        "v1:phalf:", "v1:flat:1:99999999999", "v1:pos:zz", "v1:pno:x:y",
    )  # fmt: skip
    for data in forged:
        query = await chat.sandbox.tap(EVE, listed["message_id"], data=data)
        await chat.settle()
        assert chat.sandbox.answers[query]["show_alert"], data
    assert len(await chat.desk.world.broker.positions()) == 1
    # Nor does one person's button work for another.
    query = await chat.sandbox.tap(LUIS, chat.sandbox.messages(LUIS)[-1]["message_id"],
                                   data=f"v1:pgo:{row.client_id}")  # fmt: skip
    await chat.settle()
    assert chat.sandbox.answers[query]["show_alert"]
    assert await nothing_asked(chat)
    assert label_of(asked, "✔")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("/close 99", "No open trade is 99"),
        ("/close GBPUSD half", "No open trade is GBPUSD"),
        ("/close {n} third", "/close 3"),
        ("/close {n} 1 2", "/close 3 half"),
        ("/close {n} 99", "cannot be left of it"),
        ("/close {n} 0.001", "cannot be divided so"),
        ("/close {n} -1", "/close 3"),
        ("/stoploss", "/stoploss 3 1.0850"),
        ("/stoploss {n}", "/stoploss 3 1.0850"),
        ("/stoploss {n} 1 2", "/stoploss 3 1.0850"),
        ("/stoploss {n} NaN", "/stoploss 3 1.0850"),
        ("/target {n} 0.5", "would be reached at once"),
        ("/target {n} 9 8 7 6 5 4", "would be reached at once|one to 5 targets"),
        ("/breakeven", "/breakeven 3"),
    ],
)
async def test_what_cannot_be_done_is_answered_with_what_can(
    chat: Chat, text: str, part: str
) -> None:
    number = await opened(chat)
    if "target" in text and (await held(chat)).direction.sign < 0:
        text = text.replace("0.5", "5")
    (answer,) = await chat.say(text.format(n=number))
    assert re.search(part, answer["text"])
    assert await PositionOrderRow.all().count() == 0


async def test_panic_stops_at_once_and_closes_after_one_question(chat: Chat) -> None:
    await opened(chat)
    asked = next(m for m in await chat.say("/panic") if "Close everything" in m.get("text", ""))
    assert (await chat.desk.talk.read_status(None)).control.state == "emergency_stop"
    assert "1 trade, about" in asked["text"]
    assert len(await chat.desk.world.broker.positions()) == 1
    label = label_of(asked, "🧯")
    for _ in range(2):
        await chat.sandbox.tap(ANN, asked["message_id"], label=label)
    await chat.settle()
    assert await chat.desk.world.broker.positions() == ()
    texts = [m.get("text", "") for m in chat.sandbox.messages(ANN)]
    assert sum("manual close" in text for text in texts) == 1
    assert sum("Everything is closed" in text for text in texts) == 1
    theirs = [m.get("text", "") for m in chat.sandbox.messages(LUIS)]
    assert sum("Todo está cerrado" in text for text in theirs) == 1
    assert (await chat.desk.actions()).count("position_closed") == 1


async def test_panic_asks_nothing_when_nothing_is_open(chat: Chat) -> None:
    (answer,) = [m for m in await chat.say("/panic") if "Nothing is open" in m.get("text", "")]
    assert not any("🧯" in label for label in labels(answer))


async def test_panic_stops_and_asks_while_the_broker_is_silent(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(self: object):
        raise BrokerSilent("no answer")

    await opened(chat)
    with monkeypatch.context() as patch:
        patch.setattr("broker.paper.PaperBroker.positions", silent)
        patch.setattr(chat.desk.work.sync_broker.__class__, "__call__", _nothing)
        asked = next(m for m in await chat.say("/panic") if "cannot say" in m.get("text", ""))
        await chat.tap(asked, "🧯 Close everything")
        assert "broker does not answer" in chat.sandbox.messages(ANN)[-1]["text"]
    for _ in range(2):
        await chat.desk.work.pursue_flatten()
        await chat.settle()
    assert await chat.desk.world.broker.positions() == ()
    done = await PositionOrderRow.get(deed="flatten")
    assert done.state == PositionOrderState.DONE


async def _nothing(self: object) -> tuple[()]:
    return ()


async def test_in_an_emergency_stop_a_trade_can_be_closed_and_not_moved(chat: Chat) -> None:
    number = await opened(chat)
    await chat.say("/stop")
    (refused,) = await chat.say(f"/close {number} half")
    assert "only be closed as a whole" in refused["text"]
    (listed,) = await chat.say("/positions")
    await chat.tap(listed, label_of(listed, "EURUSD"))
    assert labels(shown(chat, listed)) == ["🏁 Close", "🔄 Refresh", "☰ Open trades"]
    (asked,) = await chat.say(f"/close {number}")
    await chat.tap(asked, label_of(asked, "✔"))
    assert await chat.desk.world.broker.positions() == ()


async def test_every_text_is_there_in_spanish(chat: Chat) -> None:
    number = await opened(chat)
    for command in ("/positions", "/close", f"/close {number} half", f"/breakeven {number}"):
        (answer,) = await chat.say(command, LUIS)
        assert answer["text"]
    (asked,) = await chat.say(f"/close {number}", LUIS)
    assert "¿Cerrar" in asked["text"]
    await chat.tap(asked, "✔ Confirmar", LUIS)
    assert "confirmado" in shown(chat, asked, LUIS)["text"]
