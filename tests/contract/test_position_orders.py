"""What is wanted of open trades is kept alike by both stores."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.position_orders import Deed, PositionOrder, PositionOrderState, Rule
from engine.errors import NotFound
from tests.builders import NOW
from tests.contract.conftest import rolled_back
from tests.unit.test_management import order

S = PositionOrderState
INTENT = order(state=S.INTENT)


async def add(store: Any, *orders: PositionOrder) -> None:
    async with store.begin() as tx:
        for one in orders:
            assert await tx.position_orders.add(one)


async def swap(store: Any, before: PositionOrder, after: PositionOrder) -> bool:
    async with store.begin() as tx:
        done: bool = await tx.position_orders.swap(before, after)
        return done


async def test_one_comes_back_as_it_went_in_and_once(store: Any) -> None:
    whole = order(
        take_profit=(Decimal("1.2"),), facts={"price": "1.1"}, reason="gone", number=3,
        stop_loss=Decimal("1.0850"), price=Decimal("1.1"), volume_closed=Decimal("0.10"),
        rule=Rule.TRAILING, step=7,
    )  # fmt: skip
    await add(store, whole)
    async with store.begin() as tx:
        assert not await tx.position_orders.add(whole)
        assert await tx.position_orders.get("ap-1") == whole
        with pytest.raises(NotFound):
            await tx.position_orders.get("ap-2")


async def test_one_that_is_rolled_back_was_never_there(store: Any) -> None:
    async with rolled_back(store) as tx:
        await tx.position_orders.add(INTENT)
    async with store.begin() as tx:
        with pytest.raises(NotFound):
            await tx.position_orders.get("ap-1")


async def test_a_state_is_left_once(store: Any) -> None:
    await add(store, INTENT)
    sending = replace(INTENT.move(S.SENDING), sending_at=NOW)
    cancelled = INTENT.move(S.CANCELLED, reason="expired")
    done = await asyncio.gather(
        swap(store, INTENT, sending), swap(store, INTENT, cancelled), swap(store, INTENT, sending)
    )
    assert sorted(done) == [False, False, True]
    async with store.begin() as tx:
        kept = await tx.position_orders.get("ap-1")
    assert kept in (sending, cancelled)


async def test_those_in_a_state_are_listed_oldest_first(store: Any) -> None:
    second = replace(INTENT, client_id="ap-2", created_at=NOW - timedelta(seconds=1))
    await add(store, INTENT, second, order(client_id="ap-3"))
    async with store.begin() as tx:
        found = await tx.position_orders.in_state(S.INTENT)
        assert [one.client_id for one in found] == ["ap-2", "ap-1"]
        assert await tx.position_orders.in_state(S.UNKNOWN) == []


async def test_those_of_a_position_are_listed_newest_first_by_account(store: Any) -> None:
    older = replace(INTENT, client_id="ap-2", created_at=NOW - timedelta(seconds=1))
    other = replace(INTENT, client_id="ap-3", position_id="2")
    elsewhere = replace(INTENT, client_id="ap-4", account_id="paper-2")
    await add(store, older, INTENT, other, elsewhere)
    async with store.begin() as tx:
        found = await tx.position_orders.of_position("paper-1", "1")
    assert [one.client_id for one in found] == ["ap-1", "ap-2"]


async def test_stuck_is_what_is_sending_for_longer(store: Any) -> None:
    async with store.begin() as tx:
        now = await tx.now()
    for number, age in enumerate((5, 50, 500)):
        sent = now - timedelta(seconds=age)
        position_id = str(number)
        await add(
            store,
            replace(
                order(state=S.SENDING, client_id=f"ap-{age}"),
                sending_at=sent, position_id=position_id,
            ),
        )  # fmt: skip
    async with store.begin() as tx:
        stuck = await tx.position_orders.stuck(30.0)
    assert [one.client_id for one in stuck] == ["ap-500", "ap-50"]


@pytest.mark.parametrize("state", [S.SENDING, S.UNKNOWN])
async def test_a_close_is_not_alone_beside_one_under_way_and_a_level_beside_nothing_is(
    store: Any, state: PositionOrderState
) -> None:
    level = order(client_id="ap-2", state=S.INTENT, deed=Deed.STOP, volume_left=None)
    close = order(client_id="ap-3", state=S.INTENT)
    await add(store, order(state=state), level, close, replace(level, client_id="ap-4"))
    async with store.begin() as tx:
        assert not await tx.position_orders.alone(close)
        assert not await tx.position_orders.alone(level)
        assert await tx.position_orders.alone(order(state=state))
        assert await tx.position_orders.alone(replace(close, position_id="2"))
        assert await tx.position_orders.alone(replace(close, account_id="paper-2"))


async def test_two_of_a_position_are_told_one_after_the_other_that_they_are_alone(
    store: Any,
) -> None:
    orders = [order(client_id=f"ap-{n}", state=S.INTENT) for n in range(6)]
    await add(store, *orders)

    async def release(one: PositionOrder) -> bool:
        async with store.begin() as tx:
            if not await tx.position_orders.alone(one):
                return False
            sending = replace(one.move(S.SENDING), sending_at=NOW)
            done: bool = await tx.position_orders.swap(one, sending)
            return done

    assert sorted(await asyncio.gather(*(release(one) for one in orders))) == [False] * 5 + [True]
