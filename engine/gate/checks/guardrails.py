"""Source 000's usage guardrails: how often a strategy may put an idea forward.

Only ideas that were put to a person or executed count, on the market's clock. When an idea is
judged again, what came after it does not count against it.
"""

from datetime import datetime
from itertools import takewhile

from engine.domain.gate import Check
from engine.domain.snapshot import PastIdea
from engine.gate.case import Case, Finding, Scene, check, scene_check


def _moment(case: Case) -> datetime:
    """When the idea was put forward: now, for a new one."""
    own = next((past for past in case.bundle.recent if past.id == case.own_idea), None)
    return case.bundle.instant if own is None else own.at


def _earlier(case: Case) -> list[PastIdea]:
    """The strategy's ideas before this one; the bundle has them in the order they were made."""
    before = takewhile(lambda past: past.id != case.own_idea, case.bundle.recent)
    return [past for past in before if past.strategy_id == case.strategy.id]


@scene_check(Check.STRATEGY_MAX_CANDLES)
def _max_candles(scene: Scene) -> Finding:
    count, limit = len(scene.bundle.candles), scene.bundle.settings.strategy_max_candles
    return count <= limit, str(count), str(limit)


@check(Check.STRATEGY_RATE_LIMIT)
def _rate_limit(case: Case) -> Finding:
    moment, limit = _moment(case), case.bundle.settings.strategy_rate_limit_per_min
    count = sum((moment - past.at).total_seconds() < 60 for past in _earlier(case))
    return count < limit, str(count), str(limit)


@check(Check.STRATEGY_COOLDOWN)
def _cooldown(case: Case) -> Finding:
    """Seconds since the strategy's last idea on the symbol."""
    limit = case.bundle.settings.strategy_min_interval_seconds
    return _rested(case, [p for p in _earlier(case) if p.symbol == case.symbol], limit)


@check(Check.STRATEGY_DUPLICATE)
def _duplicate(case: Case) -> Finding:
    """Seconds since the strategy's last idea on the symbol in the same direction."""
    limit = case.bundle.settings.strategy_dedup_ttl_seconds
    same = [
        past
        for past in _earlier(case)
        if past.symbol == case.symbol and past.direction is case.proposal.direction
    ]
    return _rested(case, same, limit)


def _rested(case: Case, past: list[PastIdea], limit: int) -> Finding:
    if not past:
        return True, "none", str(limit)
    since = int((_moment(case) - max(p.at for p in past)).total_seconds())
    return since >= limit, str(since), str(limit)


@check(Check.STRATEGY_DAILY_BUDGET)
def _daily_budget(case: Case) -> Finding:
    day, limit = _moment(case).date(), case.bundle.settings.strategy_daily_budget
    count = sum(past.at.date() == day for past in _earlier(case))
    return count < limit, str(count), str(limit)
