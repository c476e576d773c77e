"""A thousand orders whose answers were lost, at the start: each looked up and brought to its end.

``lost-answers`` at the paper venue; ``lost-answers mt5 [COUNT]`` at another one's stand-in, where
no order ever arrived, so that each look-up goes all the way to its proof.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

from engine.domain.order import Fill, Order, OrderState
from engine.flow.reconcile import ResolveOrders
from engine.snapshot.canonical import plain
from storage.embedded import Servers
from storage.transaction import PostgresLedger
from tests import histories
from tests.benchmarks.common import report
from tests.builders import order as order_of
from tests.chaos.venues import kind

_ORDERS, _LIMIT = 1_000, 2.0


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Half of them were being sent, half were unknown; at the paper venue nine of ten arrived."""
    venue = arguments[0] if arguments else "paper"
    count = int(arguments[1]) if arguments[1:] else _ORDERS
    async with histories.scratch(servers, "lost_answers") as (url, _):
        made = await histories.desk()
        store, resolve = made.world.store, made.work.resolve_orders
        async with _venue(venue, url, made) as broker:
            orders = await _lost(store, broker.account_id, count)
            if venue == "paper":
                await _filled(broker, [order for order in orders if int(order.idea_id) % 10])
            await _resolved(replace(resolve, broker=broker), f"{venue}: {count} lost answers")


async def _resolved(resolve: ResolveOrders, name: str) -> None:
    """Turn after turn, until no outcome is open or the venue proves no more."""
    began, turns, left = perf_counter(), 0, 1
    ended: Counter[str] = Counter()
    while left and turns < 3:
        turns += 1
        for order in await resolve():
            ended[str(order.state)] += 1
        async with resolve.store.begin() as tx:
            left = len(await tx.orders.unproven())
    report(f"{name}, {turns} turns", perf_counter() - began, _LIMIT, "2 s")
    print(f"  {dict(ended)}, {left} left")


@asynccontextmanager
async def _venue(name: str, url: str, made: Any) -> AsyncIterator[Any]:
    if name == "paper":
        yield made.world.broker
        return
    async with kind(name).serve(url) as site:
        yield kind(name).broker(site.told(), made.world.store, PostgresLedger())


async def _lost(store: Any, account_id: str, count: int) -> list[Order]:
    """Orders that a process left behind a minute ago."""
    before = datetime.now(UTC) - timedelta(minutes=1)
    orders = []
    for number in range(count):
        intent = replace(
            order_of(), client_id=f"at-{number:024}", idea_id=UUID(int=number),
            account_id=account_id, created_at=before, valid_until=before + timedelta(seconds=30),
        )  # fmt: skip
        sending = replace(intent.move(OrderState.SENDING), sending_at=before)
        async with store.begin() as tx:
            await tx.orders.add(intent)
            await tx.orders.swap(intent, sending)
            if number % 2:
                unknown = sending.move(OrderState.UNKNOWN, reason="no answer")
                await tx.orders.swap(sending, unknown)
        orders.append(sending)
    return orders


async def _filled(broker: Any, orders: Sequence[Order]) -> None:
    """They arrived, and the venue's books know them."""
    async with PostgresLedger().open(f"paper:{broker.account_id}") as books:
        books["orders"] = {
            order.client_id: plain(
                Fill(
                    client_id=order.client_id,
                    broker_id=str(number),
                    price=order.stop_loss,
                    volume=order.volume,
                    time=order.created_at,
                )
            )
            for number, order in enumerate(orders, 1)
        }
