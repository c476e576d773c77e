"""A backtest that somebody wants, and a run of it as it is kept."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from engine.domain.market import Timeframe
from engine.errors import InvalidInput

#: What an account starts with when nothing else is said.
BALANCE = Decimal(10_000)
#: An order that is longer on its way is none that anybody sends: less than the shortest candle.
LONGEST_LATENCY_MS = 30_000


class Resume(StrEnum):
    """When a limit that halted trading is lifted: by nobody, or when the next day begins."""

    NEVER = "never"
    DAILY = "daily"


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What dealing costs in a run. Spread and slippage in pips; ``commission_per_lot`` in account
    currency at each side; a swap in points for a lot and a night, below zero is a cost; without
    ``leverage`` the symbol's usual margin is asked. ``latency_ms`` is how long an order is on its
    way: it is dealt at the price of its arrival.
    """

    spread_pips: Decimal = Decimal("0.8")
    slippage_pips: Decimal = Decimal("0.1")
    commission_per_lot: Decimal = Decimal(0)
    swap_long: Decimal = Decimal(0)
    swap_short: Decimal = Decimal(0)
    leverage: Decimal = Decimal(0)
    latency_ms: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        if not 0 <= self.latency_ms <= LONGEST_LATENCY_MS:
            raise InvalidInput(
                f"latency_ms must be from 0 to {LONGEST_LATENCY_MS}", field="latency_ms"
            )
        for name in ("spread_pips", "slippage_pips", "commission_per_lot", "leverage"):
            if not 0 <= getattr(self, name) <= 10_000:
                raise InvalidInput(f"{name} must be from 0 to 10000", field=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to try. ``strategy`` is a name, None for all that are on. ``since`` is
    the first candle that is judged and ``until`` the first that is not played; None for all there
    are. ``quiet`` assumes that no news were released. ``changes`` are settings to try, by name.
    """

    symbol: str
    timeframe: Timeframe
    strategy: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    costs: Costs = Costs()
    balance: Decimal = BALANCE
    resume: Resume = Resume.DAILY
    approves: bool = True
    quiet: bool = False
    changes: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.balance <= 10**9:
            raise InvalidInput("the starting balance must be above zero", field="balance")
        if self.since is not None and self.until is not None and not self.since < self.until:
            raise InvalidInput("the period ends before it begins", field="until")


class RunState(StrEnum):
    """How a run stands. ``broken_off`` is one whose worker died: it can be started again."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    BROKEN_OFF = "broken_off"


#: A run is under way in these.
UNDER_WAY = (RunState.WAITING, RunState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRun:
    """A run: who wants what, how far it is, and what it came to. ``person_id`` None is the machine,
    ``message_id`` the message of the chat that shows it. ``done`` and ``total`` count candles;
    ``report`` is the report as JSON, None while there is none, ``problem`` why it failed.
    ``cancelled`` is whether somebody asked it to stop.
    """

    id: UUID
    person_id: int | None
    message_id: int | None = None
    wish: Wish
    state: RunState
    asked_at: datetime
    changed_at: datetime
    done: int = 0
    total: int = 0
    cancelled: bool = False
    report: dict[str, Any] | None = None
    problem: str | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether it may still change."""
        return self.state in UNDER_WAY

    @property
    def percent(self) -> int:
        """How much of it is done, 0 to 100."""
        return 100 * self.done // self.total if self.total else 0
