"""The loop over history: the same eyes, score, gate and venue, with a clock made of candles.

    market data        engine/research/columns    candles as arrays
    what is seen       engine/research/eyes       the bundle of a candle
    what is certain    engine/research/screen     conditions and market checks over whole columns
                       engine/research/noes       and the noes that follow from them
    the pipeline       engine/research/judging    only where something is not certain, or a setup
    the venue          broker/simulated           the paper broker, moved on candle by candle
    the stream         engine/research/stream     every decision, the folded noes included

Nothing looks ahead: a bundle holds candles up to its own and no others, and a candle's close is
where it is decided and dealt, as in a paper run. :attr:`Backtest.screened` False asks the pipeline
at each candle; both write the same stream.
"""

import gc
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property

import numpy as np

from engine.domain.order import ClosedTrade
from engine.domain.strategy import Strategy
from engine.errors import InvalidInput
from engine.research.columns import Columns
from engine.research.eyes import Eyes
from engine.research.figures import Flags
from engine.research.judging import JudgeCandle
from engine.research.lead import Lead
from engine.research.noes import Noes
from engine.research.simulation import NO_LIMIT, Limits, State, Venue, held_back
from engine.research.stream import Ended, Stream

#: Candles between two reports of progress.
_REPORT = 1_000


class Cancelled(Exception):
    """Somebody asked to stop."""


@contextmanager
def _no_collecting() -> Iterator[None]:
    # Nothing in a run is a ring, and all of it is kept: it would only be looked through for rings,
    # the more often the longer it gets.
    is_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # What was kept is old at once: otherwise all of it would be looked through now.
        gc.freeze()
        gc.unfreeze()
        if is_on:
            gc.enable()


@dataclass(slots=True)
class Ran:
    """A finished run: the decision stream, the trades in the order they ended, and the equity after
    each candle that changed it (place, equity). ``asked`` counts candles the pipeline was asked at.
    """

    stream: Stream = field(default_factory=Stream)
    trades: list[ClosedTrade] = field(default_factory=list)
    equity: list[tuple[int, Decimal]] = field(default_factory=list)
    asked: int = 0
    candles: int = 0


