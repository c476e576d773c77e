"""The loop over the exchange: idea, approval, order, close, and an answer that was lost."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.settings import Settings
from bot.talk import build_talk
from bot.wiring import build_work, build_world
from engine.domain.account import Direction
from engine.domain.order import Order, OrderState
from engine.domain.position_orders import PositionOrderState
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, TradingState
from engine.flow.approvals import Choice
from engine.strategies.documents import shipped
from storage.seed import seed
from storage.transaction import PostgresLedger
from tests.binance.exchange import euro
from tests.binance.rig import Rig
from tests.conftest import Database
from tests.integration.conftest import ANN, START, Desk, RecordingBell


@pytest.fixture
async def desk(opened: Database, rig: Rig) -> Desk:
    """Trading is on; the market is the recording, whose prices the exchange deals at."""
    control = Control(state=TradingState.RUNNING, reason="test", changed_at=START)
    risk = RiskSettings(
        min_confidence_threshold=Decimal(60), daily_profit_target=Decimal(0),
        max_drawdown_amount=Decimal(50_000), max_daily_loss_percent=Decimal(50),
    )  # fmt: skip
    await seed(shipped(), risk, control)
    ledger: Any = PostgresLedger()
    rig.ledger = ledger
    rig.exchange.add(euro())
    rig.exchange.hold("USD", "100000")
    world = build_world(Settings(_env_file=None, market_start=306))  # type: ignore[call-arg]
    world = replace(world, broker=rig.broker("EURUSD"))
    async with world.store.begin() as tx:
        await tx.people.save(ANN)
    bell = RecordingBell()
    work, talk = build_work(world, bell), build_talk(world, bell, claim_code="code-of-the-test")
    await work.sync_broker()
    return Desk(world, work, talk, bell)


async def approved(desk: Desk, rig: Rig) -> Order:
    """The next idea, approved and sent."""
    idea = await desk.until_idea()
    assert idea.proposal.direction is Direction.BUY
    quote = await desk.world.market.quote("EURUSD")
    assert quote is not None
    rig.exchange.quote("EURUSD", str(quote.bid), str(quote.ask))
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    await desk.send_all()
    async with desk.world.store.begin() as tx:
        order = await tx.orders.of_idea(idea.id)
    assert order is not None
    return order


async def test_an_approved_idea_is_traded_and_closed(desk: Desk, rig: Rig) -> None:
    order = await approved(desk, rig)
    assert (order.state, order.reason) == (OrderState.ACKED, None)
    assert rig.exchange.placed(order.client_id)[0]["executedQty"] >= order.volume
    await desk.work.sync_broker()
    (trade,) = (await desk.talk.read_positions(ANN.id)).trades
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
    rig.server.faults = [("POST order", "lose_before")]
    order = await approved(desk, rig)
    assert order.state is OrderState.UNKNOWN
    (still,) = await desk.work.resolve_orders()
    assert still.state is OrderState.UNKNOWN
    rig.shift += timedelta(minutes=6)
    (ended,) = await desk.work.resolve_orders()
    assert ended.state is OrderState.ABSENT
    assert rig.exchange.orders == []
