"""The day's limits halt trading, are latched, told once, and left by a person."""

from decimal import Decimal

import pytest

from engine.domain.idea import IdeaStatus
from engine.domain.order import OrderState
from engine.domain.state import HaltReason, Mode, TradingState
from engine.flow.approvals import Choice
from storage.models import OutboxRow
from tests.integration.conftest import ANN, Desk


@pytest.fixture
def mode() -> Mode:
    """Autonomous, so that trades come by themselves."""
    return Mode.AUTONOMOUS


async def lose_until_halted(desk: Desk) -> None:
    for _ in range(300):
        await desk.next_candle()
        if (await desk.talk.read_status(None)).control.state is TradingState.HALTED:
            return
        await desk.send_all()
    raise AssertionError("no limit was reached in 300 candles")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_daily_loss_percent": Decimal("0.20")}, HaltReason.DAILY_LOSS),
        ({"max_drawdown_amount": Decimal("20")}, HaltReason.MAX_DRAWDOWN),
        ({"daily_profit_target": Decimal("15")}, HaltReason.DAILY_TARGET_REACHED),
    ],
)
async def test_limit_reached_latches_the_halt_and_tells_it_once(
    desk: Desk, limits: dict[str, Decimal], reason: HaltReason
) -> None:
    await desk.change_risk(**limits)
    await lose_until_halted(desk)
    control = (await desk.talk.read_status(None)).control
    assert control.reason == reason
    for _ in range(3):
        await desk.work.sync_broker()
    assert await OutboxRow.filter(kind="halt", person_id=ANN.id).count() == 1
    assert (await desk.actions()).count("ai_halted") == 1


async def test_halted_trading_still_records_what_it_would_have_done(desk: Desk) -> None:
    await desk.change_risk(max_drawdown_amount=Decimal("20"))
    await lose_until_halted(desk)
    idea = await desk.until_idea(IdeaStatus.HALTED_BY_RISK)
    async with desk.world.store.begin() as tx:
        assert await tx.orders.of_idea(idea.id) is None


async def test_limit_that_is_switched_off_does_not_halt(desk: Desk) -> None:
    await desk.change_risk(max_drawdown_amount=Decimal("20"), halt_on_drawdown=False)
    for _ in range(120):
        await desk.next_candle()
        await desk.send_all()
    assert (await desk.talk.read_status(None)).control.state is TradingState.RUNNING


async def test_equity_is_measured_from_the_brokers_day_start(desk: Desk) -> None:
    for _ in range(60):
        await desk.next_candle()
        await desk.send_all()
        status = await desk.talk.read_status(None)
        assert status.day is not None
        assert status.account is not None
        assert status.day.day == status.instant.date()
        assert status.day.peak_equity >= status.day.start_equity
        assert status.day.peak_equity >= status.account.equity


async def test_resume_after_a_halt_is_a_persons_and_recorded(desk: Desk) -> None:
    await desk.change_risk(max_drawdown_amount=Decimal("20"))
    await lose_until_halted(desk)
    await desk.change_risk(max_drawdown_amount=Decimal("5000"))
    control = await desk.talk.change_control.resume(ANN.id)
    assert control.state is TradingState.RUNNING
    assert control.changed_by == "Ann"
    assert (await desk.actions())[-1] == "ai_resumed"


async def test_paused_symbol_stops_alone(desk: Desk) -> None:
    await desk.talk.change_control.symbol(ANN.id, "EURUSD", paused=True)
    idea = await desk.until_idea(IdeaStatus.HALTED_BY_RISK)
    async with desk.world.store.begin() as tx:
        decision = (await tx.history.list(idea_id=idea.id, limit=1))[0]
    assert decision.entry.risk_check_result == "fail:symbol_paused"


async def test_books_and_venue_agree_after_many_trades(desk: Desk) -> None:
    for _ in range(150):
        await desk.next_candle()
        await desk.send_all()
    account = await desk.world.broker.account()
    async with desk.world.store.begin() as tx:
        closed = await tx.orders.closed(since=None, limit=1000)
        acked = await tx.orders.in_state(OrderState.ACKED)
    positions = await desk.world.broker.positions()
    assert len(closed) > 3
    assert account.balance == Decimal(10_000) + sum((t.profit for t in closed), Decimal(0))
    assert {t.client_id for t in closed} | {p.client_id for p in positions} == {
        order.client_id for order in acked
    }


async def test_candle_is_judged_once_however_often_it_is_asked(desk: Desk) -> None:
    assert await desk.next_candle()
    assert await desk.work.run_cycle("EURUSD", desk.world.market.recording.timeframe) == ()


async def test_half_size_of_the_smallest_lot_is_refused_by_name(desk: Desk) -> None:
    await desk.talk.change_control.mode(ANN.id, Mode.SUPERVISED)
    await desk.change_risk(max_lot_size=Decimal("0.01"))
    idea = await desk.until_idea()
    decided = await desk.talk.decide_idea(
        idea.id, Choice.HALF, person_id=ANN.id, chat_id=ANN.chat_id
    )
    assert decided.approval.detail == "lot_size"
