"""The figures of closed trades, against a second computation by numpy and by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import InvalidInput
from engine.flow.performance import span_of
from engine.scoring.metrics import ENOUGH, Trade, measure

START = datetime(2026, 1, 5, tzinfo=UTC)


def trades(*profits, risk=Decimal(50)):
    return [
        Trade(
            closed_at=START + timedelta(hours=n),
            profit=Decimal(str(profit)),
            r=Decimal(str(profit)) / risk,
        )
        for n, profit in enumerate(profits)
    ]


def test_figures_by_hand():
    found = measure(trades(100, -50, 0, 60, -10), start=Decimal(1000))
    assert (found.trades, found.wins, found.losses) == (5, 2, 2)
    assert found.profit == 100
    assert found.win_rate == Decimal("0.4")
    assert found.expectancy == 20
    assert found.profit_factor == Decimal(160) / 60
    assert found.payoff == Decimal(80) / 30
    assert found.average_r == Decimal("0.4")
    assert (found.best, found.worst) == (100, -50)
    assert found.drawdown == 50
    assert found.drawdown_percent == Decimal(50) / 1100 * 100
    assert found.composite is None


def test_no_trades_have_no_figures():
    found = measure([], start=Decimal(1000))
    assert (found.trades, found.profit, found.drawdown) == (0, 0, 0)
    assert found.win_rate is None
    assert found.profit_factor is None
    assert found.best is None


def test_without_a_loss_there_is_no_profit_factor_and_a_full_score():
    found = measure(trades(*[50] * ENOUGH), start=Decimal(1000))
    assert found.profit_factor is None
    assert found.composite == 100


def test_a_score_falls_with_every_part():
    good = measure(trades(*[100, -20] * 6), start=Decimal(10_000)).composite
    worse = measure(trades(*[100, -90] * 6), start=Decimal(10_000)).composite
    bad = measure(trades(*[20, -90] * 6), start=Decimal(1_000)).composite
    assert 100 >= good > worse > bad >= 0


def test_a_trade_of_unknown_risk_counts_for_money_alone():
    known = trades(100, -50)
    strange = Trade(closed_at=START, profit=Decimal(25), r=None)
    found = measure([*known, strange], start=Decimal(1000))
    assert found.profit == 75
    assert found.average_r == Decimal("0.5")


def test_a_thousand_lists_agree_with_numpy():
    random = Random(7)
    for _ in range(1_000):
        profits = [round(random.gauss(5, 60), 2) for _ in range(random.randint(1, 60))]
        found = measure(trades(*profits), start=Decimal(10_000))
        array = np.array(profits)
        won, lost = array[array > 0], -array[array < 0]
        assert float(found.profit) == pytest.approx(array.sum(), abs=1e-9)
        assert float(found.expectancy) == pytest.approx(array.mean(), abs=1e-9)
        assert float(found.win_rate) == pytest.approx((array > 0).mean(), abs=1e-9)
        balance = np.concatenate(([10_000.0], 10_000 + array.cumsum()))
        falls = np.maximum.accumulate(balance) - balance
        assert float(found.drawdown) == pytest.approx(falls.max(), abs=1e-9)
        if len(won) and len(lost):
            assert float(found.profit_factor) == pytest.approx(won.sum() / lost.sum(), rel=1e-9)
            assert float(found.payoff) == pytest.approx(won.mean() / lost.mean(), rel=1e-9)


#: Two days that, compounded to a year, are more than any figure can say.
WILD = [
    Decimal(text)
    for text in ["0", "0", "0", "4.05", "0", "0", "33.55", "-34.00", "336.44", "-250.66"]
]


@given(st.lists(st.decimals(-1000, 1000, places=2), min_size=ENOUGH, max_size=40))
@example(WILD)
def test_a_score_is_always_between_0_and_100(profits):
    composite = measure(trades(*profits), start=Decimal(500)).composite
    assert composite is not None
    assert 0 <= composite <= 100


def test_a_ratio_beyond_all_figures_is_none():
    found = measure(trades(*WILD), start=Decimal(500))
    assert found.calmar is None
    nearly_alike = [Decimal(10) ** 9, Decimal(10) ** 9 + Decimal("1e-10")]
    assert measure(trades(*nearly_alike), start=Decimal(500)).sqn is None


TODAY = date(2026, 3, 18)  # a Wednesday


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ([], TODAY, TODAY),
        (["today"], TODAY, TODAY),
        (["Week"], date(2026, 3, 16), TODAY),
        (["month"], date(2026, 3, 1), TODAY),
        (["2026-01-01", "2026-01-31"], date(2026, 1, 1), date(2026, 1, 31)),
    ],
)
def test_a_span_is_days_of_the_broker(wanted, first, last):
    span = span_of(wanted, TODAY)
    assert (span.first, span.last) == (first, last)


@pytest.mark.parametrize(
    "wanted",
    [["year"], ["2026-01-31", "2026-01-01"], ["2026-13-01", "2026-01-01"], ["a", "b", "c"],
     ["9999-12-31", "9999-12-31"]],
)  # fmt: skip
def test_what_is_no_span_is_refused_with_an_example(wanted):
    with pytest.raises(InvalidInput, match="today, week, month"):
        span_of(wanted, TODAY)
