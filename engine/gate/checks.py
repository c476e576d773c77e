"""Every check of the gate: one small pure function each, with what it saw and its limit.

Guards are written ``passed = value <= limit`` on finite decimals, and a missing input never passes.
"""

from datetime import timedelta
from decimal import Decimal

from engine.domain.account import Position
from engine.domain.gate import Check, CheckResult
from engine.domain.snapshot import OpenOrder
from engine.domain.state import Mode
from engine.domain.values import quantize
from engine.gate.case import CHECKS, MISSING, Case, Finding, check
from engine.gate.limits import target_open
from engine.gate.money import others
from engine.gate.news import minutes_to_news

#: How far ahead of us a feed's clock may run, in candles.
_AHEAD = 0.01


def run(code: Check, case: Case) -> CheckResult:
    """One check's result."""
    passed, observed, limit = CHECKS[code](case)
    return CheckResult(code, passed, observed, limit)


@check(Check.STATE)
def _state(case: Case) -> Finding:
    control = case.bundle.control
    return control.may_open, str(control.state), "running"


@check(Check.STRATEGY)
def _strategy(case: Case) -> Finding:
    """The strategy is on, and still the version that proposed the trade."""
    current = case.strategy.version
    same = case.strategy.is_active and current == case.strategy_version
    seen = f"v{current}" if case.strategy.is_active else "off"
    return same, seen, f"v{case.strategy_version}"


@check(Check.SYMBOL_PAUSED)
def _symbol_paused(case: Case) -> Finding:
    paused = case.proposal.symbol in case.bundle.control.paused_symbols
    return not paused, "paused" if paused else "open", "open"


@check(Check.STOP_LOSS)
def _stop_loss(case: Case) -> Finding:
    proposal = case.proposal
    sign = proposal.direction.sign
    protected = sign * (proposal.entry - proposal.stop_loss) > 0
    ahead = all(sign * (target - proposal.entry) > 0 for target in proposal.take_profit)
    seen = f"{proposal.stop_loss} < {proposal.entry}" if sign > 0 else (
        f"{proposal.stop_loss} > {proposal.entry}"
    )  # fmt: skip
    return protected and ahead, seen if protected and ahead else "wrong_side", "beyond_entry"


@check(Check.SESSION)
def _session(case: Case) -> Finding:
    instant = case.bundle.instant
    windows = case.strategy.session_windows
    spans = ", ".join(f"{w.start:%H:%M}-{w.end:%H:%M}Z" for w in windows)
    return any(w.holds(instant) for w in windows), f"{instant:%a %H:%M}Z", spans


@check(Check.SPREAD)
def _spread(case: Case) -> Finding:
    limit = case.bundle.settings.max_spread_pips
    if case.bundle.quote is None:
        return False, MISSING, str(limit)
    pips = case.bundle.instrument.pips(case.bundle.quote.spread)
    return pips <= limit, f"{quantize(pips, 1)}", str(limit)


@check(Check.NEWS)
def _news(case: Case) -> Finding:
    rule = case.strategy.forbidden_conditions
    limit = rule.block_high_impact_news_minutes
    calendar = case.bundle.calendar
    # What comes within the limit must be known too, or "none" only means that nobody looked.
    horizon = case.bundle.instant + timedelta(minutes=limit)
    if calendar is None or calendar.known_until < horizon:
        return False, MISSING, str(limit)
    blocked = case.bundle.instrument.currencies & frozenset(rule.blocked_symbols_during_news)
    near = minutes_to_news(case.bundle, blocked)
    return near is None or near > limit, "none" if near is None else str(near), str(limit)


@check(Check.STALE_DATA)
def _stale_data(case: Case) -> Finding:
    bundle = case.bundle
    limit = bundle.settings.max_data_age_candles
    if bundle.quote is None or not bundle.candles:
        return False, MISSING, str(limit)
    closed = bundle.candles[-1].time + bundle.timeframe.length
    ages = [
        (bundle.instant - seen) / bundle.timeframe.length for seen in (closed, bundle.quote.time)
    ]
    # Data from the future is as wrong as old data.
    worst = max(ages) if min(ages) >= -_AHEAD else min(ages)
    return -_AHEAD <= worst <= limit, f"{worst:.1f}", str(limit)


@check(Check.ACCOUNT)
def _account(case: Case) -> Finding:
    """The broker answered, and the day has a beginning to be measured from."""
    known = case.bundle.account is not None and case.bundle.day is not None
    return known, "known" if known else MISSING, "known"


@check(Check.OPEN_POSITION)
def _open_position(case: Case) -> Finding:
    """Source 000's duplicate rule: no second trade of the same symbol and direction."""
    same = [
        held
        for held in _others(case)
        if held.symbol == case.proposal.symbol and held.direction is case.proposal.direction
    ]
    return not same, str(len(same)), "0"


@check(Check.UNKNOWN_ORDER)
def _unknown_order(case: Case) -> Finding:
    unknown = [
        order
        for order in case.bundle.orders
        if order.state == "unknown" and order.symbol == case.proposal.symbol
    ]
    return not unknown, str(len(unknown)), "0"


