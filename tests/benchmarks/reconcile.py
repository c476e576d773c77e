"""A thousand orders made equal to the venue's: open trades that are read, and lost answers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import perf_counter
from uuid import UUID

from engine.domain.order import OrderState
from engine.flow.reconcile import ResolveOrders
from storage.embedded import Servers
from storage.transaction import PostgresLedger
from tests import histories
from tests.benchmarks.common import report
from tests.builders import order as order_of

_ORDERS = 1_000
_LIMIT = 2.0


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """One trade of the venue, repeated; then as many orders that never arrived."""
    async with histories.scratch(servers, "reconcile"):
        made = await histories.desk()
        store, broker = made.world.store, made.world.broker
        quote = await made.world.market.quote("EURUSD")
        assert quote is not None
        far = replace(order_of(), stop_loss=quote.bid / 2, take_profit=(quote.bid * 2,))
        await broker.submit(far)
        async with PostgresLedger().open(f"paper:{broker.account_id}") as books:
            (one,) = books["positions"]
            books["positions"] = [{**one, "id": str(number)} for number in range(_ORDERS)]
        for name in ("first", "next"):
            began = perf_counter()
            await made.work.sync_broker()
            report(f"{_ORDERS} open trades, {name} look", perf_counter() - began, _LIMIT, "2 s")
        at = datetime.now(UTC) - timedelta(minutes=1)
        async with store.begin() as tx:
            for number in range(1, _ORDERS + 1):
                order = order_of(client_id=f"at-{number:024}", idea_id=UUID(int=number))
                await tx.orders.add(replace(order, state=OrderState.SENDING, sending_at=at))
        resolve = ResolveOrders(store=store, broker=broker, bell=made.bell, settle_seconds=0)
        began = perf_counter()
        ended = await resolve()
        assert [order.state for order in ended] == [OrderState.ABSENT] * _ORDERS
        report(f"{_ORDERS} lost orders looked up", perf_counter() - began, _LIMIT, "2 s")
