"""What is lost on the way: found again by its id, done once, proven absent only in its time."""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from broker.binance.venue import BinanceBroker
from broker.turns import turn
from engine.domain.position_orders import PositionChange
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import Found, NotFound
from tests.binance.rig import Rig
from tests.binance.storm import storm

D = Decimal
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
AFTER = ["lose_after", "late", "unknown", "unexpected", "gateway", "nonsense"]
LATER = timedelta(seconds=30)


def hasty(rig: Rig) -> BinanceBroker:
    """A process that waits for no answer for long."""
    return rig.broker(client=rig.client(seconds=0.25))


def guards(rig: Rig) -> list[Decimal]:
    """Volumes of the stops that rest at the exchange."""
    return [o["origQty"] for o in rig.exchange.orders if o["type"] == "STOP_LOSS"
            and o["status"] == "NEW"]  # fmt: skip


@pytest.mark.parametrize("kind", AFTER)
async def test_an_answer_lost_after_the_deal_is_found_by_its_id(rig: Rig, kind: str) -> None:
    rig.server.faults = [("POST order", kind)]
    order = rig.order()
    with pytest.raises(BrokerSilent):
        await hasty(rig).submit(order)
    with pytest.raises(BrokerSilent, match="given before"):
        await rig.broker().submit(order)
    found = await rig.broker().look_up(order.client_id)
    assert isinstance(found, Found)
    assert found.fill.volume == D("0.00999")
    assert len(rig.exchange.placed(order.client_id)) == 1
    # Whoever found it gave it its stop.
    assert guards(rig) == [D("0.00999")]


@pytest.mark.parametrize("kind", ["lose_before", "busy", "moved"])
async def test_an_order_lost_before_the_deal_is_proven_absent_in_its_time(
    rig: Rig, kind: str
) -> None:
    rig.server.faults = [("POST order", kind)]
    order = rig.order()
    with pytest.raises(BrokerSilent):
        await rig.broker().submit(order)
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=False)
    rig.shift += timedelta(minutes=4)
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=False)
    rig.shift += timedelta(minutes=2)
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=True)
    with pytest.raises(BrokerRefused, match="struck off"):
        await rig.broker().submit(rig.order())
    assert rig.exchange.orders == []


async def test_an_order_that_is_not_shown_yet_is_not_absent(rig: Rig) -> None:
    order = rig.order()
    rig.server.faults = [("POST order", "lose_after")]
    with pytest.raises(BrokerSilent):
        await rig.broker().submit(order)
    rig.server.hidden = {order.client_id}
    rig.shift += LATER
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=False)
    # Long after, the list of that minute's orders still shows it.
    rig.shift += timedelta(minutes=6)
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=False)
    rig.server.hidden = set()
    assert isinstance(await rig.broker().look_up(order.client_id), Found)


async def test_an_order_that_arrives_late_is_found(rig: Rig) -> None:
    order = rig.order()
    rig.server.faults = [("POST order", "held")]
    with pytest.raises(BrokerSilent):
        await rig.broker().submit(order)
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=False)
    await asyncio.gather(*rig.server.later)
    assert isinstance(await rig.broker().look_up(order.client_id), Found)


async def test_an_order_that_arrives_after_its_time_is_refused_there(rig: Rig) -> None:
    order = rig.order()
    rig.server.faults = [("POST order", "held")]
    with pytest.raises(BrokerSilent):
        await rig.broker().submit(order)
    rig.shift += timedelta(minutes=6)
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=True)
    await asyncio.gather(*rig.server.later)
    assert rig.exchange.orders == []


async def test_our_clock_that_jumps_ahead_proves_nothing(rig: Rig) -> None:
    broker = rig.broker()
    rig.server.faults = [("POST order", "lose_before")]
    with pytest.raises(BrokerSilent):
        await broker.submit(rig.order())
    rig.shift += timedelta(minutes=6)
    rig.skew -= timedelta(minutes=6)
    assert await broker.look_up(rig.order().client_id) == NotFound(proven=False)