@check(Check.LOT_SIZE)
def _lot_size(case: Case) -> Finding:
    volume, instrument = case.sizing.volume, case.bundle.instrument
    limit = min(
        case.bundle.settings.max_lot_size,
        case.strategy.risk_caps.max_lot_size,
        instrument.volume_max,
    )
    fits = instrument.volume_min <= volume <= limit and volume % instrument.volume_step == 0
    return fits, str(volume), f"{instrument.volume_min}-{limit}"


@check(Check.STOPS_LEVEL)
def _stops_level(case: Case) -> Finding:
    limit = case.bundle.instrument.stops_level
    nearest = min(
        abs(price - case.proposal.entry)
        for price in (case.proposal.stop_loss, *case.proposal.take_profit)
    )
    return nearest >= limit, str(nearest), str(limit)


@check(Check.MAX_CONCURRENT_TRADES)
def _max_concurrent(case: Case) -> Finding:
    count = len(_others(case))
    limit = case.bundle.settings.max_concurrent_trades
    return count < limit, str(count), str(limit)


@check(Check.STRATEGY_POSITIONS)
def _strategy_positions(case: Case) -> Finding:
    mine = str(case.strategy.id)
    count = sum(h.strategy_id == mine for h in _others(case))
    limit = case.strategy.risk_caps.max_concurrent_positions
    return count < limit, str(count), str(limit)


@check(Check.DAILY_LOSS)
def _daily_loss(case: Case) -> Finding:
    limit = case.bundle.settings.max_daily_loss_percent
    if case.bundle.account is None or case.bundle.day is None:
        return False, MISSING, str(limit)
    loss = case.bundle.day.loss_percent(case.bundle.account.equity)
    return loss < limit, f"{quantize(loss, 2)}", str(limit)


@check(Check.MAX_DRAWDOWN)
def _max_drawdown(case: Case) -> Finding:
    limit = case.bundle.settings.max_drawdown_amount
    if case.bundle.account is None or case.bundle.day is None:
        return False, MISSING, str(limit)
    drawdown = case.bundle.day.drawdown(case.bundle.account.equity)
    return drawdown < limit, f"{quantize(drawdown, 2)}", str(limit)


@check(Check.DAILY_TARGET_REACHED)
def _daily_target(case: Case) -> Finding:
    settings = case.bundle.settings
    limit = str(settings.daily_profit_target)
    if case.bundle.account is None or case.bundle.day is None:
        return False, MISSING, limit
    profit = case.bundle.day.profit(case.bundle.account.equity)
    passed = not settings.stop_after_target or target_open(settings, profit)
    return passed, f"{quantize(profit, 2)}", limit


@check(Check.MARGIN)
def _margin(case: Case) -> Finding:
    if case.bundle.account is None:
        return False, MISSING, MISSING
    free = case.bundle.account.margin_free
    return case.sizing.margin <= free, str(case.sizing.margin), str(free)


@check(Check.RISK_BUDGET)
def _risk_budget(case: Case) -> Finding:
    limit = case.bundle.settings.risk_per_trade_percent
    percent = case.sizing.risk_percent
    return 0 < percent <= limit, str(percent), str(limit)


@check(Check.REWARD_RATIO)
def _reward_ratio(case: Case) -> Finding:
    """Half of what the strategy expects is the least that is still its trade."""
    least = quantize(case.strategy.rr_expectation / 2, 2)
    ratio = case.proposal.reward_ratio
    return ratio >= least, f"{quantize(ratio, 2)}", str(least)


@check(Check.PRICE_DRIFT)
def _price_drift(case: Case) -> Finding:
    limit = case.bundle.settings.max_drift_r
    drift = drift_r(case)
    return abs(drift) <= limit, f"{quantize(drift, 2)}", str(limit)


def drift_r(case: Case) -> Decimal:
    """How far the price moved against the card's entry, in units of the card's risk."""
    if case.proposed_entry is None:
        return Decimal(0)
    risk = abs(case.proposed_entry - case.proposal.stop_loss)
    if not risk > 0:
        return Decimal(10) ** 6
    return case.proposal.direction.sign * (case.proposal.entry - case.proposed_entry) / risk


@check(Check.CONFIDENCE_FLOOR)
def _confidence_floor(case: Case) -> Finding:
    limit = case.bundle.settings.confidence_floor
    return case.confidence.score >= limit, str(case.confidence.score), str(limit)


@check(Check.WATCHLIST)
def _watchlist(case: Case) -> Finding:
    settings = case.bundle.settings
    listed = case.proposal.symbol in settings.watchlist
    allowed = listed or settings.allow_off_watchlist_autotrade
    return allowed, "listed" if listed else "not_listed", "listed"


@check(Check.CONFIDENCE_THRESHOLD)
def _confidence_threshold(case: Case) -> Finding:
    limit = case.bundle.settings.min_confidence_threshold
    return case.confidence.score >= limit, str(case.confidence.score), str(limit)


@check(Check.MODE)
def _mode(case: Case) -> Finding:
    mode = case.bundle.control.mode
    return mode is Mode.AUTONOMOUS, str(mode), str(Mode.AUTONOMOUS)


def _others(case: Case) -> list[Position | OpenOrder]:
    """What is or may be open, other than the order that is itself being judged."""
    return others(case.bundle, case.own_order)
