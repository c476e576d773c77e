"""Our books and the venue's drift apart, and become equal again: ``reconcile --seeds 25``.

A cycle is what a worker's sweep does: look up what is open, then read the venue. After two of them
at most our positions, the ends of trades and the states of orders are the venue's.
"""

import argparse
import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from tortoise import connections

from broker.instruments import instrument
from broker.paper import PaperBroker
from engine.domain.account import Direction, Position
from engine.domain.market import Timeframe
from engine.domain.order import ClosedTrade, Order, OrderState
from engine.domain.position_orders import Deed, PositionOrder, PositionOrderState
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, TradingState
from engine.errors import BrokerSilent
from engine.flow.position_sending import ResolvePositionOrders
from engine.flow.reconcile import ResolveOrders, SyncBroker
from engine.snapshot.canonical import plain
from engine.strategies.documents import shipped
from storage.database import open_database
from storage.seed import seed as fill
from storage.transaction import PostgresStore
from tests.builders import NOW, candles
from tests.builders import order as order_of
from tests.chaos import alone
from tests.chaos.driver import Bell
from tests.fakes import HandMarket, MemoryLedger

CYCLES = 2
_BOOKS = "paper:paper-1"


class Moody:
    """The venue; ``silent`` so many questions about an order are not answered."""

    def __init__(self, inner: PaperBroker) -> None:
        self._inner = inner
        self.silent = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def look_up(self, client_id: str) -> Any:
        if self.silent > 0:
            self.silent -= 1
            raise BrokerSilent("no answer")
        return await self._inner.look_up(client_id)


@dataclass
class Desk:
    """One drift: a venue with books of its own, and our side of it."""

    chance: Random
    number: int
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    store: PostgresStore = field(default_factory=PostgresStore)
    states: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.market = HandMarket(instrument("EURUSD"), candles(end=NOW))
        paper = PaperBroker(market=self.market, ledger=self.ledger, timeframe=Timeframe.H1)
        self.broker: Any = Moody(paper)

    def order(self, state: OrderState = OrderState.SENDING) -> Order:
        """One of ours, in a state."""
        self.number += 1
        made = order_of(
            client_id=f"at-{self.number:024}", idea_id=UUID(int=self.number),
            volume=Decimal(self.chance.randrange(4, 40)) / 100, account_id="paper-1",
        )  # fmt: skip
        return replace(made, state=state, sending_at=datetime.now(UTC) - timedelta(seconds=30))

    async def opened(self) -> Position:
        """A trade that both sides know."""
        order = self.order()
        await self.keep(order)
        await self.broker.submit(order)
        await self.cycle()
        held = [p for p in await self.broker.positions() if p.client_id == order.client_id]
        self.states[order.client_id] = "acked"
        return held[0]

    async def keep(self, order: Order) -> None:
        """Our books have it in its state."""
        async with self.store.begin() as tx:
            await tx.orders.add(order)

    async def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Something happens at the venue that is none of our doing."""
        async with self.ledger.open(_BOOKS) as books:
            change(books)

    async def cycle(self) -> None:
        """As a worker's sweep."""
        store, broker, bell = self.store, self.broker, Bell()
        await ResolvePositionOrders(store=store, broker=broker, bell=bell, settle_seconds=0)()
        await ResolveOrders(store=store, broker=broker, bell=bell, settle_seconds=0)()
        await SyncBroker(store=store, broker=broker, market=self.market, bell=bell)()

    async def differences(self) -> list[str]:
        """What is not the same on both sides."""
        rows = await connections.get("default").execute_query_dict(
            "SELECT id, is_open, document FROM trade_position"
        )
        ours = {row["id"]: row for row in rows}
        held = {p.id: p for p in await self.broker.positions()}
        ended = {t.position_id: t for t in await self.broker.closed_since(NOW - timedelta(days=9))}
        found = [f"{id_} is open here only" for id_, row in ours.items()
                 if row["is_open"] and id_ not in held]  # fmt: skip
        found += [f"the end of {id_} is here only" for id_, row in ours.items()
                  if not row["is_open"] and id_ not in ended]  # fmt: skip
        for id_, truth in ({**held, **ended}).items():
            row = ours.get(id_)
            if (
                row is None
                or row["is_open"] != (id_ in held)
                or not _same(json.loads(row["document"]), truth)
            ):
                found.append(f"{id_} is not what the venue says")
        return found + await self._states()

    async def _states(self) -> list[str]:
        rows = await connections.get("default").execute_query_dict(
            "SELECT client_id, state FROM trade_order UNION ALL"
            " SELECT client_id, state FROM position_order"
        )
        return [
            f"{row['client_id']} is {row['state']}, not {self.states.get(row['client_id'])}"
            for row in rows
            if row["state"] != self.states.get(row["client_id"])
        ]


