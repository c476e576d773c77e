"""Make our books equal the venue's: lost answers, open trades, closed trades, the day's limits."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from engine.domain.account import Account, TradingDay, day_of
from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.order import ClosedTrade, Order, OrderState
from engine.domain.state import Control
from engine.errors import BrokerSilent
from engine.flow.execution import record_absence, record_fill, record_silence
from engine.flow.ideas import card_notice
from engine.flow.latch import LATCHES, halt
from engine.flow.limits import breach
from engine.flow.position_records import cause_of
from engine.ports import Bell, Broker, Found, MarketData, NotFound, Store, Transaction
from engine.snapshot.canonical import plain

#: A SENDING order older than this has no attempt under way any more.
SETTLE_SECONDS = 15.0
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
#: A venue may report a close late; asking again for a little of the past costs nothing.
_OVERLAP = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveOrders:
    """Find out what became of orders whose answer was lost; nothing is ever sent here.

    An order that is not found ends in UNKNOWN, with an alert. Only a venue's proof that it can
    never appear turns UNKNOWN into ABSENT.
    """

    store: Store
    broker: Broker
    bell: Bell
    settle_seconds: float = SETTLE_SECONDS

    async def __call__(self) -> tuple[Order, ...]:
        async with self.store.begin() as tx:
            lost = await tx.orders.stuck(self.settle_seconds)
            unknown = await tx.orders.in_state(OrderState.UNKNOWN)
        return tuple([await self._resolve(order) for order in (*lost, *unknown)])

    async def _resolve(self, order: Order) -> Order:
        try:
            answer = await self.broker.look_up(order.client_id)
        except BrokerSilent as error:
            if order.state is OrderState.UNKNOWN:
                return order
            return await record_silence(self.store, self.bell, order, str(error))
        if isinstance(answer, Found):
            return await record_fill(self.store, self.bell, order, answer.fill)
        if order.state is OrderState.SENDING:
            reason = "the venue does not have it"
            order = await record_silence(self.store, self.bell, order, reason)
        if isinstance(answer, NotFound) and answer.proven:
            return await record_absence(self.store, self.bell, order)
        return order


async def measure(
    tx: Transaction, control: Control, account: Account, *, market_time: datetime, zone: tzinfo
) -> tuple[TradingDay, list[Entry]]:
    """The account's day with these figures, and the records of the halt they call for, if any; the
    caller holds the control.
    """
    today = market_time.astimezone(zone).date()
    day = day_of(await tx.settings.day(account.id), account, today)
    await tx.settings.save_day(day)
    _, settings = await tx.settings.risk()
    found = breach(settings, account, day) if control.state in LATCHES else None
    if found is None:
        return day, []
    facts = {"limit": plain(found)}
    return day, await halt(tx, control, found.reason, market_time=market_time, facts=facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncBroker:
    """Read the venue's truth: positions, ends of trades, equity; halt when a limit is reached.

    Answers the trades that were found closed. Raises :class:`BrokerSilent` when the venue does not
    answer; nothing is concluded from silence. ``zone`` is the broker's: its midnight begins the day
    the limits are measured on. A limit reached while paused halts as well, so that lifting the
    pause does not trade on into it.
    """

    store: Store
    broker: Broker
    market: MarketData
    bell: Bell
    zone: tzinfo = UTC

    async def __call__(self) -> tuple[ClosedTrade, ...]:
        async with self.store.begin() as tx:
            last = await tx.orders.closed(since=None, limit=1)
        after = last[0].closed_at - _OVERLAP if last else _BEGINNING
        account = await self.broker.account()
        positions = await self.broker.positions()
        ended = await self.broker.closed_since(after)
        market_time = await self.market.instant()
        async with self.store.begin() as tx:
            # Before the control is ours: whoever stops the trading waits for it.
            known = await tx.orders.ended([trade.position_id for trade in ended])
            unknown = [trade for trade in ended if trade.position_id not in known]
            control = await tx.controls.take()
            await tx.heartbeats.beat(f"broker:{account.id}")
            await tx.orders.save_positions(positions)
            named = [await self._named(tx, trade) for trade in unknown]
            new = [trade for trade in named if await tx.orders.close_position(trade)]
            entries = [await self._closed_entry(tx, trade) for trade in new]
            _, halted = await measure(tx, control, account, market_time=market_time, zone=self.zone)
            await tx.history.extend(entries + halted)
        if new or halted:
            await self.bell.ring("deliver")
        return tuple(new)

    async def _named(self, tx: Transaction, trade: ClosedTrade) -> ClosedTrade:
        """The trade with the rule of ours that closed it as its reason, where one did."""
        if trade.reason != "manual":
            return trade
        position_id = trade.position_id.partition("/")[0]
        asked = await tx.position_orders.of_position(self.broker.account_id, position_id)
        return replace(trade, reason=cause_of(trade, asked) or trade.reason)

    async def _closed_entry(self, tx: Transaction, trade: ClosedTrade) -> Entry:
        order = await tx.orders.find(trade.client_id) if trade.client_id else None
        await tx.outbox.tell(
            Notice(
                kind=Kind.TRADE_CLOSED,
                key=f"closed:{trade.position_id}",
                priority=Priority.TRADE,
                detail={
                    "position_id": trade.position_id,
                    "client_id": trade.client_id,
                    "idea_id": str(order.idea_id) if order else None,
                },
                reason=trade.reason,
            ),
            Audience(),
        )
        if order is not None:
            await tx.outbox.tell(
                card_notice(order.idea_id, f"closed:{trade.position_id}"), Audience()
            )
        return Entry(
            action=Action.POSITION_CLOSED,
            occurred_at=await tx.now(),
            actor="broker",
            symbol=trade.symbol,
            market_time=trade.closed_at,
            rationale=f"{trade.reason} at {trade.exit_price}, {_result(trade)}",
            idea_id=order.idea_id if order else None,
            detail={"trade": plain(trade)},
        )


def _result(trade: ClosedTrade) -> str:
    """The profit, and what it is made of where the venue took or gave something."""
    profit = f"profit {trade.profit}"
    if not trade.commission and not trade.swap:
        return profit
    return f"{profit} (gross {trade.gross}, commission {trade.commission}, swap {trade.swap})"
