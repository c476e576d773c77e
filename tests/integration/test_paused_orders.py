"""A pause holds what is queued: it leaves when trading is resumed in time, or never."""

import pytest
from tortoise import connections

from engine.domain.idea import Idea
from engine.domain.order import Order, OrderState
from engine.flow.approvals import Choice
from tests.integration.conftest import LUIS, Desk


async def queued(desk: Desk) -> Order:
    """An approved order that has not left."""
    idea = await desk.until_idea()
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=LUIS.id, chat_id=LUIS.chat_id)
    return await order_of(desk, idea)


async def order_of(desk: Desk, idea: Idea) -> Order:
    async with desk.world.store.begin() as tx:
        order = await tx.orders.of_idea(idea.id)
    assert order is not None
    return order


async def again(desk: Desk, order: Order) -> Order:
    async with desk.world.store.begin() as tx:
        return await tx.orders.get(order.client_id)


async def pause(desk: Desk, whole: bool, *, on: bool) -> None:
    """Pause or resume everything, or the one symbol."""
    change = desk.talk.change_control
    if not whole:
        await change.symbol(LUIS.id, "EURUSD", paused=on)
    elif on:
        await change.pause(LUIS.id)
    else:
        await change.resume(LUIS.id)


@pytest.mark.parametrize("whole", [True, False], ids=["everything", "the symbol"])
async def test_what_is_queued_waits_and_leaves_after_the_resume(desk: Desk, whole: bool) -> None:
    order = await queued(desk)
    await pause(desk, whole, on=True)
    await desk.send_all()
    assert (await again(desk, order)).state is OrderState.INTENT
    assert await desk.world.broker.positions() == ()
    assert (await desk.actions())[-1] == ("ai_halted" if whole else "symbol_paused")
    await pause(desk, whole, on=False)
    await desk.work.send_order(order.client_id)
    assert (await again(desk, order)).state is OrderState.ACKED
    assert len(await desk.world.broker.positions()) == 1


async def test_what_was_held_for_too_long_never_leaves(desk: Desk) -> None:
    order = await queued(desk)
    await pause(desk, True, on=True)
    await connections.get("default").execute_query(
        "UPDATE trade_order SET document = jsonb_set(document, '{valid_until}',"
        " to_jsonb('2020-01-01T00:00:00Z'::text))"
    )
    await desk.send_all()
    held = await again(desk, order)
    assert (held.state, held.reason) == (OrderState.CANCELLED, "order_expired")


async def test_a_stop_cancels_what_a_pause_held(desk: Desk) -> None:
    order = await queued(desk)
    await pause(desk, True, on=True)
    await desk.send_all()
    await desk.talk.change_control.stop(LUIS.id)
    held = await again(desk, order)
    assert (held.state, held.reason) == (OrderState.CANCELLED, "emergency_stop")
