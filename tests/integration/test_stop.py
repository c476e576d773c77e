"""A stop needs nothing but the database's one row: not the history, not the market, not a head."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import copy_context
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from bot.i18n import words_for
from bot.notices import Reader, Render
from engine.domain.notice import Kind
from engine.domain.order import OrderState
from engine.domain.person import Role
from engine.domain.state import HaltReason, TradingState
from engine.errors import FeedError, NotAllowed
from engine.flow.approvals import Choice
from storage.audit import PostgresAuditor
from storage.models import OutboxRow
from tests.conftest import Database
from tests.integration.conftest import ANN, EVE, LUIS, START, Desk

FAULTS = ("the head is gone", "no right to write", "the table refuses")


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Any]:
    """A connection of the schema's owner, who can break things."""
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()


async def break_history(owner: Any, how: str) -> Any:
    """Break it; the answer repairs it."""
    breaking, repairing = {
        "no right to write": (
            "REVOKE EXECUTE ON FUNCTION append_decisions FROM ai_trader",
            "GRANT EXECUTE ON FUNCTION append_decisions TO ai_trader",
        ),
        "the table refuses": (
            "ALTER TABLE decision_history ADD CONSTRAINT full_disk CHECK (seq < 0) NOT VALID",
            "ALTER TABLE decision_history DROP CONSTRAINT full_disk",
        ),
        "the head is gone": (
            "ALTER TABLE history_head DISABLE TRIGGER ALL; DELETE FROM history_head",
            "",
        ),
    }[how]
    head = await owner.fetchrow("SELECT * FROM history_head")
    await owner.execute(breaking)

    async def repair() -> None:
        if repairing:
            await owner.execute(repairing)
            return
        places = ", ".join(f"${number + 1}" for number in range(len(head)))
        await owner.execute(f"INSERT INTO history_head VALUES ({places})", *head.values())

    return repair


async def queued(desk: Desk) -> str:
    """An approved order that has not left."""
    idea = await desk.until_idea()
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    async with desk.world.store.begin() as tx:
        order = await tx.orders.of_idea(idea.id)
    assert order is not None
    return order.client_id


async def seen(desk: Desk, client_id: str) -> tuple[Any, Any]:
    async with desk.world.store.begin() as tx:
        return await tx.controls.read(), await tx.orders.get(client_id)


@pytest.mark.parametrize("how", FAULTS)
async def test_stop_is_pulled_although_the_history_cannot_be_written(
    desk: Desk, owner: Any, how: str
) -> None:
    client_id = await queued(desk)
    await break_history(owner, how)
    await desk.talk.change_control.stop(LUIS.id)
    control, order = await seen(desk, client_id)
    assert (control.state, control.reason) == (
        TradingState.EMERGENCY_STOP,
        HaltReason.STOP_UNRECORDED,
    )
    assert control.changed_by == "Luis"
    assert order.state is OrderState.CANCELLED
    row = await OutboxRow.get(kind=Kind.HALT, person_id=EVE.id)
    render = Render(store=desk.world.store, broker=desk.world.broker)
    parcel = await render(Kind.HALT, row.payload["detail"], Reader(words_for("en"), Role.ADMIN))
    assert parcel is not None
    assert "stopped without a record" in parcel.text
    # Pulled again, it stays as it is and tells nobody twice.
    assert await desk.talk.change_control.stop(None) == control


@pytest.mark.parametrize("how", FAULTS)
async def test_next_start_writes_what_the_stop_owes_once(desk: Desk, owner: Any, how: str) -> None:
    client_id = await queued(desk)
    repair = await break_history(owner, how)
    control = await desk.talk.change_control.stop(LUIS.id)
    await desk.work.recover()
    assert (await seen(desk, client_id))[0] == control
    await repair()
    for _ in range(2):
        await desk.work.recover()
    assert (await desk.actions())[-2:] == ["ai_halted", "order_cancelled"]
    async with desk.world.store.begin() as tx:
        cancelled, stopped = [d.entry for d in await tx.history.list(limit=2)]
    assert "pulled by Luis at" in stopped.rationale
    assert "could not be written" in stopped.rationale
    assert stopped.detail["after"]["reason"] == HaltReason.STOP_UNRECORDED
    assert cancelled.detail["order"]["client_id"] == client_id
    control, _ = await seen(desk, client_id)
    assert (control.state, control.reason) == (
        TradingState.EMERGENCY_STOP,
        HaltReason.AUDIT_FAILURE,
    )
    assert (await PostgresAuditor().verify())[1] == ()