async def test_an_exit_waits_for_no_other_position(rig: Rig) -> None:
    coin = await rig.broker().submit(rig.order())
    ether = rig.order(
        2, symbol="ETHUSDT", volume=D("0.2"), stop_loss=D(2400), take_profit=(D(2700),)
    )
    other = await rig.broker().submit(ether)
    del rig.exchange.symbols["BTCUSDT"]
    broker = rig.broker("ETHUSDT")
    with pytest.raises(BrokerSilent):
        await broker.positions()
    await broker.close(other.broker_id, volume_left=D(0), client_id="pc-1")
    assert rig.exchange.total("ETH") < D("0.0001")
    assert coin.broker_id == "BTCUSDT-1"


async def test_an_exit_whose_trades_are_not_shown_yet_is_booked_later(rig: Rig) -> None:
    await rig.broker().submit(rig.order())
    await rig.broker().submit(rig.order(2, stop_loss=D(58_000)))
    rig.exchange.quote("BTCUSDT", "58500.00", "58500.01")
    rig.server.faults = [("GET myTrades", "gateway")]
    with pytest.raises(BrokerSilent):
        await rig.broker().positions()
    (held,) = await rig.broker().positions()
    assert held.id == "BTCUSDT-4"
    (trade,) = await rig.broker().closed_since(BEGINNING)
    assert (trade.position_id, trade.reason) == ("BTCUSDT-1", "stop_loss")


async def test_an_order_that_only_the_exchange_knows_is_nobodys_proof(rig: Rig) -> None:
    """The books were restored from a backup that is older than the order."""
    order = rig.order()
    await rig.broker().submit(order)
    rig.ledger.documents.clear()
    with pytest.raises(BrokerSilent, match="our books do not"):
        await rig.broker().look_up(order.client_id)


async def test_a_silent_exchange_proves_nothing(rig: Rig) -> None:
    rig.server.faults = [("POST order", "lose_before"), *[("GET order", "gateway")] * 9]
    with pytest.raises(BrokerSilent):
        await rig.broker().submit(rig.order())
    rig.shift += timedelta(minutes=6)
    broker = rig.broker()
    for asked in (broker.account, broker.positions):
        with pytest.raises(BrokerSilent):
            await asked()
    with pytest.raises(BrokerSilent):
        await broker.look_up(rig.order().client_id)
    with pytest.raises(BrokerSilent):
        await broker.closed_since(BEGINNING)


# ---- the stop


@pytest.mark.parametrize("kind", AFTER)
async def test_a_guard_whose_answer_was_lost_is_not_placed_twice(rig: Rig, kind: str) -> None:
    rig.exchange.hold("BTC", "1")  # somebody else's coins would let a second one be placed
    rig.server.faults = [("POST orderList/oco", kind)]
    await hasty(rig).submit(rig.order())
    (position,) = await rig.broker().positions()
    assert position.stop_loss == D(59000)
    assert guards(rig) == [D("0.00999")]


