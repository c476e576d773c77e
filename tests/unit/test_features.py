"""The feature table: a row is its own past alone, in a table of years as in one bundle."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.feeds.recorded import shipped_recording
from engine.domain.market import Timeframe
from engine.domain.model import Wish
from engine.errors import InvalidInput
from engine.research.dataset import dataset, folds, labels
from engine.snapshot.features import LOOKBACK, NAMES, columns, row, table
from engine.snapshot.indicators import WINDOW
from engine.snapshot.ta import talib
from tests.builders import candles as quiet

TAPE = shipped_recording().candles[:1_600]
WHOLE = table(columns(TAPE))
PLACE = {name: place for place, name in enumerate(NAMES)}


@settings(max_examples=40, deadline=None)
@given(end=st.integers(LOOKBACK, len(TAPE)), more=st.integers(0, 900))
def test_a_row_of_a_bundle_is_the_row_of_the_table_to_the_last_bit(end: int, more: int) -> None:
    shown = TAPE[max(0, end - LOOKBACK - more) : end]
    found = row(shown)
    assert found is not None
    assert found.tobytes() == WHOLE[end - 1].tobytes()


@settings(max_examples=40, deadline=None)
@given(
    cut=st.integers(LOOKBACK, len(TAPE) - 1),
    factor=st.decimals("0.5", "2", places=3),
    volume=st.integers(0, 10**9),
)
def test_later_candles_change_no_earlier_row(cut: int, factor: Decimal, volume: int) -> None:
    later = [
        replace(
            c, open=c.open * factor, high=c.high * factor, low=c.low * factor,
            close=c.close * factor, volume=volume,
        )
        for c in TAPE[cut:]
    ]  # fmt: skip
    other = table(columns([*TAPE[:cut], *later]))
    assert other[:cut].tobytes() == WHOLE[:cut].tobytes()
    if factor != 1:
        assert other[cut].tobytes() != WHOLE[cut].tobytes()


def test_without_enough_candles_there_is_no_row() -> None:
    assert row(TAPE[: LOOKBACK - 1]) is None
    assert row(TAPE[:LOOKBACK]) is not None
    assert np.isnan(WHOLE[: LOOKBACK - 1]).all()
    assert np.isfinite(WHOLE[LOOKBACK - 1 :]).all()
    for few in (0, 1, 7, 60):
        assert np.isnan(table(columns(TAPE[:few]))).all()
    assert LOOKBACK <= WINDOW


def test_a_market_that_never_moves_is_in_the_middle() -> None:
    still = [replace(c, high=c.close, low=c.close, open=c.close) for c in quiet(LOOKBACK)]
    found = row(still)
    assert found is not None
    assert found[PLACE["rsi_14"]] == 50
    others = [found[PLACE[name]] for name in NAMES if name not in ("rsi_14", "volume_ema")]
    assert np.abs(others).max() < 1e-12
    silent = row([replace(c, volume=0) for c in TAPE[:LOOKBACK]])
    assert silent is not None
    assert silent[PLACE["volume_ema"]] == 0


def test_figures_are_those_that_their_names_say() -> None:
    given_ = columns(TAPE)
    close = given_.close
    shown = {name: WHOLE[:, place] for name, place in PLACE.items()}
    for span in (1, 5, 10):
        assert np.allclose(shown[f"return_{span}"][300:], talib.ROCP(close, span)[300:], atol=1e-12)
    for span in (5, 10, 20, 50):
        mean = talib.SMA(close, span)
        assert np.allclose(shown[f"ma_{span}"][300:], (close / mean - 1)[300:], atol=1e-12)
        steps = np.diff(close, prepend=np.nan) / np.roll(close, 1)
        spread = [np.std(steps[i - span + 1 : i + 1]) for i in range(300, len(close))]
        assert np.allclose(shown[f"std_{span}"][300:], spread, atol=1e-9)
    # TA-Lib remembers all candles; ours forget what weighs nothing.
    since = 1_000
    assert np.allclose(shown["rsi_14"][since:], talib.RSI(close, 14)[since:], atol=1e-4)
    atr = talib.ATR(given_.high, given_.low, close, 14) / close
    assert np.allclose(shown["atr_14"][since:], atr[since:], rtol=1e-5)
    hist = talib.MACD(close)[2] / close
    assert np.allclose(shown["macd_hist"][since:], hist[since:], atol=1e-7)
    volume = given_.volume / talib.EMA(given_.volume, 20) - 1
    assert np.allclose(shown["volume_ema"][since:], volume[since:], atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(horizon=st.integers(1, 50), end=st.integers(LOOKBACK + 1_000, len(TAPE)))
def test_a_label_is_the_future_of_its_own_row_and_unknown_ones_are_left_out(
    horizon: int, end: int
) -> None:
    wish = Wish(symbol="EURUSD", timeframe=Timeframe.H1, horizon=horizon, folds=1)
    made = dataset(TAPE[:end], wish)
    assert len(made.labels) == end - horizon - (LOOKBACK - 1) == len(made.times) == len(made.rows)
    places = range(LOOKBACK - 1, end - horizon)
    for place, label, time in zip(places, made.labels, made.times, strict=True):
        assert time == TAPE[place].time
        assert label == (TAPE[place + horizon].close > TAPE[place].close)


def test_what_a_label_says_hangs_on_no_other_candle() -> None:
    known = labels(columns(TAPE), 5)
    changed = list(TAPE)
    changed[700] = replace(changed[700], close=changed[700].low)
    other = labels(columns(changed), 5)
    assert set(np.flatnonzero(known != other)) <= {695, 700}


def test_too_few_candles_are_said_to_be_too_few() -> None:
    wish = Wish(symbol="EURUSD", timeframe=Timeframe.H1)
    with pytest.raises(InvalidInput, match="800 are needed"):
        dataset(TAPE[:900], wish)
    with pytest.raises(InvalidInput, match="0 candles"):
        dataset(TAPE[:10], wish)


@settings(max_examples=50, deadline=None)
@given(rows=st.integers(400, 5_000), count=st.integers(1, 10), horizon=st.integers(1, 20))
def test_no_fold_learns_from_what_it_is_asked(rows: int, count: int, horizon: int) -> None:
    asked: list[int] = []
    for fold in folds(rows, count, horizon):
        # The label of the last row learnt from looks `horizon` ahead, and as many are kept away.
        assert fold.until - 1 + horizon < fold.since - horizon + 1 or fold.until == 1
        asked += range(fold.since, fold.end)
    assert asked == sorted(set(asked))
    assert asked[-1] == rows - 1


def test_the_same_candles_have_the_same_hash_and_others_another() -> None:
    wish = Wish(symbol="EURUSD", timeframe=Timeframe.H1, folds=1)
    made = dataset(TAPE, wish)
    assert made.hash == dataset(TAPE, wish).hash
    moved = [*TAPE[:-1], replace(TAPE[-1], close=TAPE[-1].high + Decimal("0.1"),
                                 high=TAPE[-1].high + Decimal("0.1"))]  # fmt: skip
    shifted = [replace(c, time=c.time + timedelta(hours=1)) for c in TAPE]
    assert dataset(shifted, wish).hash == made.hash
    assert dataset(TAPE[:-1], wish).hash != made.hash
    assert (dataset(moved, wish).labels[-1], made.labels[-1]) in ((1, 0), (1, 1))
