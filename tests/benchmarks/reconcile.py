"""A thousand open trades read at the venue and made equal in our books."""

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from storage.embedded import Servers
from storage.transaction import PostgresLedger
from tests import histories
from tests.benchmarks.common import report
from tests.builders import order as order_of

_ORDERS = 1_000
_LIMIT = 2.0


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """One trade of the venue, repeated: what is new at the first look is known at the next."""
    async with histories.scratch(servers, "reconcile"):
        made = await histories.desk()
        broker = made.world.broker
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
