"""The worker leads trades by itself: asked after each candle, sent by the sweep at the latest."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from bot import jobs
from engine.domain.position_orders import PositionOrder, PositionOrderState
from engine.domain.strategy import BreakEven, PartialClose
from engine.flow.approvals import Choice
from tests.integration.conftest import ANN, Desk


async def nothing() -> None:
    """No chat."""


async def open_led(desk: Desk) -> None:
    """The next idea is bought, and half of it sold as soon as it is not losing."""
    async with desk.world.store.begin() as tx:
        for strategy in await tx.settings.strategies():
            rules = replace(
                strategy.exit_rules,
                break_even=BreakEven("0.01 R"),
                partial_close=(PartialClose("1 points", 50),),
            )
            await tx.settings.save_strategy(
                replace(strategy, exit_rules=rules),
                by="test", reason="test", expected=strategy.version,
            )  # fmt: skip
    idea = await desk.until_idea()
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    await desk.send_all()
    await desk.work.sync_broker()


async def asked(desk: Desk) -> list[PositionOrder]:
    """What rules have asked for, and nobody has sent."""
    async with desk.world.store.begin() as tx:
        return list(await tx.position_orders.in_state(PositionOrderState.INTENT))


async def until_it_will_win(desk: Desk) -> None:
    """A trade is open that stands beyond its entry when the next candle closes."""
    market, broker = desk.world.market, desk.world.broker
    while True:
        await open_led(desk)
        while held := await broker.positions():
            coming = market.recording.candles[await market.played()]
            if coming.close > held[0].entry_price and coming.low > (held[0].stop_loss or 0):
                return
            await desk.next_candle()


async def test_worker_asks_after_a_candle_and_the_next_waits_until_it_is_sent(desk: Desk) -> None:
    world = replace(desk.world, pace=timedelta(0), waits=False)
    context: dict[str, Any] = {
        "world": world, "work": desk.work, "courier": SimpleNamespace(deliver=nothing),
    }  # fmt: skip
    await until_it_will_win(desk)
    await jobs.ingest(context)
    found = await asked(desk)
    assert found
    assert {order.rule for order in found} <= {"break_even", "partial_target"}
    for order in found:
        assert ("send_position_order", order.client_id) in desk.bell.rung
    # The bell was lost. The tape waits, and a sweep finds what nobody announced.
    desk.bell.rung.clear()
    context["world"] = replace(world, waits=True)
    async with world.store.begin() as tx:
        assert not await tx.ideas.pending()
    played = await world.market.played()
    await jobs.ingest(context)
    assert await world.market.played() == played
    (before,) = await world.broker.positions()
    await jobs.sweep(context)
    assert await asked(desk) == []
    async with world.store.begin() as tx:
        done = [await tx.position_orders.get(order.client_id) for order in found]
    assert {order.state for order in done} == {PositionOrderState.DONE}
    (after,) = await world.broker.positions()
    assert (after.stop_loss, after.volume) != (before.stop_loss, before.volume)
    await jobs.sweep(context)
    assert await world.broker.positions() == (after,)
    assert Decimal(0) < after.volume <= before.volume


async def test_workers_that_look_at_once_ask_for_each_step_once(desk: Desk) -> None:
    await until_it_will_win(desk)
    await desk.next_candle()
    found = await asyncio.gather(*(desk.work.manage_positions() for _ in range(4)))
    added = [order.client_id for orders in found for order in orders]
    waiting = await asked(desk)
    assert sorted(added) == sorted(order.client_id for order in waiting)
    assert len({(order.rule, order.step) for order in waiting}) == len(waiting) > 0
    await asyncio.gather(*(desk.work.send_position_order(id_) for id_ in added * 3))
    closes = [order for order in waiting if order.volume_left is not None]
    (held,) = await desk.world.broker.positions()
    assert [order.volume_left for order in closes] in ([], [held.volume])
