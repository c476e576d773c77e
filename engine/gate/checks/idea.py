"""Checks of the idea itself: its stop, size, reward, the price since, and its confidence."""

from decimal import Decimal

from engine.domain.gate import Check
from engine.domain.values import quantize
from engine.gate.case import Case, Finding, check


@check(Check.STOP_LOSS)
def _stop_loss(case: Case) -> Finding:
    proposal = case.proposal
    sign = proposal.direction.sign
    protected = sign * (proposal.entry - proposal.stop_loss) > 0
    ahead = all(sign * (target - proposal.entry) > 0 for target in proposal.take_profit)
    exists = all(price > 0 for price in (proposal.stop_loss, *proposal.take_profit))
    if not (protected and ahead and exists):
        return False, "wrong_side", "beyond_entry"
    seen = f"{proposal.stop_loss} {'<' if sign > 0 else '>'} {proposal.entry}"
    return True, seen, "beyond_entry"


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
    return ratio >= least, str(quantize(ratio, 2)), str(least)


@check(Check.PRICE_DRIFT)
def _price_drift(case: Case) -> Finding:
    limit = case.bundle.settings.max_drift_r
    drift = drift_r(case)
    return abs(drift) <= limit, str(quantize(drift, 2)), str(limit)


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


@check(Check.CONFIDENCE_THRESHOLD)
def _confidence_threshold(case: Case) -> Finding:
    limit = case.bundle.settings.min_confidence_threshold
    return case.confidence.score >= limit, str(case.confidence.score), str(limit)
