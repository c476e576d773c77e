"""The loop over OANDA: idea, approval, order, close, and an answer that was lost."""

from datetime import timedelta
from typing import Any

import pytest

from engine.domain.market import Quote
from engine.domain.order import OrderState
from storage.transaction import PostgresLedger
from tests.conftest import Database
from tests.integration.conftest import ANN, Desk
from tests.oanda.rig import Rig
from tests.venue_story import approved, closed, desk_at


@pytest.fixture
async def desk(opened: Database, rig: Rig) -> Desk:
    """Trading is on at OANDA."""
    ledger: Any = PostgresLedger()
    rig.ledger = ledger
    return await desk_at(lambda world: rig.broker())


def deal_at(rig: Rig, quote: Quote) -> None:
    rig.account.quote("EUR_USD", str(quote.bid), str(quote.ask))


async def test_an_approved_idea_is_traded_and_closed(desk: Desk, rig: Rig) -> None:
    order = await approved(desk, lambda quote: deal_at(rig, quote))
    (trade,) = rig.account.placed(order.client_id)
    assert abs(trade.units) == order.volume * 100_000
    assert trade.stop is not None
    assert [trade.client_id for trade in await closed(desk, order)] == [order.client_id]


@pytest.mark.parametrize(("kind", "ends"), [("lose_before", "absent"), ("lose_after", "acked")])
async def test_an_order_whose_answer_was_lost_is_resolved(
    desk: Desk, rig: Rig, kind: str, ends: str
) -> None:
    rig.server.faults = [("POST orders", kind)]
    order = await approved(desk, lambda quote: deal_at(rig, quote))
    assert order.state is OrderState.UNKNOWN
    if kind == "lose_before":
        (still,) = await desk.work.resolve_orders()
        assert still.state is OrderState.UNKNOWN
        rig.shift += timedelta(minutes=6)
    (ended,) = await desk.work.resolve_orders()
    assert ended.state == ends
    assert len(rig.account.placed(order.client_id)) == (1 if ends == "acked" else 0)


async def test_a_stop_that_oanda_hit_ends_the_trade_here(desk: Desk, rig: Rig) -> None:
    order = await approved(desk, lambda quote: deal_at(rig, quote))
    await desk.work.sync_broker()
    stop = order.stop_loss + (-1 if order.direction == "buy" else 1) * order.stop_loss / 1000
    rig.account.quote("EUR_USD", f"{stop:.5f}", f"{stop:.5f}")
    (told,) = await desk.work.sync_broker()
    assert (told.client_id, told.reason) == (order.client_id, "stop_loss")
    assert (await desk.talk.read_positions(ANN.id)).trades == ()
