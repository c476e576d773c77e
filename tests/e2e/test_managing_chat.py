"""A trade led by its rules on the recorded market: the chat sees each step, under its card."""

import re
from dataclasses import replace

import pytest

from engine.domain.strategy import BreakEven, PartialClose, Trailing
from tests.e2e.conftest import Chat
from tests.e2e.test_positions_chat import held, opened, shown

ANN = 1001


STEPS = ("By the break-even rule", "By the partial close rule")


def answers(chat: Chat, card: dict) -> list[str]:
    """What answered a card."""
    return [
        message["text"]
        for message in chat.sandbox.messages(ANN)
        if message.get("reply_to_message", {}).get("message_id") == card["message_id"]
    ]


async def lead(chat: Chat, card: dict) -> list[str]:
    """Play candles until both steps answer the card, or the trade ends; the answers."""
    for _ in range(100):
        await chat.desk.work.manage_positions()
        await chat.settle()
        told = answers(chat, card)
        if all(any(step in text for text in told) for step in STEPS):
            return told
        if not await chat.desk.world.broker.positions():
            return []
        await chat.desk.next_candle()
    raise AssertionError("neither a step nor an end in a hundred candles")


@pytest.fixture
async def led(chat: Chat) -> Chat:
    """Every strategy leads its trades closely, so that the recording reaches each step."""
    async with chat.desk.world.store.begin() as tx:
        for strategy in await tx.settings.strategies():
            rules = replace(
                strategy.exit_rules,
                break_even=BreakEven("0.3 R"),
                trailing=Trailing("0.5 R", "0.6 R"),
                partial_close=(PartialClose("0.1 R", 50),),
            )
            await tx.settings.save_strategy(
                replace(strategy, exit_rules=rules),
                by="test", reason="test", expected=strategy.version,
            )  # fmt: skip
    return chat


async def test_the_stop_moves_to_break_even_and_a_part_is_closed(led: Chat) -> None:
    told: list[str] = []
    while not told:  # Some trades of the recording end before both steps are reached.
        await opened(led)
        card, before = await led.card(), await held(led)
        told = await lead(led, card)
    (even,) = [text for text in told if STEPS[0] in text]
    assert re.search(r"PAPER · Stop of #\d+ EURUSD to 1\.\d+: ✅ done", even)
    (part,) = [text for text in told if STEPS[1] in text]
    assert re.search(r"PAPER · Close of #\d+ EURUSD down to 0\.\d+ lots: ✅ 0\.\d+ lots at", part)
    after = await held(led)
    sign = after.direction.sign
    assert sign * (after.stop_loss - after.entry_price) >= 0
    assert sign * (after.stop_loss - before.stop_loss) > 0
    assert 0 < after.volume < before.volume
    async with led.desk.world.store.begin() as tx:
        closed = await tx.orders.closed(since=None, limit=10)
    assert closed[0].reason == "partial_target"
    assert closed[0].volume == before.volume - after.volume
    (history,) = await led.say("/history")
    assert "trade changed" in history["text"]
    (listed,) = await led.say("/positions")
    assert str(after.stop_loss) in listed["text"]


async def test_a_strategy_shows_how_it_leads_its_trades(led: Chat) -> None:
    (listed,) = await led.say("/strategies")
    row = listed["reply_markup"]["inline_keyboard"][0][0]
    await led.tap(listed, row["text"])
    text = shown(led, listed)["text"]
    assert "Break-even (0.3 R): the stop goes to entry and costs" in text
    assert "Trailing stop (from 0.6 R): 0.5 R behind the best price" in text
    assert "Partial close (0.1 R): 50 %" in text
