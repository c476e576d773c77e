"""What is traded and what came of it (sources 001 and 004 §4.1): positions, orders, performance."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Literal

from bot.api.dashboard import PositionShown, position_shown
from bot.api.fields import Instant, Number, Symbol, Told
from bot.api.ideas import OrderTold, order_told
from bot.api.routing import Answer, Call, Routes
from bot.api.shapes import Limit, next_page
from engine.domain.order import ClosedTrade, OrderState
from engine.domain.person import Role
from engine.errors import BrokerSilent, InvalidInput
from engine.flow.performance import Performance

routes = Routes("trading")

Range = Literal["today", "week", "month"]


@dataclass(slots=True)
class Fill:
    """What the venue did with an order."""

    order_id: str
    broker_id: str
    symbol: str
    direction: Literal["buy", "sell"]
    price: Number
    lot_size: Number
    time: Instant


@dataclass(slots=True)
class Equity:
    """The account as it was seen."""

    time: Instant
    balance: Number
    equity: Number
    margin_used: Number
    margin_free: Number
    open_pl: Number
    open_positions: int


class Figures(Told):
    """What trades were worth. What cannot be said of so few is null; rates are parts of one,
    ``average_rr`` is the mean result in units of the risk that was taken.
    """

    trades: int
    wins: int
    losses: int
    total_pl: Number
    win_rate: Number | None
    average_rr: Number | None
    payoff: Number | None
    expectancy: Number | None
    profit_factor: Number | None
    max_drawdown: Number
    max_drawdown_percent: Number
    best: Number | None
    worst: Number | None
    composite_score: Number | None
    max_drawdown_seconds: int
    sharpe: Number | None
    sortino: Number | None
    calmar: Number | None
    sqn: Number | None


class Closed(Told):
    """A whole trade that ended; ``r`` is its result in units of its risk."""

    position_id: str
    symbol: str
    direction: Literal["buy", "sell"]
    lot_size: Number
    entry_price: Number
    exit_price: Number
    closed_pl: Number
    r: Number | None
    opened_at: Instant
    closed_at: Instant
    reason: str


class Point(Told):
    """The balance after a trade."""

    time: Instant
    balance: Number


class Analysis(Told):
    """A span of the broker's days: its figures, its trades and its balance (source 004 /analysis).

    ``weekly_target`` is 0 where there is none, and ``weekly_progress`` null then.
    """

    range: str
    first_day: date
    last_day: date
    since: Instant
    until: Instant
    figures: Figures
    weekly_pl: Number
    weekly_target: Number
    trades: list[Closed]
    curve: list[Point]
    weekly_progress: Number | None


@routes.get("/v1/trading/positions", role=Role.VIEWER)
async def positions(call: Call) -> list[PositionShown]:
    """Every open position, the oldest first, as the venue tells it now."""
    return await _positions(call)


@routes.get("/v1/trading/position", role=Role.VIEWER)
async def position(call: Call, symbol: Symbol | None = None) -> list[PositionShown]:
    """The open positions of a symbol; source 001's name, which knew one symbol."""
    return [held for held in await _positions(call) if symbol in (None, held.symbol)]


@routes.get("/v1/trading/orders", role=Role.VIEWER)
async def orders(
    call: Call, status: OrderState | None = None, before: Instant | None = None, limit: Limit = 100
) -> Answer[list[OrderTold]]:
    """Orders, newest first; ``before`` is a ``created_at``."""
    found = await call.uses.reads.trading.orders(
        call.person_id, state=status, before=before, limit=limit
    )
    last = found[-1].created_at.isoformat() if found else None
    headers = next_page(call, len(found) == limit, last)
    return Answer([order_told(order) for order in found], headers=headers)


@routes.get("/v1/trading/fills", role=Role.VIEWER)
async def fills(
    call: Call, before: Instant | None = None, limit: Limit = 100
) -> Answer[list[Fill]]:
    """What the venue filled, newest first; ``before`` is a ``time``."""
    found = await call.uses.reads.trading.fills(call.person_id, before=before, limit=limit)
    last = found[-1].time.isoformat() if found else None
    headers = next_page(call, len(found) == limit, last)
    return Answer([Fill(*line) for line in found], headers=headers)  # type: ignore[arg-type]


@routes.get("/v1/trading/equity/history", role=Role.VIEWER)
async def equity(
    call: Call, before: Instant | None = None, limit: Limit = 500
) -> Answer[list[Equity]]:
    """The account as it was seen at each decision, newest first; ``before`` is a ``time``."""
    found = await call.uses.reads.trading.equity(call.person_id, before=before, limit=limit)
    last = found[-1].time.isoformat() if found else None
    headers = next_page(call, len(found) == limit, last)
    return Answer([Equity(*line) for line in found], headers=headers)


@routes.get("/v1/trading/metrics", role=Role.VIEWER)
async def metrics(
    call: Call,
    range: Range | None = None,  # noqa: A002 -- the parameter's name
    first: date | None = None,
    last: date | None = None,
) -> Figures:
    """The figures of a span of the broker's days; without one, of this month."""
    found = await call.uses.talk.read_performance(call.person_id, span(range, first, last, "month"))
    return _figures(found)


@routes.get("/v1/analysis", role=Role.VIEWER)
async def analysis(
    call: Call,
    range: Range | None = None,  # noqa: A002 -- the parameter's name
    first: date | None = None,
    last: date | None = None,
) -> Analysis:
    """How trading went in a span: ``range``, or the days from ``first`` to ``last``; else today."""
    found = await call.uses.talk.read_performance(call.person_id, span(range, first, last, "today"))
    return Analysis(
        range=found.span.name,
        first_day=found.span.first,
        last_day=found.span.last,
        since=found.since,
        until=found.until,
        figures=_figures(found),
        weekly_pl=found.week,
        weekly_target=found.goal,
        trades=[_closed(trade, r) for trade, r in reversed(found.trades)],
        curve=[Point(time=at, balance=balance) for at, balance in found.curve],
        weekly_progress=found.progress,
    )


def span(
    name: Range | None, first: date | None, last: date | None, default: Range
) -> tuple[str, ...]:
    """The days that are asked for; raises :class:`InvalidInput` for two ways at once."""
    if first is None and last is None:
        return (name or default,)
    if name is not None or first is None or last is None:
        raise InvalidInput("give range, or first and last together", field="range")
    return (first.isoformat(), last.isoformat())


async def _positions(call: Call) -> list[PositionShown]:
    seen = await call.uses.talk.read_positions(call.person_id)
    if seen.account is None:
        raise BrokerSilent("the broker does not answer")
    return [position_shown(trade) for trade in seen.trades]


def _figures(found: Performance) -> Figures:
    measured = asdict(found.metrics)
    return Figures(
        total_pl=measured.pop("profit"),
        average_rr=measured.pop("average_r"),
        max_drawdown=measured.pop("drawdown"),
        max_drawdown_percent=measured.pop("drawdown_percent"),
        composite_score=measured.pop("composite"),
        max_drawdown_seconds=int(measured.pop("drawdown_duration").total_seconds()),
        **measured,
    )


def _closed(trade: ClosedTrade, r: Number | None) -> Closed:
    return Closed(
        position_id=trade.position_id,
        symbol=trade.symbol,
        direction=trade.direction.value,
        lot_size=trade.volume,
        entry_price=trade.entry_price,
        exit_price=trade.exit_price,
        closed_pl=trade.profit,
        r=r,
        opened_at=trade.opened_at,
        closed_at=trade.closed_at,
        reason=trade.reason,
    )
