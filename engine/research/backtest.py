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

from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress
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
from engine.research.simulation import State, Venue, held_back
from engine.research.stream import Ended, Stream

#: Candles between two reports of progress.
_REPORT = 1_000


class Cancelled(Exception):
    """Somebody asked to stop."""


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
        self.eyes.is_plain = not self.screened
        self._noes = Noes(self.eyes, self._speaking)
        self._lead = Lead(self.eyes, self.venue.account().currency)
        self._judge = JudgeCandle(
            eyes=self.eyes, venue=self.venue, state=self.state, stream=self._ran.stream,
            lead=self._lead, strategies=self._speaking, screened=self.screened,
        )  # fmt: skip

    @property
    def columns(self) -> Columns:
        """What is played."""
        return self.eyes.columns

    def run(self) -> Ran:
        """Play every candle from ``start`` on, or until it is cancelled: what was done till then
        is answered.
        """
        with suppress(Cancelled):
            self._play()
        return self._ran

    def _play(self) -> None:
        ran, place, told = self._ran, self.start, self.start
        self._look(place)
        while place < len(self.columns):
            if place - told >= _REPORT:
                told, ran.candles = place, place - self.start
                self.report(ran.candles)
            if self._asked[place]:
                ran.asked += 1
                self._judge(place)
            else:
                self._noes.write(ran.stream, place, place + 1, self.state, self.venue)
            after = self._next(place)
            place = self._pass(place + 1, after)
            if place < len(self.columns):
                self._look(place)
        ran.candles = len(self.columns) - self.start
        self.report(ran.candles)

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
        """The next candle that matters: it is asked for, it ends a trade, or it begins a day."""
        end = len(self.columns)
        if self._lead.is_busy or not (self.venue.is_flat or self.venue.is_patient):
            return min(place + 1, end)
        for places in (self._asked_places, self._day_starts):
            found = bisect_right(places, place)
            if found < len(places):
                end = min(end, places[found])
        if not self.venue.is_flat:
            ends = self.venue.next_end(place + 1, end)
            end = end if ends is None else min(end, ends)
        return end

    def _pass(self, first: int, end: int) -> int:
        """Write down what is certain of a stretch; answers the first candle that is not."""
        while first < end and not self._is_even(first, end):
            # A limit of the day may be reached in it: half of it may be harmless still.
            end = first + (end - first) // 2
        if first < end:
            self._noes.write(self._ran.stream, first, end, self.state, self.venue)
        return max(first, end)

    def _is_even(self, first: int, end: int) -> bool:
        """Whether no limit of the day is reached in a stretch, and none that was is left; the day's
        best equity is kept. What is open makes most and least at the extreme closes.
        """
        state, settings = self.state, self.eyes.rules.settings
        assert state.day is not None
        if self.venue.is_flat:
            return True
        closes = self.columns.close[first:end]
        found = []
        for place in {first + int(closes.argmax()), first + int(closes.argmin())}:
            self.venue.move(place)
            found.append(self.venue.equity())
        best = replace(state.day, peak_equity=max(state.day.peak_equity, *found))
        if any(any(held_back(equity, best, settings)) for equity in found):
            return False
        state.day = best
        return True

    def _look(self, place: int) -> None:
        """Read the venue after a candle, as the loop does before it judges."""
        self.venue.move(place)
        for ended in self.venue.play():
            trade = replace(ended, reason=self._lead.named(ended))
            self._ran.trades.append(trade)
            self._ran.stream.lines.append(Ended(trade))
        account = self.venue.account()
        self.state.measure(self.eyes.rules.settings, account, account.captured_at)
        self._ran.equity.append((place, account.equity))
        self._lead(place, self.venue)
