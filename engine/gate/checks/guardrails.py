"""Source 000's usage guardrails: how often a strategy may put an idea forward.

Only ideas that were put to a person or executed count, on the market's clock. When an idea is
judged again, what came after it does not count against it.
"""

from datetime import datetime, timedelta

from engine.domain.gate import Check
from engine.gate.case import Case, Finding, Scene, check, scene_check

_MINUTE = timedelta(minutes=1)


@scene_check(Check.STRATEGY_MAX_CANDLES)
def _max_candles(scene: Scene) -> Finding:
    count, limit = len(scene.bundle.candles), scene.bundle.settings.strategy_max_candles
    return count <= limit, str(count), str(limit)


@check(Check.STRATEGY_RATE_LIMIT)
def _rate_limit(case: Case) -> Finding:
    limit, since = case.bundle.settings.strategy_rate_limit_per_min, case.past.moment - _MINUTE
    count = len([past for past in case.past.ideas if past.at > since])
    return count < limit, str(count), str(limit)


@check(Check.STRATEGY_COOLDOWN)
def _cooldown(case: Case) -> Finding:
    """Seconds since the strategy's last idea on the symbol."""
    limit = case.bundle.settings.strategy_min_interval_seconds
    symbol = case.symbol
    return _rested(case, [past.at for past in case.past.ideas if past.symbol == symbol], limit)


@check(Check.STRATEGY_DUPLICATE)
def _duplicate(case: Case) -> Finding:
    """Seconds since the strategy's last idea on the symbol in the same direction."""
    limit = case.bundle.settings.strategy_dedup_ttl_seconds
    symbol, direction = case.symbol, case.proposal.direction
    same = [
        past.at for past in case.past.ideas if past.symbol == symbol and past.direction is direction
    ]
    return _rested(case, same, limit)


def _rested(case: Case, past: list[datetime], limit: int) -> Finding:
    if not past:
        return True, "none", str(limit)
    since = int((case.past.moment - max(past)).total_seconds())
    return since >= limit, str(since), str(limit)


@check(Check.STRATEGY_DAILY_BUDGET)
def _daily_budget(case: Case) -> Finding:
    day, limit = case.past.moment.date(), case.bundle.settings.strategy_daily_budget
    count = len([past for past in case.past.ideas if past.at.date() == day])
    return count < limit, str(count), str(limit)