def _same(document: Any, truth: Position | ClosedTrade) -> bool:
    expected = plain(truth)
    # Profit moves with the price; everything else is a fact.
    return {k: v for k, v in document.items() if k != "profit"} == {
        k: v for k, v in expected.items() if k != "profit"
    }


# ---- drifts


async def external_order(desk: Desk) -> None:
    await desk.opened()
    await desk.edit(lambda books: _foreign(books, desk.chance))


async def order_and_close_between_looks(desk: Desk) -> None:
    await desk.opened()

    def both(books: dict[str, Any]) -> None:
        _foreign(books, desk.chance)
        _close(books, books["positions"].pop(), "stop_loss")

    await desk.edit(both)


async def external_close(desk: Desk) -> None:
    await desk.opened()
    await desk.edit(lambda books: _close(books, books["positions"].pop(), "manual"))


async def external_part(desk: Desk) -> None:
    await desk.opened()

    def part(books: dict[str, Any]) -> None:
        held = books["positions"][0]
        half = Decimal(held["volume"]) / 2
        held["volume"] = str(half.quantize(Decimal("0.01")))
        _close(books, {**held, "id": f"{held['id']}/1"}, "manual")

    await desk.edit(part)


async def external_addition(desk: Desk) -> None:
    await desk.opened()

    def more(books: dict[str, Any]) -> None:
        held = books["positions"][0]
        held["volume"] = str(Decimal(held["volume"]) + Decimal("0.07"))

    await desk.edit(more)


async def side_flip(desk: Desk) -> None:
    """A netting account turned round by hand: the same position, the other way."""
    await desk.opened()

    def turn(books: dict[str, Any]) -> None:
        held = books["positions"][0]
        held |= {"direction": "sell", "stop_loss": "1.20000", "targets": ["1.00000"]}

    await desk.edit(turn)


async def stop_moved_outside(desk: Desk) -> None:
    await desk.opened()
    stop = Decimal("1.09000") + Decimal(desk.chance.randrange(300)) / 100_000
    await desk.edit(lambda books: books["positions"][0].update(stop_loss=str(stop)))


async def target_moved_outside(desk: Desk) -> None:
    await desk.opened()
    target = Decimal("1.15000") + Decimal(desk.chance.randrange(300)) / 100_000
    await desk.edit(lambda books: books["positions"][0].update(targets=[str(target)]))


async def missed_fill(desk: Desk) -> None:
    """The answer was lost with the process: SENDING here, a trade there."""
    order = desk.order()
    await desk.keep(order)
    await desk.broker.submit(order)
    desk.states[order.client_id] = "acked"


async def unknown_order_filled(desk: Desk) -> None:
    """UNKNOWN here, a trade there, and the venue keeps silent at first."""
    order = desk.order(OrderState.UNKNOWN)
    await desk.keep(order)
    await desk.broker.submit(order)
    desk.broker.silent = 1
    desk.states[order.client_id] = "acked"


async def order_the_venue_never_saw(desk: Desk) -> None:
    order = desk.order()
    await desk.keep(order)
    desk.states[order.client_id] = "absent"


async def missed_fill_that_has_ended(desk: Desk) -> None:
    """SENDING here; there it was filled and has ended."""
    order = desk.order()
    await desk.keep(order)
    await desk.broker.submit(order)
    await desk.edit(lambda books: _close(books, books["positions"].pop(), "stop_loss"))
    desk.states[order.client_id] = "acked"


async def missed_close(desk: Desk) -> None:
    """A close of ours: SENDING here, done there."""
    position = await desk.opened()
    wish = await _wish(desk, position, volume_left=Decimal(0))
    await desk.broker.close(position.id, volume_left=Decimal(0), client_id=wish.client_id)
    desk.states[wish.client_id] = "done"


