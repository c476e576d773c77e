"""Orders through the terminal: queued once, answered, withdrawn, looked up, never doubled."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from broker.mt_bridge.orders import Symbol, legs
from broker.mt_bridge.venue import MtBridge
from engine.domain.account import Direction
from engine.domain.order import Order
from engine.domain.state import TradingState
from engine.errors import BrokerRefused, BrokerSilent
from engine.flow.latch import stop_unrecorded
from engine.ports import Found, NotFound
from tests.builders import order as order_of
from tests.integration.ea import ACCOUNT, Bridge, bridge  # noqa: F401
from tests.terminals import Ea, filled, request


@dataclass
class Desk:
    """A bridge with a terminal that shows an account, and the venue over it."""

    bridge: Bridge
    ea: Ea
    venue: MtBridge
    positions: list[dict[str, Any]]
    deals: list[dict[str, Any]]

    def order(self, number: int = 1, **fields: Any) -> Order:
        """A new order of gold, valid for a minute."""
        made = order_of(
            client_id=f"at-{number:024}",
            idea_id=UUID(int=number),
            account_id=ACCOUNT,
            symbol="XAUUSD",
            direction=Direction.BUY,
            volume=Decimal("0.20"),
            stop_loss=Decimal("2378.50"),
            take_profit=(Decimal("2398.00"), Decimal("2402.00")),
        )
        return replace(
            made,
            valid_until=datetime.now(UTC) + timedelta(minutes=1),
            **fields,
        )

    async def sync(self, **fields: Any) -> None:
        """The terminal shows its account."""
        self.ea.sync_no += 1
        shown = {"positions": self.positions, "deals": self.deals, "names": ["GOLD", "EURUSD"]}
        status, answer = await self.ea.post(
            "/ea/sync", sync_no=self.ea.sync_no, **{**shown, **fields}
        )
        assert status == 200, answer

    async def served(self, work: Any) -> Any:
        """Something that waits for the terminal, while the terminal works."""
        task = asyncio.ensure_future(work)
        while not task.done():
            await asyncio.wait([task], timeout=0.02)
            await self.ea.work(hold_ms=0)
        return await task


@pytest.fixture
async def desk(bridge: Bridge) -> Desk:  # noqa: F811
    ea = await bridge.joined()
    venue = MtBridge(
        store=bridge.store, signals=bridge.signals, account_id=ACCOUNT, patience_seconds=0.6
    )
    made = Desk(bridge, ea, venue, [], [])
    await made.sync()
    return made


async def test_an_order_becomes_a_command_per_target_and_a_fill(desk: Desk) -> None:
    fill = await desk.served(desk.venue.submit(desk.order()))
    assert [(str(c["volume"]), str(c["tp"]), c["leg"], c["legs"]) for c in desk.ea.seen] == [
        ("0.10", "2398.00", 1, 2), ("0.10", "2402.00", 2, 2),
    ]  # fmt: skip
    first = desk.ea.seen[0]
    assert (first["symbol"], str(first["price"]), first["side"]) == ("GOLD", "2386.85", "buy")
    assert str(first["max_deviation"]) == "0.30"
    assert (fill.volume, fill.price) == (Decimal("0.2"), Decimal("2386.85"))
    assert fill.broker_id == str(900_000 + first["seq"])
    found = await desk.venue.look_up(fill.client_id)
    assert isinstance(found, Found)
    assert found.fill == fill


async def test_an_order_is_given_once(desk: Desk) -> None:
    await desk.served(desk.venue.submit(desk.order()))
    with pytest.raises(BrokerSilent):
        await desk.served(desk.venue.submit(desk.order()))
    assert len(desk.ea.executed) == 2


async def test_what_nobody_fetched_is_taken_back_and_proven(desk: Desk) -> None:
    with pytest.raises(BrokerRefused, match="did not fetch"):
        await desk.venue.submit(desk.order())
    assert await desk.ea.work(hold_ms=0) == []
    assert await desk.venue.look_up(desk.order().client_id) == NotFound(proven=True)


async def test_what_was_fetched_and_not_answered_stays_open_until_it_is(desk: Desk) -> None:
    desk.ea.broker = lambda command: None
    with pytest.raises(BrokerSilent):
        await desk.served(desk.venue.submit(desk.order()))
    with pytest.raises(BrokerSilent):
        await desk.venue.look_up(desk.order().client_id)
    desk.ea.broker = filled
    await desk.bridge.sql("UPDATE ea_command SET lease_until = lease_until - interval '31 s'")
    await desk.ea.work(hold_ms=0)
    assert isinstance(await desk.venue.look_up(desk.order().client_id), Found)
    assert len(desk.ea.executed) == 2


async def test_a_rejection_is_told_in_the_terminals_words(desk: Desk) -> None:
    desk.ea.broker = lambda command: {"status": "rejected", "reason": "price_moved"}
    with pytest.raises(BrokerRefused, match="price_moved"):
        await desk.served(desk.venue.submit(desk.order()))
    assert await desk.venue.look_up(desk.order().client_id) == NotFound(proven=True)


async def test_one_target_of_two_that_is_refused_leaves_the_other(desk: Desk) -> None:
    def second_fails(command: dict[str, Any]) -> dict[str, Any]:
        rejected = {"status": "rejected", "reason": "broker", "retcode": 10016}
        return filled(command) if command["leg"] == 1 else rejected

    desk.ea.broker = second_fails
    fill = await desk.served(desk.venue.submit(desk.order()))
    assert fill.volume == Decimal("0.1")


async def test_a_trade_without_a_trace_is_proven_only_after_a_later_snapshot(desk: Desk) -> None:
    desk.ea.broker = lambda command: {"status": "not_executed", "reason": "no_trace"}
    with pytest.raises(BrokerSilent):
        await desk.served(desk.venue.submit(desk.order()))
    name = desk.order().client_id
    assert await desk.venue.look_up(name) == NotFound(proven=False)
    await desk.bridge.sql("UPDATE ea_command SET finished_at = finished_at - interval '61 s'")
    magic = desk.ea.magic_base + desk.ea.seen[0]["seq"]
    position = {**request("/ea/sync")["positions"][0], "magic": magic}
    await desk.sync(positions=[position])
    assert isinstance(await desk.venue.look_up(name), Found)
    await desk.sync(positions=[])
    assert await desk.venue.look_up(name) == NotFound(proven=True)


async def test_an_order_that_was_never_queued_is_struck_off(desk: Desk) -> None:
    for _ in range(2):
        assert await desk.venue.look_up(desk.order().client_id) == NotFound(proven=True)
    with pytest.raises(BrokerSilent):
        await desk.served(desk.venue.submit(desk.order()))
    assert desk.ea.seen == []


async def test_a_stop_refuses_what_waits_at_once_and_all_after_it(desk: Desk) -> None:
    waiting = asyncio.ensure_future(desk.venue.submit(desk.order()))
    await asyncio.sleep(0.2)
    async with desk.bridge.store.begin() as tx:
        control = await stop_unrecorded(tx, by="test")
    assert control.state is TradingState.EMERGENCY_STOP
    with pytest.raises(BrokerRefused):
        await waiting
    with pytest.raises(BrokerRefused, match="emergency_stop"):
        await desk.venue.submit(desk.order(2))
    assert [command["type"] for command in await desk.ea.fetch(hold_ms=0)] == ["PAUSE"]


async def paused(desk: Desk, symbol: str) -> None:
    async with desk.bridge.store.begin() as tx:
        control = await tx.controls.take()
        now = await tx.now()
        await tx.controls.save(control.with_symbol(symbol, paused=True, by="test", at=now))


async def test_what_waits_for_the_terminal_is_held_while_its_symbol_is_paused(desk: Desk) -> None:
    async with desk.bridge.store.begin() as tx:
        await tx.orders.add(desk.order())
    waiting = asyncio.ensure_future(desk.venue.submit(desk.order()))
    await asyncio.sleep(0.2)
    await paused(desk, "XAUUSD")
    assert await desk.ea.fetch(hold_ms=0) == []
    with pytest.raises(BrokerRefused, match="did not fetch"):
        await waiting
    with pytest.raises(BrokerRefused, match="XAUUSD is paused"):
        await desk.venue.submit(desk.order(2))


async def test_what_was_fetched_before_its_symbol_was_paused_is_only_asked_about(
    desk: Desk,
) -> None:
    async with desk.bridge.store.begin() as tx:
        await tx.orders.add(desk.order())
    waiting = asyncio.ensure_future(desk.venue.submit(desk.order()))
    await asyncio.sleep(0.2)
    assert [command["lookup_only"] for command in await desk.ea.fetch(hold_ms=0)] == [False] * 2
    await paused(desk, "XAUUSD")
    await desk.bridge.sql("UPDATE ea_command SET lease_until = lease_until - interval '31 s'")
    assert [command["lookup_only"] for command in await desk.ea.fetch(hold_ms=0)] == [True] * 2
    with pytest.raises(BrokerSilent):
        await waiting


async def test_a_stop_names_what_is_at_the_terminal_and_not_what_is_not(desk: Desk) -> None:
    async with desk.bridge.store.begin() as tx:
        for number in (1, 2):
            await tx.orders.add(desk.order(number))
    await desk.bridge.sql("UPDATE trade_order SET state = 'sending', sending_at = now(),"
                          " document = document || '{\"state\": \"sending\"}'")  # fmt: skip
    first = asyncio.ensure_future(desk.venue.submit(desk.order(1)))
    await asyncio.sleep(0.1)
    assert len(await desk.ea.fetch(hold_ms=0)) == 2
    second = asyncio.ensure_future(desk.venue.submit(desk.order(2)))
    await asyncio.sleep(0.1)
    async with desk.bridge.store.begin() as tx:
        await stop_unrecorded(tx, by="test")
    (row,) = await desk.bridge.sql("SELECT payload -> 'detail' -> 'at_venue' AS ids FROM outbox")
    assert desk.order(1).client_id in str(row["ids"])
    assert desk.order(2).client_id not in str(row["ids"])
    with pytest.raises(BrokerSilent):
        await first
    with pytest.raises(BrokerRefused):
        await second


async def test_a_terminal_that_cannot_trade_is_given_nothing(desk: Desk) -> None:
    await desk.ea.beat(trade_terminal=False)
    with pytest.raises(BrokerRefused, match="trade_terminal"):
        await desk.venue.submit(desk.order())
    assert (await desk.venue.account()).equity == Decimal("10012.5")
    await desk.ea.beat(connected=False)
    with pytest.raises(BrokerSilent):
        await desk.venue.account()
    with pytest.raises(BrokerRefused):
        await desk.venue.submit(desk.order())
    assert await desk.bridge.sql("SELECT 1 FROM ea_command WHERE type = 'OPEN'") == []


async def test_figures_that_are_old_are_no_answer(desk: Desk) -> None:
    assert await desk.venue.positions() == ()
    await desk.bridge.sql("UPDATE ea_shown SET at = at - interval '61 s'")
    for ask in (desk.venue.account, desk.venue.positions):
        with pytest.raises(BrokerSilent):
            await ask()


async def test_positions_and_ends_of_trades_carry_our_order_and_our_name(desk: Desk) -> None:
    async with desk.bridge.store.begin() as tx:
        await tx.orders.add(desk.order())
    await desk.served(desk.venue.submit(desk.order()))
    example = request("/ea/sync")
    magic = desk.ea.magic_base + desk.ea.seen[0]["seq"]
    held = {**example["positions"][0], "magic": magic}
    opened = {**example["deals"][0], "magic": magic, "commission": -0.5}
    closing = {
        **opened, "ticket": 910002, "type": 1, "entry": 1, "volume": 0.04, "price": 2390.1,
        "profit": 20.0, "commission": 0, "time_ms": opened["time_ms"] + 60_000, "magic": 0,
    }  # fmt: skip
    await desk.sync(positions=[held], deals=[opened, closing])
    (position,) = await desk.venue.positions()
    assert (position.client_id, position.symbol) == (desk.order().client_id, "XAUUSD")
    assert position.strategy_id == desk.order().strategy_id
    beginning = datetime(2020, 1, 1, tzinfo=UTC)
    (part,) = await desk.venue.closed_since(beginning)
    assert (part.position_id, part.client_id) == ("900001/910002", desk.order().client_id)
    assert (part.profit, part.reason) == (Decimal("19.80"), "manual")
    rest = {**closing, "ticket": 910003, "volume": 0.06, "reason": 5, "profit": 30.0,
            "time_ms": closing["time_ms"] + 1_000}  # fmt: skip
    await desk.sync(positions=[], deals=[rest])
    found = await desk.venue.closed_since(beginning)
    assert [(t.position_id, t.reason) for t in found] == [
        ("900001/910002", "manual"), ("900001", "take_profit"),
    ]  # fmt: skip


async def test_a_close_is_down_to_what_is_left(desk: Desk) -> None:
    desk.ea.broker = lambda c: {**filled(c), "volume": 0.05, "price": 2390.1, "remaining": 0.05}
    change = await desk.served(
        desk.venue.close("900001", volume_left=Decimal("0.05"), client_id="ap-1")
    )
    assert (change.volume_left, change.volume_closed) == (Decimal("0.05"), Decimal("0.05"))
    (command,) = desk.ea.seen
    assert (command["type"], command["position"], str(command["keep"])) == ("CLOSE", 900001, "0.05")
    assert await desk.venue.look_up_change("ap-1") == change
    desk.ea.broker = lambda command: {"status": "already_closed"}
    with pytest.raises(BrokerRefused):
        await desk.served(desk.venue.close("900001", volume_left=Decimal(0), client_id="ap-2"))
    assert await desk.venue.look_up_change("ap-2") == NotFound(proven=True)
    assert await desk.venue.look_up_change("ap-3") == NotFound(proven=True)


async def test_a_close_works_while_trading_is_stopped(desk: Desk) -> None:
    async with desk.bridge.store.begin() as tx:
        await stop_unrecorded(tx, by="test")
    change = await desk.served(desk.venue.close("900001", volume_left=Decimal(0), client_id="ap-1"))
    assert change.position_id == "900001"


async def test_levels_are_moved_one_command_each(desk: Desk) -> None:
    await desk.sync(positions=request("/ea/sync")["positions"])
    change = await desk.served(
        desk.venue.modify(
            "900001", stop_loss=Decimal("2380.1"), take_profit=(Decimal(2400),), client_id="ap-1"
        )
    )
    assert change.volume_left == Decimal("0.1")
    assert [c["type"] for c in desk.ea.seen] == ["MOVE_SL", "SET_TP"]
    with pytest.raises(BrokerRefused, match="one target"):
        await desk.venue.modify("900001", take_profit=(Decimal(1), Decimal(2)), client_id="ap-2")


# ---- pure


STEPS = Symbol(
    name="GOLD", bid=Decimal(1), ask=Decimal(1), point=Decimal("0.01"), digits=2,
    volume_min=Decimal("0.01"), volume_max=Decimal(50), volume_step=Decimal("0.01"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("volume", "count", "wanted"),
    [
        ("0.20", 2, ["0.10", "0.10"]),
        ("0.21", 2, ["0.11", "0.10"]),
        ("0.01", 2, ["0.01"]),
        ("0.029", 3, ["0.01", "0.01"]),
        ("0.1", 1, ["0.10"]),
    ],
)
def test_a_volume_is_split_in_steps_the_rest_first(
    volume: str, count: int, wanted: list[str]
) -> None:
    assert legs(Decimal(volume), count, STEPS) == tuple(map(Decimal, wanted))


def test_too_little_for_one_step_is_refused() -> None:
    for volume in ("0.009", "51"):
        with pytest.raises(BrokerRefused):
            legs(Decimal(volume), 1, STEPS)
