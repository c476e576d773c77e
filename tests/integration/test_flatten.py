"""Flatten: everything is closed once, a silent venue is waited for, and the end is told."""

import asyncio
from decimal import Decimal

import pytest
from tortoise import connections

from engine.domain.position_orders import PositionOrder, PositionOrderState
from engine.errors import Outdated
from tests.integration.conftest import ANN, LUIS
from tests.integration.trades import Trades, one_open, told  # noqa: F401

D, S = Decimal, PositionOrderState


async def stopped(trades: Trades) -> int:
    return (await trades.talk.change_control.stop(ANN.id)).version


async def flat(trades: Trades, order: PositionOrder) -> PositionOrder:
    for _ in range(3):
        await trades.pursue()
        async with trades.desk.world.store.begin() as tx:
            intents = await tx.position_orders.in_state(S.INTENT)
        for close in intents:
            await trades.send(close.client_id)
        await trades.resolve()
    return await trades.state(order)


async def test_flatten_closes_everything_once_and_says_when_it_is_flat(trades: Trades) -> None:
    version = await stopped(trades)
    taps = [trades.talk.flatten(who, expected=version) for who in (ANN.id, LUIS.id, ANN.id)]
    orders = await asyncio.gather(*taps)
    assert len({order.client_id for order in orders}) == 1
    await asyncio.gather(*(trades.pursue() for _ in range(4)))
    done = await flat(trades, orders[0])
    assert done.state is S.DONE
    assert trades.line.sent <= 1
    assert await trades.desk.world.broker.positions() == ()
    assert len(await trades.closed()) == 1
    assert await told(f"position:{done.client_id}:done") == 3


async def test_flatten_needs_the_stop_that_was_shown(trades: Trades) -> None:
    with pytest.raises(Outdated):
        await trades.talk.flatten(ANN.id, expected=1)
    version = await stopped(trades)
    with pytest.raises(Outdated):
        await trades.talk.flatten(ANN.id, expected=version - 1)


async def test_flatten_waits_for_a_silent_venue_and_for_lost_answers(trades: Trades) -> None:
    order = await trades.talk.flatten(ANN.id, expected=await stopped(trades))
    trades.line.deaf = True
    assert (await flat(trades, order)).state is S.INTENT
    assert await told(f"position:{order.client_id}:silent") == 3
    trades.line.deaf, trades.line.fate = False, "never arrives"
    assert (await flat(trades, order)).state is S.INTENT
    trades.line.fate = "answer lost"
    assert (await flat(trades, order)).state is S.DONE
    assert len(await trades.closed()) == 1


async def test_flatten_asks_again_after_a_refusal_and_says_so_once(trades: Trades) -> None:
    order = await trades.talk.flatten(ANN.id, expected=await stopped(trades))
    trades.line.fate = "refused"
    await flat(trades, order)
    assert trades.line.sent == 1
    for pause in (31, 61):
        await connections.get("default").execute_query(
            "UPDATE position_order SET created_at = created_at - make_interval(secs => $1),"
            " document = jsonb_set(document, '{created_at}', to_jsonb((document ->> 'created_at')"
            "::timestamptz - make_interval(secs => $1))) WHERE deed = 'close'",
            [float(pause)],
        )
        await flat(trades, order)
    assert trades.line.sent == 3
    assert await told(":rejected") == 3
    trades.line.fate = "fine"
    assert (await trades.state(order)).state is S.INTENT


async def test_flatten_closes_a_trade_that_arrives_late_and_ends_with_the_stop(
    trades: Trades,
) -> None:
    order = await trades.talk.flatten(ANN.id, expected=await stopped(trades))
    await trades.talk.change_control.resume(ANN.id)
    assert await trades.pursue() == ()
    ended = await trades.state(order)
    assert (ended.state, ended.reason) == (S.CANCELLED, "released")
    assert len(await trades.desk.world.broker.positions()) == 1
