"""From candles to what a forest learns: rows, labels from a row's own future, splits in time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from engine.domain.market import Candle
from engine.domain.model import Wish
from engine.errors import InvalidInput
from engine.snapshot.canonical import canonical, digest
from engine.snapshot.features import LOOKBACK, NAMES, Columns, columns, table

#: Rows that a fold must at least learn from, and be asked.
_LEAST = 200

Rows = NDArray[np.float64]
Labels = NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Rows in the order of time, what became of each, and when its candle opened."""

    rows: Rows
    labels: Labels
    times: tuple[datetime, ...]

    @property
    def hash(self) -> str:
        """SHA-256 of all that is learnt from: names, figures, labels."""
        head = canonical({"features": NAMES, "rows": len(self.labels)})
        rows, labels = self.rows.astype("<f8"), self.labels.astype("<i1")
        return digest(head + np.ascontiguousarray(rows).tobytes() + labels.tobytes())


def labels(given: Columns, horizon: int) -> Labels:
    """1 where the close stands higher ``horizon`` candles on, 0 where not; shorter than the columns
    by the horizon, because of the last candles nobody knows it yet.
    """
    later = given.close[horizon:]
    return (later > given.close[: len(later)]).astype(np.int8)


def dataset(candles: Sequence[Candle], wish: Wish) -> Dataset:
    """All rows whose label is known; raises :class:`InvalidInput` when they are too few."""
    given = columns(candles)
    rows, known = table(given), labels(given, wish.horizon)
    first, last = LOOKBACK - 1, len(known)
    places = np.arange(first, last)
    places = places[np.isfinite(rows[first:last]).all(axis=1)] if last > first else places[:0]
    least = (wish.folds + 1) * _LEAST
    if not len(places) >= least:
        raise InvalidInput(
            f"there are {len(places)} candles to learn {wish.symbol} {wish.timeframe} from, after"
            f" the first {LOOKBACK} and without the last {wish.horizon}; {least} are needed",
            have=len(places),
            needed=least,
        )
    found = known[places]
    if len(np.unique(found)) < 2:
        raise InvalidInput(f"{wish.symbol} only ever moved one way; there is nothing to learn")
    return Dataset(rows[places], found, tuple(candles[int(place)].time for place in places))


@dataclass(frozen=True, slots=True)
class Fold:
    """A step forward in time: learn from the rows before ``until``, ask those from ``since`` to
    ``end``.
    """

    until: int
    since: int
    end: int


def folds(rows: int, count: int, horizon: int) -> Iterator[Fold]:
    """Walk forward: each fold asks the next part of the rows and learns from all before it.

    Purged and embargoed: a row's label looks ``horizon`` candles ahead, so the last ones before the
    part that is asked are left out (their labels lie in it), and as many again, because
    neighbours share most of their past.
    """
    part = rows // (count + 1)
    for number in range(1, count + 1):
        since = rows - (count + 1 - number) * part
        yield Fold(until=max(1, since - 2 * horizon), since=since, end=since + part)
