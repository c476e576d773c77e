"""The loop over a venue, for the suites of each: an idea, its approval, the order, a close."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bot.settings import Settings
from bot.talk import build_talk
from bot.wiring import build_work
from bot.world import World, build_world
from engine.domain.market import Quote
from engine.domain.order import ClosedTrade, Order, OrderState
from engine.domain.position_orders import PositionOrderState
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, TradingState
from engine.flow.approvals import Choice
from engine.strategies.documents import shipped
from storage.seed import seed
from tests.integration.conftest import ANN, START, Desk, RecordingBell


async def desk_at(broker: Callable[[World], Any]) -> Desk:
    """Trading is on at a venue; the market is the recording, at whose prices it has to deal."""
    control = Control(state=TradingState.RUNNING, reason="test", changed_at=START)
    risk = RiskSettings(
        min_confidence_threshold=Decimal(60), daily_profit_target=Decimal(0),
        max_drawdown_amount=Decimal(50_000), max_daily_loss_percent=Decimal(50),
    )  # fmt: skip
    await seed(shipped(), risk, control)
    world = build_world(Settings(_env_file=None, market_start=306))  # type: ignore[call-arg]
    world = replace(world, broker=broker(world))
    async with world.store.begin() as tx:
        await tx.people.save(ANN)
    bell = RecordingBell()
    work, talk = build_work(world, bell), build_talk(world, bell, claim_code="code-of-the-test")
    await work.sync_broker()
    return Desk(world, work, talk, bell)


async def approved(desk: Desk, deal_at: Callable[[Quote], None]) -> Order:
    """The next idea, approved and sent, at a venue that deals at the recording's price."""
    idea = await desk.until_idea()
    quote = await desk.world.market.quote("EURUSD")
    assert quote is not None
    deal_at(quote)
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    await desk.send_all()
    async with desk.world.store.begin() as tx:
        order = await tx.orders.of_idea(idea.id)
    assert order is not None
    return order


async def closed(desk: Desk, order: Order) -> tuple[ClosedTrade, ...]:
    """An order that was filled, closed by a person who asks for it; what the venue tells of it."""
    assert (order.state, order.reason) == (OrderState.ACKED, None)
    await desk.work.sync_broker()
    (trade, *_) = (await desk.talk.read_positions(ANN.id)).trades
    assert trade.position.client_id == order.client_id
    asked = await desk.talk.ask_position.close(ANN.id, trade.position.id)
    wanted = await desk.talk.confirm_position(ANN.id, asked.order.client_id)
    await desk.send_all()
    async with desk.world.store.begin() as tx:
        done = await tx.position_orders.get(wanted.client_id)
    assert done.state is PositionOrderState.DONE
    told = await desk.work.sync_broker()
    assert {each.client_id for each in told} == {order.client_id}
    assert told[0].exit_price == done.price
    return told
