"""Closing by hand, another stop, other targets: what the paper broker does to a held position."""

from dataclasses import replace
from decimal import Decimal

import pytest

from broker.paper import PaperBroker
from engine.domain.account import Direction
from engine.domain.order import together
from engine.domain.position_orders import PositionChange
from engine.errors import BrokerRefused
from engine.ports import NotFound
from tests.builders import HOUR, NOW, candle, order
from tests.unit.test_paper import SHORT, hours, venue

D = Decimal
TARGETS = (D("1.10400"), D("1.10800"))


async def held(broker: PaperBroker):
    (position,) = await broker.positions()
    return position


async def test_a_close_leaves_nothing_and_is_dealt_at_the_other_side_less_slippage():
    broker = venue()
    fill = await broker.submit(order())
    done = await broker.close(fill.broker_id, volume_left=D(0), client_id="c-1")
    assert done == PositionChange(
        client_id="c-1", position_id="1", volume_left=D(0), time=NOW,
        price=D("1.09999"), volume_closed=D("0.10"),
    )  # fmt: skip
    assert await broker.positions() == ()
    (trade,) = await broker.closed_since(NOW - HOUR)
    assert (trade.reason, trade.exit_price, trade.volume) == ("manual", D("1.09999"), D("0.10"))
    assert trade.profit == D("-1.20")
    assert (await broker.account()).balance == D("9998.80")


async def test_a_short_is_closed_at_the_ask():
    broker = venue()
    await broker.submit(order(**SHORT))
    done = await broker.close("1", volume_left=D(0), client_id="c-1")
    assert done.price == D("1.10011")


async def test_a_part_is_closed_and_the_rest_keeps_stop_and_targets():
    broker = venue()
    await broker.submit(order(take_profit=TARGETS))
    await broker.close("1", volume_left=D("0.06"), client_id="c-1")
    rest = await held(broker)
    assert (rest.id, rest.volume, rest.stop_loss) == ("1", D("0.06"), order().stop_loss)
    assert rest.take_profit == TARGETS[0]
    hours(broker, ("1.1000", "1.1090", "1.0999", "1.1085"))
    assert await broker.positions() == ()
    trades = await broker.closed_since(NOW - HOUR)
    assert [trade.volume for trade in trades] == [D("0.04"), D("0.03"), D("0.03")]
    assert [trade.reason for trade in trades] == ["manual", "take_profit", "take_profit"]
    assert together(trades).volume == D("0.10")
    assert {trade.position_id for trade in trades} == {"1", "1/1", "1/2"}


@pytest.mark.parametrize("left", ["0.10", "0.11", "-0.01"])
async def test_what_is_not_less_than_is_held_is_refused(left):
    broker = venue()
    await broker.submit(order())
    with pytest.raises(BrokerRefused):
        await broker.close("1", volume_left=D(left), client_id="c-1")
    assert (await held(broker)).volume == D("0.10")


async def test_an_id_is_taken_once_and_what_was_asked_for_in_vain_never():
    broker = venue()
    await broker.submit(order())
    await broker.close("1", volume_left=D("0.06"), client_id="c-1")
    with pytest.raises(BrokerRefused, match="given before"):
        await broker.close("1", volume_left=D("0.02"), client_id="c-1")
    found = await broker.look_up_change("c-1")
    assert isinstance(found, PositionChange)
    assert found.volume_left == D("0.06")
    assert await broker.look_up_change("c-2") == NotFound(proven=True)
    for late in (
        broker.close("1", volume_left=D(0), client_id="c-2"),
        broker.modify("1", stop_loss=D("1.09900"), client_id="c-2"),
    ):
        with pytest.raises(BrokerRefused, match="given before"):
            await late
    assert (await held(broker)).volume == D("0.06")


async def test_another_stop_leaves_the_targets_and_other_targets_leave_the_stop():
    broker = venue()
    await broker.submit(order())
    await broker.modify("1", stop_loss=D("1.09900"), client_id="c-1")
    assert (await held(broker)).take_profit == order().take_profit[0]
    await broker.modify("1", take_profit=TARGETS, client_id="c-2")
    assert (await held(broker)).stop_loss == D("1.09900")
    assert (await held(broker)).take_profit == TARGETS[0]
    hours(broker, ("1.1000", "1.1050", "1.0999", "1.1045"))
    assert ((await held(broker)).volume, (await held(broker)).take_profit) == (
        D("0.05"),
        TARGETS[1],
    )
    hours(broker, ("1.1000", "1.1001", "1.0980", "1.0985"))
    trades = await broker.closed_since(NOW - HOUR)
    assert [(t.reason, t.exit_price) for t in trades][-1] == ("stop_loss", D("1.09900"))


@pytest.mark.parametrize(
    ("direction", "stop", "target"),
    [
        (Direction.BUY, "1.10000", "1.10000"),
        (Direction.BUY, "1.10500", "1.09500"),
        (Direction.SELL, "1.10010", "1.10010"),
        (Direction.SELL, "1.09500", "1.10500"),
    ],
)
async def test_a_level_beyond_the_market_is_refused(direction, stop, target):
    broker = venue()
    await broker.submit(order(**(SHORT if direction is Direction.SELL else {})))
    before = await held(broker)
    with pytest.raises(BrokerRefused):
        await broker.modify("1", stop_loss=D(stop), client_id="c-1")
    with pytest.raises(BrokerRefused):
        await broker.modify("1", take_profit=(D(target),), client_id="c-2")
    assert await held(broker) == before


async def test_a_level_nearer_than_the_venue_lets_it_be_is_refused():
    broker = venue()
    broker.market.specification = replace(broker.market.specification, stops_level=D("0.00100"))
    await broker.submit(order())
    with pytest.raises(BrokerRefused):
        await broker.modify("1", stop_loss=D("1.09901"), client_id="c-1")
    await broker.modify("1", stop_loss=D("1.09900"), client_id="c-2")


async def test_nothing_is_changed_without_a_quote_or_a_position():
    broker = venue()
    await broker.submit(order())
    with pytest.raises(BrokerRefused, match="not open"):
        await broker.close("2", volume_left=D(0), client_id="c-0")
    broker.market.quoted = False
    with pytest.raises(BrokerRefused, match="not quoted"):
        await broker.close("1", volume_left=D(0), client_id="c-1")
    with pytest.raises(BrokerRefused, match="not quoted"):
        await broker.modify("1", stop_loss=D("1.09900"), client_id="c-2")


async def test_a_stop_that_was_hit_before_is_played_first():
    broker = venue()
    await broker.submit(order())
    broker.market.close(candle(NOW, low="1.09700", open="1.1", close="1.09800", high="1.1"))
    with pytest.raises(BrokerRefused, match="not open"):
        await broker.close("1", volume_left=D(0), client_id="c-1")
    (trade,) = await broker.closed_since(NOW - HOUR)
    assert trade.reason == "stop_loss"
