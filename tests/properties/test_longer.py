"""Longer timeframes of a backtest hold what had closed at the candle that looks, no other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
import pytest

from engine.domain.market import Candle, Timeframe
from engine.domain.strategy import Condition
from engine.research.columns import Columns
from engine.research.longer import Longer, longer_columns
from engine.research.lookahead import LookAhead
from engine.research.stream import document
from engine.snapshot.indicators import WINDOW, compute
from tests.bars import backtest, bars, crossing

SHAPES = (("M1", "M5"), ("M1", "H1"), ("M5", "M15"), ("M15", "H4"), ("H1", "D1"))


def holed(columns: Columns, seed: int) -> Columns:
    """Candles of which stretches are missing, as at nights and weekends."""
    chance, keep = Random(seed), np.ones(len(columns), dtype=np.bool_)
    for _ in range(6):
        first = chance.randrange(len(columns) - 60)
        keep[first : first + chance.choice([1, 7, 50])] = False
    keep[0] = True
    arrays = {
        name: getattr(columns, name)[keep]
        for name in ("opened", "open", "high", "low", "close", "volume")
    }
    return replace(columns, **arrays)


def grouped(columns: Columns, place: int, longer: Timeframe) -> list[Candle]:
    """Candle by candle: what of the longer ones had closed when a candle closed."""
    now, found = columns.closes(place), dict[datetime, list[Candle]]()
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    for number in range(place + 1):
        each = columns.candle(number)
        found.setdefault(each.time - (each.time - epoch) % longer.length, []).append(each)
    made = [
        Candle(
            start, parts[0].open, max(p.high for p in parts), min(p.low for p in parts),
            parts[-1].close, sum(p.volume for p in parts),
        )
        for start, parts in found.items()
        if start + longer.length <= now
    ]  # fmt: skip
    whole = bool((columns.candle(0).time - epoch) % longer.length == timedelta(0))
    return made if whole else made[1:]


@pytest.mark.parametrize(("own", "longer"), SHAPES)
def test_a_frame_holds_what_had_closed(own: str, longer: str):
    columns = holed(bars(900, 3, timeframe=own), 1)
    columns = replace(columns, opened=columns.opened + 3 * columns.length)
    frame, looked = Timeframe(longer), Longer(columns, [Timeframe(longer)], 5)
    for place in sorted(Random(2).sample(range(len(columns)), 25)):
        wanted = grouped(columns, place, frame)[-WINDOW:]
        seen = looked(place)
        if len(wanted) < 2:
            assert seen == ()
            continue
        (one,) = seen
        assert list(one.candles) == wanted
        assert (one.indicators, one.indicators_before) == compute(wanted, digits=5)


def test_of_too_few_candles_there_is_none():
    columns = bars(4, timeframe="M1")
    odd = replace(columns, opened=columns.opened + 60)
    assert len(longer_columns(odd, Timeframe.H1)) == 0
    assert Longer(odd, [Timeframe.H1], 5)(3) == ()


def test_a_strategy_that_looks_there_is_played_and_looks_at_nothing_to_come():
    columns = bars(900, 4, move=0.0003)
    strategy = crossing(
        entry_conditions=(
            Condition("ema_cross", "with_trade"),
            Condition("higher_timeframe_trend", "M15 with_trade"),
        ),
        nice_to_have=(Condition("higher_timeframe_rsi_below", "M5 60"),),
    )
    ran = [
        document(backtest(columns, strategy, start=300, screened=screened).run().stream)
        for screened in (True, False)
    ]
    assert ran[0] == ran[1]
    assert b'"idea"' in ran[0]
    assert b"higher_timeframe_trend" in ran[0]
    found = LookAhead(make=lambda past: backtest(past, strategy, start=300), most=80, cuts=3)
    assert found(columns).is_clean
