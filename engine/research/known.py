"""What the checks of a scene find at a candle, where nobody has to ask them.

The market's are read out of whole columns. Ours and the account's find the same for as long as
nothing of ours changes: they are asked once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.domain.gate import Check, CheckResult
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Strategy
from engine.gate.case import Scene, result, run_before
from engine.gate.checks.market import clock_of, judged_state, spans_of
from engine.research.eyes import Eyes
from engine.snapshot.indicators import WINDOW

#: The same at every candle of a run, while the state, the mode and what is open are: the spread is
#: always one, and a quote and the account are those of the candle's close.
_SAME = (
    Check.STATE, Check.SYMBOL_PAUSED, Check.LIVE_CHECKLIST, Check.SPREAD, Check.STALE_DATA,
    Check.DATA_READY, Check.STRATEGY_MAX_CANDLES, Check.ACCOUNT, Check.OPEN_POSITION,
    Check.UNKNOWN_ORDER, Check.MAX_CONCURRENT_TRADES, Check.STRATEGY_POSITIONS,
)  # fmt: skip


@dataclass(eq=False)
class Known:
    """Answers for the strategies that speak of these candles, by their number."""

    eyes: Eyes
    strategies: Sequence[Strategy]
    _same: dict[Any, dict[Check, CheckResult]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._hours = [spans_of(strategy.session_windows) for strategy in self.strategies]

    def __call__(self, place: int, number: int, bundle: Bundle) -> Mapping[Check, CheckResult]:
        """What is known of a strategy before a bundle in which no order waits."""
        found = {**self._ours(place, number, bundle), **self.eyes.known(place)}
        strategy, state = self.strategies[number], self.eyes.states.at(place)
        windows = strategy.session_windows
        is_open = any(window.holds(bundle.instant) for window in windows)
        session = is_open, clock_of(bundle.instant), self._hours[number]
        found[Check.SESSION] = result(Check.SESSION, session)
        if state is not None:
            forbidden = strategy.forbidden_conditions.market_states
            judged = judged_state(state, forbidden)
            found[Check.MARKET_STATE] = result(Check.MARKET_STATE, judged)
        return found

    def _ours(self, place: int, number: int, bundle: Bundle) -> dict[Check, CheckResult]:
        if place + 1 < WINDOW:
            return {}
        held = tuple([(each.direction, each.strategy_id) for each in bundle.positions])
        name = (number, bundle.control.version, held)
        if name not in self._same:
            scene = Scene(bundle=bundle, strategy=self.strategies[number])
            self._same[name] = {code: run_before(code, scene) for code in _SAME}
        return self._same[name]
