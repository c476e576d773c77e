"""What is read from a venue at intervals and kept: streams, how each stands, holes in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from engine.domain.market import Candle, Timeframe

#: A symbol and the timeframe of its candles; without one, an account and what it holds.
StreamKey = tuple[str, Timeframe | None]

#: Markets that rest at weekends close on Friday evening and open until Monday, as UTC has it.
_CLOSES, _FRIDAY, _DAY = time(20), 4, timedelta(days=1)


class StreamTrouble(StrEnum):
    """Why a reading brought nothing."""

    #: The venue does not answer, or not in time, or what it says makes no sense.
    SILENT = "silent"
    #: The venue has no such symbol or timeframe.
    UNKNOWN = "unknown"
    #: An error that nobody foresaw; the log has it.
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """How a stream stands, by the database's clock.

    ``number`` is its own, ``claim`` that of whoever reads it now: it grows with each, so that one
    who was too slow writes nothing any more. It is, or was, due at ``due_at``. ``latest`` is when
    the last stored candle opened.
    Candles of before are fetched from ``filled_from`` on; they are there up to ``filled_to`` and,
    without a seam, from ``filled_until`` on. Failures are those since ``good_at``.
    """

    source: str
    symbol: str
    timeframe: Timeframe | None
    number: int
    due_at: datetime
    claim: int = 0
    checked_at: datetime | None = None
    good_at: datetime | None = None
    failures: int = 0
    trouble: StreamTrouble | None = None
    latest: datetime | None = None
    filled_from: datetime | None = None
    filled_to: datetime | None = None
    filled_until: datetime | None = None

    @property
    def key(self) -> StreamKey:
        """What it is of."""
        return self.symbol, self.timeframe

    @property
    def is_filling(self) -> bool:
        """Whether candles of before are still to come."""
        return (
            self.filled_to is not None
            and self.filled_until is not None
            and self.filled_to < self.filled_until
        )

    @property
    def begins(self) -> datetime | None:
        """From when on everything is stored; None while nothing is."""
        return self.filled_until if self.is_filling else self.filled_from

    @property
    def percent(self) -> int:
        """How much of the candles of before is there."""
        if self.filled_from is None or self.filled_to is None or self.filled_until is None:
            return 0
        if not self.is_filling:
            return 100
        return int(
            100 * (self.filled_to - self.filled_from) / (self.filled_until - self.filled_from)
        )


@dataclass(frozen=True, slots=True)
class Hole:
    """Two stored candles, by when they opened, with room for at least one more between them."""

    after: datetime
    before: datetime


class GapState(StrEnum):
    """What is known of a hole in a stream."""

    OPEN = "open"
    #: The venue said twice that there is nothing.
    EMPTY = "empty"
    #: It is older than what the venue shows.
    BEYOND = "beyond"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A hole that is asked for again, and how often that was done."""

    hole: Hole
    asked: int = 0
    state: GapState = GapState.OPEN


@dataclass(frozen=True, slots=True)
class Stored:
    """What a page of candles changed: when the new ones opened, and how many were revised."""

    new: tuple[datetime, ...] = ()
    revised: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """The last candles of a stream, oldest first, when ``count`` were asked for, and when the last
    of what is in them was learnt.
    """

    count: int = 0
    candles: tuple[Candle, ...] = ()
    learnt_at: datetime | None = None


def in_step(state: StreamState, every: timedelta, now: datetime) -> datetime:
    """When a stream is due next: so long after it was due, however long it then waited, so that
    waits do not add up; one that is further behind begins anew.
    """
    due = state.due_at + every
    return due if due > now else now + every


def in_order(candles: Sequence[Candle]) -> tuple[Candle, ...]:
    """Candles oldest first, each once; of two of one instant the later in the list counts."""
    return tuple(sorted({candle.time: candle for candle in candles}.values(), key=_opened))


def _opened(candle: Candle) -> datetime:
    return candle.time


def is_weekend(hole: Hole, length: timedelta) -> bool:
    """Whether nothing is missing but what a market that rests at weekends never has."""
    start, end = hole.after + length, hole.before
    friday = start.date() - timedelta(days=(start.weekday() - _FRIDAY) % 7)
    closes = datetime.combine(friday, _CLOSES, start.tzinfo)
    monday = datetime.combine(friday, time(), start.tzinfo) + 3 * _DAY
    return closes <= start and end <= monday
