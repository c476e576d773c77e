"""How trading went over a span of the broker's days: figures, the curve, and every closed trade."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from itertools import accumulate

from engine.domain.account import Account
from engine.domain.order import ClosedTrade, Order, together
from engine.domain.person import Role
from engine.errors import BrokerSilent, InvalidInput
from engine.flow.latch import market_or_wall
from engine.flow.people import person_at_least
from engine.ports import Broker, MarketData, Store
from engine.scoring.metrics import Metrics, Trade, measure

#: Trades of one report at most; a longer past is exported.
MOST_TRADES = 5_000
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """The broker's days from ``first`` to ``last``, both included; ``name`` is today, week, month
    or days.
    """

    name: str
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """The figures of a span. ``trades`` are whole trades, the oldest first, with what each made in
    units of its risk; ``curve`` the balance after each; ``week`` what the week has made so far and
    ``goal`` what it should, zero for none, ``progress`` the one as a part of the other. ``account``
    is None while the broker does not answer.
    """

    span: Span
    since: datetime
    until: datetime
    account: Account | None
    metrics: Metrics
    trades: tuple[tuple[ClosedTrade, Decimal | None], ...]
    curve: tuple[tuple[datetime, Decimal], ...]
    week: Decimal
    goal: Decimal

    @property
    def progress(self) -> Decimal | None:
        """How much of the week's goal is reached, as a part of one; None without a goal."""
        return self.week / self.goal if self.goal > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPerformance:
    """Measure a span, by its name or by two days. ``person_id`` None is the machine itself."""

    store: Store
    broker: Broker
    market: MarketData
    zone: tzinfo = UTC

    async def __call__(self, person_id: int | None, wanted: Sequence[str] = ()) -> Performance:
        now = await market_or_wall(self.store, self.market)
        today = now.astimezone(self.zone).date()
        span = span_of(wanted, today)
        monday = today - today.weekday() * _DAY
        since, until = self._start(span.first), self._start(span.last + _DAY)
        account = await self._account()
        async with self.store.begin() as tx:
            if person_id is not None:
                await person_at_least(tx, person_id, Role.VIEWER)
            earliest = min(since, self._start(monday))
            closed = await tx.orders.closed(since=earliest, limit=MOST_TRADES)
            ids = {trade.client_id for trade in closed if trade.client_id is not None}
            orders = {order.client_id: order for order in await tx.orders.many(sorted(ids))}
            _, settings = await tx.settings.risk()
        later = [trade for trade in closed if trade.closed_at >= since]
        mine = [trade for trade in reversed(later) if trade.closed_at < until]
        balance = account.balance if account is not None else Decimal(0)
        start = balance - sum((trade.profit for trade in later), Decimal(0))
        trades = [(t, in_risk(t, orders.get(t.client_id or ""))) for t in whole(mine)]
        measured = [Trade(closed_at=t.closed_at, profit=t.profit, r=r) for t, r in trades]
        balances = accumulate((trade.profit for trade, _ in trades), initial=start)
        moments = (since, *(trade.closed_at for trade, _ in trades))
        week = (t.profit for t in closed if t.closed_at >= self._start(monday))
        return Performance(
            span=span,
            since=since,
            until=until,
            account=account,
            metrics=measure(measured, start=start, since=since, zone=self.zone),
            trades=tuple(trades),
            curve=tuple(zip(moments, balances, strict=True)),
            week=sum(week, Decimal(0)),
            goal=settings.weekly_profit_target,
        )

    def _start(self, day: date) -> datetime:
        """The broker's midnight."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    async def _account(self) -> Account | None:
        try:
            return await self.broker.account()
        except BrokerSilent:
            return None


def span_of(wanted: Sequence[str], today: date) -> Span:
    """The days a person asks for: nothing or ``today``, ``week``, ``month``, or two dates.

    Raises :class:`InvalidInput` with an example for anything else.
    """
    match [part.lower() for part in wanted]:
        case [] | ["today"]:
            return Span("today", today, today)
        case ["week"]:
            return Span("week", today - today.weekday() * _DAY, today)
        case ["month"]:
            return Span("month", today.replace(day=1), today)
        case [first, last]:
            return _days(first, last)
    raise _unreadable(" ".join(wanted))


def _days(first: str, last: str) -> Span:
    try:
        span = Span("days", date.fromisoformat(first), date.fromisoformat(last))
    except ValueError as error:
        raise _unreadable(f"{first} {last}") from error
    if span.first > span.last or span.last.year > 9_000:
        raise _unreadable(f"{first} {last}")
    return span


def _unreadable(text: str) -> InvalidInput:
    return InvalidInput(
        f"{text[:40]!r} is no span of days; write today, week, month or 2026-01-01 2026-01-31",
        span=text[:40],
    )


def whole(trades: Sequence[ClosedTrade]) -> list[ClosedTrade]:
    """Trades of one order as the one trade they were, in the order in which they ended."""
    parts: dict[str, list[ClosedTrade]] = {}
    for trade in trades:
        parts.setdefault(trade.client_id or f"position {trade.position_id}", []).append(trade)
    return sorted((together(part) for part in parts.values()), key=lambda trade: trade.closed_at)


def in_risk(trade: ClosedTrade, order: Order | None) -> Decimal | None:
    """The price's way from entry to exit in units of the way from entry to the order's stop."""
    if order is None:
        return None
    risk = abs(trade.entry_price - order.stop_loss)
    moved = (trade.exit_price - trade.entry_price) * trade.direction.sign
    return moved / risk if risk else None
