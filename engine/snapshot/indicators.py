"""Indicators over a window of closed candles, by TA-Lib, rounded where float noise begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from typing import Protocol

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
#: Figures from 0 to 100; all others are prices.
OSCILLATORS = frozenset(("rsi_14", "adx_14"))
_SWINGS = frozenset(("swing_low", "swing_high"))
_NAMES = frozenset(Indicators.__dataclass_fields__)

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
    looked = Looked(window, candles, digits)
    now, before = (
        Indicators(**{name: looked.figure(name, back) for name in _NAMES}) for back in (1, 2)
    )
    return now, before


class Figured(Protocol):
    """Whoever knows the figures of a window."""

    def figure(self, name: str, back: int) -> Decimal | None:
        """The figure so many candles back, or None where there are too few candles for one."""
        ...


@dataclass(eq=False)
class Looked:
    """A window whose figures are computed when they are asked for, and once only."""

    window: Window
    candles: Sequence[Candle]
    digits: int
    _columns: dict[str, Column] = field(default_factory=dict)

    def figure(self, name: str, back: int) -> Decimal | None:
        """As :class:`Figured` has it."""
        if name in _SWINGS:
            return self._swing(name, back)
        if name in OSCILLATORS and not self.figure("atr_14", back):
            # TA-Lib calls a market that never moved oversold and without a trend; it has neither.
            return None
        column = self._column(name)
        if len(column) < back or not isfinite(column[-back]):
            return None
        return from_float(float(column[-back]), 2 if name in OSCILLATORS else self.digits + 2)

    def _column(self, name: str) -> Column:
        if name not in self._columns:
            names, made = _GROUP_OF[name]
            self._columns.update(zip(names, made(self.window), strict=True))
        return self._columns[name]

    def _swing(self, name: str, back: int) -> Decimal | None:
        count = len(self.candles)
        if count < SWING + back - 1:
            return None
        recent = self.candles[count - back + 1 - SWING : count - back + 1]
        return min(c.low for c in recent) if name == "swing_low" else max(c.high for c in recent)


class _Figure:
    """A figure of a :class:`Glance`: the second look finds it among the glance's own values."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, glance: "Glance", _: type | None = None) -> Decimal | None:
        found = glance.looked.figure(self._name, glance.back)
        glance.__dict__[self._name] = found
        return found


class Glance:
    """The figures of a candle as :class:`Indicators` has them, each computed when it is looked at:
    for one who freezes nothing, and whose rules look at a few.
    """

    def __init__(self, looked: Figured, back: int) -> None:
        self.looked, self.back = looked, back


for _name in _NAMES:
    setattr(Glance, _name, _Figure(_name))


#: What TA-Lib computes together: the figures' names, and how.
_GROUPS: tuple[tuple[tuple[str, ...], Callable[[Window], tuple[Column, ...]]], ...] = (
    (("ema_20",), lambda seen: (talib.EMA(seen.close, 20),)),
    (("ema_50",), lambda seen: (talib.EMA(seen.close, 50),)),
    (("sma_50",), lambda seen: (talib.SMA(seen.close, 50),)),
    (("sma_200",), lambda seen: (talib.SMA(seen.close, 200),)),
    (("atr_14",), lambda seen: (talib.ATR(seen.high, seen.low, seen.close, 14),)),
    (("macd", "macd_signal", "macd_hist"), lambda seen: talib.MACD(seen.close)),
    (("bb_high", "bb_mid", "bb_low"), lambda seen: talib.BBANDS(seen.close, 20)),
    (("rsi_14",), lambda seen: (talib.RSI(seen.close, 14),)),
    (("adx_14",), lambda seen: (talib.ADX(seen.high, seen.low, seen.close, 14),)),
    (("vwap",), lambda seen: (_vwap(seen),)),
)
_GROUP_OF = {name: group for group in _GROUPS for name in group[0]}


def columns_of(window: Window) -> dict[str, Column]:
    """Every figure that TA-Lib computes, of each candle; NaN while there are too few."""
    found: dict[str, Column] = {}
    for names, made in _GROUPS:
        if "vwap" not in names:
            found.update(zip(names, made(window), strict=True))
    return found


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
