"""Checks of the market: hours, spread, news, how it moves, and whether the data can be trusted."""

from datetime import datetime, timedelta
from decimal import Decimal

from engine.domain.gate import Check
from engine.domain.strategy import MarketState, SessionWindow
from engine.domain.values import quantize
from engine.gate.case import CONTRADICTORY, MISSING, Finding, Scene, scene_check
from engine.gate.market_state import market_state
from engine.gate.news import minutes_to_news

#: How far ahead of us a feed's clock may run, in candles.
_AHEAD = 0.01
#: A quote this part of the price away from the last close is of another symbol or another unit.
_APART = Decimal("0.2")
_KNOWN_STATES = tuple(state for state in MarketState if state is not MarketState.UNKNOWN)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@scene_check(Check.SESSION)
def _session(scene: Scene) -> Finding:
    now = scene.bundle.instant
    windows = scene.strategy.session_windows
    return any(w.holds(now) for w in windows), clock_of(now), spans_of(windows)


def clock_of(now: datetime) -> str:
    """An instant as the check of the session tells it."""
    return f"{_DAYS[now.weekday()]} {now.hour:02}:{now.minute:02}Z"


def spans_of(windows: tuple[SessionWindow, ...]) -> str:
    """The hours a strategy keeps, as the check of the session tells them."""
    return ", ".join(map(_span, windows))


def _span(window: SessionWindow) -> str:
    start, end = window.start, window.end
    zone = "Z" if window.zone == "UTC" else f" {window.zone}"
    return f"{start.hour:02}:{start.minute:02}-{end.hour:02}:{end.minute:02}{zone}"


@scene_check(Check.SPREAD)
def _spread(scene: Scene) -> Finding:
    limit = scene.bundle.settings.max_spread_pips
    if scene.bundle.quote is None:
        return False, MISSING, str(limit)
    pips = scene.bundle.instrument.pips(scene.bundle.quote.spread)
    return pips <= limit, str(quantize(pips, 1)), str(limit)


@scene_check(Check.NEWS)
def _news(scene: Scene) -> Finding:
    rule = scene.strategy.forbidden_conditions
    limit = rule.block_high_impact_news_minutes
    calendar = scene.bundle.calendar
    # What comes within the limit must be known too, or "none" only means that nobody looked.
    horizon = scene.bundle.instant + timedelta(minutes=limit)
    if calendar is None or calendar.known_until < horizon:
        return False, MISSING, str(limit)
    blocked = scene.bundle.instrument.currencies & frozenset(rule.blocked_symbols_during_news)
    near = minutes_to_news(scene.bundle, blocked)
    return near is None or near > limit, "none" if near is None else str(near), str(limit)


@scene_check(Check.MARKET_STATE)
def _market_state(scene: Scene) -> Finding:
    """Source 002's market-state filter; a state that cannot be told is never an allowed one."""
    forbidden = scene.strategy.forbidden_conditions.market_states
    return judged_state(market_state(scene.bundle), forbidden)


def judged_state(state: MarketState, forbidden: tuple[MarketState, ...]) -> Finding:
    """What the check of the market's state finds in one."""
    known = state is not MarketState.UNKNOWN or not forbidden
    limit = "/".join(kind for kind in _KNOWN_STATES if kind not in forbidden)
    return known and state not in forbidden, state.value if known else MISSING, limit


@scene_check(Check.STALE_DATA)
def _stale_data(scene: Scene) -> Finding:
    bundle = scene.bundle
    limit = bundle.settings.max_data_age_candles
    if bundle.quote is None or not bundle.candles:
        return False, MISSING, str(limit)
    last = bundle.candles[-1]
    if not abs(bundle.quote.bid - last.close) <= _APART * last.close:
        return False, CONTRADICTORY, str(limit)
    closed = last.time + bundle.timeframe.length
    ages = [
        (bundle.instant - seen) / bundle.timeframe.length for seen in (closed, bundle.quote.time)
    ]
    # Data from the future is as wrong as old data.
    worst = max(ages) if min(ages) >= -_AHEAD else min(ages)
    return -_AHEAD <= worst <= limit, f"{worst:.1f}", str(limit)


@scene_check(Check.DATA_READY)
def _data_ready(scene: Scene) -> Finding:
    """Source 001's TRADING_REQUIRE_DATA_READY: enough candles to have warmed up on."""
    count, least = len(scene.bundle.candles), scene.bundle.settings.min_candles
    return count >= least, str(count), str(least)
