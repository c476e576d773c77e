"""The checklist of real money: a pure list of items from how the system stands."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from engine.domain.live import (
    CHECKLIST,
    AccountKind,
    Confirmation,
    Identity,
    Item,
    LiveView,
    Need,
    core_of,
)
from engine.domain.settings import RiskSettings

#: A process that is well shows it every few seconds.
BEATS_WITHIN = timedelta(seconds=60)
#: The history is anchored once a day on which something was written; a long weekend has no such.
ANCHORED_WITHIN = timedelta(days=4)
#: The emergency stop was pulled by a person within this time: they know that it works, and how.
STOP_TRIED_WITHIN = timedelta(days=180)
#: What this machine's clock may differ from the database's.
MOST_SKEW = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFacts:
    """How the system stands at ``now``; None is what is not known, which never holds.

    ``limits_by_person`` is whether the limits in force are somebody's own choice, ``feeds`` when
    each watched symbol was last fresh, ``skew`` this machine's clock against the database's.
    """

    now: datetime
    account_id: str
    identity: Identity
    enabled: bool
    equity: Decimal | None
    real_chat: bool
    settings: RiskSettings
    limits_by_person: bool
    calendar_until: datetime | None
    market_now: datetime | None
    feeds: tuple[datetime | None, ...]
    history_sound: bool
    anchored_at: datetime | None
    reachable_admins: int
    reachable_traders: int
    skew: timedelta | None
    stop_tried_at: datetime | None
    confirmation: Confirmation | None


def _within(at: datetime | None, span: timedelta, now: datetime) -> bool:
    return at is not None and now - at <= span


def _limits(facts: LiveFacts) -> str | None:
    if not facts.limits_by_person:
        return "own"
    settings = facts.settings
    inside = settings.risk_per_trade_percent < settings.max_daily_loss_percent
    return None if inside else "risk"


def _drawdown(facts: LiveFacts) -> str | None:
    if not facts.settings.halt_on_drawdown:
        return "off"
    if facts.equity is None:
        return "unknown"
    # A drawdown that is more than there is to lose stops nothing.
    return None if facts.settings.max_drawdown_amount < facts.equity else "wide"


def _history(facts: LiveFacts) -> str | None:
    if not facts.history_sound:
        return "broken"
    return None if _within(facts.anchored_at, ANCHORED_WITHIN, facts.now) else "anchor"


def _confirmed(facts: LiveFacts) -> str | None:
    known, identity = facts.confirmation, facts.identity
    if known is None:
        return "never"
    there = (facts.account_id, identity.venue, identity.name)
    if (known.account_id, known.venue, known.name) != there:
        return "another"
    if known.checklist != CHECKLIST:
        return "older"
    return "looser" if core_of(facts.settings).is_looser(known.core) else None


def _calendar(facts: LiveFacts) -> bool:
    until, now = facts.calendar_until, facts.market_now
    return until is not None and now is not None and now <= until


def _feed(facts: LiveFacts) -> bool:
    return bool(facts.feeds) and all(_within(at, BEATS_WITHIN, facts.now) for at in facts.feeds)


def _real(facts: LiveFacts) -> bool:
    return facts.identity.kind is AccountKind.REAL and bool(facts.identity.name)


_HOLDS: dict[Need, Callable[[LiveFacts], bool]] = {
    Need.SWITCH: lambda facts: facts.enabled,
    Need.BROKER: lambda facts: facts.equity is not None,
    Need.REAL: _real,
    Need.CHAT: lambda facts: facts.real_chat,
    Need.CALENDAR: _calendar,
    Need.FEED: _feed,
    Need.ADMIN: lambda facts: facts.reachable_admins >= 1,
    Need.CLOCK: lambda facts: facts.skew is not None and abs(facts.skew) <= MOST_SKEW,
    Need.STOP: lambda facts: _within(facts.stop_tried_at, STOP_TRIED_WITHIN, facts.now),
    Need.SECOND: lambda facts: facts.reachable_traders >= 2,
}
_REASONS: dict[Need, Callable[[LiveFacts], str | None]] = {
    Need.LIMITS: _limits,
    Need.DRAWDOWN: _drawdown,
    Need.HISTORY: _history,
    Need.CONFIRMED: _confirmed,
}


def checklist(facts: LiveFacts) -> tuple[Item, ...]:
    """Every item, in order, none left out."""
    return tuple(_item(need, facts) for need in Need)


def _item(need: Need, facts: LiveFacts) -> Item:
    if need in _HOLDS:
        return Item(need=need, holds=_HOLDS[need](facts))
    why = _REASONS[need](facts)
    return Item(need=need, holds=why is None, why=why)


def view_of(facts: LiveFacts) -> LiveView | None:
    """What the gate is told; None for an account that the venue says is no real one."""
    if facts.identity.kind is AccountKind.DEMO:
        return None
    missing = [str(i.need) for i in checklist(facts) if i.is_mandatory and not i.holds]
    return LiveView(account=facts.identity.name, missing=tuple(missing))
