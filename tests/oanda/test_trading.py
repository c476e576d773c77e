"""Orders, exits and levels: what arrives at OANDA, and what is shown of it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.account import Direction
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import NotFound
from tests.oanda.rig import Rig
from tests.oanda.shown import Product

D = Decimal
LONG_AGO = timedelta(days=1)


def sell(rig: Rig, number: int = 1, **fields: Any) -> Any:
    """The order the other way."""
    levels = {"stop_loss": D("1.10200"), "take_profit": (D("1.09600"),)}
    return rig.order(number, direction=Direction.SELL, **(levels | fields))


async def test_a_fill_has_its_stop_and_target_from_its_first_moment(rig: Rig) -> None:
    order = rig.order()
    fill = await rig.broker().submit(order)
    (trade,) = rig.account.open_trades()
    (created,) = [row for row in rig.account.log if row["type"] == "MARKET_ORDER"]
    assert (fill.broker_id, fill.price, fill.volume) == (trade.id, D("1.10010"), D("0.10"))
    assert created["units"] == "10000"
    assert (created["timeInForce"], created["positionFill"]) == ("FOK", "OPEN_ONLY")
    assert created["priceBound"] == "1.10040"
    assert created["stopLossOnFill"] == {"price": "1.09800", "timeInForce": "GTC"}
    assert created["takeProfitOnFill"] == {"price": "1.10400", "timeInForce": "GTC"}
    name = {"id": order.client_id, "tag": order.strategy_id}
    assert created["clientExtensions"] == created["tradeClientExtensions"] == name
    batch = {row["batchID"] for row in rig.account.log}
    assert len(batch) == 1
    (position,) = await rig.broker().positions()
    assert (position.client_id, position.strategy_id) == (order.client_id, order.strategy_id)
    assert position.profit == D("-1.00")
    account = await rig.broker().account()
    assert (account.balance, account.equity) == (D("10000.00"), D("9999.00"))
    assert (account.open_profit, account.margin_used) == (D("-1.00"), D("550.05"))


async def test_a_sale_is_units_below_zero_and_its_bound_is_below_the_bid(rig: Rig) -> None:
    fill = await rig.broker().submit(sell(rig))
    created = next(row for row in rig.account.log if row["type"] == "MARKET_ORDER")
    assert (created["units"], created["priceBound"], fill.price) == (
        "-10000", "1.09970", D("1.10000"),
    )  # fmt: skip
    (position,) = await rig.broker().positions()
    assert (position.direction, position.volume) == (Direction.SELL, D("0.10"))
    await rig.broker().close(position.id, volume_left=D("0.03"), client_id="pc-1")
    assert [trade.left for trade in rig.account.open_trades()] == [-3_000]


async def test_levels_with_more_digits_go_to_the_safer_side(rig: Rig) -> None:
    long = rig.order(stop_loss=D("1.098001"), take_profit=(D("1.104009"),))
    short = sell(rig, 2, stop_loss=D("1.102009"), take_profit=(D("1.096001"),))
    for order in (long, short):
        await rig.broker().submit(order)
    shown = [(p.stop_loss, p.take_profit) for p in await rig.broker().positions()]
    assert shown == [(D("1.09801"), D("1.10400")), (D("1.10200"), D("1.09601"))]


async def test_of_several_targets_the_nearest_is_placed(rig: Rig) -> None:
    await rig.broker().submit(rig.order(take_profit=(D("1.104"), D("1.108"))))
    (position,) = await rig.broker().positions()
    assert position.take_profit == D("1.10400")


async def test_gold_is_counted_in_lots_of_a_hundred_ounces(rig: Rig) -> None:
    order = rig.order(
        symbol="XAUUSD", volume=D("0.02"), stop_loss=D("2390"), take_profit=(D("2420"),)
    )
    fill = await rig.broker().submit(order)
    created = next(row for row in rig.account.log if row["type"] == "MARKET_ORDER")
    assert (created["instrument"], created["units"]) == ("XAU_USD", "2")
    assert created["priceBound"] == "2400.800"
    assert fill.volume == D("0.02")


async def test_a_name_that_was_told_goes_before(rig: Rig) -> None:
    rig.names = {"US500": "SPX500_USD"}
    rig.account.add(Product("SPX500_USD", D("5000.1"), D("5000.5"), precision=1, pip=0, kind="CFD"))
    order = rig.order(symbol="US500", volume=D(2), stop_loss=D(4900), take_profit=(D(5100),))
    await rig.broker().submit(order)
    (position,) = await rig.broker().positions()
    assert (position.symbol, position.volume) == ("US500", 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"symbol": "NOSUCH"},
        {"volume": D("0.000001")},
        {"volume": D(0)},
        {"volume": D(2_000)},
        {"stop_loss": D("1.1001")},
        {"stop_loss": D(0)},
        {"take_profit": (D("1.0999"),)},
        {"take_profit": ()},
        {"client_id": "no/id"},
    ],
)
async def test_what_makes_no_sense_never_leaves(rig: Rig, wrong: dict[str, Any]) -> None:
    with pytest.raises(BrokerRefused):
        await rig.broker().submit(rig.order(**wrong))
    assert rig.account.log == []


async def test_an_order_that_has_expired_is_not_sent(rig: Rig) -> None:
    order = replace(rig.order(), valid_until=rig.clock() + timedelta(seconds=0.3))
    with pytest.raises(BrokerRefused, match="expired"):
        await rig.broker().submit(order)
    assert rig.account.log == []


async def refusal(rig: Rig, number: int = 9, **fields: Any) -> str:
    """Why an order is refused; it is proven to have done nothing."""
    order = rig.order(number, **fields)
    with pytest.raises(BrokerRefused) as found:
        await rig.broker().submit(order)
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=True)
    assert rig.account.placed(order.client_id) == []
    return str(found.value)


@pytest.mark.parametrize(
    ("bid", "ask", "volume", "words"),
    [
        ("1.10000", "1.10010", "5", "there is not enough free margin"),
        ("1.10000", "1.10041", "0.1", "the price moved further than OANDA_MAX_SLIPPAGE_PIPS"),
        ("1.09790", "1.09800", "0.1", "the stop would be hit at once"),
        ("1.10400", "1.10030", "0.1", "the target would be hit at once"),
    ],
)
async def test_what_oanda_cancels_is_refused_with_its_reason(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, bid: str, ask: str, volume: str, words: str
) -> None:
    euro, market = rig.account.products["EUR_USD"], rig.account.market

    def moved(order: Any) -> Any:
        """The price moves while the order is on its way."""
        euro.bid, euro.ask = D(bid), D(ask)
        return market(order)

    monkeypatch.setattr(rig.account, "market", moved)
    assert words in await refusal(rig, volume=D(volume))
    assert [row["type"] for row in rig.account.log] == ["MARKET_ORDER", "ORDER_CANCEL"]


async def test_a_halted_market_is_not_sent_to_and_cancels_what_comes(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    euro = rig.account.products["EUR_USD"]
    euro.tradeable = False
    assert "is not traded now" in await refusal(rig)
    assert rig.account.log == []
    euro.tradeable = True
    fill = await rig.broker().submit(rig.order())
    euro.tradeable = False
    with pytest.raises(BrokerRefused, match="the market is halted"):
        await rig.broker().close(fill.broker_id, volume_left=D(0), client_id="pc-1")
    assert await rig.broker().look_up_change("pc-1") == NotFound(proven=True)
    assert len(await rig.broker().positions()) == 1
    # Levels can be moved meanwhile: OANDA says whether it takes them.
    await rig.broker().modify(fill.broker_id, stop_loss=D("1.09700"), client_id="pm-1")
    euro.tradeable = True
    await rig.broker().close(fill.broker_id, volume_left=D(0), client_id="pc-2")


async def test_an_account_that_nets_reduces_nothing_by_an_opening_order(rig: Rig) -> None:
    rig.account.hedging = False
    await rig.broker().submit(rig.order())
    with pytest.raises(BrokerRefused, match="keeps no two sides"):
        await rig.broker().submit(sell(rig, 2))
    assert [trade.left for trade in rig.account.open_trades()] == [10_000]
    await rig.broker().submit(rig.order(3))
    assert len(await rig.broker().positions()) == 2
    rig.account.hedging = True
    await rig.broker().submit(sell(rig, 4))
    assert len(await rig.broker().positions()) == 3


async def test_a_first_in_first_out_account_says_so(rig: Rig) -> None:
    rig.account.hedging, rig.account.fifo = False, True
    await rig.broker().submit(rig.order())
    assert "oldest trade first" in await refusal(rig)
    await rig.broker().submit(rig.order(2, volume=D("0.11")))


async def test_an_id_whose_trade_is_open_is_no_proof_of_anything(rig: Rig) -> None:
    order = rig.order()
    await rig.broker().submit(order)
    rig.ledger.documents.clear()
    with pytest.raises(BrokerSilent, match="CLIENT_TRADE_ID_ALREADY_EXISTS"):
        await rig.broker().submit(order)
    assert len(rig.account.placed(order.client_id)) == 1


# ---- what ends a trade


@pytest.mark.parametrize(
    ("bid", "ask", "reason", "price", "profit"),
    [
        ("1.09790", "1.09800", "stop_loss", "1.09790", "-22.00"),
        ("1.10410", "1.10420", "take_profit", "1.10400", "39.00"),
    ],
)
async def test_what_oanda_closed_is_told(
    rig: Rig, bid: str, ask: str, reason: str, price: str, profit: str
) -> None:
    order = rig.order()
    fill = await rig.broker().submit(order)
    rig.account.quote("EUR_USD", bid, ask)
    assert await rig.broker().positions() == ()
    (trade,) = await rig.broker().closed_since(rig.clock() - LONG_AGO)
    assert (trade.position_id, trade.client_id) == (fill.broker_id, order.client_id)
    assert (trade.reason, str(trade.exit_price), str(trade.profit)) == (reason, price, profit)
    assert (trade.entry_price, trade.volume) == (fill.price, D("0.10"))
    assert await rig.broker().closed_since(rig.clock()) == ()


async def test_commission_is_part_of_what_a_close_came_to(rig: Rig) -> None:
    """What opening cost is shared by the parts; each fill's own commission is its own."""
    rig.account.commission = D("0.50")
    fill = await rig.broker().submit(rig.order())
    await rig.broker().close(fill.broker_id, volume_left=D("0.06"), client_id="pc-1")
    await rig.broker().close(fill.broker_id, volume_left=D(0), client_id="pc-2")
    trades = await rig.broker().closed_since(rig.clock() - LONG_AGO)
    assert [trade.profit for trade in trades] == [D("-1.10"), D("-1.40")]
    account = await rig.broker().account()
    assert account.balance == 10_000 + sum(trade.profit for trade in trades)


