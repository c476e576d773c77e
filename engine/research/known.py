"""What the checks of a scene find at a candle, where nobody has to ask them.

The market's are read out of whole columns. Ours and the account's find the same for as long as
nothing of ours changes: they are asked once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from engine.domain.gate import Check, CheckResult, GateReport
from engine.domain.snapshot import Bundle
from engine.gate.case import Scene, result, run_before
from engine.gate.checks.market import clock_of, judged_state, spans_of
from engine.research.eyes import Eyes
from engine.research.noes import Noes
from engine.research.screen import CHECKS_AT, MARKET
from engine.snapshot.indicators import WINDOW

#: The same at every candle of a run, while the state, the mode and what is open are: the spread is
#: always one, and a quote and the account are those of the candle's close.
_SAME = (
    Check.STATE, Check.SYMBOL_PAUSED, Check.LIVE_CHECKLIST, Check.SPREAD, Check.STALE_DATA,
    Check.DATA_READY, Check.STRATEGY_MAX_CANDLES, Check.ACCOUNT, Check.OPEN_POSITION,
    Check.UNKNOWN_ORDER, Check.MAX_CONCURRENT_TRADES, Check.STRATEGY_POSITIONS,
)  # fmt: skip
#: Those of an idea that nobody has seen yet, whichever way it goes.
_SAME_OF_IDEAS = (Check.STRATEGY, Check.PRICE_DRIFT, Check.WATCHLIST, Check.MODE)
_SESSION = CHECKS_AT + MARKET.index(Check.SESSION)


@dataclass(eq=False)
class Known:
    """Answers for the strategies of ``noes``, by their number."""

    eyes: Eyes
    noes: Noes
    _same: dict[Any, dict[Check, CheckResult]] = field(default_factory=dict)

    def __call__(self, place: int, number: int, bundle: Bundle) -> Mapping[Check, CheckResult]:
        """What is known of a strategy before a bundle in which no order waits."""
        found = {**self._ours(place, number, bundle), **self.eyes.known(place)}
        strategy, state = self.noes.strategies[number], self.eyes.states.at(place)
        is_open = not self.noes.screens[number].keys.item(place) >> _SESSION & 1
        session = is_open, clock_of(bundle.instant), self._hours[number]
        found[Check.SESSION] = CheckResult(Check.SESSION, *session)
        if state is not None:
            forbidden = strategy.forbidden_conditions.market_states
            judged = judged_state(state, forbidden)
            found[Check.MARKET_STATE] = result(Check.MARKET_STATE, judged)
        return found

    def learn(self, number: int, bundle: Bundle, report: GateReport) -> None:
        """Keep what the checks of a new idea found that will be the same for the next one."""
        same = self._same.get(self._name(number, bundle))
        if same is not None and _SAME_OF_IDEAS[0] not in same:
            same |= {check.code: check for check in report.checks if check.code in _SAME_OF_IDEAS}

    @cached_property
    def _hours(self) -> list[str]:
        return [spans_of(strategy.session_windows) for strategy in self.noes.strategies]

    def _ours(self, place: int, number: int, bundle: Bundle) -> dict[Check, CheckResult]:
        if place + 1 < WINDOW:
            return {}
        name = self._name(number, bundle)
        if name not in self._same:
            scene = Scene(bundle=bundle, strategy=self.noes.strategies[number])
            self._same[name] = {code: run_before(code, scene) for code in _SAME}
        return self._same[name]

    def _name(self, number: int, bundle: Bundle) -> Any:
        held = tuple([(each.direction, each.strategy_id) for each in bundle.positions])
        return number, bundle.control.version, held
