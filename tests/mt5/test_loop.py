"""The loop over the connector: idea, approval, order, close, and an answer that was lost."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.settings import Settings
from bot.talk import build_talk
from bot.wiring import build_work, build_world
from engine.domain.order import Order, OrderState
from engine.domain.position_orders import PositionOrderState
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, TradingState
from engine.flow.approvals import Choice
from engine.strategies.documents import shipped
from storage.seed import seed
from tests.conftest import Database
from tests.integration.conftest import ANN, START, Desk, RecordingBell
from tests.mt5.rig import Rig


@pytest.fixture
async def desk(opened: Database, rig: Rig) -> Desk:
    """Trading is on; the market is the recording, whose prices the terminal deals at."""
    control = Control(state=TradingState.RUNNING, reason="test", changed_at=START)
    risk = RiskSettings(
        min_confidence_threshold=Decimal(60), daily_profit_target=Decimal(0),
        max_drawdown_amount=Decimal(50_000), max_daily_loss_percent=Decimal(50),
    )  # fmt: skip
    await seed(shipped(), risk, control)
    world = build_world(Settings(_env_file=None, market_start=306))  # type: ignore[call-arg]
    world = replace(world, broker=rig.broker(world.store))
    async with world.store.begin() as tx:
        await tx.people.save(ANN)
    bell = RecordingBell()
    work, talk = build_work(world, bell), build_talk(world, bell, claim_code="code-of-the-test")
    await work.sync_broker()
    return Desk(world, work, talk, bell)


async def approved(desk: Desk, rig: Rig) -> Order:
    """The next idea, approved and sent."""
    idea = await desk.until_idea()
    quote = await desk.world.market.quote("EURUSD")
    assert quote is not None
    with rig.server.held() as held:
        held.quote("EURUSD", float(quote.bid), float(quote.ask))
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    await desk.send_all()
    async with desk.world.store.begin() as tx:
        order = await tx.orders.of_idea(idea.id)
    assert order is not None
    return order


async def test_an_approved_idea_is_traded_and_closed(desk: Desk, rig: Rig) -> None:
    order = await approved(desk, rig)
    assert order.state is OrderState.ACKED
    assert sum(deal.volume for deal in rig.exchange.deals) == float(order.volume)
    await desk.work.sync_broker()
    (trade, *_) = (await desk.talk.read_positions(ANN.id)).trades
    assert trade.position.client_id == order.client_id
    asked = await desk.talk.ask_position.close(ANN.id, trade.position.id)
    wanted = await desk.talk.confirm_position(ANN.id, asked.order.client_id)
    await desk.send_all()
    async with desk.world.store.begin() as tx:
        done = await tx.position_orders.get(wanted.client_id)
    assert done.state is PositionOrderState.DONE
    closed = await desk.work.sync_broker()
    assert [trade.client_id for trade in closed] == [order.client_id]
    assert closed[0].exit_price == done.price


async def test_an_order_whose_answer_was_lost_is_resolved(desk: Desk, rig: Rig) -> None:
    rig.service.desk.tracer.absence_seconds = 60
    rig.server.faults = [("order_send", "hang_before")]
    order = await approved(desk, rig)
    assert order.state is OrderState.UNKNOWN
    (still,) = await desk.work.resolve_orders()
    assert still.state is OrderState.UNKNOWN
    rig.service.desk.tracer.absence_seconds = 0.2
    await rig.ends(order.client_id)
    (ended,) = await desk.work.resolve_orders()
    assert ended.state is OrderState.ABSENT
    assert rig.exchange.deals == []
