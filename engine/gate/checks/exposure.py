"""Checks of what is open already: per symbol and direction, on spot, in doubt, and in all."""

from engine.domain.account import Direction
from engine.domain.gate import Check
from engine.gate.case import Case, Finding, Scene, check, scene_check


@scene_check(Check.OPEN_POSITION)
def _open_position(scene: Scene) -> Finding:
    """Trades of the symbol in the direction with room left; before a signal, in either direction
    the strategy may take.
    """
    limit = scene.bundle.settings.max_trades_per_direction
    taken = [held.direction for held in scene.held if held.symbol == scene.symbol]
    count = min(taken.count(direction) for direction in scene.directions)
    return count < limit, str(count), str(limit)


@check(Check.LONG_FLAT)
def _long_flat(case: Case) -> Finding:
    """Source 001: a spot symbol is bought when it is not held, and never sold short."""
    if not (case.bundle.instrument.spot and case.bundle.settings.long_flat):
        return True, "not_spot", "flat"
    held = any(held.symbol == case.symbol for held in case.held)
    short = case.proposal.direction is Direction.SELL
    seen = "sell" if short else "long" if held else "flat"
    return not short and not held, seen, "flat"


@scene_check(Check.UNKNOWN_ORDER)
def _unknown_order(scene: Scene) -> Finding:
    count = sum(
        order.state == "unknown" and order.symbol == scene.symbol for order in scene.bundle.orders
    )
    return count == 0, str(count), "0"


@scene_check(Check.MAX_CONCURRENT_TRADES)
def _max_concurrent(scene: Scene) -> Finding:
    count = len(scene.held)
    limit = scene.bundle.settings.max_concurrent_trades
    return count < limit, str(count), str(limit)


@scene_check(Check.STRATEGY_POSITIONS)
def _strategy_positions(scene: Scene) -> Finding:
    mine = str(scene.strategy.id)
    count = sum(held.strategy_id == mine for held in scene.held)
    limit = scene.strategy.risk_caps.max_concurrent_positions
    return count < limit, str(count), str(limit)
