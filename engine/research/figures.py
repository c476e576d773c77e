"""Indicators over all candles at once, and how far they may be from those of a bundle's window.

A bundle computes its indicators over the last :data:`WINDOW` candles and rounds them. Over a longer
past the exponential ones remember a little more: after 550 candles less than a billionth of a
price. What is decided by less than that and the rounding is not decided here but by the bundle.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.research.columns import Columns
from engine.snapshot.indicators import WINDOW, Column, columns_of

Flags = NDArray[np.bool_]

#: What the window's beginning may make of an indicator, as a part of the price; the oscillators'
#: own scale is a hundred.
_MEMORY = 1e-9
#: Both sides of a comparison were rounded by half a unit each.
_ROUNDING = 1.1


@dataclass(frozen=True, slots=True)
class Truth:
    """What a rule says of each candle, and where that is certain."""

    met: Flags
    sure: Flags

    def __and__(self, other: "Truth") -> "Truth":
        false = (self.sure & ~self.met) | (other.sure & ~other.met)
        return Truth(self.met & other.met, (self.sure & other.sure) | false)

    def __or__(self, other: "Truth") -> "Truth":
        true = (self.sure & self.met) | (other.sure & other.met)
        return Truth(self.met | other.met, (self.sure & other.sure) | true)

    def __invert__(self) -> "Truth":
        return Truth(~self.met, self.sure)


@dataclass(frozen=True, eq=False)
class Figures:
    """The indicators of all candles; ``digits`` are the symbol's."""

    columns: Columns
    digits: int

    @cached_property
    def _all(self) -> dict[str, Column]:
        return columns_of(self.columns.arrays(0, len(self.columns)))

    def __getitem__(self, name: str) -> Column:
        return self._all[name]

    @cached_property
    def close(self) -> Column:
        """The closes, as floats."""
        return self.columns.arrays(0, len(self.columns)).close

    @cached_property
    def span(self) -> Column:
        """High minus low of each candle."""
        window = self.columns.arrays(0, len(self.columns))
        return window.high - window.low

    @cached_property
    def vwap(self) -> Column:
        """The mean of the day's typical prices so far, weighted by volume, as far back as a bundle
        sees; NaN without volume.
        """
        window, count = self.columns.arrays(0, len(self.columns)), len(self.columns)
        typical = (window.high + window.low + window.close) / 3
        begins = np.searchsorted(window.day, window.day, side="left")
        begins = np.maximum(begins, np.arange(count) - WINDOW + 1)
        value = np.concatenate([[0.0], np.cumsum(typical * window.volume)])
        volume = np.concatenate([[0.0], np.cumsum(window.volume)])
        ends = np.arange(1, count + 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found: Column = (value[ends] - value[begins]) / (volume[ends] - volume[begins])
        return found

    @property
    def unit(self) -> float:
        """The least difference of two rounded prices."""
        return 10.0 ** -(self.digits + 2)

    @cached_property
    def slack(self) -> Column:
        """How far apart two prices must be to be certainly in that order."""
        return _ROUNDING * self.unit + _MEMORY * self.close

    def above(self, one: Column, other: Column, slack: Column | float | None = None) -> Truth:
        """Where one figure is above another; never where one is missing."""
        known = np.isfinite(one) & np.isfinite(other)
        apart = np.abs(np.where(known, one - other, 0.0))
        least = self.slack if slack is None else slack
        return Truth(known & (one > other), ~known | (apart > least))

    def oscillator_above(self, name: str, limit: float) -> Truth:
        """Where an oscillator is above a number; it is missing where nothing moves at all."""
        values = self[name]
        moved = self.above(self["atr_14"], np.zeros(len(values)))
        found = self.above(values, np.full(len(values), limit), 0.01)
        return Truth(found.met & moved.met, found.sure & moved.sure)


def shifted(truth: Truth) -> Truth:
    """The same said of the candle before; of the first one there is none before."""
    met, sure = np.roll(truth.met, 1), np.roll(truth.sure, 1)
    met[:1], sure[:1] = False, True
    return Truth(met, sure)
