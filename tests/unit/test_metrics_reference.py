"""Every figure of trades equals that of the library ``backtesting``, and numpy's where it has none.

``python -m tests.unit.test_metrics_reference 1000`` compares so many lists of trades.
"""

import sys
import warnings
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import isfinite
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.scoring.metrics import ENOUGH, Metrics, Trade, measure
from engine.scoring.ratios import PLACES

D = Decimal
START, SINCE = D(10_000), datetime(2026, 1, 4, tzinfo=UTC)  # a Sunday


def some_trades(chance: Random) -> list[Trade]:
    """Trades over some weeks, on weekdays or on all days, several a day or none for days."""
    weekends = chance.random() < 0.5
    at, made = SINCE + timedelta(days=1), []
    for _ in range(chance.randint(6, 60)):
        at += timedelta(minutes=chance.randint(20, 60 * 24 * chance.choice((1, 1, 4))))
        while not weekends and at.weekday() >= 5:
            at += timedelta(days=1)
        profit = D(chance.randint(-9_000, 10_000)) / 100
        r = None if chance.random() < 0.2 else profit / 40
        made.append(Trade(closed_at=at, profit=profit, r=r))
    return made


def stats(index: list[datetime], equity: list[float], trades: list[Trade]) -> Any:
    """The library's figures, of a balance over an index."""
    from backtesting._stats import compute_stats

    days = pd.DatetimeIndex([at.replace(tzinfo=None) for at in index])
    profits = [float(trade.profit) for trade in trades]
    frame = pd.DataFrame(
        {"PnL": profits, "ReturnPct": profits, "EntryBar": 0, "ExitBar": 0,
         "Duration": timedelta(0)}
    )  # fmt: skip
    prices = pd.DataFrame({"Close": np.linspace(1, 2, len(days))}, index=days)
    with warnings.catch_warnings():
        # It divides by the deviation of two points, and by spans of no time.
        warnings.simplefilter("ignore")
        return compute_stats(frame, np.array(equity), prices, None)


def day_by_day(trades: list[Trade]) -> tuple[list[datetime], list[float]]:
    """The balance at each day's end, from the day before the first trade's."""
    weekends = any(trade.closed_at.weekday() >= 5 for trade in trades)
    first = trades[0].closed_at.replace(hour=0, minute=0) - timedelta(days=1)
    while not weekends and first.weekday() >= 5:
        first -= timedelta(days=1)
    index = [
        day
        for n in range((trades[-1].closed_at - first).days + 2)
        if (day := first + timedelta(days=n)) <= trades[-1].closed_at
        and (weekends or day.weekday() < 5)
    ]
    held = [
        float(START + sum(t.profit for t in trades if t.closed_at < day + timedelta(days=1)))
        for day in index
    ]
    return index, held


def same(mine: Decimal | None, theirs: Any) -> None:
    if mine is None:
        assert not isfinite(theirs), theirs
    else:
        assert float(mine) == pytest.approx(theirs, rel=1e-9, abs=1e-9)


def compare(trades: list[Trade]) -> Metrics:
    """Compare one list."""
    mine = measure(trades, start=START, since=SINCE)
    profits = np.array([float(trade.profit) for trade in trades])
    balances = START + np.cumsum([trade.profit for trade in trades])
    of_trades = stats(
        [SINCE, *(trade.closed_at for trade in trades)], [float(b) for b in (START, *balances)],
        trades,
    )  # fmt: skip
    of_days = stats(*day_by_day(trades), trades)
    assert mine.trades == of_trades["# Trades"]
    assert float(mine.profit) == pytest.approx(profits.sum())
    same(mine.win_rate, of_trades["Win Rate [%]"] / 100)
    same(mine.expectancy, of_trades["Expectancy [%]"] / 100)
    same(mine.profit_factor, of_trades["Profit Factor"])
    same(mine.sqn, of_trades["SQN"])
    same(mine.best, of_trades["Best Trade [%]"] / 100)
    same(mine.worst, of_trades["Worst Trade [%]"] / 100)
    same(mine.drawdown_percent, -of_trades["Max. Drawdown [%]"])
    days, held = day_by_day(trades)
    year, annual = compare_days(mine, trades, held)
    fall = -of_trades["Max. Drawdown [%]"] / 100
    same(mine.calmar, annual / fall if fall else np.nan)
    if year == guessed_year(days):
        same(mine.sharpe, of_days["Sharpe Ratio"])
        same(mine.sortino, of_days["Sortino Ratio"])
        # The library's own Calmar takes the fall between days; ours the fall between trades.
        assert annual == pytest.approx(of_days["Return (Ann.) [%]"] / 100, rel=1e-9)
    # The library gives the payoff only inside of Kelly's figure.
    won, lost = profits[profits > 0], -profits[profits < 0]
    same(mine.payoff, won.mean() / lost.mean() if len(won) and len(lost) else np.nan)
    known = [float(trade.r) for trade in trades if trade.r is not None]
    same(mine.average_r, np.mean(known) if known else np.nan)
    curve = np.array([float(START), *(float(b) for b in balances)])
    assert float(mine.drawdown) == pytest.approx((np.maximum.accumulate(curve) - curve).max())
    compare_duration(mine, trades, curve, of_trades["Max. Drawdown Duration"])
    compare_composite(mine)
    return mine


