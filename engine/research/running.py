"""Play a plan: from candles and costs to a report, with progress and a way to end it early."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from engine.domain.market import Instrument
from engine.domain.model import Prediction
from engine.domain.snapshot import CalendarView
from engine.domain.state import Control, Mode, TradingState
from engine.errors import InvalidInput
from engine.research.backtest import Backtest
from engine.research.columns import Columns
from engine.research.eyes import Eyes, Rules
from engine.research.forecasts import forecasts
from engine.research.longer import Longer
from engine.research.plan import Plan, obstacles, period
from engine.research.report import Played
from engine.research.simulation import State, Venue
from engine.strategies.base import frames_needed

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
        body: bytes | None = None,
    ) -> Played:
        """``body`` are the trees of the plan's model. Raises :class:`InvalidInput` for a strategy
        that cannot be played, a period without candles, and a model that knows these. One
        that is cancelled answers what was done until then.
        """
        test, zone = self.made(plan, columns, calendar, tell, body), ZoneInfo(plan.zone)
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
        body: bytes | None = None,
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
        frames = frames_needed(plan.strategies, plan.symbol, plan.timeframe)
        eyes = Eyes(
            longer=Longer(columns, frames, instrument.digits),
            forecast=_forecast(plan, body, columns, start),
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


def _forecast(
    plan: Plan, body: bytes | None, columns: Columns, start: int
) -> Callable[[int], Prediction | None]:
    if plan.model is None:
        return lambda place: None
    if body is None:
        raise InvalidInput(f"the trees of {plan.model.asked.name} are not here")
    return forecasts(plan.model, body, columns, start)
