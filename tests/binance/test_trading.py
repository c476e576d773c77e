"""Buying, the pair of orders that guards it, exits, fees, coins of somebody else."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.account import Direction
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import Found, NotFound
from tests.binance.exchange import Symbol
from tests.binance.rig import Rig

D = Decimal
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


def resting(rig: Rig) -> list[tuple[str, Decimal, Decimal]]:
    """Kind, volume and price of what rests at the exchange."""
    return sorted(
        (o["type"], o["origQty"], o["stopPrice"] or o["price"])
        for o in rig.exchange.orders
        if o["status"] == "NEW"
    )


async def test_a_fill_has_its_stop_and_target_at_the_exchange(rig: Rig) -> None:
    order = rig.order()
    fill = await rig.broker().submit(order)
    # A thousandth was taken in coins, and what is below the step cannot be sold.
    assert (fill.volume, fill.price) == (D("0.00999"), D("60000.01"))
    assert resting(rig) == [
        ("LIMIT_MAKER", D("0.00999"), D(62000)), ("STOP_LOSS", D("0.00999"), D(59000)),
    ]  # fmt: skip
    # Another process knows all of it.
    (position,) = await rig.broker().positions()
    assert (position.id, position.client_id) == ("BTCUSDT-1", order.client_id)
    assert (position.stop_loss, position.take_profit) == (D(59000), D(62000))
    assert position.strategy_id == order.strategy_id
    assert position.profit == D("-0.61")
    account = await rig.broker().account()
    assert account.currency == "USDT"
    # 10,000 less 600.0001 paid, and 0.00999 coins at 60,000.
    assert (account.equity, account.margin_free) == (D("9999.39"), D("9399.99"))
    assert (account.balance, account.margin_used) == (D("10000.00"), D("600.00"))
    assert account.equity == account.balance + account.open_profit


async def test_a_fee_in_another_coin_is_paid_for_too(rig: Rig) -> None:
    rig.exchange.fee_asset = "BNB"
    fill = await rig.broker().submit(rig.order())
    assert fill.volume == D("0.01")
    (position,) = await rig.broker().positions()
    # 0.001 of 600.0001 as BNB, valued at the ask; a tick of spread is 0.0001.
    assert position.profit == D("-0.61")


@pytest.mark.parametrize(
    ("bid", "reason", "exit_price"),
    [("58990.00", "stop_loss", D(58990)), ("62500.00", "take_profit", D(62000))],
)
async def test_what_the_exchange_closed_is_booked(
    rig: Rig, bid: str, reason: str, exit_price: Decimal
) -> None:
    await rig.broker().submit(rig.order())
    rig.exchange.quote("BTCUSDT", bid, str(D(bid) + 1))
    broker = rig.broker()
    assert await broker.positions() == ()
    (trade,) = await broker.closed_since(BEGINNING)
    assert (trade.reason, trade.exit_price, trade.volume) == (reason, exit_price, D("0.00999"))
    earned = D("0.00999") * exit_price * D("0.999") - D("0.01") * D("60000.01")
    assert abs(trade.profit - earned) <= D("0.01")
    assert (await broker.account()).open_profit == 0


async def test_a_part_that_the_target_sold_leaves_the_rest_with_a_stop(rig: Rig) -> None:
    """The exchange takes the stop away once a part of the target is dealt."""
    await rig.broker().submit(rig.order())
    rig.exchange.quote("BTCUSDT", "61999.00", "61999.01")
    rig.exchange.take_a_part("BTCUSDT", "0.00400")
    assert [kind for kind, *_ in resting(rig)] == []
    (position,) = await rig.broker().positions()
    assert (position.volume, position.stop_loss) == (D("0.00599"), D(59000))
    assert resting(rig) == [
        ("LIMIT_MAKER", D("0.00599"), D(62000)), ("STOP_LOSS", D("0.00599"), D(59000)),
    ]  # fmt: skip
    (trade,) = await rig.broker().closed_since(BEGINNING)
    assert (trade.position_id, trade.volume) == ("BTCUSDT-1/1", D("0.004"))


async def test_each_target_takes_its_share(rig: Rig) -> None:
    targets = (D(61000), D(62000), D(63000))
    await rig.broker().submit(rig.order(take_profit=targets, volume=D("0.03")))
    assert [part[1:] for part in resting(rig) if part[0] == "LIMIT_MAKER"] == [
        (D("0.00999"), D(61000)), (D("0.00999"), D(62000)), (D("0.00999"), D(63000)),
    ]  # fmt: skip
    rig.exchange.quote("BTCUSDT", "61000.00", "61000.01")
    (position,) = await rig.broker().positions()
    assert (position.volume, position.take_profit) == (D("0.01998"), D(62000))
    rig.exchange.quote("BTCUSDT", "58000.00", "58000.01")
    trades = await rig.broker().closed_since(BEGINNING)
    assert [trade.reason for trade in trades] == ["take_profit", "stop_loss", "stop_loss"]
    assert [trade.position_id for trade in trades][-1] == "BTCUSDT-1"
    assert await rig.broker().positions() == ()


async def test_coins_of_somebody_else_are_no_position_and_are_never_sold(rig: Rig) -> None:
    rig.exchange.hold("BTC", "2")
    broker = rig.broker()
    assert await broker.positions() == ()
    assert (await broker.account()).equity == D(10_000)
    fill = await broker.submit(rig.order())
    change = await broker.close(fill.broker_id, volume_left=D(0), client_id="pc-1")
    assert change.volume_closed == D("0.00999")
    assert rig.exchange.total("BTC") == D("2") + D("0.00000")
    assert resting(rig) == []


async def test_coins_that_somebody_sold_are_a_position_no_more(rig: Rig) -> None:
    await rig.broker().submit(rig.order())
    (listed,) = rig.exchange.lists
    rig.exchange.cancel_list("BTCUSDT", listed["listClientOrderId"])
    rig.exchange.market("BTCUSDT", "SELL", D("0.00999"), "by-hand")
    await rig.broker().positions()
    assert await rig.broker().positions() == ()
    (trade,) = await rig.broker().closed_since(BEGINNING)
    assert (trade.reason, trade.volume) == ("manual", D("0.00999"))


async def test_a_guard_that_somebody_cancelled_is_put_back(rig: Rig) -> None:
    await rig.broker().submit(rig.order())
    (listed,) = rig.exchange.lists
    rig.exchange.cancel_list("BTCUSDT", listed["listClientOrderId"])
    (position,) = await rig.broker().positions()
    assert position.stop_loss == D(59000)
    assert len(resting(rig)) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"direction": Direction.SELL, "stop_loss": D(61000), "take_profit": (D(59000),)},
        {"symbol": "NOSUCH"},
        {"volume": D("0.010001")},
        {"volume": D("0.00008")},
        {"volume": D("0.0001")},
        {"volume": D(10_000)},
        {"volume": D(1)},
        {"stop_loss": D(60_500)},
        {"take_profit": (D(59_500),)},
        {"take_profit": ()},
        {"client_id": "x" * 31},
        {"client_id": "at 1"},
        {"symbol": "ETHBTC"},
    ],
)
async def test_what_cannot_be_guarded_is_not_bought(rig: Rig, wrong: dict[str, Any]) -> None:
    rig.exchange.add(Symbol("ETHBTC", "ETH", "BTC", D("0.04"), D("0.05")))
    broker, order = rig.broker("BTCUSDT"), rig.order(**wrong)
    with pytest.raises(BrokerRefused):
        await broker.submit(order)
    assert rig.exchange.orders == []
    assert await broker.positions() == ()
    assert await broker.look_up(order.client_id) == NotFound(proven=True)


async def test_an_order_that_has_expired_is_not_sent(rig: Rig) -> None:
    order = rig.order()
    rig.shift += timedelta(minutes=2)
    with pytest.raises(BrokerRefused, match="expired"):
        await rig.broker().submit(order)
    assert rig.exchange.orders == []


async def test_a_thin_book_fills_a_part(rig: Rig) -> None:
    rig.exchange.symbols["BTCUSDT"].depth = D("0.004")
    fill = await rig.broker().submit(rig.order())
    assert fill.volume == D("0.00399")
    assert fill.unfilled == rig.order().volume - D("0.004")
    assert await rig.broker().look_up(rig.order().client_id) == Found(fill)
    rig.server.faults = [("POST order", "lose_after")]
    with pytest.raises(BrokerSilent):
        await rig.broker().submit(rig.order(3))
    found = await rig.broker().look_up(rig.order(3).client_id)
    assert isinstance(found, Found)
    assert found.fill.unfilled == fill.unfilled
    rig.exchange.symbols["BTCUSDT"].depth = D(0)
    with pytest.raises(BrokerRefused, match="EXPIRED"):
        await rig.broker().submit(rig.order(2))


async def test_levels_between_two_ticks_go_to_the_safer_side(rig: Rig) -> None:
    await rig.broker().submit(rig.order(stop_loss=D("58999.991"), take_profit=(D("62000.019"),)))
    (position,) = await rig.broker().positions()
    assert (position.stop_loss, position.take_profit) == (D("59000.00"), D("62000.01"))


async def test_a_position_is_closed_when_its_time_is_up(rig: Rig) -> None:
    await rig.broker().submit(rig.order(time_limit_min=30))
    rig.shift += timedelta(minutes=29)
    assert len(await rig.broker().positions()) == 1
    rig.shift += timedelta(minutes=2)
    assert await rig.broker().positions() == ()
    (trade,) = await rig.broker().closed_since(BEGINNING)
    assert trade.reason == "time_limit"
    assert resting(rig) == []


async def test_where_there_is_no_plain_stop_a_limit_far_below_takes_its_place(rig: Rig) -> None:
    rig.exchange.symbols["BTCUSDT"].types = ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT")
    await rig.broker().submit(rig.order())
    (stop,) = [o for o in rig.exchange.orders if o["type"] == "STOP_LOSS_LIMIT"]
    assert (stop["stopPrice"], stop["price"]) == (D(59000), D(56050))
    # The price jumps over the limit: what rests there is taken back and sold at the market.
    rig.exchange.quote("BTCUSDT", "50000.00", "50000.01")
    assert stop["status"] == "NEW"
    await rig.broker().positions()
    assert stop["status"] == "CANCELED"
    (trade,) = await rig.broker().closed_since(BEGINNING)
    assert (trade.reason, trade.exit_price) == ("stop_loss", D(50_000))


async def test_a_refused_move_leaves_the_former_pair(rig: Rig) -> None:
    broker = rig.broker()
    fill = await broker.submit(rig.order())
    before = resting(rig)
    rig.server.faults = [("POST orderList/oco", "refused")]
    with pytest.raises(BrokerRefused):
        await broker.modify(fill.broker_id, stop_loss=D(59_500), client_id="pm-1")
    assert await rig.broker().look_up_change("pm-1") == NotFound(proven=True)
    assert resting(rig) == before
    await rig.broker().modify(fill.broker_id, stop_loss=D(59_500), client_id="pm-2")
    (position,) = await rig.broker().positions()
    assert position.stop_loss == D(59_500)


async def test_two_processes_do_not_get_in_each_others_way(rig: Rig) -> None:
    fill = await rig.broker().submit(rig.order())
    document = await rig.ledger.read("binance:binance-1")
    assert document["turn"] is None
    async with rig.ledger.open("binance:binance-1") as kept:
        until = rig.clock() + timedelta(seconds=3)
        kept["turn"] = {"token": "of-a-process-that-died", "until": until.isoformat()}
    rig.shift += timedelta(seconds=4)
    change = await rig.broker().close(fill.broker_id, volume_left=D(0), client_id="pc-1")
    assert await rig.broker().look_up_change("pc-1") == change
    with pytest.raises(BrokerSilent, match="given before"):
        await rig.broker().close(fill.broker_id, volume_left=D(0), client_id="pc-1")


async def test_a_rest_that_cannot_be_sold_is_no_position(rig: Rig) -> None:
    await rig.broker().submit(rig.order())
    rig.exchange.quote("BTCUSDT", "61999.00", "61999.01")
    rig.exchange.take_a_part("BTCUSDT", "0.00995")
    assert await rig.broker().positions() == ()
    parts = await rig.broker().closed_since(BEGINNING)
    assert [(part.volume, part.reason) for part in parts] == [
        (D("0.00995"), "take_profit"), (D("0.00004"), "manual"),
    ]  # fmt: skip


async def test_old_orders_leave_the_books_and_stay_known(rig: Rig) -> None:
    fill = await rig.broker().submit(rig.order())
    for number in range(2, 310):
        await rig.broker().look_up(rig.order(number).client_id)
    document = await rig.ledger.read("binance:binance-1")
    assert len(document["orders"]) == 300
    with pytest.raises(BrokerSilent, match="our books do not"):
        await rig.broker().look_up(fill.client_id)
    (position,) = await rig.broker().positions()
    assert position.id == fill.broker_id
