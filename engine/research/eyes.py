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
from engine.domain.snapshot import Bundle, CalendarView, Frame, Indicators
from engine.domain.strategy import Strategy
from engine.gate.case import Finding
from engine.gate.feed_guard import faults
from engine.research.columns import Columns
from engine.research.market_checks import doubtful
from engine.research.simulation import State, valuation
from engine.snapshot.indicators import WINDOW, figures

_CLEAN = "clean"
_NO_FIGURES = Indicators(**dict.fromkeys(Indicators.__dataclass_fields__))


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
    news.
    """

    columns: Columns
    instrument: Instrument
    spread: Decimal
    calendar: CalendarView | None
    rules: Rules
    #: What a model says at a candle, and the longer timeframes that are seen there.
    forecast: Callable[[int], Prediction | None] = lambda place: None
    longer: Callable[[int], tuple[Frame, ...]] = lambda place: ()

    @cached_property
    def data(self) -> dict[int, Finding]:
        """What the feed guard finds at doubtful candles; all others are clean."""
        places = np.flatnonzero(doubtful(self.columns))
        return {int(place): _finding(self._sight(int(place))) for place in places}

    def known(self, place: int) -> Mapping[Check, CheckResult]:
        """The check of the data at a candle, found once for all strategies."""
        finding = self.data.get(place, (True, _CLEAN, _CLEAN))
        return {Check.DATA_QUALITY: CheckResult(Check.DATA_QUALITY, *finding)}

    def quote(self, place: int) -> Quote:
        """Bid is the close, the ask the spread above it."""
        bid = self.columns.price(self.columns.close[place])
        return Quote(bid, bid + self.spread, self.columns.closes(place))

    def atr(self, place: int) -> Decimal | None:
        """The range of a candle, as a bundle has it."""
        window = self.columns.before(place + 1, WINDOW)
        if len(window) < 2:
            return None
        arrays = self.columns.arrays(window.first, window.end)
        return figures(arrays, window, digits=self.instrument.digits)[0].atr_14

    def bundle(
        self,
        place: int,
        state: State,
        account: Account,
        positions: tuple[Position, ...],
        *,
        bare: bool = False,
    ) -> Bundle:
        """What the loop would freeze after a candle. A ``bare`` one has no indicators: it is for
        checks that look at us and the account only.
        """
        columns, at = self.columns, self.columns.closes(place)
        window = columns.before(place + 1, WINDOW)
        now = before = _NO_FIGURES
        if not bare:
            arrays = columns.arrays(window.first, window.end)
            now, before = figures(arrays, window, digits=self.instrument.digits)
        quote = self.quote(place)
        worth = valuation(self.instrument, quote, account.currency)
        return Bundle(
            symbol=columns.symbol,
            timeframe=columns.timeframe,
            instant=at,
            # A view makes each candle when it is looked at; it is read as a tuple is.
            candles=cast(Any, window),
            indicators=now,
            indicators_before=before,
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
            frames=self.longer(place),
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
