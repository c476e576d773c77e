"""Strategies in the chat: read, switched, edited by file and by line, compared and restored."""

import json
from decimal import Decimal

import pytest

from bot.handlers.uploads import LARGEST
from bot.i18n import words_for
from bot.sandbox.world import Upload
from engine.domain.decision import Action
from engine.domain.strategy import Strategy
from engine.flow.strategies import named
from engine.strategies.documents import document
from tests.e2e.conftest import Chat, label_of
from tests.e2e.test_limits_edit import ANN, EVE, LUIS, again, labels, seen

EN, ES = words_for("en"), words_for("es")
NAME = "EMA trend"


async def strategy(chat: Chat, name: str = "ema-trend") -> Strategy:
    async with chat.desk.world.store.begin() as tx:
        return named(await tx.settings.strategies(), name)


async def opened(chat: Chat, who: int = ANN) -> dict:
    """The screen of one strategy."""
    (listed,) = await chat.say("/strategies", who)
    await chat.tap(listed, f"🟢 {NAME}", who)
    return seen(chat, listed, who)


async def upload(chat: Chat, text: str | bytes, name: str, who: int = ANN) -> list[dict]:
    """A person sends a file; the answers."""
    data = text if isinstance(text, bytes) else text.encode()
    before = len(chat.sandbox.messages(who))
    await chat.sandbox.upload(who, Upload(name, "application/json", data))
    await chat.settle()
    return chat.sandbox.messages(who)[before + 1 :]


async def changed(chat: Chat, **values: object) -> str:
    return json.dumps({**document(await strategy(chat)), **values})


async def test_the_list_and_a_strategy_in_words(chat: Chat) -> None:
    for _ in range(3):
        await chat.desk.next_candle()
    listed = next(m for m in await chat.say("/strategies", EVE) if "text" in m)
    assert "🟢 EMA trend v1" in listed["text"]
    assert "Last look" in listed["text"]
    assert "none:" not in listed["text"]  # the result is in words
    assert "Today 0 trades" in listed["text"]
    await chat.tap(listed, "▸", EVE)
    assert "Mean reversion" in seen(chat, listed, EVE)["text"]
    await chat.tap(listed, "◂", EVE)
    await chat.tap(listed, "🟢 Gold Pullback Buy", EVE)
    shown = seen(chat, listed, EVE)["text"]
    for text in (
        "M15 · buys · XAUUSD", "Mon–Fri 07:00–11:00 UTC", "RSI under 40",
        "Price rejects a level", "Stop: recent_swing_low - 50 cents",
        "Targets: RR>=2, key_resistance_zone", "5 minutes before and after",
        "at most 1 lot a trade, 2 open", "The market does not have XAUUSD",
    ):  # fmt: skip
        assert text in shown, text
    assert labels(seen(chat, listed, EVE)) == [
        EN("strategies.file"), EN("strategies.versions"), EN("button.refresh"), EN("drafts.back"),
    ]  # fmt: skip


async def test_a_trader_turns_it_off_and_only_an_admin_on_again(chat: Chat) -> None:
    shown = await opened(chat, LUIS)
    await chat.tap(shown, ES("strategies.off"), LUIS)
    assert "¿Desactivarla?" in seen(chat, shown, LUIS)["text"]
    await chat.tap(shown, ES("strategies.off"), LUIS)
    await again(chat)
    assert (await strategy(chat)).is_active is False
    assert (await strategy(chat)).version == 2
    told = chat.sandbox.messages(ANN)[-1]["text"]
    assert "EMA trend: v2 is in force" in told
    assert "is_active: true → false" in told
    assert "By Luis" in told
    data = f"v1:switch:{(await strategy(chat)).id.hex}:1"
    query = await chat.sandbox.tap(LUIS, shown["message_id"], data=data)
    await chat.settle()
    assert chat.sandbox.answers[query]["show_alert"]
    (listed,) = await chat.say("/strategies")
    await chat.tap(listed, f"⚪ {NAME}")
    await chat.tap(listed, EN("strategies.on"))
    await chat.tap(listed, EN("strategies.on"))
    assert (await strategy(chat)).is_active is True
    async with chat.desk.world.store.begin() as tx:
        found = await tx.history.list(actions=[Action.STRATEGY_CHANGED], limit=9)
    assert [record.entry.actor for record in found] == ["person:1001", "person:1002"]


async def test_the_document_goes_out_as_a_file_and_comes_back_as_a_version(chat: Chat) -> None:
    shown = await opened(chat)
    await chat.tap(shown, EN("strategies.file"))
    sent = chat.sandbox.messages(ANN)[-1]
    assert sent["document"]["file_name"] == "ema-trend-v1.json"
    assert "EMA trend v1" in sent["caption"]
    stored = chat.sandbox.telegram.world.files.get(sent["document"]["file_id"])
    assert stored is not None
    wanted = json.loads(stored.data)
    assert wanted == document(await strategy(chat))

    wanted["rr_expectation"] = 2.5
    (diff,) = await upload(chat, json.dumps(wanted), "ema-trend-v1 (2).json")
    assert "rr_expectation: 2.0 → 2.5" in diff["text"]
    (reworded,) = await chat.say("more room")
    assert "more room" in reworded["text"]
    await again(chat)
    assert (await strategy(chat)).version == 1
    await chat.tap(reworded, EN("strategies.save"))
    await again(chat)
    now = await strategy(chat)
    assert (now.version, now.rr_expectation) == (2, Decimal("2.5"))
    done = seen(chat, reworded)
    assert "v2 is in force" in done["text"]
    assert "more room" in done["text"]

    # The file of version 1 is of a version that is not in force any more.
    (told,) = await upload(chat, json.dumps(wanted), "ema-trend-v1.json")
    assert "EMA trend is at version 2 by now" in told["text"]

    # Back to the first version, as the third.
    await chat.tap(done, EN("strategies.before"))
    await chat.tap(done, EN("versions.restore", version="1"))
    assert "rr_expectation: 2.5 → 2.0" in seen(chat, done)["text"]
    await chat.tap(done, EN("strategies.save"))
    now = await strategy(chat)
    assert (now.version, now.rr_expectation) == (3, Decimal(2))
    await chat.tap(done, EN("drafts.back"))
    await chat.tap(done, EN("strategies.versions"))
    assert "back to version 1" in seen(chat, done)["text"]
    await chat.tap(done, "v3")
    await chat.tap(done, EN("strategies.against", version="1"))
    assert EN("strategies.same") in seen(chat, done)["text"]
    await chat.tap(done, EN("strategies.against", version="2"))
    assert "rr_expectation: 2.5 → 2.0" in seen(chat, done)["text"]


