"""The checker finds what looks into the future, and nothing else; and nothing of ours does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from random import Random

import numpy as np
import pytest

from engine.domain.account import Direction
from engine.domain.idea import Observation
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Condition, Strategy
from engine.research.columns import Columns
from engine.research.figures import Figures, Truth
from engine.research.lookahead import LookAhead, Looked
from engine.research.truth import TRUTHS
from engine.strategies.registry import Setup
from engine.strategies.setups import SETUPS, Found
from tests.bars import backtest, bars, crossing
from tests.chaos.lookahead import strategies_of


def looked(columns: Columns, *strategies: Strategy, most: int = 60, cuts: int = 2) -> Looked:
    make: Callable[[Columns], object] = lambda past: backtest(past, *strategies, start=300)  # noqa: E731
    return LookAhead(make=make, most=most, cuts=cuts)(columns)  # type: ignore[arg-type]


@contextmanager
def offered(name: str, function: Callable[[Bundle, Direction], Found | None]) -> Iterator[Strategy]:
    SETUPS[name] = Setup(function, ())
    try:
        yield crossing(setup=name, entry_conditions=())
    finally:
        del SETUPS[name]


def saw(met: bool, seen: object = "") -> Found:
    return Found((Observation("mine", "", str(seen), met, True),))


def test_nothing_of_ours_looks_ahead():
    found = looked(bars(420, 3), *strategies_of(3))
    assert found.is_clean
    assert found.decisions > 10
    assert found.runs == 4


def test_a_setup_that_looks_one_candle_ahead_is_named():
    def peeker(bundle: Bundle, direction: Direction) -> Found | None:
        columns, end = bundle.candles.columns, bundle.candles.end  # type: ignore[attr-defined]
        return saw(direction.sign * (columns.close[end] - columns.close[end - 1]) > 0)

    with offered("peeker", peeker) as strategy:
        found = looked(bars(420, 1), strategy, crossing(name="honest"))
    assert {(peek.strategy, peek.what) for peek in found.peeks} == {("EMA cross", "peeker")}


def test_a_setup_that_looks_only_at_how_much_there_is_to_come():
    def counter(bundle: Bundle, direction: Direction) -> Found | None:
        left = len(bundle.candles.columns) - bundle.candles.end  # type: ignore[attr-defined]
        return saw(left > 10, left > 10)

    with offered("counter", counter) as strategy:
        found = looked(bars(420, 1), strategy, most=20)
    assert [peek.what for peek in found.peeks] == ["counter"]


def test_a_column_that_looks_ahead_is_named(monkeypatch: pytest.MonkeyPatch):
    def tomorrow(f: Figures, direction: Direction, _: str) -> Truth:
        moved = direction.sign * (np.roll(f.close, -1) - f.close) > 0
        return Truth(moved, np.ones(len(moved), dtype=np.bool_))

    monkeypatch.setitem(TRUTHS, "rsi_below", tomorrow)
    strategy = crossing(entry_conditions=(Condition("rsi_below", "100"),))
    found = looked(bars(420, 1), strategy, cuts=4)
    assert [(peek.strategy, peek.what) for peek in found.peeks] == [("EMA cross", "rsi_below 100")]


def test_a_setup_that_answers_otherwise_each_time_is_told_apart():
    chance = Random(1)

    def moody(bundle: Bundle, direction: Direction) -> Found | None:
        price = bundle.candles[-1].close - direction.sign * Decimal("0.002")
        return Found(saw(met=chance.random() < 0.2).observations, stop_loss=price)

    with offered("moody", moody) as strategy:
        found = looked(bars(420, 1), strategy)
    assert not found.is_steady
    assert not found.is_clean