async def missed_stop(desk: Desk) -> None:
    """A stop of ours: SENDING here, and the venue never saw it."""
    position = await desk.opened()
    wish = await _wish(desk, position, stop_loss=Decimal("1.09900"))
    desk.states[wish.client_id] = "absent"


async def _wish(desk: Desk, position: Position, **goal: Any) -> PositionOrder:
    now = datetime.now(UTC)
    wish = PositionOrder(
        client_id=f"ap-{desk.number:024}", account_id="paper-1", position_id=position.id,
        symbol="EURUSD", deed=Deed.CLOSE if "volume_left" in goal else Deed.STOP,
        state=PositionOrderState.SENDING, asked_by=None, asked_name="cli", created_at=now,
        valid_until=now + timedelta(seconds=60), seen=position, sending_at=now, **goal,
    )  # fmt: skip
    wish = replace(wish, sending_at=now - timedelta(seconds=30))
    async with desk.store.begin() as tx:
        await tx.position_orders.add(wish)
    return wish


def _foreign(books: dict[str, Any], chance: Random) -> None:
    """A trade that a person opened at the venue."""
    like = books["positions"][0]
    books["number"] += 1
    volume = str(Decimal(chance.randrange(1, 60)) / 100)
    other = {"id": str(books["number"]), "client_id": None, "strategy_id": None, "volume": volume}
    books["positions"].append({**like, **other, "shares": [volume]})


def _close(books: dict[str, Any], held: dict[str, Any], reason: str) -> None:
    trade = ClosedTrade(
        position_id=held["id"], client_id=held["client_id"], symbol=held["symbol"],
        direction=Direction(held["direction"]), volume=Decimal(held["volume"]),
        entry_price=Decimal(held["entry_price"]), exit_price=Decimal("1.10000"),
        profit=Decimal("-1.50"), opened_at=datetime.fromisoformat(held["opened_at"]),
        closed_at=NOW, reason=reason,
    )  # fmt: skip
    books["closed"].append(plain(trade))
    books["balance"] = str(Decimal(books["balance"]) - Decimal("1.50"))


DRIFTS: tuple[Any, ...] = (
    external_order, order_and_close_between_looks, external_close, external_part,
    external_addition, side_flip, stop_moved_outside, target_moved_outside, missed_fill,
    unknown_order_filled, order_the_venue_never_saw, missed_fill_that_has_ended, missed_close,
    missed_stop,
)  # fmt: skip


async def run(url: str, *, seeds: int, first: int = 1) -> tuple[dict[str, int], list[str]]:
    """Every drift from so many seeds, on an empty, migrated database."""
    counts = {"drifts": len(DRIFTS), "runs": 0, "equal after 1 cycle": 0, "equal after 2": 0}
    violations: list[str] = []
    async with open_database(url, pool=4):
        control = Control(state=TradingState.RUNNING, reason="test", changed_at=NOW)
        await fill(shipped(), RiskSettings(halt_on_drawdown=False), control)
        number = 0
        for seed in range(first, first + seeds):
            for drift in DRIFTS:
                number += 100
                left = await _one(Desk(Random(f"{seed}:{drift.__name__}"), number), drift, counts)
                violations += [f"{drift.__name__}, seed {seed}: {each}" for each in left]
    return counts, violations


async def _one(desk: Desk, drift: Any, counts: dict[str, int]) -> list[str]:
    database = connections.get("default")
    for table in ("trade_position", "trade_order", "position_order", "fill"):
        await database.execute_query(f"DELETE FROM {table}")  # one of our own few tables
    await drift(desk)
    assert await desk.differences(), "it has not drifted"
    counts["runs"] += 1
    left: list[str] = []
    for cycle in range(1, CYCLES + 1):
        await desk.cycle()
        left = await desk.differences()
        if not left:
            counts["equal after 1 cycle" if cycle == 1 else "equal after 2"] += 1
            return []
    return left


def main(arguments: list[str]) -> int:
    """Run on a server of its own, print a table, and answer 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="reconcile", description=__doc__)
    parser.add_argument("--seeds", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with alone.database() as url:
        counts, violations = asyncio.run(run(url, seeds=wanted.seeds, first=wanted.seed))
    return alone.report(counts, violations)