@dataclass(eq=False, kw_only=True)
class Backtest:
    """One run over columns; call :meth:`run` once.

    ``report`` is told how many candles are done, and may raise :class:`Cancelled`.
    """

    eyes: Eyes
    venue: Venue
    state: State
    start: int = 1
    screened: bool = True
    report: Callable[[int], None] = lambda done: None

    def __post_init__(self) -> None:
        if not 1 <= self.start < len(self.columns):
            raise InvalidInput(f"{len(self.columns)} candles are too few to start at {self.start}")
        self._ran = Ran()
        if not self.screened:
            self.eyes = replace(self.eyes, is_plain=True)
        self._noes = Noes(self.eyes, self._speaking)
        self._lead = Lead(self.eyes, self.venue.account().currency)
        self._judge = JudgeCandle(
            eyes=self.eyes, venue=self.venue, state=self.state, stream=self._ran.stream,
            lead=self._lead, strategies=self._speaking, noes=self._noes, screened=self.screened,
        )  # fmt: skip

    @property
    def columns(self) -> Columns:
        """What is played."""
        return self.eyes.columns

    def run(self) -> Ran:
        """Play every candle from ``start`` on, or until it is cancelled: what was done till then
        is answered.
        """
        with suppress(Cancelled), _no_collecting():
            self._play()
        return self._ran

    def _play(self) -> None:
        ran, place, told = self._ran, self.start, self.start
        self._look(place)
        while place < len(self.columns):
            if place - told >= _REPORT:
                told, ran.candles = place, place - self.start
                self.report(ran.candles)
            first = place + self._decide(place)
            place = self._pass(first, self._next(place + 1))
            if place < len(self.columns):
                self._look(place)
        ran.candles = len(self.columns) - self.start
        self.report(ran.candles)

    def _decide(self, place: int) -> bool:
        """Whether a candle that was looked at is done with; where nothing is open, its no may be
        written together with those after it.
        """
        if self._asked[place]:
            self._ran.asked += 1
            self._judge(place)
            return True
        if self.venue.is_flat:
            return False
        state, equity = self.state, self.venue.equity()
        assert state.day is not None
        limits = held_back(equity, state.day, self.eyes.rules.settings)
        self._noes.write(self._ran.stream, place, place + 1, state, self.venue, limits)
        return True

    @cached_property
    def _speaking(self) -> tuple[Strategy, ...]:
        return tuple(
            strategy
            for strategy in self.eyes.rules.strategies
            if strategy.is_active
            and strategy.timeframe is self.columns.timeframe
            and self.columns.symbol in strategy.allowed_symbols
        )

    @cached_property
    def _asked(self) -> Flags:
        """Where the pipeline has to be asked, whatever the account is like."""
        if not self.screened:
            return np.ones(len(self.columns), dtype=np.bool_)
        return self._noes.asks

    @cached_property
    def _asked_places(self) -> list[int]:
        return [int(place) for place in np.flatnonzero(self._asked)]

    @cached_property
    def _day_starts(self) -> list[int]:
        """The first candle that closes on each of the broker's days."""
        instants, zone = self.columns.opened + self.columns.length, self.state.zone
        # Days of every zone begin on a quarter of an hour.
        _, firsts = np.unique(instants // 900, return_index=True)
        places = [int(place) for place in firsts]
        days = [self.columns.closes(place).astimezone(zone).date() for place in places]
        return [
            place
            for place, day, before in zip(places[1:], days[1:], days[:-1], strict=True)
            if day != before
        ]

    def _next(self, place: int) -> int:
        """The next candle that matters, from a place on: it is asked for, it ends a trade, or it
        begins a day.
        """
        end = len(self.columns)
        if self._lead.is_busy or not (self.venue.is_flat or self.venue.is_patient):
            return min(place, end)
        for places in (self._asked_places, self._day_starts):
            found = bisect_left(places, place)
            if found < len(places):
                end = min(end, places[found])
        if not self.venue.is_flat:
            ends = self.venue.next_end(place, end)
            end = end if ends is None else min(end, ends)
        return end

    def _pass(self, first: int, end: int) -> int:
        """Write down what is certain of a stretch; answers the first candle that is not."""
        limits = self._even(first, end)
        while limits is None:
            # A limit of the day may be reached in it: half of it may be harmless still.
            end = first + (end - first) // 2
            limits = self._even(first, end)
        if first < end:
            self._noes.write(self._ran.stream, first, end, self.state, self.venue, limits)
        return max(first, end)

    def _even(self, first: int, end: int) -> Limits | None:
        """The limits of the day that are reached in all of a stretch; None where an open trade may
        reach one in it. The day's best equity is kept.
        """
        state, settings = self.state, self.eyes.rules.settings
        assert state.day is not None
        if first >= end:
            return NO_LIMIT
        if self.venue.is_flat:
            return held_back(self.venue.equity(), state.day, settings)
        least, most = self.venue.between(first, end)
        day = state.day
        if most > day.peak_equity:
            day = replace(day, peak_equity=most)
        if any(any(held_back(equity, day, settings)) for equity in (least, most)):
            return None
        state.day = day
        return NO_LIMIT

    def _look(self, place: int) -> None:
        """Read the venue after a candle, as the loop does before it judges."""
        self.venue.move(place)
        for ended in self.venue.play():
            trade = self._lead.told(ended)
            self._ran.trades.append(trade)
            self._ran.stream.lines.append(Ended(trade))
        settings, equity, at = (
            self.eyes.rules.settings,
            self.venue.equity(),
            self.columns.closes(place),
        )
        self.state.measure(settings, self.venue.account_id, equity, at)
        self._ran.equity.append((place, equity))
        self._lead(place, self.venue)
