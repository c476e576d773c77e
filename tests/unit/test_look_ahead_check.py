"""``ai-trader backtest --check-look-ahead`` names the condition that uses the future."""

import pytest

from bot.backtest_reports import Book
from bot.backtesting import Past
from bot.i18n import LANGUAGES, words_for
from bot.look_ahead import FOUND, check, told
from bot.past_models import Loaded
from bot.reports import CLEAN
from bot.settings import Settings
from engine.domain.account import Direction
from engine.domain.backtest import Wish
from engine.domain.idea import Observation
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import Bundle
from engine.research.lookahead import Looked, Peek
from engine.strategies.registry import SETUPS, Found, Setup
from tests.bars import bars, crossing

PAST = Past("bars", bars(420, 1))
WISH = Wish(symbol="EURUSD", timeframe=PAST.columns.timeframe, quiet=True)


def checked(**values: object) -> tuple[int, list[str]]:
    said: list[str] = []
    book = Book((crossing(**values),), RiskSettings(), 1)
    code = check(
        Settings(_env_file=None), book, PAST, WISH, calendar=None, model=Loaded(), language="en",  # type: ignore[call-arg]
        say=said.append, progress=lambda line: None,
    )  # fmt: skip
    return code, said


def test_a_sound_strategy_is_told_so_with_what_was_looked_at():
    code, said = checked()
    assert code == CLEAN
    assert said[0].startswith("Nothing looks into the future")
    assert any("Candles asked" in line and line.endswith("418") for line in said)


def test_the_setup_that_uses_the_next_candle_is_named(monkeypatch: pytest.MonkeyPatch):
    def tomorrow(bundle: Bundle, direction: Direction) -> Found:
        columns, end = bundle.candles.columns, bundle.candles.end  # type: ignore[attr-defined]
        met = bool(columns.close[end] > columns.close[end - 1])
        return Found((Observation("rises", "", str(met), met, True),))

    monkeypatch.setitem(SETUPS, "tomorrow", Setup(tomorrow, ()))
    code, said = checked(setup="tomorrow", entry_conditions=())
    assert code == FOUND
    assert said[0].startswith("EMA cross: tomorrow sees otherwise")
    assert said[1].startswith("\nWhat was looked at")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_finding_has_words(language: str):
    words, at = words_for(language), PAST.columns.closes(9)
    found = [Peek(at=at, strategy="One", what="rsi_below 30"), Peek(at=at, strategy="Two"),
             Peek(at=at, strategy="")]  # fmt: skip
    lines = told(words, Looked(peeks=tuple(found), is_steady=True))
    assert "rsi_below 30" in lines[0]
    assert "Two" in lines[1]
    assert len(set(lines)) == 3
    assert told(words, Looked(peeks=(), is_steady=False)) != told(
        words, Looked(peeks=(), is_steady=True)
    )