def guessed_year(days: list[datetime]) -> int:
    """The library guesses a year's days from the share of weekend days, which in a short span may
    be few although trades end at weekends; ours asks whether any does.
    """
    return 365 if np.mean([day.weekday() >= 5 for day in days]) > 2 / 7 * 0.6 else 252


def compare_days(mine: Metrics, trades: list[Trade], held: list[float]) -> tuple[int, float]:
    """The library's definitions by numpy, for our days of a year; those days, and the return."""
    year = 365 if any(trade.closed_at.weekday() >= 5 for trade in trades) else 252
    returns = np.diff(held) / np.array(held[:-1])
    mean = np.exp(np.log1p(returns).mean())
    annual = mean**year - 1
    volatility = np.sqrt((returns.var(ddof=1) + mean**2) ** year - mean ** (2 * year))
    same(mine.sharpe, annual / volatility)
    lost = np.sqrt((returns.clip(max=0) ** 2).mean()) * np.sqrt(year)
    same(mine.sortino, annual / lost if lost else np.nan)
    return year, float(annual)


def compare_duration(mine: Metrics, trades: list[Trade], curve: Any, theirs: Any) -> None:
    """The library does not count a fall that begins with the very last trade."""
    found = timedelta(0) if pd.isna(theirs) else theirs.to_pytimedelta()
    if curve[-1] < curve[-2] == curve.max():
        times = [SINCE, *(trade.closed_at for trade in trades)]
        found = max(found, times[-1] - times[-2])
    # It rounds up to the index's own resolution.
    assert timedelta(0) <= found - mine.drawdown_duration < timedelta(days=1)
    dips = np.maximum.accumulate(curve) - curve
    times = np.array([SINCE.timestamp(), *(trade.closed_at.timestamp() for trade in trades)])
    peaks = np.flatnonzero(dips == 0)
    ends = [*peaks, len(curve) - 1]
    spans = [times[b] - times[a] for a, b in pairwise(ends) if b > a + 1]
    if len(curve) - 1 - peaks[-1] == 1:
        spans.append(times[-1] - times[peaks[-1]])
    assert mine.drawdown_duration.total_seconds() == pytest.approx(max(spans, default=0))


def compare_composite(mine: Metrics) -> None:
    """A quarter each, as numpy would say it."""
    if mine.trades < ENOUGH:
        assert mine.composite is None
        return
    factor = 2.0 if mine.profit_factor is None else float(mine.profit_factor)
    worst = 2.0 if mine.profit_factor is None else 0.0
    payoff = worst if mine.payoff is None else float(mine.payoff)
    parts = [factor - 1, float(mine.average_r or 0) / 0.5, payoff / 2]
    parts.append(1 - float(mine.drawdown_percent) / 20)
    assert float(mine.composite or 0) == pytest.approx(np.clip(parts, 0, 1).sum() * 25)


def test_a_hundred_lists_of_trades_have_the_figures_of_the_library() -> None:
    found = [compare(some_trades(Random(seed))) for seed in range(100)]
    # Each figure was there to be compared in nearly all of them.
    for name in ("sharpe", "sortino", "calmar", "sqn", "profit_factor", "payoff", "average_r"):
        assert sum(getattr(one, name) is not None for one in found) > 95, name
    assert any(one.drawdown_duration > timedelta(days=5) for one in found)


@pytest.mark.parametrize(
    ("profits", "none"),
    [
        ([], ("sharpe", "sortino", "calmar", "sqn")),
        ([5], ("sharpe", "sortino", "calmar", "sqn")),
        ([5, 5, 5], ("sortino", "calmar", "sqn")),
        ([-20_000, 5, 7], ("sharpe", "sortino", "calmar")),
    ],
)
def test_what_cannot_be_said_is_none(profits: list[int], none: tuple[str, ...]) -> None:
    made = [
        Trade(closed_at=SINCE + timedelta(days=n + 1), profit=D(profit), r=None)
        for n, profit in enumerate(profits)
    ]
    found = measure(made, start=START, since=SINCE)
    for name in ("sharpe", "sortino", "calmar", "sqn"):
        value = getattr(found, name)
        assert (value is None) == (name in none), (name, value)
        assert value is None or value == round(value, PLACES)


def test_an_unknown_balance_has_no_ratio_of_days() -> None:
    made = some_trades(Random(1))
    found = measure(made, start=D(0))
    assert (found.sharpe, found.sortino, found.calmar) == (None, None, None)
    assert found.sqn is not None


def test_growth_beyond_all_figures_is_no_ratio() -> None:
    made = [
        Trade(closed_at=SINCE + timedelta(days=n), profit=D(10) ** (4 + n), r=None)
        for n in range(1, 6)
    ]
    assert measure(made, start=START, since=SINCE).sharpe is None


if __name__ == "__main__":
    for seed in range(int(sys.argv[1])):
        compare(some_trades(Random(seed)))
    print(f"{sys.argv[1]} lists of trades: every figure is the library's to 1e-9")