async def test_trades_of_somebody_else_are_shown_and_can_be_closed(rig: Rig) -> None:
    """Someone trades by hand in the same account."""
    await rig.broker().closed_since(rig.clock())
    rig.account.market(
        {"type": "MARKET", "instrument": "GBP_USD", "units": "-500", "timeInForce": "FOK",
         "clientExtensions": {"id": "x"}}
    )  # fmt: skip
    (position,) = await rig.broker().positions()
    assert (position.symbol, position.client_id, position.stop_loss) == ("GBPUSD", None, None)
    change = await rig.broker().close(position.id, volume_left=D("0.002"), client_id="pc-1")
    assert (change.volume_closed, change.price) == (D("0.003"), D("1.25020"))
    rig.account.close(position.id, "ALL")
    trades = await rig.broker().closed_since(rig.clock() - LONG_AGO)
    assert [trade.client_id for trade in trades] == [None, None]
    assert [trade.reason for trade in trades] == ["manual", "manual"]
    assert trades[1].position_id == position.id


async def test_what_was_before_the_first_look_is_not_told(rig: Rig) -> None:
    rig.account.market(
        {"type": "MARKET", "instrument": "GBP_USD", "units": "500", "timeInForce": "FOK",
         "clientExtensions": {"id": "x"}}
    )  # fmt: skip
    rig.account.close(rig.account.open_trades()[0].id, "200")
    assert await rig.broker().closed_since(rig.clock() - LONG_AGO) == ()
    rig.account.close(rig.account.open_trades()[0].id, "ALL")
    (trade,) = await rig.broker().closed_since(rig.clock() - LONG_AGO)
    assert (trade.volume, trade.position_id.isdecimal()) == (D("0.003"), True)


