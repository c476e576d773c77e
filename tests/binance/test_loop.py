"""The loop over the exchange: idea, approval, order, close, and an answer that was lost."""

from datetime import timedelta
from typing import Any

import pytest

from engine.domain.account import Direction
from engine.domain.market import Quote
from engine.domain.order import OrderState
from storage.transaction import PostgresLedger
from tests.binance.exchange import euro
from tests.binance.rig import Rig
from tests.conftest import Database
from tests.integration.conftest import Desk
from tests.venue_story import approved, closed, desk_at


@pytest.fixture
async def desk(opened: Database, rig: Rig) -> Desk:
    """Trading is on at the exchange."""
    ledger: Any = PostgresLedger()
    rig.ledger = ledger
    rig.exchange.add(euro())
    rig.exchange.hold("USD", "100000")
    return await desk_at(lambda world: rig.broker("EURUSD"))


def deal_at(rig: Rig, quote: Quote) -> None:
    rig.exchange.quote("EURUSD", str(quote.bid), str(quote.ask))


async def test_an_approved_idea_is_traded_and_closed(desk: Desk, rig: Rig) -> None:
    order = await approved(desk, lambda quote: deal_at(rig, quote))
    assert order.direction is Direction.BUY
    assert rig.exchange.placed(order.client_id)[0]["executedQty"] >= order.volume
    assert [trade.client_id for trade in await closed(desk, order)] == [order.client_id]


async def test_an_order_whose_answer_was_lost_is_resolved(desk: Desk, rig: Rig) -> None:
    rig.server.faults = [("POST order", "lose_before")]
    order = await approved(desk, lambda quote: deal_at(rig, quote))
    assert order.state is OrderState.UNKNOWN
    (still,) = await desk.work.resolve_orders()
    assert still.state is OrderState.UNKNOWN
    rig.shift += timedelta(minutes=6)
    (ended,) = await desk.work.resolve_orders()
    assert ended.state is OrderState.ABSENT
    assert rig.exchange.orders == []
