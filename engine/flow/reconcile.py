"""Make our books equal the venue's: lost answers, open trades, closed trades, the day's limits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TypeVar, cast

from engine.domain.account import Account, TradingDay, day_of
from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.order import ClosedTrade, Order, OrderState
from engine.domain.state import Control
from engine.errors import BrokerSilent, FeedError
from engine.flow.ideas import card_notice
from engine.flow.latch import LATCHES, halt
from engine.flow.limits import breach
from engine.flow.order_outcomes import Outcome, absent, filled, record, silent
from engine.flow.position_records import cause_of
from engine.flow.vanished import USUAL, Patience, give_up
from engine.ports import (
    Bell,
    Broker,
    Found,
    ManyLookUps,
    MarketData,
    NotFound,
    Store,
    Transaction,
)
from engine.snapshot.canonical import plain

#: A SENDING order older than this has no attempt under way any more.
SETTLE_SECONDS = 15.0
#: Orders whose answers are asked for and committed together, and how long one may wait for others.
_AT_ONCE, _TOGETHER_SECONDS = 100, 1.0
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
#: A venue may report a close late; asking again for a little of the past costs nothing.
_OVERLAP = timedelta(days=3)

T = TypeVar("T")
Answer = Found | NotFound | BrokerSilent


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
        ended: list[Order] = []
        orders = [*lost, *unknown]
        for start in range(0, len(orders), _AT_ONCE):
            ended += await self._resolve(orders[start : start + _AT_ONCE])
        return tuple(ended)

    async def _resolve(self, orders: Sequence[Order]) -> list[Order]:
        """Orders as they stand after a look-up of each, in their order. What was learned is
        committed together, but not much later than it was learned.
        """
        ended: list[Order] = []
        learned: list[list[Outcome]] = []
        timer = asyncio.get_running_loop().time
        since = timer()
        async for order, answer in self._answers(orders):
            steps = _outcomes(order, answer)
            learned.append(steps)
            ended.append(steps[-1].after if steps else order)
            if timer() - since > _TOGETHER_SECONDS:
                await self._record(learned)
                learned, since = [], timer()
        await self._record(learned)
        return ended

    async def _record(self, learned: Sequence[Sequence[Outcome]]) -> None:
        """First steps, then second ones: an order that is proven absent was unknown before, for
        everybody to see.
        """
        for number in range(2):
            await record(self.store, self.bell, [s[number] for s in learned if len(s) > number])

    async def _answers(self, orders: Sequence[Order]) -> AsyncIterator[tuple[Order, Answer]]:
        # By its class: what only passes on what it does not know may answer otherwise itself.
        if issubclass(type(self.broker), ManyLookUps):
            asked = cast(ManyLookUps, self.broker)
            many = await _asked(asked.look_up_many([order.client_id for order in orders]))
            for order in orders:
                yield order, many if isinstance(many, BrokerSilent) else many[order.client_id]
            return
        for order in orders:
            yield order, await _asked(self.broker.look_up(order.client_id))


async def _asked(question: Awaitable[T]) -> T | BrokerSilent:
    try:
        return await question
    except BrokerSilent as error:
        return error


def _outcomes(order: Order, answer: Answer) -> list[Outcome]:
    """What an answer about an order makes of it, step by step."""
    if isinstance(answer, Found):
        return [filled(order, answer.fill)]
    steps = []
    if order.state is OrderState.SENDING:
        silence = isinstance(answer, BrokerSilent)
        steps.append(silent(order, str(answer) if silence else "the venue does not have it"))
        order = steps[-1].after
    if isinstance(answer, NotFound) and answer.proven:
        steps.append(absent(order))
    return steps


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
    patience: Patience = USUAL

    async def __call__(self) -> tuple[ClosedTrade, ...]:
        async with self.store.begin() as tx:
            last = await tx.orders.closed(since=None, limit=1)
            overdue = await self.patience.over(tx, self.broker.account_id)
        after = last[0].closed_at - _OVERLAP if last else _BEGINNING
        # Of a trade that is missed the whole history since it was opened is asked for.
        after = min((after, *(held.opened_at - _OVERLAP for held in overdue)))
        account = await self.broker.account()
        positions = await self.broker.positions()
        ended = await self.broker.closed_since(after)
        market_time = await self._market_time()
        async with self.store.begin() as tx:
            # Before the control is ours: whoever stops the trading waits for it.
            known = await tx.orders.ended([trade.position_id for trade in ended])
            unknown = [trade for trade in ended if trade.position_id not in known]
            control = await tx.controls.take()
            await tx.heartbeats.beat(f"broker:{account.id}")
            await tx.orders.save_positions(positions)
            shown = {held.id for held in positions}
            await tx.missed.look(account.id, shown)
            named = [await self._named(tx, trade) for trade in unknown]
            new = [trade for trade in named if await tx.orders.close_position(trade)]
            entries = [await self._closed_entry(tx, trade) for trade in new]
            _, halted = await measure(tx, control, account, market_time=market_time, zone=self.zone)
            lost = await give_up(tx, overdue, shown, market_time)
            await tx.history.extend(entries + lost + halted)
        if new or lost or halted:
            await self.bell.ring("deliver")
        return tuple(new)

    async def _market_time(self) -> datetime:
        """Which day it is at the venue; without that its figures say nothing about the limits."""
        try:
            return await self.market.instant()
        except FeedError as error:
            raise BrokerSilent(str(error)) from error

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
