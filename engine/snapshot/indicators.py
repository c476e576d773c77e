"""Indicators over a window of closed candles, by pandas-ta, rounded where float noise begins."""

from collections.abc import Sequence
from decimal import Decimal
from math import isfinite
from typing import Any

import pandas as pd
import pandas_ta_classic as ta

from engine.domain.market import Candle
from engine.domain.snapshot import Indicators
from engine.domain.values import from_float

#: Closed candles a bundle carries: SMA 200 with room for the exponential ones to settle.
WINDOW = 300
_SWING = 10


def compute(candles: Sequence[Candle], *, digits: int) -> tuple[Indicators, Indicators]:
    """The figures of the last closed candle and of the one before it.

    The window's length is part of the result (an EMA remembers its start), which is why a bundle
    keeps its candles. Prices are rounded to ``digits`` + 2 places.
    """
    frame = _columns(candles)
    now, before = (_row(frame, candles, back, digits) for back in (1, 2))
    return now, before


def _columns(candles: Sequence[Candle]) -> dict[str, Any]:
    high = pd.Series([float(c.high) for c in candles])
    low = pd.Series([float(c.low) for c in candles])
    close = pd.Series([float(c.close) for c in candles])
    # pandas-ta returns None for a series that is too short; columns are taken by place because
    # their names differ between its releases.
    macd, bands, adx = ta.macd(close), ta.bbands(close, 20), ta.adx(high, low, close, 14)
    return {
        "ema_20": ta.ema(close, 20),
        "ema_50": ta.ema(close, 50),
        "sma_50": ta.sma(close, 50),
        "sma_200": ta.sma(close, 200),
        "atr_14": ta.atr(high, low, close, 14),
        "macd": _column(macd, 0),
        "macd_hist": _column(macd, 1),
        "macd_signal": _column(macd, 2),
        "bb_low": _column(bands, 0),
        "bb_mid": _column(bands, 1),
        "bb_high": _column(bands, 2),
        "rsi_14": ta.rsi(close, 14),
        "adx_14": _column(adx, 0),
    }


def _column(frame: Any, place: int) -> Any:
    return None if frame is None else frame.iloc[:, place]


def _row(columns: dict[str, Any], candles: Sequence[Candle], back: int, digits: int) -> Indicators:
    values: dict[str, Decimal | None] = {}
    for name, series in columns.items():
        places = 2 if name in ("rsi_14", "adx_14") else digits + 2
        missing = series is None or len(series) < back or not isfinite(float(series.iloc[-back]))
        values[name] = None if missing else from_float(series.iloc[-back], places)
    window = candles[len(candles) - back + 1 - _SWING : len(candles) - back + 1]
    complete = len(candles) >= _SWING + back - 1
    values["swing_low"] = min(c.low for c in window) if complete else None
    values["swing_high"] = max(c.high for c in window) if complete else None
    return Indicators(**values)
