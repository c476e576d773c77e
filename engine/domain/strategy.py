"""A strategy as an approved, versioned rule document (source 004 §5.1.1 and §6.3)."""

from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

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


@dataclass(frozen=True, slots=True)
class SessionWindow:
    """A span of the day, in UTC, on some weekdays; it may run past midnight."""

    start: time
    end: time
    days: tuple[str, ...]

    def holds(self, instant: datetime) -> bool:
        """Whether the window is open at an instant; the start is in, the end is out."""
        day, clock = instant.weekday(), instant.time().replace(tzinfo=None)
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
class ExitRules:
    """Where the trade ends: expressions, read by ``engine.strategies.exits``."""

    stop_loss: str
    take_profit: tuple[str, ...]
    time_limit_min: int | None = None


@dataclass(frozen=True, slots=True)
class ForbiddenConditions:
    """When a setup is left alone: minutes either side of high-impact news of these currencies."""

    block_high_impact_news_minutes: int
    blocked_symbols_during_news: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RiskCaps:
    """The strategy's own limits; the tighter of these and the global ones holds."""

    max_lot_size: Decimal
    max_concurrent_positions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """One version of one strategy. An edit makes the next version; this one never changes."""

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
