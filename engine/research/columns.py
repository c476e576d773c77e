"""Candles of one symbol as columns of whole numbers: exact, small, and quick to look through."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from engine.domain.market import Candle, Quote, Timeframe
from engine.errors import InvalidInput
from engine.snapshot.indicators import Column
from engine.snapshot.indicators import Window as Arrays

Whole = NDArray[np.int64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400
#: Candles that are kept once they were made: those a few bundles in a row look at.
_KEPT = 4_096


@dataclass(frozen=True, eq=False, kw_only=True)
class Columns:
    """Closed candles, oldest first. ``opened`` is in seconds since 1970, prices are counted in
    units of ten to the minus ``places``.

    Raises :class:`InvalidInput` for columns that cannot be candles, naming the first one.
    """

    symbol: str
    timeframe: Timeframe
    places: int
    opened: Whole
    open: Whole
    high: Whole
    low: Whole
    close: Whole
    volume: Whole

    def __post_init__(self) -> None:
        low, high = np.minimum(self.open, self.close), np.maximum(self.open, self.close)
        wrong = (self.low <= 0) | (self.low > low) | (self.high < high) | (self.volume < 0)
        wrong[1:] |= self.opened[1:] <= self.opened[:-1]
        if wrong.any():
            place = int(np.argmax(wrong))
            at = _EPOCH + timedelta(seconds=int(self.opened[place]))
            raise InvalidInput(
                f"candle {place + 1} of {self.symbol}, {at:%Y-%m-%d %H:%M}Z, is none: its prices do"
                " not fit together, or it does not come after the one before it"
            )

    def __len__(self) -> int:
        return len(self.opened)

    @cached_property
    def length(self) -> int:
        """Seconds that one candle lasts."""
        return int(self.timeframe.length.total_seconds())

    def time(self, place: int) -> datetime:
        """When a candle opened."""
        return _instant(self.opened.item(place))

    def closes(self, place: int) -> datetime:
        """When a candle closed."""
        return datetime.fromtimestamp(self.opened.item(place) + self.length, UTC)

    def price(self, units: int) -> Decimal:
        """A price of the columns."""
        return self._unit * units

    @cached_property
    def _unit(self) -> Decimal:
        return Decimal(1).scaleb(-self.places)

    def quote(self, place: int, spread: Decimal) -> Quote:
        """The quote at a candle's close: bid is the close, the ask the spread above it, which is
        zero or more.
        """
        bid = self.price(self.close.item(place))
        return _quote(bid, bid + spread, self.closes(place))

    def candle(self, place: int) -> Candle:
        """One candle."""
        known = self._made.get(place)
        if known is None:
            if len(self._made) >= _KEPT:
                self._made.clear()
            price = self.price
            known = self._made[place] = _candle(
                self.time(place), price(self.open.item(place)), price(self.high.item(place)),
                price(self.low.item(place)), price(self.close.item(place)), self.volume.item(place),
            )  # fmt: skip
        return known

    def candles(self, first: int, end: int) -> tuple[Candle, ...]:
        """A stretch of candles."""
        columns = (self.opened, self.open, self.high, self.low, self.close, self.volume)
        rows = zip(*(column[first:end].tolist() for column in columns), strict=True)
        price = self.price
        return tuple(
            [
                _candle(_instant(at), price(o), price(high), price(low), price(close), volume)
                for at, o, high, low, close, volume in rows
            ]
        )

    @cached_property
    def _made(self) -> dict[int, Candle]:
        return {}

    def before(self, end: int, most: int) -> "Glimpse":
        """Up to so many candles, the last of them before ``end``."""
        return Glimpse(self, max(0, end - most), end)

    def arrays(self, first: int, end: int) -> Arrays:
        """A stretch as the indicators want it."""
        return Arrays(
            day=self._days[first:end],
            high=self._high[first:end],
            low=self._low[first:end],
            close=self._close[first:end],
            volume=self._volume[first:end],
        )

    @cached_property
    def _days(self) -> Whole:
        return self.opened // _DAY

    def _price_of(self, units: Whole) -> Column:
        found: Column = units / 10**self.places
        return found

    # A quotient of two whole numbers is the float nearest to the decimal, as float(Decimal) is.
    @cached_property
    def _high(self) -> Column:
        return self._price_of(self.high)

    @cached_property
    def _low(self) -> Column:
        return self._price_of(self.low)

    @cached_property
    def _close(self) -> Column:
        return self._price_of(self.close)

    @cached_property
    def _volume(self) -> Column:
        return self.volume.astype(float)


def _candle(
    time: datetime, opened: Decimal, high: Decimal, low: Decimal, close: Decimal, volume: int
) -> Candle:
    # All columns were looked at when they were made; a candle would look at itself once more.
    made, put = object.__new__(Candle), object.__setattr__
    put(made, "time", time)
    put(made, "open", opened)
    put(made, "high", high)
    put(made, "low", low)
    put(made, "close", close)
    put(made, "volume", volume)
    return made


def _quote(bid: Decimal, ask: Decimal, time: datetime) -> Quote:
    # As a candle: it would look at prices that are known to be some.
    made, put = object.__new__(Quote), object.__setattr__
    put(made, "bid", bid)
    put(made, "ask", ask)
    put(made, "time", time)
    return made


@dataclass(slots=True, eq=False)
class Glimpse(Sequence[Candle]):
    """Some candles of columns, each made when it is looked at: a bundle has hundreds, and most
    rules look at the last one or two.
    """

    columns: Columns
    first: int
    end: int

    def __len__(self) -> int:
        return self.end - self.first

    @overload
    def __getitem__(self, place: int) -> Candle: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Candle, ...]: ...
    def __getitem__(self, place: int | slice) -> Candle | tuple[Candle, ...]:
        if isinstance(place, slice):
            first, end, step = place.indices(len(self))
            return self.columns.candles(self.first + first, self.first + end)[::step]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        return self.columns.candle((self.first if place >= 0 else self.end) + place)


def columns_of(symbol: str, timeframe: Timeframe, candles: Iterable[Candle]) -> Columns:
    """Candles as columns; raises :class:`InvalidInput` for none, and for out of order ones."""
    rows = [(_seconds(c.time), c.open, c.high, c.low, c.close, c.volume) for c in candles]
    if not rows:
        raise InvalidInput(f"there are no {timeframe} candles of {symbol}")
    places = max(-int(price.as_tuple().exponent) for row in rows for price in row[1:5])
    places = max(0, places)
    scale = Decimal(10) ** places
    whole = [[int(price * scale) for price in row[1:5]] for row in rows]
    prices = np.array(whole, dtype=np.int64).T
    return Columns(
        symbol=symbol,
        timeframe=timeframe,
        places=places,
        opened=np.array([row[0] for row in rows], dtype=np.int64),
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=prices[3],
        volume=np.array([row[5] for row in rows], dtype=np.int64),
    )


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _seconds(instant: datetime) -> int:
    return int((instant - _EPOCH).total_seconds())
