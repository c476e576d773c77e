"""The port ``Orders``: added once, moved from the exact state, and found again by what they are."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from engine.domain.order import Order, OrderState
from engine.errors import NotFound
from tests.builders import HOUR, IDEA_ID, NOW, closed_trade, order, position
from tests.contract.conftest import rolled_back


def numbered(number: int, **values: Any) -> Order:
    return order(client_id=f"at-{number}", idea_id=UUID(int=number), **values)


async def add(store: Any, *orders: Order) -> list[bool]:
    async with store.begin() as tx:
        return [await tx.orders.add(one) for one in orders]


async def test_an_order_is_found_by_its_id_and_by_its_idea(store: Any):
    assert await add(store, order()) == [True]
    async with store.begin() as tx:
        assert await tx.orders.get("at-1") == await tx.orders.find("at-1") == order()
        assert await tx.orders.of_idea(IDEA_ID) == order()
        assert await tx.orders.find("at-2") is None
        assert await tx.orders.of_idea(UUID(int=5)) is None
        with pytest.raises(NotFound):
            await tx.orders.get("at-2")


async def test_an_order_added_twice_is_there_once_and_as_it_was(store: Any):
    again = order(volume=Decimal("9.99"))
    assert await add(store, order(), again) == [True, False]
    assert await add(store, again) == [False]
    async with store.begin() as tx:
        assert await tx.orders.get("at-1") == order()


async def test_an_order_added_by_many_at_once_is_added_by_one(store: Any):
    added = await asyncio.gather(*(add(store, order()) for _ in range(6)))
    assert sorted(added) == [[False]] * 5 + [[True]]


async def test_an_idea_leads_to_one_order_only(store: Any):
    await add(store, order())
    with pytest.raises(Exception, match=r"has an order|duplicate"):
        await add(store, order(client_id="at-2"))


async def test_a_swap_moves_from_the_state_it_names(store: Any):
    sending = order().move(OrderState.SENDING)
    await add(store, order())
    async with store.begin() as tx:
        assert not await tx.orders.swap(sending, sending.move(OrderState.UNKNOWN))
        assert await tx.orders.swap(order(), sending)
        assert not await tx.orders.swap(order(), order().move(OrderState.CANCELLED))
        assert not await tx.orders.swap(numbered(5), sending)
    async with store.begin() as tx:
        assert await tx.orders.get("at-1") == sending


async def test_of_many_who_would_send_one_does(store: Any):
    await add(store, order())

    async def release(worker: int) -> bool:
        async with store.begin() as tx:
            after = replace(order().move(OrderState.SENDING), reason=str(worker))
            return bool(await tx.orders.swap(order(), after))

    won = await asyncio.gather(*(release(worker) for worker in range(6)))
    assert sum(won) == 1
    async with store.begin() as tx:
        assert (await tx.orders.get("at-1")).reason == str(won.index(True))


async def test_a_swap_that_is_rolled_back_leaves_the_order_where_it_was(store: Any):
    await add(store, order())
    async with rolled_back(store) as tx:
        assert await tx.orders.swap(order(), order().move(OrderState.CANCELLED))
        assert (await tx.orders.get("at-1")).state is OrderState.CANCELLED
    async with store.begin() as tx:
        assert await tx.orders.get("at-1") == order()


async def test_a_fill_is_kept_with_its_order(store: Any):
    sending = order(state=OrderState.SENDING, sending_at=NOW)
    filled = replace(
        sending.move(OrderState.ACKED), broker_id="7", fill_price=Decimal("1.1"), filled_at=NOW
    )
    await add(store, sending)
    async with store.begin() as tx:
        assert await tx.orders.swap(sending, filled)
    async with store.begin() as tx:
        assert await tx.orders.get("at-1") == filled


async def test_orders_are_listed_by_state_oldest_first(store: Any):
    await add(
        store,
        numbered(1, created_at=NOW + HOUR),
        numbered(2),
        numbered(4),
        numbered(3),
        numbered(5, state=OrderState.UNKNOWN),
        numbered(6, state=OrderState.SENDING),
        numbered(7, state=OrderState.ACKED, broker_id="7", fill_price=Decimal(1), filled_at=NOW),
        numbered(8, state=OrderState.CANCELLED),
        numbered(9, state=OrderState.ABSENT),
    )
    async with store.begin() as tx:
        queued = await tx.orders.in_state(OrderState.INTENT)
        assert [o.client_id for o in queued] == ["at-2", "at-3", "at-4", "at-1"]
        unproven = await tx.orders.unproven()
        assert [o.client_id for o in unproven] == ["at-2", "at-3", "at-4", "at-5", "at-6", "at-1"]
        assert unproven[3].state == "unknown"


async def test_stuck_orders_are_those_sending_for_long_enough_by_the_stores_clock(store: Any):
    async with store.begin() as tx:
        now = await tx.now()
    ages = {1: 30, 2: 60, 3: 5}
    await add(
        store,
        *(
            numbered(n, state=OrderState.SENDING, sending_at=now - timedelta(minutes=age))
            for n, age in ages.items()
        ),
        numbered(4, state=OrderState.UNKNOWN, sending_at=now - HOUR),
        numbered(5, created_at=now - HOUR),
    )
    async with store.begin() as tx:
        assert [o.client_id for o in await tx.orders.stuck(600)] == ["at-2", "at-1"]
        assert [o.client_id for o in await tx.orders.stuck(0)] == ["at-2", "at-1", "at-3"]
        assert list(await tx.orders.stuck(7200)) == []


async def test_a_position_is_kept_as_last_reported_until_its_trade_is_closed(store: Any):
    held = position(id="1", client_id="at-1")
    better = replace(held, profit=Decimal("20.00"))
    async with store.begin() as tx:
        await tx.orders.save_positions([held])
        await tx.orders.save_positions([better])
        assert await tx.orders.trade_of("at-1") == better
    trade = closed_trade()
    async with store.begin() as tx:
        assert await tx.orders.close_position(trade)
        assert not await tx.orders.close_position(replace(trade, profit=Decimal(0)))
        await tx.orders.save_positions([better])
    async with store.begin() as tx:
        assert await tx.orders.trade_of("at-1") == trade
        assert await tx.orders.trade_of("at-9") is None


async def test_a_trade_may_be_closed_that_was_never_seen_open(store: Any):
    stray = closed_trade(position_id="77", client_id=None)
    async with store.begin() as tx:
        assert await tx.orders.close_position(stray)
        assert list(await tx.orders.closed(since=None, limit=9)) == [stray]


async def test_cancelled_orders_are_found_by_their_reason(store: Any):
    gone = {"state": OrderState.CANCELLED}
    await add(
        store,
        numbered(1, created_at=NOW + HOUR, reason="stop_unrecorded", **gone),
        numbered(2, reason="stop_unrecorded", **gone),
        numbered(3, reason="halted", **gone),
        numbered(4, reason="stop_unrecorded"),
    )
    async with store.begin() as tx:
        found = await tx.orders.cancelled("stop_unrecorded")
        assert [o.client_id for o in found] == ["at-2", "at-1"]


async def test_of_many_trades_those_that_are_stored_as_ended_are_told(store: Any):
    async with store.begin() as tx:
        await tx.orders.save_positions([position(id="1")])
        await tx.orders.close_position(closed_trade(position_id="2"))
        await tx.orders.close_position(closed_trade(position_id="3"))
        assert await tx.orders.ended(["1", "2", "9"]) == {"2"}
        assert await tx.orders.ended([]) == frozenset()


async def test_closed_trades_are_listed_newest_first_from_an_instant_on(store: Any):
    closes = {"1": NOW, "2": NOW + HOUR, "3": NOW + HOUR}
    async with store.begin() as tx:
        await tx.orders.save_positions([position(id="9")])
        for name, at in closes.items():
            await tx.orders.close_position(closed_trade(position_id=name, closed_at=at))
    async with store.begin() as tx:
        every = await tx.orders.closed(since=None, limit=9)
        assert [trade.position_id for trade in every] == ["3", "2", "1"]
        later = await tx.orders.closed(since=NOW + HOUR, limit=9)
        assert [trade.position_id for trade in later] == ["3", "2"]
        assert len(await tx.orders.closed(since=None, limit=1)) == 1


async def test_many_orders_are_found_by_their_ids(store: Any):
    async with store.begin() as tx:
        await tx.orders.add(order())
    async with store.begin() as tx:
        assert await tx.orders.many([order().client_id, "nobody's"]) == [order()]
        assert list(await tx.orders.many([])) == []