async def test_start_without_a_history_comes_up_stopped_although_trades_ended(
    desk: Desk, owner: Any
) -> None:
    client_id = await queued(desk)
    await desk.send_all()
    for _ in range(60):
        assert await desk.world.market.advance(lambda: START, timedelta(0)) is not None
    repair = await break_history(owner, "no right to write")
    await desk.talk.change_control.stop(None)
    found = await desk.work.recover()
    assert not found.venue_answered
    await repair()
    assert (await desk.work.recover()).venue_answered
    assert (await desk.actions())[-2:] == ["ai_halted", "position_closed"]
    assert (await seen(desk, client_id))[1].state is OrderState.ACKED


async def test_resume_writes_what_the_stop_owes_before_itself(desk: Desk, owner: Any) -> None:
    await queued(desk)
    repair = await break_history(owner, "no right to write")
    await desk.talk.change_control.stop(None)
    await repair()
    with pytest.raises(NotAllowed):
        await desk.talk.change_control.resume(LUIS.id)
    await desk.talk.change_control.resume(ANN.id)
    assert (await desk.actions())[-3:] == ["ai_halted", "order_cancelled", "ai_resumed"]
    assert (await PostgresAuditor().verify())[1] == ()


async def test_resume_is_impossible_while_the_history_cannot_be_written(
    desk: Desk, owner: Any
) -> None:
    await break_history(owner, "no right to write")
    control = await desk.talk.change_control.stop(None)
    with pytest.raises(Exception, match="permission denied"):
        await desk.talk.change_control.resume(ANN.id)
    async with desk.world.store.begin() as tx:
        assert await tx.controls.read() == control


async def test_stop_does_not_wait_for_a_history_that_stalls(desk: Desk, owner: Any) -> None:
    client_id = await queued(desk)
    stop = replace(desk.talk.change_control, patience_seconds=0.2).stop
    async with owner.transaction():
        await owner.execute("SELECT * FROM history_head FOR UPDATE")
        await stop(None)
        control, order = await seen(desk, client_id)
        assert control.reason == HaltReason.STOP_UNRECORDED
        assert order.state is OrderState.CANCELLED
    await desk.work.recover()
    assert (await desk.actions())[-2:] == ["ai_halted", "order_cancelled"]


async def test_broken_history_gives_nobody_rights_they_lack(desk: Desk, owner: Any) -> None:
    await break_history(owner, "no right to write")
    for who in (EVE.id, 4711):
        with pytest.raises(NotAllowed):
            await desk.talk.change_control.stop(who)
    async with desk.world.store.begin() as tx:
        assert (await tx.controls.read()).state is TradingState.RUNNING


async def test_stop_is_pulled_and_recorded_without_a_market(desk: Desk) -> None:
    class Gone:
        async def instant(self) -> Any:
            raise FeedError("no market data")

    stopped = await replace(desk.talk.change_control, market=Gone()).stop(LUIS.id)
    assert stopped.reason == "stopped_by_person"
    async with desk.world.store.begin() as tx:
        (record,) = await tx.history.list(limit=1)
    assert record.entry.action == "ai_halted"
    assert record.entry.market_time is None


async def test_process_that_hangs_with_the_trading_state_does_not_keep_the_stop_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.settings.HOLD_MILLISECONDS", 500)
    held = asyncio.Event()

    async def hang() -> None:
        async with desk.world.store.begin() as tx:
            await tx.controls.hold()
            held.set()
            await asyncio.sleep(30)

    hanging = asyncio.get_running_loop().create_task(hang(), context=copy_context())
    await held.wait()
    control = await asyncio.wait_for(desk.talk.change_control.stop(None), 10)
    assert control.state is TradingState.EMERGENCY_STOP
    hanging.cancel()
    with pytest.raises((asyncio.CancelledError, Exception)):
        await hanging
