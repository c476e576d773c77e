"""Windows a review found open: each is forced here, and stays shut."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid5

import asyncpg
import pytest
from tortoise import connections

from bot.bell import ArqBell
from bot.logs import mask
from engine.domain.decision import Action
from engine.domain.order import OrderState
from engine.domain.state import HaltReason, Mode, TradingState
from engine.errors import InvalidInput, NotAllowed, Outdated
from engine.flow.approvals import Choice
from engine.flow.ideas import intent
from storage.inbox import PostgresInbox
from storage.models import OutboxRow
from tests.conftest import Database
from tests.integration.conftest import ANN, LUIS, START, Desk


async def approved_order(desk: Desk):
    idea = await desk.until_idea()
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    async with desk.world.store.begin() as tx:
        return idea, await tx.orders.of_idea(idea.id)


async def test_stop_between_release_and_attempt_keeps_the_order_here(desk: Desk) -> None:
    _, order = await approved_order(desk)
    send = desk.work.send_order
    begin = type(send)._begin

    async def stop_first(self, moved, bundle):
        await desk.talk.change_control.stop(None)
        return await begin(self, moved, bundle)

    type(send)._begin = stop_first
    try:
        after = await send(order.client_id)
    finally:
        type(send)._begin = begin
    assert after.state is OrderState.REJECTED
    assert await desk.world.broker.positions() == ()
    async with desk.world.store.begin() as tx:
        halt = (await tx.history.list(actions=(Action.AI_HALTED,), limit=1))[0]
    assert halt.entry.detail["at_venue"] == [order.client_id]


async def pause_symbol(desk: Desk) -> None:
    await desk.talk.change_control.symbol(None, "EURUSD", paused=True)


async def supervise(desk: Desk) -> None:
    await desk.talk.change_control.mode(None, Mode.AUTONOMOUS)


async def tighten(desk: Desk) -> None:
    await desk.change_risk(max_lot_size=Decimal("0.01"))


async def switch_off(desk: Desk) -> None:
    async with desk.world.store.begin() as tx:
        await tx.controls.take()
        for known in await tx.settings.strategies():
            await tx.settings.save_strategy(
                replace(known, is_active=False), by="test", reason="test"
            )


@pytest.mark.parametrize("change", [pause_symbol, supervise, tighten, switch_off])
async def test_attempt_does_not_begin_under_rules_that_are_gone(
    desk: Desk, change: Callable[[Desk], Awaitable[None]]
) -> None:
    _, order = await approved_order(desk)
    send = desk.work.send_order
    begin = type(send)._begin

    async def change_first(self, moved, bundle):
        await change(desk)
        return await begin(self, moved, bundle)

    type(send)._begin = change_first
    try:
        after = await send(order.client_id)
    finally:
        type(send)._begin = begin
    assert after.state is OrderState.REJECTED
    assert await desk.world.broker.positions() == ()


async def test_two_orders_that_cannot_see_each_other_do_not_both_leave(desk: Desk) -> None:
    idea, order = await approved_order(desk)
    twin_id = uuid5(idea.id, "twin")
    async with desk.world.store.begin() as tx:
        await tx.ideas.add(replace(idea, id=twin_id))
        twin = intent(replace(idea, id=twin_id), order.account_id, order.volume, order.created_at)
        # Written with a later stamp, seen by nobody who looked before.
        await tx.orders.add(replace(twin, created_at=order.created_at + timedelta(seconds=1)))
        await connections.get("default").execute_query(
            "UPDATE trade_ideas SET status = 'approved' WHERE id = $1", [twin_id]
        )
    await asyncio.gather(
        desk.work.send_order(order.client_id), desk.work.send_order(twin.client_id)
    )
    async with desk.world.store.begin() as tx:
        states = {(await tx.orders.get(o.client_id)).state for o in (order, twin)}
    assert len(await desk.world.broker.positions()) == 1
    assert states == {OrderState.ACKED, OrderState.CANCELLED}


async def test_limit_lowered_while_an_order_is_judged_holds_for_it(desk: Desk) -> None:
    _, order = await approved_order(desk)
    collect = desk.work.send_order.collect
    seen = type(collect).__call__
    lowered = False

    async def lower_after(self, symbol, timeframe):
        nonlocal lowered
        bundle = await seen(self, symbol, timeframe)
        if not lowered:
            lowered = True
            await desk.change_risk(max_lot_size=Decimal("0.01"))
        return bundle

    type(collect).__call__ = lower_after
    try:
        after = await desk.work.send_order(order.client_id)
    finally:
        type(collect).__call__ = seen
    assert after.volume == Decimal("0.01")


async def test_order_too_old_is_cancelled_even_without_a_market(desk: Desk) -> None:
    _, order = await approved_order(desk)
    await connections.get("default").execute_query(
        "UPDATE trade_order SET document = jsonb_set(document, '{valid_until}',"
        " to_jsonb('2020-01-01T00:00:00Z'::text))"
    )

    class Silent:
        async def __call__(self, *_):
            raise AssertionError("the market was asked")

    after = await replace(desk.work.send_order, collect=Silent())(order.client_id)
    assert (after.state, after.reason) == (OrderState.CANCELLED, "order_expired")


async def test_halt_that_came_in_between_is_not_lifted_by_an_old_confirmation(desk: Desk) -> None:
    paused = await desk.talk.change_control.pause(ANN.id)
    await desk.talk.change_control.stop(None)
    with pytest.raises(Outdated):
        await desk.talk.change_control.resume(ANN.id, expected=paused.version)
    assert (await desk.talk.read_status(None)).control.state is TradingState.EMERGENCY_STOP


async def test_stop_works_when_the_history_cannot_be_written(
    desk: Desk, database: Database
) -> None:
    _, order = await approved_order(desk)
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("ALTER TABLE history_head DISABLE TRIGGER ALL")
    await owner.execute("DELETE FROM history_head")
    await owner.close()
    control = await desk.talk.change_control.stop(None)
    assert (control.state, control.reason) == (
        TradingState.EMERGENCY_STOP,
        HaltReason.STOP_UNRECORDED,
    )
    async with desk.world.store.begin() as tx:
        assert (await tx.orders.get(order.client_id)).state is OrderState.CANCELLED
    found = await desk.work.recover()
    assert found.faults


async def test_damaged_history_is_the_reason_to_know_and_only_an_admin_resumes(
    desk: Desk, database: Database
) -> None:
    await desk.next_candle()
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("ALTER TABLE decision_history DISABLE TRIGGER ALL")
    await owner.execute("UPDATE decision_history SET rationale = 'x' WHERE seq = 1")
    await owner.close()
    async with desk.world.store.begin() as tx:
        control = await tx.controls.take()
        halted = control.move(
            TradingState.HALTED, reason="daily_target_reached", by="system", at=START
        )
        await tx.controls.save(halted)
    for _ in range(2):
        await desk.work.recover()
    assert (await desk.talk.read_status(None)).control.reason == HaltReason.AUDIT_FAILURE
    # A new reason is a change like any other: written down and told, once.
    async with desk.world.store.begin() as tx:
        records = await tx.history.list(actions=(Action.AI_HALTED,), limit=9)
    assert [r.entry.risk_check_result for r in records] == ["fail:audit_failure"]
    assert await OutboxRow.filter(key=f"control:{halted.version + 1}", person_id=ANN.id).exists()
    with pytest.raises(NotAllowed):
        await desk.talk.change_control.resume(LUIS.id)


async def test_symbol_nobody_watches_cannot_be_paused(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="EURUSD"):
        await desk.talk.change_control.symbol(ANN.id, "EUR/USD", paused=True)


@pytest.mark.parametrize("text", ["/start \x00", "/start \ud800", "v1:ok:\x00"])
async def test_update_with_text_no_database_takes_is_stored_all_the_same(
    opened: Database, text: str
) -> None:
    inbox = PostgresInbox()
    assert await inbox.put(1, {"update_id": 1, "message": {"text": text}})
    (update,) = await inbox.waiting()
    assert (
        "\ufffd" in update.document["message"]["text"] or "?" in update.document["message"]["text"]
    )


async def test_redis_that_never_answers_holds_nobody_up() -> None:
    class Hanging:
        async def enqueue_job(self, *_):
            await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await ArqBell(Hanging()).ring("deliver")  # type: ignore[arg-type]


def test_secrets_are_masked_wherever_they_stand() -> None:
    line = mask(
        "GET https://api.telegram.org/bot123456:AAabcdefghijklmnop/getMe failed;"
        " postgres://ai:hunter2secret@db/x"
    )
    assert "AAabc" not in line
    assert "hunter2" not in line
    assert "postgres://ai:***@db/x" in line
