"""The report of a span: return against risk where it is known, and nothing where it is not."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from bot.i18n import LANGUAGES, words_for
from bot.views.report import report
from engine.flow.performance import Performance, Span
from engine.scoring.metrics import measure
from tests.unit.test_metrics_reference import SINCE, START, some_trades

D = Decimal


def performance(seed: int = 4, **values: Any) -> Performance:
    account: Any = SimpleNamespace(currency="USD")
    return Performance(
        span=Span("month", date(2026, 1, 1), date(2026, 1, 31)), since=SINCE,
        until=SINCE + timedelta(days=30), account=account,
        metrics=measure(some_trades(Random(seed)), start=START, since=SINCE), trades=(),
        curve=((SINCE, START),), week=D(120), goal=D(500), **values,
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_return_against_risk_stands_in_the_report(language: str) -> None:
    words, seen = words_for(language), performance()
    text = str(report(words, seen, is_live=False).text)
    assert seen.metrics.sharpe is not None
    assert words.number(round(seen.metrics.sharpe, 2), 2) in text
    assert str(words("report.fall", count=8)) in text
    assert "{" not in text


def test_what_is_not_known_is_left_out_and_what_is_in_part_is_said() -> None:
    words, seen = words_for("en"), performance()
    none = {"sharpe": None, "sortino": None, "calmar": None, "sqn": None}
    bare = replace(
        seen, metrics=replace(seen.metrics, drawdown_duration=timedelta(hours=9), **none)
    )
    text = str(report(words, bare, is_live=False).text)
    assert "Sharpe" not in text
    assert "below a peak" not in text
    part = replace(seen, metrics=replace(seen.metrics, sharpe=None))
    assert "Sharpe none · Sortino" in str(report(words, part, is_live=False).text)


def test_progress_is_a_part_of_the_goal_and_none_without_one() -> None:
    assert performance().progress == D("0.24")
    assert replace(performance(), goal=D(0)).progress is None
