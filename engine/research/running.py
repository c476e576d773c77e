"""Play a plan: from candles and costs to a report, with progress and a way to end it early."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from engine.domain.market import Instrument
from engine.domain.snapshot import CalendarView
from engine.domain.state import Control, Mode, TradingState
from engine.errors import InvalidInput
from engine.research.backtest import Backtest
from engine.research.columns import Columns
from engine.research.eyes import Eyes, Rules
from engine.research.plan import Plan, obstacles, period
from engine.research.report import Played
from engine.research.simulation import State, Venue

#: Told how many candles of how many are done; may raise ``Cancelled``.
Tell = Callable[[int, int], None]


class Venues(Protocol):
    """Makes a run's venue, and the symbol's specification there."""

    def __call__(self, plan: Plan, columns: Columns) -> tuple[Venue, Instrument]:
        """A venue that stands before the first candle."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBacktest:
    """Play a plan. It takes a processor for as long as it lasts: run it in a process of its own.

    ``timer`` counts seconds from anywhere.
    """

    venues: Venues
    timer: Callable[[], float]

    def __call__(
        self,
        plan: Plan,
        columns: Columns,
        calendar: CalendarView | None,
        tell: Tell = lambda done, of: None,
    ) -> Played:
        """Raises :class:`InvalidInput` for a strategy that cannot be played, and for a period
        without candles. One that is cancelled answers what was done until then.
        """
        test, zone = self.made(plan, columns, calendar, tell), ZoneInfo(plan.zone)
        began = self.timer()
        ran = test.run()
        venue = test.venue
        return Played(
            plan=plan, columns=test.columns, ran=ran, state=test.state, start=test.start,
            is_whole=ran.candles == len(test.columns) - test.start, seconds=self.timer() - began,
            account_id=venue.account_id, open_trades=len(venue.positions()), zone=zone,
        )  # fmt: skip

    def made(
        self,
        plan: Plan,
        columns: Columns,
        calendar: CalendarView | None,
        tell: Tell = lambda done, of: None,
    ) -> Backtest:
        """The run before its first candle; raises as above."""
        for strategy in plan.strategies:
            if found := obstacles(strategy):
                raise InvalidInput(
                    f"a backtest cannot play {strategy.name} yet: it {', '.join(found)}"
                )
        columns, start = period(plan, columns)
        venue, instrument = self.venues(plan, columns)
        control = Control(
            state=TradingState.RUNNING, reason="backtest", mode=Mode.AUTONOMOUS,
            changed_at=columns.closes(0),
        )  # fmt: skip
        state = State(control=control, zone=ZoneInfo(plan.zone), resume=plan.resume)
        eyes = Eyes(
            columns=columns,
            instrument=instrument,
            spread=plan.costs.spread_pips * instrument.pip,
            calendar=calendar,
            rules=Rules(
                strategies=plan.strategies,
                settings=plan.settings,
                settings_version=plan.settings_version,
                approves=plan.approves,
            ),
        )
        count = len(columns) - start
        return Backtest(
            eyes=eyes, venue=venue, state=state, start=start, report=lambda done: tell(done, count)
        )
