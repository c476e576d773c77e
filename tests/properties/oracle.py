"""The most important checks written a second time, from the product's contract alone.

Nothing of ``engine.gate`` is used. Limits are compared by multiplying out, never by dividing, so
that a limit that is met to the cent is met here.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from engine.domain.account import Direction, Position, TradingDay
from engine.domain.idea import Idea
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import Bundle, OpenOrder
from engine.domain.strategy import DAYS, Strategy

#: What a person's yes stands in for.
ASKS = frozenset(("mode", "confidence_threshold", "watchlist"))
#: How far a feed's clock may be ahead, in candles.
_AHEAD = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was judged: a trade at a price of now, and the price its card showed, if it had one."""

    bundle: Bundle
    strategy_id: UUID
    strategy_version: int
    direction: Direction
    entry: Decimal
    stop: Decimal
    targets: tuple[Decimal, ...]
    volume: Decimal
    score: Decimal
    card_entry: Decimal | None = None
    own: str | None = None


def asked_first(idea: Idea, bundle: Bundle, volume: Decimal) -> Asked:
    """An idea as it was made."""
    return Asked(
        bundle=bundle,
        strategy_id=idea.strategy_id,
        strategy_version=idea.strategy_version,
        direction=idea.proposal.direction,
        entry=idea.proposal.entry,
        stop=idea.proposal.stop_loss,
        targets=idea.proposal.take_profit,
        volume=volume,
        score=idea.confidence.score,
    )


def asked_again(idea: Idea, bundle: Bundle, volume: Decimal, own: str | None) -> Asked:
    """An idea judged again, at the price of the bundle."""
    assert bundle.quote is not None
    buys = idea.proposal.direction is Direction.BUY
    return Asked(
        bundle=bundle,
        strategy_id=idea.strategy_id,
        strategy_version=idea.strategy_version,
        direction=idea.proposal.direction,
        entry=bundle.quote.ask if buys else bundle.quote.bid,
        stop=idea.proposal.stop_loss,
        targets=idea.proposal.take_profit,
        volume=volume,
        score=idea.confidence.score,
        card_entry=idea.proposal.entry,
        own=own,
    )


def closed(asked: Asked) -> set[str]:
    """The codes of the checks that are closed."""
    bundle = asked.bundle
    strategy = next(s for s in bundle.strategies if s.id == asked.strategy_id)
    opened = {
        "state": str(bundle.control.state) == "running",
        "strategy": strategy.is_active and strategy.version == asked.strategy_version,
        "symbol_paused": bundle.symbol not in bundle.control.paused_symbols,
        "stop_loss": _between(asked),
        "session": in_session(strategy, bundle.instant),
        "spread": _spread(bundle),
        "news": _news(bundle, strategy),
        "stale_data": _fresh(bundle),
        "price_drift": _drift(asked),
        "lot_size": _lot(asked, strategy),
        "confidence_floor": asked.score >= bundle.settings.confidence_floor,
        "confidence_threshold": asked.score >= bundle.settings.min_confidence_threshold,
        "watchlist": bundle.symbol in bundle.settings.watchlist
        or bundle.settings.allow_off_watchlist_autotrade,
        "mode": str(bundle.control.mode) == "autonomous",
    } | _money(bundle)
    return {code for code, passed in (opened | _exposure(asked)).items() if not passed}


def _between(asked: Asked) -> bool:
    """The stop is behind the entry and every target before it."""
    if asked.direction is Direction.BUY:
        return asked.stop < asked.entry < min(asked.targets)
    return asked.stop > asked.entry > max(asked.targets)


def limit_reached(settings: RiskSettings, equity: Decimal, day: TradingDay) -> str | None:
    """The limit of the day that is reached, in the order in which they are named."""
    loss, fallen = day.start_equity - equity, day.peak_equity - equity
    if day.start_equity <= 0 or loss * 100 >= settings.max_daily_loss_percent * day.start_equity:
        return "daily_loss"
    if settings.halt_on_drawdown and fallen >= settings.max_drawdown_amount:
        return "max_drawdown"
    if _target(settings, -loss):
        return "daily_target_reached"
    return None


def _target(settings: RiskSettings, profit: Decimal) -> bool:
    target = settings.daily_profit_target
    return settings.stop_after_target and target > 0 and profit >= target


