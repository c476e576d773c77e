"""What lists show of stored things: columns, without the documents behind them.

Tuples, because a page has a hundred of them and is asked for every few seconds.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID


class HistoryLine(NamedTuple):
    """A record of the decision history (source 004 §6.5), then what we know beside it.

    ``id`` is the first half of the record's hash, ``number`` its place.
    """

    id: UUID
    occurred_at: datetime
    symbol: str | None
    action: str
    rationale: str
    confidence_score: Decimal | None
    risk_check_result: str | None
    strategy_id: UUID | None
    trade_idea_id: UUID | None
    snapshot_ref: str | None
    human_override: bool
    number: int
    actor: str
    market_time: datetime | None


class IdeaLine(NamedTuple):
    """A trade idea. ``time_limit_min`` is how long its trade may last at most, ``expires_at`` until
    when it waits for a person; None where nobody is asked or somebody answered.
    """

    id: UUID
    symbol: str
    direction: str
    entry_price: Decimal
    stop_loss: Decimal
    take_profit: tuple[Decimal, ...]
    time_limit_min: int | None
    rationale: str
    confidence_score: Decimal
    status: str
    number: int
    timeframe: str
    volume: Decimal
    strategy_id: UUID
    snapshot_ref: str
    created_at: datetime
    expires_at: datetime | None


class FillLine(NamedTuple):
    """What the venue did with an order; ``time`` is when."""

    order_id: str
    broker_id: str
    symbol: str
    direction: str
    price: Decimal
    volume: Decimal
    time: datetime


class EquityLine(NamedTuple):
    """The account as it was seen at an instant."""

    time: datetime
    balance: Decimal
    equity: Decimal
    margin_used: Decimal
    margin_free: Decimal
    open_profit: Decimal
    open_positions: int


class Board(NamedTuple):
    """The trading state, the goals, the broker's day and what waits, at one moment.

    ``day`` and the equities are None before the first look of the day; ``mark`` is the last record
    after which the account is another one, ``role`` is that of who looks.
    """

    state: str
    reason: str
    mode: str
    daily_profit_target: Decimal
    weekly_profit_target: Decimal
    max_drawdown_amount: Decimal
    min_confidence_threshold: Decimal
    max_concurrent_trades: int
    day: date | None
    start_equity: Decimal | None
    peak_equity: Decimal | None
    waiting: int
    mark: int
    role: str | None
