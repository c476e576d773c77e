"""What a decision of a backtest sees: the bundle of a candle, and how its data stands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, cast

import numpy as np

from engine.domain.account import Account, Position
from engine.domain.feed_fault import Sight
from engine.domain.gate import Check, CheckResult
from engine.domain.market import Instrument, Quote
from engine.domain.model import Prediction
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import Bundle, CalendarView
from engine.domain.strategy import Strategy
from engine.gate.case import Finding
from engine.gate.feed_guard import faults
from engine.research.columns import Columns
from engine.research.figures import Figures, Recalled, window_of
from engine.research.longer import Longer
from engine.research.market_checks import States, doubtful, market_states
from engine.research.simulation import State, valuation
from engine.snapshot.indicators import WINDOW, Figured, Glance

_CLEAN = "clean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is tried: the strategies in the order they are asked, and the settings they are held
    against. ``approves`` is whether ideas that would be put to a person are taken as approved.
    """

    strategies: tuple[Strategy, ...]
    settings: RiskSettings
    settings_version: int = 1
    approves: bool = True


@dataclass(eq=False, kw_only=True)
class Eyes:
    """Columns, and what else a bundle is made of. ``calendar`` None means that nobody knows the
    news. Who is ``is_plain`` computes every figure from the candles of its bundle, as the loop.
    """

    columns: Columns
    instrument: Instrument
    spread: Decimal
    calendar: CalendarView | None
    rules: Rules
    is_plain: bool = False
    #: What a model says at a candle, and the longer timeframes that are seen there.
    forecast: Callable[[int], Prediction | None] = lambda place: None
    longer: Longer | None = None

    @cached_property
    def data(self) -> dict[int, Finding]:
        """What the feed guard finds at doubtful candles; all others are clean."""
        places = np.flatnonzero(doubtful(self.columns))
        return {int(place): _finding(self._sight(int(place))) for place in places}

    @cached_property
    def states(self) -> States:
        """The market's state at each candle."""
        return market_states(self.figures)

    def known(self, place: int) -> Mapping[Check, CheckResult]:
        """The check of the data at a candle, found once for all strategies."""
        finding = self.data.get(place, (True, _CLEAN, _CLEAN))
        return {Check.DATA_QUALITY: CheckResult(Check.DATA_QUALITY, *finding)}

    def quote(self, place: int) -> Quote:
        """The quote at a candle's close."""
        return self.columns.quote(place, self.spread)

    @cached_property
    def figures(self) -> Figures:
        """The indicators of all candles."""
        whole = {} if self.longer is None else self.longer.whole
        return Figures(self.columns, self.instrument.digits, whole)

    def atr(self, place: int) -> Decimal | None:
        """The range of a candle, as a bundle has it."""
        return self._seen(place).figure("atr_14", 1)

    def _seen(self, place: int) -> Figured:
        if self.is_plain:
            return window_of(self.columns, place, self.instrument.digits)
        return Recalled(self.figures, place)

    def bundle(
        self, place: int, state: State, account: Account, positions: tuple[Position, ...]
    ) -> Bundle:
        """What the loop would freeze after a candle; candles and figures are made when they are
        looked at.
        """
        columns, at, seen = self.columns, self.columns.closes(place), self._seen(place)
        quote = self.quote(place)
        worth = valuation(self.instrument, quote, account.currency)
        return Bundle(
            symbol=columns.symbol,
            timeframe=columns.timeframe,
            instant=at,
            # These views are read as a tuple and as figures are.
            candles=cast(Any, columns.before(place + 1, WINDOW)),
            indicators=cast(Any, Glance(seen, 1)),
            indicators_before=cast(Any, Glance(seen, 2)),
            quote=quote,
            instrument=self.instrument,
            conversion=None if worth is None else worth.conversion,
            valuations=() if worth is None else (worth,),
            calendar=self.calendar and self.calendar.around(at),
            news=(),
            account=account,
            day=state.day,
            positions=positions,
            orders=(),
            settings=self.rules.settings,
            settings_version=self.rules.settings_version,
            strategies=self.rules.strategies,
            control=state.control,
            recent=state.seen(at),
            prediction=self.forecast(place),
            frames=() if self.longer is None else self.longer(place),
        )

    def _sight(self, place: int) -> Sight:
        return Sight(
            timeframe=self.columns.timeframe,
            instant=self.columns.closes(place),
            candles=cast(Any, self.columns.before(place + 1, WINDOW)),
            quote=self.quote(place),
            instrument=self.instrument,
            memory=None,
        )


def _finding(sight: Sight) -> Finding:
    """What the check of the data finds, as ``engine.gate.checks.feed`` says it."""
    found = faults(sight)
    if not found:
        return True, _CLEAN, _CLEAN
    return False, f"{found[0].code}: {found[0].seen}", found[0].limit or _CLEAN