async def test_a_long_log_is_read_page_by_page(rig: Rig) -> None:
    rig.server.page = 3
    broker = rig.broker()
    fills = [await broker.submit(rig.order(number)) for number in range(1, 6)]
    for number, fill in enumerate(fills):
        await broker.close(fill.broker_id, volume_left=D(0), client_id=f"pc-{number}")
    trades = await rig.broker().closed_since(rig.clock() - LONG_AGO)
    assert [trade.position_id for trade in trades] == [fill.broker_id for fill in fills]
    read = rig.server.calls["GET transactions/sinceid"]
    await rig.broker().closed_since(rig.clock())
    assert rig.server.calls["GET transactions/sinceid"] == read + 1


# ---- levels


async def test_a_move_replaces_the_stop_and_names_it(rig: Rig) -> None:
    fill = await rig.broker().submit(rig.order())
    change = await rig.broker().modify(
        fill.broker_id, stop_loss=D("1.099001"), take_profit=(D("1.105"), D("1.107")),
        client_id="pm-1",
    )  # fmt: skip
    assert (change.price, change.volume_left) == (None, D("0.10"))
    (trade,) = rig.account.open_trades()
    assert trade.stop is not None
    assert trade.target is not None
    assert (trade.stop["price"], trade.target["price"]) == ("1.09901", "1.10500")
    assert trade.stop["clientExtensions"] == {"id": "pm-1s"}
    pending = [o for o in rig.account.orders.values() if o["state"] == "PENDING"]
    assert len(pending) == 2


