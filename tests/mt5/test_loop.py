"""The loop over the connector: idea, approval, order, close, and an answer that was lost."""

import pytest

from engine.domain.market import Quote
from engine.domain.order import OrderState
from tests.conftest import Database
from tests.integration.conftest import Desk
from tests.mt5.rig import Rig
from tests.venue_story import approved, closed, desk_at


@pytest.fixture
async def desk(opened: Database, rig: Rig) -> Desk:
    """Trading is on at the connector."""
    return await desk_at(lambda world: rig.broker(world.store))


def deal_at(rig: Rig, quote: Quote) -> None:
    with rig.server.held() as held:
        held.quote("EURUSD", float(quote.bid), float(quote.ask))


async def test_an_approved_idea_is_traded_and_closed(desk: Desk, rig: Rig) -> None:
    order = await approved(desk, lambda quote: deal_at(rig, quote))
    assert sum(deal.volume for deal in rig.exchange.deals) == float(order.volume)
    assert [trade.client_id for trade in await closed(desk, order)] == [order.client_id]


async def test_an_order_whose_answer_was_lost_is_resolved(desk: Desk, rig: Rig) -> None:
    rig.service.desk.tracer.absence_seconds = 60
    rig.server.faults = [("order_send", "hang_before")]
    order = await approved(desk, lambda quote: deal_at(rig, quote))
    assert order.state is OrderState.UNKNOWN
    (still,) = await desk.work.resolve_orders()
    assert still.state is OrderState.UNKNOWN
    rig.service.desk.tracer.absence_seconds = 0.2
    await rig.ends(order.client_id)
    (ended,) = await desk.work.resolve_orders()
    assert ended.state is OrderState.ABSENT
    assert rig.exchange.deals == []
