"""The market's commands through the real chat."""

import pytest

from bot.i18n import LANGUAGES
from storage.models import DecisionRow, IdeaRow
from tests.e2e.conftest import Chat, label_of


async def test_indicators_and_chart_are_of_the_last_candle(chat: Chat) -> None:
    (figures,) = await chat.say("/indicators eurusd")
    assert "EURUSD" in figures["text"]
    assert "RSI" in figures["text"]
    assert "H1" in figures["text"]
    query = await chat.tap(figures, label_of(figures, "Chart"))
    assert query is not None
    picture = [m for m in chat.sandbox.messages(1001) if m.get("photo")][-1]
    assert "EURUSD" in picture["caption"]
    answer = await chat.tap(picture, "D1")
    assert "no D1 candles of EURUSD" in answer["text"]


async def test_calendar_shows_what_moves_the_watched_symbols(chat: Chat) -> None:
    (few,) = await chat.say("/calendar")
    assert "Economic calendar" in few["text"]
    (every,) = await chat.say("/calendar all")
    assert len(every["text"]) >= len(few["text"])
    await chat.tap(few, label_of(few, "All currencies"))
    changed = chat.sandbox.messages(1001)
    again = next(m for m in changed if m["message_id"] == few["message_id"])
    assert label_of(again, "Watched only")


async def test_news_says_that_there_is_no_feed(chat: Chat) -> None:
    (message,) = await chat.say("/news")
    assert "no news feed is connected" in message["text"]


async def test_an_evaluation_shows_every_check_and_changes_nothing(chat: Chat) -> None:
    before = await DecisionRow.all().count(), await IdeaRow.all().count()
    (message,) = await chat.say("/evaluate EURUSD")
    assert "A look, not an order" in message["text"]
    assert "checks pass" in message["text"]
    await chat.tap(message, label_of(message, "Every check"))
    detail = chat.sandbox.messages(1001)[-1]
    assert "Gate: every check" in detail["text"]
    assert detail["text"].count("✓") + detail["text"].count("✗") > 20
    assert (await DecisionRow.all().count(), await IdeaRow.all().count()) == before


@pytest.mark.parametrize("text", ["/chart GBPUSD", "/indicators XX", "/evaluate BTCUSD"])
async def test_a_symbol_nobody_watches_is_named_with_those_watched(chat: Chat, text: str) -> None:
    (message,) = await chat.say(text)
    assert "is not watched" in message["text"]
    assert "EURUSD" in message["text"]


@pytest.mark.parametrize("data", ["v1:eval:EURUSD:99", "v1:eval:EURUSD:x", "v1:ind:EURUSD:H9"])
async def test_a_forged_button_is_answered(chat: Chat, data: str) -> None:
    (message,) = await chat.say("/status")
    query = await chat.sandbox.tap(1001, message["message_id"], data=data)
    await chat.settle()
    assert chat.sandbox.answers[query] is not None


async def test_status_says_how_much_a_symbol_moves(chat: Chat) -> None:
    (message,) = await chat.say("/status")
    assert "ATR" in message["text"]
    assert "today" in message["text"]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_screen_speaks_the_language(chat: Chat, language: str) -> None:
    await chat.desk.talk.change_language(1001, language)
    for command in ("/calendar", "/news", "/indicators", "/chart", "/evaluate", "/status"):
        assert await chat.say(command), command