@pytest.mark.parametrize(
    "levels",
    [
        {"stop_loss": D("1.1001")},
        {"take_profit": (D("1.0999"),)},
        {"stop_loss": D("1.099"), "take_profit": (D("1.0999"),)},
        {},
    ],
)
async def test_a_level_beyond_the_price_is_refused(rig: Rig, levels: dict[str, Any]) -> None:
    fill = await rig.broker().submit(rig.order())
    rows = len(rig.account.log)
    with pytest.raises(BrokerRefused):
        await rig.broker().modify(fill.broker_id, client_id="pm-1", **levels)
    assert len(rig.account.log) == rows
    assert await rig.broker().look_up_change("pm-1") == NotFound(proven=True)


async def test_a_move_that_oanda_refuses_changes_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = await rig.broker().submit(rig.order())
    account = rig.account
    levels = account.levels

    def moved(number: str, told: Any) -> Any:
        account.products["EUR_USD"].bid = D("1.10350")
        return levels(number, told)

    monkeypatch.setattr(account, "levels", moved)
    with pytest.raises(BrokerRefused, match="TAKE_PROFIT_ORDER_WOULD_TRIGGER"):
        await rig.broker().modify(
            fill.broker_id, stop_loss=D("1.099"), take_profit=(D("1.103"),), client_id="pm-1"
        )
    assert await rig.broker().look_up_change("pm-1") == NotFound(proven=True)
    (position,) = await rig.broker().positions()
    assert (position.stop_loss, position.take_profit) == (D("1.09800"), D("1.10400"))
