"""Checks of what is open already: per symbol and direction, on spot, in doubt, and in all."""

from decimal import Decimal, localcontext

from engine.domain.account import Direction
from engine.domain.gate import Check
from engine.domain.values import quantize
from engine.gate.case import MISSING, Case, Finding, Scene, check, scene_check
from engine.gate.money import EXACT, exposure_limit, notional_of, open_notional


@scene_check(Check.OPEN_POSITION)
def _open_position(scene: Scene) -> Finding:
    """Trades of the symbol in the direction with room left; before a signal, in either direction
    the strategy may take.
    """
    limit = scene.bundle.settings.max_trades_per_direction
    symbol = scene.symbol
    taken = [held.direction for held in scene.held if held.symbol == symbol]
    count = min([taken.count(direction) for direction in scene.directions])
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
    held = scene.held
    mine = str(scene.strategy.id) if held else ""
    count = sum(each.strategy_id == mine for each in held)
    limit = scene.strategy.risk_caps.max_concurrent_positions
    return count < limit, str(count), str(limit)


@check(Check.MAX_EXPOSURE)
def _max_exposure(case: Case) -> Finding:
    """Source 001's ``max_exposure_reached``. Where there is no room for the least trade, the size
    is zero; the check is then held against the least trade, so that it says what was in the way.
    """
    bundle = case.bundle
    with localcontext(EXACT):
        limit = exposure_limit(bundle)
        held = open_notional(bundle, case.own_order)
        if bundle.account is None or bundle.conversion is None or held is None:
            return False, MISSING, str(quantize(limit, 2))
        total = held + notional_of(bundle, case.proposal.entry, _volume(case))
        return total <= limit, str(quantize(total, 2)), str(quantize(limit, 2))


@check(Check.CURRENCY_EXPOSURE)
def _currency_exposure(case: Case) -> Finding:
    """The net value of each currency of the symbol with this trade, of equity. The account's own
    currency is no risk to it, and a trade that makes a net value smaller is never in the way.
    """
    bundle = case.bundle
    limit = bundle.settings.max_currency_exposure_percent
    valued = [bundle.exposure(held) for held in case.held]
    own = next((v for v in bundle.valuations if v.symbol == case.symbol), None)
    account = bundle.account
    if account is None or not account.equity > 0 or own is None or None in valued:
        return False, MISSING, str(limit)
    worst = Decimal(0)
    for currency, change in own.exposure(case.proposal.direction, _volume(case)).legs:
        if currency == account.currency:
            continue
        before = sum((dict(e.legs).get(currency, Decimal(0)) for e in valued if e), Decimal(0))
        after = before + change
        if abs(after) > abs(before):
            worst = max(worst, abs(after))
    percent = worst * 100 / account.equity
    return percent <= limit, str(quantize(percent, 1)), str(limit)


def _volume(case: Case) -> Decimal:
    return max(case.sizing.volume, case.bundle.instrument.volume_min)
