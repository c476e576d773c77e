"""Indicators over a window of closed candles, by TA-Lib, rounded where float noise begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.domain.market import Candle
from engine.domain.snapshot import Indicators
from engine.domain.values import from_float
from engine.snapshot.ta import talib

#: Closed candles a bundle carries: SMA 200 with room for the exponential ones to settle.
WINDOW = 600
#: Candles of a swing.
SWING = 10
_OSCILLATORS = frozenset(("rsi_14", "adx_14"))

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """Closed candles as arrays of one length, oldest first; ``day`` counts UTC days since 1970."""

    day: NDArray[np.int64]
    high: Column
    low: Column
    close: Column
    volume: Column

    def __len__(self) -> int:
        return len(self.close)


def compute(candles: Sequence[Candle], *, digits: int) -> tuple[Indicators, Indicators]:
    """The figures of the last closed candle and of the one before it.

    The window's length is part of the result (an EMA remembers its start), which is why a bundle
    keeps its candles. Prices are rounded to ``digits`` + 2 places.
    """
    window = Window(
        day=np.array([c.time.toordinal() for c in candles], dtype=np.int64),
        high=np.array([float(c.high) for c in candles]),
        low=np.array([float(c.low) for c in candles]),
        close=np.array([float(c.close) for c in candles]),
        volume=np.array([c.volume for c in candles], dtype=float),
    )
    return figures(window, candles, digits=digits)


def figures(
    window: Window, candles: Sequence[Candle], *, digits: int
) -> tuple[Indicators, Indicators]:
    """The same of a window whose arrays are there already."""
    columns = columns_of(window) | {"vwap": _vwap(window)}
    now, before = (_row(columns, candles, back, digits) for back in (1, 2))
    return now, before


def columns_of(window: Window) -> dict[str, Column]:
    """Every figure that TA-Lib computes, of each candle; NaN while there are too few."""
    high, low, close = window.high, window.low, window.close
    macd, macd_signal, macd_hist = talib.MACD(close)
    bb_high, bb_mid, bb_low = talib.BBANDS(close, 20)
    return {
        "ema_20": talib.EMA(close, 20),
        "ema_50": talib.EMA(close, 50),
        "sma_50": talib.SMA(close, 50),
        "sma_200": talib.SMA(close, 200),
        "atr_14": talib.ATR(high, low, close, 14),
        "macd": macd,
        "macd_hist": macd_hist,
        "macd_signal": macd_signal,
        "bb_low": bb_low,
        "bb_mid": bb_mid,
        "bb_high": bb_high,
        "rsi_14": talib.RSI(close, 14),
        "adx_14": talib.ADX(high, low, close, 14),
    }


def _vwap(window: Window) -> Column:
    """The mean of the day's typical prices so far, weighted by volume; only for the last two."""
    column = np.full(len(window), np.nan)
    for last in range(max(0, len(window) - 2), len(window)):
        # Days that came out of order begin where they last changed.
        changes = np.flatnonzero(window.day[: last + 1] != window.day[last])
        first = int(changes[-1]) + 1 if len(changes) else 0
        volume = window.volume[first : last + 1]
        if volume.sum() > 0:
            high, low = window.high[first : last + 1], window.low[first : last + 1]
            typical = (high + low + window.close[first : last + 1]) / 3
            column[last] = (typical * volume).sum() / volume.sum()
    return column


def _row(
    columns: dict[str, Column], candles: Sequence[Candle], back: int, digits: int
) -> Indicators:
    values: dict[str, Any] = {
        name: _figure(column, back, 2 if name in _OSCILLATORS else digits + 2)
        for name, column in columns.items()
    }
    if not values["atr_14"]:
        # TA-Lib calls a market that never moved oversold and without a trend; it has neither.
        values["rsi_14"] = values["adx_14"] = None
    window = candles[len(candles) - back + 1 - SWING : len(candles) - back + 1]
    complete = len(candles) >= SWING + back - 1
    values["swing_low"] = min(c.low for c in window) if complete else None
    values["swing_high"] = max(c.high for c in window) if complete else None
    return Indicators(**values)


def _figure(column: Column, back: int, places: int) -> Decimal | None:
    """The figure so many candles back, or None where there are too few candles for one."""
    if len(column) < back or not isfinite(column[-back]):
        return None
    return from_float(float(column[-back]), places)
