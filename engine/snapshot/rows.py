"""Candles as a short document and back: columns of whole numbers, every digit and instant kept."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any

from engine.domain.market import Candle

#: Places on the time grid that one block covers.
BLOCK = 32

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: More digits after the point than this are written as texts.
_MOST_PLACES = 12


def groups(candles: Sequence[Candle], length: timedelta) -> list[tuple[Candle, ...]]:
    """The candles in order, cut where the time grid of ``BLOCK`` candle lengths begins anew.

    The grid hangs on the epoch and not on the window, so that windows a candle apart share every
    group but the first and the last.
    """
    found, start, span = [], 0, BLOCK * length
    while start < len(candles):
        border = candles[start].time
        border += span - (border - _EPOCH) % span
        end = bisect_left(candles, border, lo=start + 1, key=_opened)
        found.append(tuple(candles[start:end]))
        start = end
    return found


def _opened(candle: Candle) -> datetime:
    return candle.time


def write_rows(candles: Sequence[Candle]) -> Any:
    """A list of candles as JSON values.

    Candles on whole seconds whose prices all have the same number of digits become columns: ``t``
    the first opening in seconds since 1970 and then the steps, ``o`` each open less the close
    before it (the first less nothing), ``c`` close less open, ``h`` and ``l`` how far the wicks
    reach beyond both, ``v`` volumes, all prices in units of the last of ``d`` digits. Any others
    become rows of texts.
    """
    places = _places(candles)
    if places is None:
        return [
            [c.time.astimezone(UTC).isoformat(), str(c.open), str(c.high), str(c.low),
             str(c.close), c.volume]
            for c in candles
        ]  # fmt: skip
    seconds = [int(c.time.timestamp()) for c in candles]
    opens, highs, lows, closes = (
        [int(str(getattr(c, name)).replace(".", "")) for c in candles]
        for name in ("open", "high", "low", "close")
    )
    return {
        "d": places,
        "t": [*seconds[:1], *(b - a for a, b in pairwise(seconds))],
        "o": [o - before for o, before in zip(opens, (0, *closes), strict=False)],
        "c": [c - o for o, c in zip(opens, closes, strict=True)],
        "h": [h - max(o, c) for o, h, c in zip(opens, highs, closes, strict=True)],
        "l": [min(o, c) - low for o, low, c in zip(opens, lows, closes, strict=True)],
        "v": [c.volume for c in candles],
    }


def _places(candles: Sequence[Candle]) -> int | None:
    """The digits after the point that all prices have; None when they cannot be columns."""
    if not candles or any(c.time.microsecond for c in candles):
        return None
    texts = [str(price) for c in candles for price in (c.open, c.high, c.low, c.close)]
    counts = {len(text.partition(".")[2]) for text in texts}
    if len(counts) > 1 or counts > set(range(_MOST_PLACES)) or any("E" in text for text in texts):
        return None
    return counts.pop()


def read_rows(document: Any) -> tuple[Candle, ...]:
    """The inverse of :func:`write_rows`; raises ``InvalidInput`` for candles that cannot be."""
    if isinstance(document, list):
        return tuple(
            _candle(datetime.fromisoformat(time), prices, volume)
            for time, *prices, volume in document
        )
    return tuple(_columns(document))


def _columns(document: Any) -> Iterator[Candle]:
    exponent, close = f"E-{document['d']}", 0
    columns = zip(*(document[name] for name in "ochlv"), strict=True)
    times = accumulate(document["t"])
    for second, (step, body, above, below, volume) in zip(times, columns, strict=True):
        opened = close + step
        close = opened + body
        high, low = max(opened, close) + above, min(opened, close) - below
        texts = [f"{price}{exponent}" for price in (opened, high, low, close)]
        yield _candle(datetime.fromtimestamp(second, UTC), texts, volume)


def _candle(time: datetime, prices: Sequence[str], volume: int) -> Candle:
    opened, high, low, close = map(Decimal, prices)
    return Candle(time, opened, high, low, close, volume)
