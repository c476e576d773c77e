"""Scores against outcomes, and a person's answers against the market: the counting."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.approval import Ending
from engine.domain.outcome import Answered, Result, Tally
from engine.scoring.calibration import bucket_name, calibrate, wilson
from engine.scoring.mirror import reflect, result_r

D = Decimal


def tally(**values: Any) -> Tally:
    """One idea of EMA trend on EURUSD, scored in the seventies, that reached its target."""
    fields: dict[str, Any] = {
        "bucket": 7,
        "strategy": "EMA trend",
        "symbol": "EURUSD",
        "result": Result.TARGET,
        "ideas": 1,
        "total_r": D(2),
    }
    return Tally(**(fields | values))


def answered(ending: Ending, **values: Any) -> Answered:
    """An answer to an idea of a quarter lot with fifty dollars at risk, which then made two R."""
    fields: dict[str, Any] = {
        "ending": ending,
        "followed_r": D(2),
        "risk_money": D(50),
        "volume": D("0.25"),
        "traded": D(0),
        "profit": None,
    }
    return Answered(**(fields | values))


# The score method's column of table I in R. G. Newcombe, "Two-sided confidence intervals for the
# single proportion", Statistics in Medicine 17 (1998); the last one is 1 / (1 + z²) to 1.
@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        (81, 263, "0.2553", "0.3662"),
        (15, 148, "0.0624", "0.1605"),
        (0, 20, "0.0000", "0.1611"),
        (1, 29, "0.0061", "0.1718"),
        (1, 1, "0.2065", "1.0000"),
    ],
)
def test_interval_is_wilsons(hits: int, trials: int, low: str, high: str) -> None:
    assert wilson(hits, trials) == (D(low), D(high))


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_holds_the_rate_and_mirrors_with_it(counts: tuple[int, int]) -> None:
    hits, trials = counts
    low, high = wilson(hits, trials)
    rate = D(hits) / trials
    assert 0 <= low <= rate + D("0.00005")
    assert rate - D("0.00005") <= high <= 1
    other_low, other_high = wilson(trials - hits, trials)
    assert abs(other_low - (1 - high)) <= D("0.0001")
    assert abs(other_high - (1 - low)) <= D("0.0001")
    assert wilson(hits * 4, trials * 4)[1] <= high  # more ideas of the same rate say more


def test_ideas_are_counted_by_score_strategy_and_symbol() -> None:
    seen = calibrate(
        [
            tally(ideas=3, total_r=D(6)),
            tally(result=Result.STOP, ideas=2, total_r=D("-2.5")),
            tally(result=Result.TIMED_OUT, total_r=D("0.3"), strategy="Scalp", symbol="XAUUSD"),
            tally(result=Result.STOP, total_r=D(-1), bucket=9),
            tally(result=None, ideas=4, total_r=D(0)),
            tally(result=Result.UNKNOWN, ideas=2, total_r=D(0)),
        ]
    )
    whole = seen.whole
    assert (whole.ideas, whole.reached, whole.stopped, whole.timed_out) == (7, 3, 3, 1)
    assert (whole.hit_rate, whole.mean_r) == (D("0.4286"), D("0.4"))
    assert whole.interval == wilson(3, 7)
    assert [(band.name, band.ideas) for band in seen.by_score] == [("70–79", 6), ("90–100", 1)]
    assert [(band.name, band.ideas) for band in seen.by_strategy] == [
        ("EMA trend", 6),
        ("Scalp", 1),
    ]
    assert [(band.name, band.ideas) for band in seen.by_symbol] == [("EURUSD", 6), ("XAUUSD", 1)]
    assert (seen.open, seen.unknown) == (4, 2)


@pytest.mark.parametrize(("of", "ideas"), [("xauusd", 1), ("ema TREND", 2), ("nothing", 0)])
def test_one_symbol_or_one_strategy_can_be_asked_for(of: str, ideas: int) -> None:
    tallies = [tally(), tally(symbol="GBPUSD"), tally(strategy="Scalp", symbol="XAUUSD")]
    assert calibrate(tallies, of=of).whole.ideas == ideas


def test_nothing_is_known_of_no_ideas() -> None:
    seen = calibrate([])
    assert (seen.whole.hit_rate, seen.whole.mean_r, seen.whole.interval) == (None, None, None)
    assert seen.by_score == ()


def test_buckets_are_ten_wide_and_the_last_holds_a_hundred() -> None:
    assert [bucket_name(n) for n in (0, 7, 9)] == ["0–9", "70–79", "90–100"]


def test_trade_counts_as_it_was_dealt_and_not_as_the_market_went_on() -> None:
    full = answered(Ending.APPROVED, traded=D("0.25"), profit=D("96.50"))
    half = answered(Ending.APPROVED, traded=D("0.12"), profit=D("-24.00"))
    still_open = answered(Ending.APPROVED, traded=D("0.25"), profit=None)
    never_sent = answered(Ending.APPROVED)
    assert [result_r(one) for one in (full, half, still_open, never_sent)] == [
        D("1.93"), D(-1), None, D(2),
    ]  # fmt: skip


def test_mirror_sums_each_answer_by_itself() -> None:
    mirror = reflect(
        [
            answered(Ending.APPROVED, traded=D("0.25"), profit=D(100)),
            answered(Ending.APPROVED, traded=D("0.25"), profit=D(-50)),
            answered(Ending.APPROVED, followed_r=None),
            answered(Ending.REJECTED, followed_r=D(-1)),
            answered(Ending.EXPIRED),
            answered(Ending.GATE_CLOSED, followed_r=D(-1)),
            answered(Ending.HALTED),
            answered(Ending.PENDING),
        ]
    )
    assert [
        (a.ideas, a.ended, a.won, a.total_r)
        for a in (mirror.approved, mirror.rejected, mirror.expired, mirror.blocked)
    ] == [(3, 2, 1, D(1)), (1, 1, 0, D(-1)), (1, 1, 1, D(2)), (2, 2, 1, D(1))]
