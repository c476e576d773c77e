"""A strategy as an approved, versioned rule document (source 004 §5.1.1 and §6.3)."""

from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from engine.domain.account import Direction
from engine.domain.market import Timeframe

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Side(StrEnum):
    """Which directions a strategy may propose."""

    BUY = "buy"
    SELL = "sell"
    BOTH = "both"

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions to evaluate, in order."""
        if self is Side.BOTH:
            return (Direction.BUY, Direction.SELL)
        return (Direction(self.value),)


class MarketState(StrEnum):
    """How the market moves (source 002's market-state filter); see ``engine.gate.market_state``.

    ``UNKNOWN`` while there are too few candles to say.
    """

    TREND = "trend"
    RANGE = "range"
    CHAOTIC = "chaotic"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SessionWindow:
    """A span of the day on some weekdays, by the clock of ``zone``; it may run past midnight.

    A zone with summer time moves the window in UTC twice a year, as an exchange's hours do.
    """

    start: time
    end: time
    days: tuple[str, ...]
    zone: str = "UTC"

    def holds(self, instant: datetime) -> bool:
        """Whether the window is open at an instant; the start is in, the end is out."""
        if self.zone != "UTC":
            instant = instant.astimezone(ZoneInfo(self.zone))
        day, clock = instant.weekday(), instant.time()
        if self.start < self.end:
            return DAYS[day] in self.days and self.start <= clock < self.end
        if clock >= self.start:
            return DAYS[day] in self.days
        return clock < self.end and DAYS[day - 1] in self.days


@dataclass(frozen=True, slots=True)
class Condition:
    """One named predicate and its argument, written as in the document."""

    name: str
    argument: str


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Once the trade was ``at`` a distance beyond its entry, its stop goes to the entry, what it
    costs, and an offset beyond that.
    """

    at: str
    offset: str | None = None


@dataclass(frozen=True, slots=True)
class Trailing:
    """The stop follows the best price at a distance, in steps; from ``start`` on, or at once."""

    distance: str
    start: str | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True)
class PartialClose:
    """While the trade stands ``at`` a distance beyond its entry, so much of it is closed, once."""

    at: str
    percent: int


@dataclass(frozen=True, slots=True)
class ExitRules:
    """Where the trade ends: expressions, read by ``engine.strategies.exits``; and how it is led
    until then: distances, read by ``engine.strategies.stages``.
    """

    stop_loss: str
    take_profit: tuple[str, ...]
    time_limit_min: int | None = None
    break_even: BreakEven | None = None
    trailing: Trailing | None = None
    partial_close: tuple[PartialClose, ...] = ()

    @property
    def distances(self) -> tuple[str, ...]:
        """Every distance by which an open trade is led; none when it is left alone."""
        even, trail = self.break_even, self.trailing
        found = (
            *(() if even is None else (even.at, even.offset)),
            *(() if trail is None else (trail.distance, trail.start, trail.step)),
            *(stage.at for stage in self.partial_close),
        )
        return tuple(text for text in found if text is not None)


@dataclass(frozen=True, slots=True)
class ForbiddenConditions:
    """When a setup is left alone: minutes either side of high-impact news of these currencies, and
    while the market is in one of these states.
    """

    block_high_impact_news_minutes: int
    blocked_symbols_during_news: tuple[str, ...]
    market_states: tuple[MarketState, ...] = (MarketState.CHAOTIC, MarketState.DEAD)


@dataclass(frozen=True, slots=True)
class RiskCaps:
    """The strategy's own limits; the tighter of these and the global ones holds."""

    max_lot_size: Decimal
    max_concurrent_positions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """One version of one strategy. An edit makes the next version; this one never changes.

    ``setup`` names a setup written in Python (``engine.strategies.registry``) that is asked besides
    the conditions.
    """

    id: UUID
    version: int
    name: str
    is_active: bool
    timeframe: Timeframe
    direction: Side
    allowed_symbols: tuple[str, ...]
    session_windows: tuple[SessionWindow, ...]
    entry_conditions: tuple[Condition, ...]
    nice_to_have: tuple[Condition, ...]
    exit_rules: ExitRules
    forbidden_conditions: ForbiddenConditions
    risk_caps: RiskCaps
    rr_expectation: Decimal
    setup: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyVersion:
    """A version a strategy has, or had: who wrote it, when, and why."""

    strategy: Strategy
    by: str
    reason: str
    at: datetime
