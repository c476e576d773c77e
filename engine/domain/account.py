"""An account as its venue reports it, its open positions, and its day."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from enum import StrEnum

from engine.domain.values import bounded

_NOTHING = Decimal(0)


class Direction(StrEnum):
    """Which way a trade goes."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 when a rising price earns, -1 when a falling one does."""
        return 1 if self is Direction.BUY else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An open trade at the venue. ``client_id`` names the order of ours it came from, if any.

    ``profit`` is what it would make now, in account currency, after those costs that the venue
    tells: ``commission`` and ``swap`` are parts of it, below zero where they cost.
    """

    id: str
    symbol: str
    direction: Direction
    volume: Decimal
    entry_price: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None
    opened_at: datetime
    profit: Decimal
    client_id: str | None = None
    strategy_id: str | None = None
    commission: Decimal = Decimal(0)
    swap: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Money, in the account's currency."""

    id: str
    currency: str
    balance: Decimal
    equity: Decimal
    margin_used: Decimal
    margin_free: Decimal
    open_profit: Decimal
    captured_at: datetime

    @property
    def margin_level(self) -> Decimal | None:
        """Equity in per cent of the margin used; None while none is."""
        return self.equity * 100 / self.margin_used if self.margin_used > 0 else None

    def __post_init__(self) -> None:
        for name in ("balance", "equity", "margin_used", "margin_free", "open_profit"):
            bounded(getattr(self, name), field=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingDay:
    """The broker's day so far: equity where it began and at its best."""

    account_id: str
    day: date
    start_equity: Decimal
    peak_equity: Decimal

    def profit(self, equity: Decimal) -> Decimal:
        """Equity gained since the day began; negative is a loss."""
        return equity - self.start_equity

    def loss_percent(self, equity: Decimal) -> Decimal:
        """The day's loss as a percentage of its starting equity; zero when there is none.

        A day that began with nothing to lose has lost it all.
        """
        if not self.start_equity > 0:
            return Decimal(100)
        return max(_NOTHING, -self.profit(equity)) * 100 / self.start_equity

    def drawdown(self, equity: Decimal) -> Decimal:
        """How far equity fell from the day's best, in money."""
        return max(_NOTHING, self.peak_equity - equity)


def day_of(before: TradingDay | None, account: Account, today: date) -> TradingDay:
    """The account's day now: begun anew at the broker's midnight, and kept at its best equity.

    Whoever read the market's time before midnight does not turn the day back.
    """
    return day_with(before, account.id, account.equity, today)


def day_with(
    before: TradingDay | None, account_id: str, equity: Decimal, today: date
) -> TradingDay:
    """The same, of an account's equity alone."""
    if before is None or today > before.day:
        return TradingDay(account_id=account_id, day=today, start_equity=equity, peak_equity=equity)
    if not equity > before.peak_equity:
        return before
    return replace(before, peak_equity=equity)


def day_start(instant: datetime, zone: tzinfo) -> datetime:
    """When the broker's day of an instant began, in UTC.

    Where clocks skip midnight, the day begins when they do.
    """
    return datetime.combine(instant.astimezone(zone).date(), time(), zone).astimezone(UTC)
