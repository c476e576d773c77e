"""Many orders, one attempt each, in bad weather: ``placements --orders 1000 --venue binance``.

So many are sent; those that an adapter kept back, because the venue wants a pause, come on top.

The orders are released without the gate, which has runs of its own; the attempt, its record and the
looking up are the product's, the adapter is the real one. At the end each order was dealt at most
once, each attempt ended ACKED, REJECTED or UNKNOWN, and of each UNKNOWN everybody was told.
"""

import argparse
import asyncio
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from tortoise import connections

from broker.feeds.recorded import RecordedMarket, shipped_recording
from engine.domain.account import Direction
from engine.domain.order import Order, OrderState
from engine.errors import BrokerSilent
from engine.flow.execution import SendOrder
from engine.flow.reconcile import ResolveOrders
from engine.ports import NotFound
from storage.database import open_database
from storage.transaction import PostgresLedger, PostgresStore
from tests.builders import order as order_of
from tests.chaos import deaths, harness
from tests.chaos.alone import report
from tests.chaos.driver import START, Bell
from tests.chaos.venues import KINDS, kind
from tests.chaos.venues.site import Running, quote, site
from tests.conftest import running_servers

_SIDE_BY_SIDE = 3
_ENDS = (OrderState.ACKED, OrderState.REJECTED, OrderState.UNKNOWN)
#: A terminal is told of a command again when its lease is over.
_ROUNDS, _PAUSE = 90, 0.7
#: What an adapter says of an order that never left it, as while the venue wants a pause.
_KEPT = "nothing was sent"


class _NoRules:
    """The rules are what they were: there is no gate here."""

    async def same_rules(self, *_: Any) -> bool:
        return True


