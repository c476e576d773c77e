"""Checks of who may act at all: the trading state, the strategy, the symbol, the mode."""

from engine.domain.gate import Check
from engine.domain.state import Mode
from engine.gate.case import Case, Finding, Scene, check, scene_check


@scene_check(Check.STATE)
def _state(scene: Scene) -> Finding:
    control = scene.bundle.control
    return control.may_open, control.state.value, "running"


@check(Check.STRATEGY)
def _strategy(case: Case) -> Finding:
    """The strategy is on, and still the version that proposed the trade."""
    current = case.strategy.version
    same = case.strategy.is_active and current == case.strategy_version
    seen = f"v{current}" if case.strategy.is_active else "off"
    return same, seen, f"v{case.strategy_version}"


@scene_check(Check.SYMBOL_PAUSED)
def _symbol_paused(scene: Scene) -> Finding:
    paused = scene.symbol in scene.bundle.control.paused_symbols
    return not paused, "paused" if paused else "open", "open"


@scene_check(Check.LIVE_CHECKLIST)
def _live_checklist(scene: Scene) -> Finding:
    """Real money moves only where everything it needs holds, an admin's word included."""
    live = scene.bundle.live
    if live is None:
        return True, "none", "confirmed"
    return live.may_trade, "confirmed" if live.may_trade else f"live_{live.missing[0]}", "confirmed"


@check(Check.WATCHLIST)
def _watchlist(case: Case) -> Finding:
    settings = case.bundle.settings
    listed = case.symbol in settings.watchlist
    allowed = listed or settings.allow_off_watchlist_autotrade
    return allowed, "listed" if listed else "not_listed", "listed"


@check(Check.MODE)
def _mode(case: Case) -> Finding:
    mode = case.bundle.control.mode
    return mode is Mode.AUTONOMOUS, mode.value, Mode.AUTONOMOUS.value