@pytest.mark.parametrize("kind", ["lose_before", "busy", "held"])
async def test_a_guard_that_was_lost_is_placed_again_when_it_cannot_come(
    rig: Rig, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    rig.exchange.hold("BTC", "1")
    rig.server.faults = [("POST orderList/oco", kind)]
    await rig.broker().submit(rig.order())
    assert "has no stop at the exchange yet" in caplog.text
    (position,) = await rig.broker().positions()
    assert position.stop_loss is None
    rig.shift += LATER
    await asyncio.gather(*rig.server.later)
    (position,) = await rig.broker().positions()
    assert position.stop_loss == D(59000)
    assert guards(rig) == [D("0.00999")]


async def test_what_cannot_be_given_a_stop_is_closed_after_a_minute(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.server.faults = [("POST orderList/oco", "refused")] * 9
    fill = await rig.broker().submit(rig.order())
    (position,) = await rig.broker().positions()
    assert (position.id, position.stop_loss) == (fill.broker_id, None)
    rig.shift += timedelta(seconds=61)
    assert await rig.broker().positions() == ()
    (trade,) = await rig.broker().closed_since(BEGINNING)
    assert (trade.reason, trade.volume) == ("manual", D("0.00999"))
    assert "could not be given a stop and is closed" in caplog.text


async def test_a_price_beyond_the_stop_before_it_is_placed_is_sold_at_once(rig: Rig) -> None:
    rig.server.faults = [("POST orderList/oco", "refused")]
    await rig.broker().submit(rig.order())
    rig.exchange.quote("BTCUSDT", "58000.00", "58000.01")
    assert await rig.broker().positions() == ()
    (trade,) = await rig.broker().closed_since(BEGINNING)
    assert (trade.reason, trade.exit_price) == ("stop_loss", D(58_000))


async def test_a_caller_that_loses_patience_leaves_it_to_the_next(rig: Rig) -> None:
    rig.server.faults = [("POST orderList/oco", "late")]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await rig.broker().submit(rig.order())
    (position,) = await rig.broker().positions()
    assert position.stop_loss == D(59000)
    assert isinstance(await rig.broker().look_up(rig.order().client_id), Found)
    assert guards(rig) == [D("0.00999")]


# ---- exits


@pytest.mark.parametrize("kind", AFTER)
@pytest.mark.parametrize("call", ["DELETE orderList", "POST order"])
async def test_a_close_whose_answer_was_lost_ends_once(rig: Rig, call: str, kind: str) -> None:
    rig.exchange.hold("BTC", "1")
    fill = await rig.broker().submit(rig.order())
    rig.server.faults = [(call, kind)] * (2 if call.startswith("DELETE") else 1)
    change = None
    with suppress(BrokerSilent):
        change = await hasty(rig).close(fill.broker_id, volume_left=D("0.005"), client_id="pc-1")
    rig.server.faults.clear()
    found = await rig.broker().look_up_change("pc-1")
    await rig.broker().positions()
    if isinstance(found, NotFound):
        # The sale was never sent: the position and its stop are as they were.
        assert (found.proven, change) == (True, None)
        assert guards(rig) == [D("0.00999")]
        return
    assert isinstance(found, PositionChange)
    assert (found.volume_left, found.volume_closed) == (D("0.005"), D("0.00499"))
    assert len(rig.exchange.placed("pc-1")) == 1
    (position,) = await rig.broker().positions()
    assert (position.volume, position.stop_loss) == (D("0.005"), D(59000))
    assert guards(rig) == [D("0.005")]
    assert rig.exchange.total("BTC") == D("1.005")


@pytest.mark.parametrize("kind", ["lose_before", "busy"])
async def test_a_close_that_was_lost_gives_the_stop_back(rig: Rig, kind: str) -> None:
    fill = await rig.broker().submit(rig.order())
    rig.server.faults = [("POST order", kind)]
    with pytest.raises(BrokerSilent):
        await rig.broker().close(fill.broker_id, volume_left=D(0), client_id="pc-1")
    assert await rig.broker().look_up_change("pc-1") == NotFound(proven=False)
    with pytest.raises(BrokerRefused, match="being changed"):
        await rig.broker().close(fill.broker_id, volume_left=D(0), client_id="pc-2")
    rig.shift += LATER
    assert await rig.broker().look_up_change("pc-1") == NotFound(proven=True)
    assert guards(rig) == [D("0.00999")]
    await rig.broker().close(fill.broker_id, volume_left=D(0), client_id="pc-3")
    assert await rig.broker().positions() == ()


@pytest.mark.parametrize("kind", [*AFTER, "lose_before", "busy", "held", "refused", "too_many"])
@pytest.mark.parametrize("call", ["DELETE orderList", "POST orderList/oco"])
async def test_a_move_is_made_or_taken_back(rig: Rig, call: str, kind: str) -> None:
    rig.exchange.hold("BTC", "1")
    fill = await rig.broker().submit(rig.order())
    rig.server.faults = [(call, kind)] * (2 if call.startswith("DELETE") else 1)
    with suppress(BrokerSilent, BrokerRefused):
        await hasty(rig).modify(fill.broker_id, stop_loss=D(59_500), client_id="pm-1")
    rig.server.faults.clear()
    rig.shift += LATER
    await asyncio.gather(*rig.server.later)
    (position,) = await rig.broker().positions()
    found = await rig.broker().look_up_change("pm-1")
    if isinstance(found, NotFound):
        assert found.proven
        assert position.stop_loss == D(59_000)
    else:
        assert position.stop_loss == D(59_500)
    (stop,) = [o for o in rig.exchange.orders if o["type"] == "STOP_LOSS" and o["status"] == "NEW"]
    assert (stop["origQty"], stop["stopPrice"]) == (D("0.00999"), position.stop_loss)


async def test_a_stop_that_is_hit_while_a_close_is_asked_for_is_told(rig: Rig) -> None:
    fill = await rig.broker().submit(rig.order())
    rig.exchange.quote("BTCUSDT", "58000.00", "58000.01")
    with pytest.raises(BrokerRefused, match="not open"):
        await rig.broker().close(fill.broker_id, volume_left=D(0), client_id="pc-1")
    assert rig.exchange.total("BTC") == D("0.00000")


async def test_a_storm_of_faults_doubles_nothing_and_leaves_nothing_open(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    made = await storm(rig, seed=11, orders=140)
    assert made.violations == []
    assert made.counts["ended acked"] > 60
    assert made.counts["ended rejected"] > 0
    assert made.counts["ended absent"] > 0
    assert made.counts["faults"] > 100


async def test_an_order_that_came_to_nothing_while_its_answer_was_lost_is_absent(rig: Rig) -> None:
    rig.exchange.symbols["BTCUSDT"].depth = D(0)
    rig.server.faults = [("POST order", "lose_after")]
    with pytest.raises(BrokerSilent):
        await rig.broker().submit(rig.order())
    assert await rig.broker().look_up(rig.order().client_id) == NotFound(proven=True)


async def test_a_move_of_which_one_pair_is_refused_is_taken_back_whole(rig: Rig) -> None:
    targets = (D(61_000), D(62_000))
    fill = await rig.broker().submit(rig.order(take_profit=targets))
    rig.server.faults = [("POST orderList/oco", "refused")]
    rig.server.spared = 1
    with pytest.raises(BrokerRefused):
        await rig.broker().modify(fill.broker_id, stop_loss=D(59_500), client_id="pm-1")
    stops = [o for o in rig.exchange.orders if o["type"] == "STOP_LOSS" and o["status"] == "NEW"]
    assert [stop["stopPrice"] for stop in stops] == [D(59_000)] * 2
    assert sum(stop["origQty"] for stop in stops) == D("0.00999")


async def test_whoever_lost_the_turn_sends_nothing(rig: Rig) -> None:
    async with turn(rig.ledger, "books", rig.clock) as books:
        rig.shift += timedelta(seconds=16)
        async with turn(rig.ledger, "books", rig.clock) as others:
            others.orders["at-1"] = None
            with pytest.raises(BrokerSilent, match="lost"):
                await books.save()
        books.token = "of-nobody"
        with pytest.raises(BrokerSilent, match="lost"):
            await books.save()
        document = await rig.ledger.read("books")
        assert document["orders"] == {"at-1": None}
        async with rig.ledger.open("books") as kept:
            kept["turn"] = {"token": "of-nobody", "until": rig.clock().isoformat()}


async def test_a_redirect_is_not_followed(rig: Rig) -> None:
    client = rig.client()
    at = await client.time()
    rig.server.faults = [("POST order", "moved")]
    with pytest.raises(BrokerSilent, match="302"):
        await client.write("POST", "/api/v3/order", {"symbol": "BTCUSDT"}, at=at)
    assert rig.server.calls["GET time"] == 1
