"""What a model looks at: the figures of source 003, by candle, each from a row's own past alone."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.domain.market import Candle

Column = NDArray[np.float64]

#: The columns of a table, in their order. Prices are given in parts of the last close, so that a
#: figure means the same at every price: ``ma_20`` is how far the close stands from its mean of 20
#: candles, ``std_20`` the deviation of the 20 last returns, ``volume_ema`` how far the volume
#: stands from its exponential mean.
NAMES = (
    "return_1",
    "return_5",
    "return_10",
    "ma_5",
    "ma_10",
    "ma_20",
    "ma_50",
    "std_5",
    "std_10",
    "std_20",
    "std_50",
    "rsi_14",
    "volume_ema",
    "atr_14",
    "macd_hist",
)

#: What an exponential mean remembers. Cut off there, a row is the same whether it stands in a table
#: of years or in a bundle; what is left out weighs less than a millionth.
_MEMORY = 256
_SPANS = (5, 10, 20, 50)
_MACD_MEMORY = 192
_SIGNAL_MEMORY = 64
#: Candles that a row needs: its own, and those before it.
LOOKBACK = _MEMORY + 1


class Columns(NamedTuple):
    """Candles as columns of floats, oldest first."""

    high: Column
    low: Column
    close: Column
    volume: Column


def columns(candles: Sequence[Candle]) -> Columns:
    """The candles as columns."""
    return Columns(
        np.array([float(c.high) for c in candles]),
        np.array([float(c.low) for c in candles]),
        np.array([float(c.close) for c in candles]),
        np.array([float(c.volume) for c in candles]),
    )


def table(given: Columns) -> Column:
    """One row for each candle and one column for each of ``NAMES``; the rows without enough candles
    before them are NaN.

    Every operation goes element by element in one order, and none looks ahead: a row never depends
    on how many others are computed beside it, to the last bit.
    """
    close, before = given.close, _shift(given.close, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = close / before - 1
        figures = [
            steps,
            *(close / _shift(close, span) - 1 for span in (5, 10)),
            *(close / mean - 1 for mean in _means(close)),
            *_deviations(steps),
            _rsi(close, before),
            _volume(given.volume),
            _atr(given, before),
            _macd(close),
        ]
    rows = np.column_stack(figures)
    rows[: LOOKBACK - 1] = np.nan
    return rows


def row(candles: Sequence[Candle]) -> Column | None:
    """The row of the last candle; None without enough candles for one."""
    if len(candles) < LOOKBACK:
        return None
    found: Column = table(columns(candles[-LOOKBACK:]))[-1]
    return found if np.isfinite(found).all() else None


def _shift(column: Column, by: int) -> Column:
    """The column as it stood so many candles before; NaN where there is nothing before."""
    moved = np.full(len(column), np.nan)
    moved[by:] = column[: max(0, len(column) - by)]
    return moved


def _sums(column: Column, spans: Sequence[int], keep: float = 1.0) -> list[Column]:
    """The sums of the last values for each span, each older one weighing ``keep`` times the next.

    By doubling: sums of 1, 2, 4 ... values are put together to one of any span.
    """
    powers = [column]
    while 2 << len(powers) - 1 <= max(spans):
        size = 1 << len(powers) - 1
        powers.append(powers[-1] + _weighted(powers[-1], size, keep))
    return [_put_together(powers, span, keep) for span in spans]


def _put_together(powers: Sequence[Column], span: int, keep: float) -> Column:
    places = [place for place in range(len(powers)) if span >> place & 1]
    total, reach = powers[places[0]], 1 << places[0]
    for place in places[1:]:
        total = total + _weighted(powers[place], reach, keep)
        reach += 1 << place
    return total


def _weighted(column: Column, by: int, keep: float) -> Column:
    moved = _shift(column, by)
    return moved if keep == 1 else keep**by * moved


def _means(column: Column) -> list[Column]:
    return [total / span for span, total in zip(_SPANS, _sums(column, _SPANS), strict=True)]


def _decaying(column: Column, keep: float, memory: int) -> Column:
    """The exponential mean: weights that fall by ``keep`` and make one together."""
    (total,) = _sums(column, (memory,), keep)
    return total * ((1 - keep) / (1 - keep**memory))


def _ema(column: Column, span: int, memory: int) -> Column:
    return _decaying(column, 1 - 2 / (span + 1), memory)


def _wilder(column: Column, span: int) -> Column:
    """J. Welles Wilder's mean, as RSI and ATR have it."""
    return _decaying(column, 1 - 1 / span, _MEMORY)


def _deviations(steps: Column) -> list[Column]:
    """The standard deviation of the last returns, for each span."""
    pairs = zip(_means(steps), _means(steps * steps), strict=True)
    return [np.sqrt(np.maximum(square - mean * mean, 0.0)) for mean, square in pairs]


def _rsi(close: Column, before: Column) -> Column:
    steps = close - before
    up, down = _wilder(np.maximum(steps, 0.0), 14), _wilder(np.maximum(-steps, 0.0), 14)
    # A market that never moved is neither overbought nor oversold.
    return np.where(up + down == 0, 50.0, 100 * up / (up + down))


def _atr(given: Columns, before: Column) -> Column:
    reach = np.maximum(given.high, before) - np.minimum(given.low, before)
    return _wilder(reach, 14) / given.close


def _macd(close: Column) -> Column:
    line = _ema(close, 12, _MACD_MEMORY) - _ema(close, 26, _MACD_MEMORY)
    return (line - _ema(line, 9, _SIGNAL_MEMORY)) / close


def _volume(volume: Column) -> Column:
    mean = _ema(volume, 20, _MACD_MEMORY)
    return np.where(mean == 0, 0.0, volume / mean - 1)
