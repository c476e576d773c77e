"""What ``ai-trader backtest --check-look-ahead`` does: say whether a strategy looks into the
future, and which of its conditions does.
"""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from time import perf_counter

from bot.backtest_reports import Book, must_be_known, plain_text, planned, rows
from bot.backtesting import Past, venues
from bot.i18n import Html, Words, words_for
from bot.past_models import Loaded
from bot.reports import CLEAN, Say
from bot.settings import Settings
from engine.domain.backtest import Wish
from engine.research.backtest import Backtest
from engine.research.columns import Columns
from engine.research.lookahead import LookAhead, Looked, Peek
from engine.research.running import RunBacktest

#: The exit code of a strategy that looks ahead, or of which it cannot be said.
FOUND = 1


def check(
    settings: Settings,
    book: Book,
    past: Past,
    wish: Wish,
    *,
    calendar: Path | None,
    model: Loaded,
    language: str,
    say: Say,
    progress: Say,
) -> int:
    """Look, and tell what was found."""
    must_be_known(language)
    # An order that arrives later is dealt at a later candle's price, which is no look ahead.
    wish = replace(wish, costs=replace(wish.costs, latency_ms=Decimal(0)))
    plan, news = planned(settings, book, past, wish, calendar=calendar, model=model)
    play = RunBacktest(venues=venues, timer=perf_counter)

    def make(columns: Columns) -> Backtest:
        return play.made(plan, columns, news, body=model.body)

    looked = LookAhead(make=make, tell=lambda percent: progress(f"{percent:3} %"))(past.columns)
    progress("")
    words = words_for(language)
    for line in told(words, looked):
        say(plain_text(line))
    if looked.is_steady:
        names = ("candles", "ideas", "runs", "decisions")
        facts = [(words(f"look_ahead.{n}"), words.number(getattr(looked, n))) for n in names]
        rows(words("look_ahead.looked"), facts, say)
    return CLEAN if looked.is_clean else FOUND


def told(words: Words, looked: Looked) -> list[Html]:
    """What was found, a sentence each."""
    if not looked.is_steady:
        return [words("look_ahead.unsteady")]
    if looked.is_clean:
        return [words("look_ahead.clean")]
    return [_peek(words, peek) for peek in looked.peeks]


def _peek(words: Words, peek: Peek) -> Html:
    at = words.moment(peek.at)
    if peek.what:
        return words("look_ahead.peek", strategy=peek.strategy, what=peek.what, at=at)
    if peek.strategy:
        return words("look_ahead.decision", strategy=peek.strategy, at=at)
    return words("look_ahead.trade", at=at)
