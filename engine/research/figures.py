"""Indicators over all candles at once, and how far they may be from those of a bundle's window.

A bundle computes its indicators over the last :data:`WINDOW` candles and rounds them. Over a longer
past the exponential ones remember a little more: after 550 candles less than a billionth of a
price. What is decided by less than that and the rounding is not decided here but by the bundle; a
figure that would be rounded the same way for all that is the bundle's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.domain.market import Timeframe
from engine.research.columns import Columns, Whole
from engine.snapshot.indicators import OSCILLATORS, WINDOW, Column, Looked, columns_of

Flags = NDArray[np.bool_]

#: What the window's beginning may make of an indicator, as a part of the price; the oscillators'
#: own scale is a hundred.
_MEMORY = 1e-9
#: The last place of an oscillator.
_HUNDREDTH = 0.01
#: What stands in the place of a figure that is not there, and of one that is not certain.
NONE, UNSURE = -(2**62), -(2**61)
#: Candles after which a close that does not change stands still.
_STILL = 250
#: Both sides of a comparison were rounded by half a unit each.
_ROUNDING = 1.1
#: Figures that hold nothing but a little memory; a band's width also has the noise of long sums.
RECALLED = frozenset(
    {"ema_20", "ema_50", "sma_50", "sma_200", "atr_14", "rsi_14", "adx_14"}
    | {"macd", "macd_signal", "macd_hist"}
)


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
    """The indicators of all candles; ``digits`` are the symbol's. ``longer`` are the candles of the
    timeframes that bundles have besides; None where nobody says which.
    """

    columns: Columns
    digits: int
    longer: Mapping[Timeframe, Columns] | None = None
    _rounded: dict[str, "Rounded"] = field(default_factory=dict)

    @cached_property
    def _all(self) -> dict[str, Column]:
        return columns_of(self.columns.arrays(0, len(self.columns)))

    def __getitem__(self, name: str) -> Column:
        return self._all[name]

    def rounded(self, name: str) -> "Rounded":
        """A figure of :data:`RECALLED` as bundles round it, and where that is certain."""
        found = self._rounded.get(name)
        if found is None:
            places = 2 if name in OSCILLATORS else self.digits + 2
            slack = _MEMORY * self.close
            if name in OSCILLATORS:
                slack = np.where(self._lively, _MEMORY * 100, np.inf)
            found = self._rounded[name] = _rounded(self[name], places, slack)
        return found

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
        """Where one figure is above another; never where one is missing. Without a slack of their
        own both are prices, and rounded as a bundle rounds them.
        """
        known = np.isfinite(one) & np.isfinite(other)
        apart = np.abs(np.where(known, one - other, 0.0))
        least = self.slack if slack is None else slack
        found = Truth(known & (one > other), ~known | (apart > least))
        # A close of more places than a figure is compared as it is.
        if slack is None and self.columns.places <= self.digits + 2:
            self._settle(found, one, other, self.unit, _MEMORY * self.close)
        return found

    def oscillator_above(self, name: str, limit: float) -> Truth:
        """Where an oscillator is above a number; it is missing where nothing moves at all."""
        values = self[name]
        moved = self.above(self["atr_14"], np.zeros(len(values)))
        found = self._held_against(values, np.full(len(values), limit), limit)
        return Truth(found.met & moved.met, found.sure & moved.sure)

    def oscillator_below(self, name: str, limit: float) -> Truth:
        """Where an oscillator that is there is below a number."""
        values = self[name]
        return self._held_against(np.full(len(values), limit), values, limit)

    def _held_against(self, one: Column, other: Column, limit: float) -> Truth:
        found = self.above(one, other, _HUNDREDTH)
        if round(limit, 2) == limit:
            self._settle(found, one, other, _HUNDREDTH, np.full(len(one), _MEMORY * 100))
        found.sure[:] &= self._lively
        return found

    @cached_property
    def _lively(self) -> Flags:
        """Where the close has changed within the last candles. Of one that stands still for long an
        oscillator's averages hold hardly more than what the window's first candles left in them.
        """
        places = np.arange(len(self.columns))
        changed = np.diff(self.columns.close, prepend=self.columns.close[:1]) != 0
        last = np.maximum.accumulate(np.where(changed, places, 0))
        lively: Flags = (places - last < _STILL) | (places < WINDOW)
        return lively

    def _settle(
        self, found: Truth, one: Column, other: Column, unit: float, memory: Column
    ) -> None:
        """Compare as rounded what is too near to each other to be compared as it is."""
        places = np.flatnonzero(~found.sure)
        scaled = [column[places] / unit for column in (one, other)]
        whole = [np.rint(values) for values in scaled]
        edge = 0.5 - memory[places] / unit
        certain = np.ones(len(places), dtype=np.bool_)
        for values, near in zip(scaled, whole, strict=True):
            certain &= np.abs(values - near) < edge
        found.met[places] = np.where(certain, whole[0] > whole[1], found.met[places])
        found.sure[places] = certain


def shifted(truth: Truth) -> Truth:
    """The same said of the candle before; of the first one there is none before."""
    met, sure = np.roll(truth.met, 1), np.roll(truth.sure, 1)
    met[:1], sure[:1] = False, True
    return Truth(met, sure)


@dataclass(frozen=True, eq=False, slots=True)
class Rounded:
    """A figure of each candle, counted in units of its last place: :data:`NONE` where it is not
    there, :data:`UNSURE` where it is a bundle's window that decides how it is rounded.
    """

    unit: Decimal
    units: Whole


def _rounded(values: Column, places: int, slack: Column | float) -> Rounded:
    there = np.isfinite(values)
    scaled = np.where(there, values, 0.0) * 10.0**places
    whole = np.rint(scaled)
    # How far it is from the next edge at which it would be rounded to another number.
    inside = 0.5 - np.abs(scaled - whole)
    # A number so small that it is rounded to nothing keeps its sign in a bundle.
    sure = (inside > slack * 10.0**places) & (whole != 0)
    units = np.where(sure, whole.astype(np.int64), UNSURE)
    return Rounded(Decimal(1).scaleb(-places), np.where(there, units, NONE))


@dataclass(eq=False, slots=True)
class Recalled:
    """What a bundle at a candle says of its figures: out of the columns where they are certain,
    otherwise by the window that the bundle has.
    """

    figures: Figures
    place: int
    _window: Looked | None = None

    def figure(self, name: str, back: int) -> Decimal | None:
        """As :meth:`Looked.figure`."""
        place = self.place + 1 - back
        if place < 0 or name not in RECALLED:
            return self._looked().figure(name, back)
        rounded = self.figures.rounded(name)
        units = rounded.units.item(place)
        if units == UNSURE:
            return self._looked().figure(name, back)
        if units == NONE or (name in OSCILLATORS and not self.figure("atr_14", back)):
            return None
        return rounded.unit * units

    def _looked(self) -> Looked:
        if self._window is None:
            self._window = window_of(self.figures.columns, self.place, self.figures.digits)
        return self._window


def window_of(columns: Columns, place: int, digits: int) -> Looked:
    """The figures of a candle as a bundle computes them, over the candles it has."""
    seen = columns.before(place + 1, WINDOW)
    return Looked(columns.arrays(seen.first, seen.end), seen, digits)