def _money(bundle: Bundle) -> dict[str, bool]:
    names = ("account", "daily_loss", "max_drawdown", "daily_target_reached")
    account, day, settings = bundle.account, bundle.day, bundle.settings
    if account is None or day is None:
        return dict.fromkeys(names, False)
    loss, fallen = day.start_equity - account.equity, day.peak_equity - account.equity
    oldest = bundle.instant - settings.max_data_age_candles * bundle.timeframe.length
    return {
        "account": account.id == day.account_id
        and account.captured_at >= oldest
        and bundle.instant.date() - day.day <= timedelta(days=1),
        "daily_loss": loss * 100 < settings.max_daily_loss_percent * day.start_equity,
        "max_drawdown": fallen < settings.max_drawdown_amount,
        "daily_target_reached": not _target(settings, -loss),
    }


def _exposure(asked: Asked) -> dict[str, bool]:
    bundle = asked.bundle
    others = open_besides(bundle, asked.own)
    same = [o for o in others if o.symbol == bundle.symbol and o.direction is asked.direction]
    unknown = [o for o in bundle.orders if o.state == "unknown" and o.symbol == bundle.symbol]
    return {
        "max_concurrent_trades": len(others) < bundle.settings.max_concurrent_trades,
        "open_position": len(same) < bundle.settings.max_trades_per_direction,
        "unknown_order": not unknown,
    }


def open_besides(bundle: Bundle, own: str | None) -> list[Position | OpenOrder]:
    """What is open or may be, besides one's own order and those queued behind it."""
    queue = sorted(
        (order.created_at, order.client_id) for order in bundle.orders if order.state == "intent"
    )
    behind: set[str | None] = {own} if own else set()
    place = next((i for i, (_, name) in enumerate(queue) if name == own), None)
    if place is not None:
        behind |= {name for _, name in queue[place:]}
    return [held for held in (*bundle.positions, *bundle.orders) if held.client_id not in behind]


def in_session(strategy: Strategy, instant: datetime) -> bool:
    """Whether a window of the strategy, in UTC, is open."""
    now, today = instant.time(), DAYS[instant.weekday()]
    yesterday = DAYS[(instant.weekday() - 1) % 7]
    for window in strategy.session_windows:
        if window.start < window.end:
            if today in window.days and window.start <= now < window.end:
                return True
        elif (today in window.days and now >= window.start) or (
            yesterday in window.days and now < window.end
        ):
            return True
    return False


def _spread(bundle: Bundle) -> bool:
    if bundle.quote is None:
        return False
    widest = bundle.settings.max_spread_pips * bundle.instrument.pip
    return bundle.quote.ask - bundle.quote.bid <= widest


def _news(bundle: Bundle, strategy: Strategy) -> bool:
    rule = strategy.forbidden_conditions
    minutes = rule.block_high_impact_news_minutes
    if bundle.calendar is None:
        return False
    if bundle.calendar.known_until < bundle.instant + timedelta(minutes=minutes):
        return False
    pair = {bundle.instrument.base, bundle.instrument.quote}
    return not any(
        abs(event.time - bundle.instant) < timedelta(minutes=minutes + 1)
        for event in bundle.calendar.events
        if str(event.impact) == "high"
        and event.currency in pair
        and event.currency in rule.blocked_symbols_during_news
    )


def _fresh(bundle: Bundle) -> bool:
    if bundle.quote is None:
        return False
    close = bundle.candles[-1].close
    if abs(bundle.quote.bid - close) * 5 > close:
        return False  # not the price of this symbol
    candle = bundle.timeframe.length
    ages = (
        bundle.instant - bundle.quote.time,
        bundle.instant - (bundle.candles[-1].time + candle),
    )
    oldest = bundle.settings.max_data_age_candles * candle
    return all(-candle * float(_AHEAD) <= age <= oldest for age in ages)


def _drift(asked: Asked) -> bool:
    if asked.card_entry is None:
        return True
    moved, risk = abs(asked.entry - asked.card_entry), abs(asked.card_entry - asked.stop)
    return moved <= asked.bundle.settings.max_drift_r * risk


def _lot(asked: Asked, strategy: Strategy) -> bool:
    instrument, settings = asked.bundle.instrument, asked.bundle.settings
    most = min(settings.max_lot_size, strategy.risk_caps.max_lot_size, instrument.volume_max)
    return (
        instrument.volume_min <= asked.volume <= most and asked.volume % instrument.volume_step == 0
    )