@dataclass
class Placed:
    """What a run came to."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    made: int = 0


async def run(url: str, running: Running, venue: str, *, orders: int, seed: int) -> Placed:
    """Place so many on a filled database."""
    chance, found = Random(seed), Placed()
    async with open_database(url, pool=6):
        ledger, store = PostgresLedger(), PostgresStore()
        market = RecordedMarket(shipped_recording(), ledger, start=START)
        price = await market.quote("EURUSD")
        assert price is not None
        await quote(running.told, str(price.bid), str(price.ask))
        made: Any = kind(venue).broker(running.told, store, ledger)
        sender = SendOrder(collect=_NoRules(), store=store, broker=made, bell=Bell())  # type: ignore[arg-type]
        running.weather(1)
        numbers = count(1)
        ways = [Direction(way) for way in kind(venue).WAYS]

        async def place() -> None:
            while found.counts["orders sent"] < orders:
                number = found.made = next(numbers)
                wanted = _order(number, made.account_id, chance.choice(ways), price.bid)
                await _one(sender, store, wanted, found)

        await asyncio.gather(*(place() for _ in range(_SIDE_BY_SIDE)))
        running.weather(0)
        await _look_up(store, made, found)
        await _audit(running, found)
    return found


def _order(number: int, account: str, way: Direction, price: Any) -> Order:
    far = way.sign * price / 20
    made = order_of(
        client_id=f"at-{number:024}", idea_id=UUID(int=number), account_id=account,
        direction=way, stop_loss=round(price - far, 5), take_profit=(round(price + far, 5),),
    )  # fmt: skip
    # A little more than a hundredth each: what fees take is less than a step.
    return replace(
        made,
        created_at=datetime.now(UTC),
        valid_until=datetime.now(UTC) + timedelta(minutes=1),
    )


async def _one(sender: SendOrder, store: Any, wanted: Order, found: Placed) -> None:
    sending = replace(wanted.move(OrderState.SENDING), sending_at=datetime.now(UTC))
    async with store.begin() as tx:
        await tx.orders.add(wanted)
        assert await tx.orders.swap(wanted, sending)
    ended = await sender._attempt(sending, None)  # type: ignore[arg-type]
    found.counts[f"attempts {ended.state}"] += 1
    is_kept = ended.state is OrderState.REJECTED and _KEPT in str(ended.reason)
    found.counts["orders kept back" if is_kept else "orders sent"] += 1
    if is_kept:
        await asyncio.sleep(_PAUSE / 2)
    elif ended.state is OrderState.REJECTED:
        found.reasons[str(ended.reason)[:60]] += 1
    if ended.state not in _ENDS:
        found.violations.append(f"{ended.client_id} ended {ended.state}")


async def _look_up(store: Any, made: Any, found: Placed) -> None:
    """As a worker does, until nothing is unknown or time is up."""
    resolve = ResolveOrders(store=store, broker=made, bell=Bell(), settle_seconds=0)
    for _ in range(_ROUNDS):
        if not any(order.state is OrderState.UNKNOWN for order in await resolve()):
            break
        await asyncio.sleep(_PAUSE)
    async with store.begin() as tx:
        left = await tx.orders.in_state(OrderState.UNKNOWN)
    for order in left:
        with suppress(BrokerSilent):
            answer = await made.look_up(order.client_id)
            if not isinstance(answer, NotFound) or answer.proven:
                found.violations.append(f"{order.client_id} is unknown here and not at the venue")


async def _audit(running: Running, found: Placed) -> None:
    truth = running.truth()
    database = connections.get("default")
    rows = await database.execute_query_dict("SELECT client_id, state FROM trade_order")
    told = await database.execute_query_dict(
        "SELECT key FROM outbox WHERE kind = 'unknown_order' AND key LIKE 'unknown:%'"
    )
    once = await database.execute_query_dict(
        "SELECT trade_idea_id, count(*) AS n FROM decision_history"
        " WHERE action = 'order_unknown' GROUP BY 1"
    )
    if len(rows) != found.made:
        found.violations.append(f"{len(rows)} orders of {found.made}")
    for row in rows:
        name, state, taken = row["client_id"], row["state"], truth.taken.get(row["client_id"], 0)
        found.counts[f"orders {state}"] += 1
        if taken > 1:
            found.violations.append(f"{name} was dealt {taken} times")
        if (state == "acked") != (taken == 1) and state != "unknown":
            found.violations.append(f"{name} is {state} and was dealt {taken} times")
    alerts = {row["key"].removeprefix("unknown:") for row in told}
    lost = [int(str(row["trade_idea_id"]).replace("-", ""), 16) for row in once]
    quiet = [number for number in lost if f"at-{number:024}" not in alerts]
    found.violations += [f"at-{number:024} was unknown and nobody was told" for number in quiet]
    if len(lost) != found.counts["attempts unknown"]:
        found.violations.append(f"{len(lost)} records of {found.counts['attempts unknown']}")
    found.counts["alerts of an unknown order"] = len(alerts)
    found.counts["dealt"] = sum(truth.taken.values())
    found.counts["requests to deal"] = truth.requests
    found.counts["faults"] = truth.faults
    extra = set(truth.taken) - {row["client_id"] for row in rows}
    found.violations += [f"{name} was dealt and is nobody's" for name in sorted(extra)]
    if truth.others:
        found.violations.append(f"{truth.others} deals at the venue belong to nobody")


def main(arguments: list[str]) -> int:
    """Run on servers of its own, print a table, and answer 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="placements", description=__doc__)
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--venue", choices=tuple(KINDS), default="binance")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ait-") as folder:
        Path(folder).chmod(0o711)
        with running_servers(Path(folder) / "home") as servers, harness.zygote() as zygote:
            url, _ = asyncio.run(deaths.database(servers, "placements"))
            zygote.prepare(url, kind(wanted.venue).WAYS)
            with site(wanted.venue, url, wanted.seed) as running:
                found = asyncio.run(
                    run(url, running, wanted.venue, orders=wanted.orders, seed=wanted.seed)
                )
    for reason, number in found.reasons.most_common(5):
        print(f"  rejected {number:>5} times: {reason}")
    return report(found.counts, found.violations)