async def test_one_line_changes_one_field(chat: Chat) -> None:
    shown = await opened(chat)
    await chat.tap(shown, EN("strategies.edit"))
    for line, answer in {
        "risk.max_trades = 2": "leads nowhere in this document",
        "two trades please": "Write a path, = and a value",
        "risk_caps.max_concurrent_positions = 0": "whole number from 1 to 100",
        "risk_caps.max_concurrent_positions = two": "whole number from 1 to 100",
        "allowed_symbols = EUR/USD": "allowed_symbols.0 is",
        "entry_conditions.moon = 1": "is no condition",
        "timeframe = H2": "Write one of: M1, M5",
        "colour = red": "is no field",
        "name = Gold Pullback Buy": "There is a strategy “Gold Pullback Buy” already",
        "exit_rules.stop_loss = far away": "2 * atr",
        "rr_expectation = 2.0": "Nothing would change",
        "exit_rules.time_limit_min = none": "leads nowhere",
    }.items():
        (told,) = await chat.say(line)
        assert answer in told["text"], line
        assert labels(told) == [], line
    (diff,) = await chat.say("risk_caps.max_concurrent_positions = 2")
    assert "risk_caps.max_concurrent_positions: 1 → 2" in diff["text"]
    await again(chat)
    await chat.tap(diff, EN("strategies.save"))
    assert (await strategy(chat)).risk_caps.max_concurrent_positions == 2
    shown = await opened(chat)
    await chat.tap(shown, EN("strategies.edit"))
    (diff,) = await chat.say("allowed_symbols = EURUSD, GBPUSD")
    assert "EURUSD → EURUSD, GBPUSD" in diff["text"]
    assert "The market does not have GBPUSD" in diff["text"]
    await chat.tap(diff, EN("button.cancel"))
    assert (await strategy(chat)).allowed_symbols == ("EURUSD",)
    (told,) = await chat.say("rr_expectation = 3")
    assert told["text"] == EN("error.unknown_command")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('{"name": "EMA trend",\n "timeframe" "H1"}', "line 2, column 14"),
        ('{"name": "a", "name": "b"}', "name is written twice"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (" " * (LARGEST + 1), "64 KiB at most"),
        ("[" * 60_000, "nested too deeply"),
        ('{"rr_expectation": NaN}', "a value that is no JSON"),
        ("[]", "document is empty"),
        ('{"name": "EMA trend"}', "allowed_symbols is missing"),
    ],
)
async def test_a_file_that_cannot_be_says_what_is_wrong(
    chat: Chat, text: str | bytes, answer: str
) -> None:
    (told,) = await upload(chat, text, "ema-trend-v1.json")
    assert answer in told["text"]
    assert labels(told) == []
    assert (await strategy(chat)).version == 1


async def test_a_wrong_symbol_is_pointed_at_and_a_wrong_file_is_asked_about(chat: Chat) -> None:
    wanted = await changed(chat, allowed_symbols=["EURUSD", "EUR/USD"], rr_expectation="much")
    (told,) = await upload(chat, wanted, "ema-trend-v1.json")
    assert "2 mistakes" in told["text"]
    assert 'allowed_symbols.1 is "EUR/USD"' in told["text"]
    assert "rr_expectation is" in told["text"]
    (told,) = await upload(chat, wanted, "holiday.json")
    assert "Which strategy is this file of?" in told["text"]
    (told,) = await upload(chat, wanted, "no-such-v1.json")
    assert "There is no strategy no-such" in told["text"]
    (told,) = await upload(chat, wanted, "ema-trend-v9.json")
    assert "no version 9; the newest is 1" in told["text"]
    (told,) = await upload(chat, wanted, "ema-trend-v1.json", EVE)
    assert told["text"] == EN("error.not_allowed", role="admin")


async def test_two_edits_at_once_one_wins(chat: Chat) -> None:
    (diff,) = await upload(chat, await changed(chat, rr_expectation=3), "ema-trend-v1.json")
    await chat.desk.talk.edit_strategy(
        None,
        (await strategy(chat)).id,
        await changed(chat, rr_expectation=4),
        reason="elsewhere",
        expected=1,
    )
    told = await chat.tap(diff, EN("strategies.save"))
    assert told["show_alert"]
    assert "is at version 2 by now" in told["text"]
    assert (await strategy(chat)).rr_expectation == Decimal(4)
    assert label_of(diff, "Save")
