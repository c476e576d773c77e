"""Longer timeframes of a backtest, built of its own candles: only of closed ones, and none that
were not closed yet at the candle that looks.

A longer candle begins at a multiple of its length in UTC. A venue whose days begin at another hour
has others; the loop looks at the venue's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.domain.market import Timeframe
from engine.domain.snapshot import Frame
from engine.research.columns import Columns
from engine.snapshot.indicators import WINDOW, compute

#: Closed candles of a timeframe before a bundle has it.
LEAST = 2


def longer_columns(columns: Columns, timeframe: Timeframe) -> Columns:
    """The candles of a longer timeframe; the first is left out when its beginning is not there. The
    last may not have ended yet.
    """
    length = int(timeframe.length.total_seconds())
    opened, firsts = np.unique(columns.opened // length * length, return_index=True)
    ends = np.append(firsts[1:], len(columns))
    begins = int(len(opened) > 0 and opened[0] != columns.opened[0])
    firsts, ends, opened = firsts[begins:], ends[begins:], opened[begins:]
    if not len(firsts):
        firsts = np.zeros(0, dtype=np.int64)
    return Columns(
        symbol=columns.symbol, timeframe=timeframe, places=columns.places,
        opened=opened, open=columns.open[firsts], high=_each(np.maximum, columns.high, firsts),
        low=_each(np.minimum, columns.low, firsts), close=columns.close[ends - 1],
        volume=_each(np.add, columns.volume, firsts),
    )  # fmt: skip


def _each(what: np.ufunc, values: np.ndarray, firsts: np.ndarray) -> np.ndarray:
    return what.reduceat(values, firsts) if len(firsts) else values[:0]


def closed_by(whole: Columns, closes: Any) -> Any:
    """How many candles were closed at an instant, or at each of many, in seconds."""
    return np.searchsorted(whole.opened, closes - whole.length, side="right")


@dataclass(eq=False)
class Longer:
    """Called with a candle's place; answers the frames that a bundle of it has, as
    ``engine.snapshot.collect`` freezes them. ``whole`` has all candles of each timeframe.
    """

    columns: Columns
    timeframes: Iterable[Timeframe]
    digits: int
    _kept: dict[Timeframe, tuple[int, Frame]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        frames = sorted(self.timeframes, key=lambda frame: frame.length)
        self.whole = {frame: longer_columns(self.columns, frame) for frame in frames}

    def __call__(self, place: int) -> tuple[Frame, ...]:
        found = (self._frame(whole, place) for whole in self.whole.values())
        return tuple(frame for frame in found if frame is not None)

    def _frame(self, whole: Columns, place: int) -> Frame | None:
        closes = int(self.columns.opened[place]) + self.columns.length
        end = int(closed_by(whole, closes))
        if end < LEAST:
            return None
        known = self._kept.get(whole.timeframe)
        if known is None or known[0] != end:
            candles = tuple(whole.before(end, WINDOW))
            now, before = compute(candles, digits=self.digits)
            frame = Frame(
                timeframe=whole.timeframe, candles=candles, indicators=now, indicators_before=before
            )
            known = self._kept[whole.timeframe] = (end, frame)
        return known[1]
