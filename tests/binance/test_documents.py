"""The adapter and the stand-in against the examples that the exchange's documents print.

The facts below are those of rest-api.md and filters.md of its public documents.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from broker.binance.client import Client
from broker.binance.deals import deal_of, told_of
from broker.binance.rules import rules_of
from broker.wire import load
from engine.domain.market import Timeframe
from engine.errors import BrokerSilent
from tests.binance import KEY, SECRET, shown
from tests.binance.exchange import euro
from tests.binance.rig import Rig

D = Decimal
#: "Response FULL": ten at five prices.
FULL = """{"symbol": "BTCUSDT", "orderId": 28, "orderListId": -1,
"clientOrderId": "6gCrw2kRUAF9CvJDGP16IP", "transactTime": 1507725176595, "price": "0.00000000",
"origQty": "10.00000000", "executedQty": "10.00000000", "cummulativeQuoteQty": "10.00000000",
"status": "FILLED", "timeInForce": "GTC", "type": "MARKET", "side": "SELL",
"workingTime": 1507725176595, "selfTradePreventionMode": "NONE", "fills": [
{"price": "4000.00000000", "qty": "1.00000000", "commission": "4.00000000",
 "commissionAsset": "USDT", "tradeId": 56},
{"price": "3999.00000000", "qty": "5.00000000", "commission": "19.99500000",
 "commissionAsset": "USDT", "tradeId": 57},
{"price": "3998.00000000", "qty": "2.00000000", "commission": "7.99600000",
 "commissionAsset": "USDT", "tradeId": 58},
{"price": "3997.00000000", "qty": "1.00000000", "commission": "3.99700000",
 "commissionAsset": "USDT", "tradeId": 59},
{"price": "3995.00000000", "qty": "1.00000000", "commission": "3.99500000",
 "commissionAsset": "USDT", "tradeId": 60}]}"""
#: "Query order".
QUERY = """{"symbol": "LTCBTC", "orderId": 1, "orderListId": -1, "clientOrderId": "myOrder1",
"price": "0.1", "origQty": "1.0", "executedQty": "0.0", "cummulativeQuoteQty": "0.0",
"status": "NEW", "timeInForce": "GTC", "type": "LIMIT", "side": "BUY", "stopPrice": "0.0",
"icebergQty": "0.0", "time": 1499827319559, "updateTime": 1499827319559, "isWorking": true,
"workingTime": 1499827319559, "origQuoteOrderQty": "0.000000",
"selfTradePreventionMode": "NONE"}"""
#: "Account trade list".
TRADE = """{"symbol": "BNBBTC", "id": 28457, "orderId": 100234, "orderListId": -1,
"price": "4.00000100", "qty": "12.00000000", "quoteQty": "48.000012",
"commission": "10.10000000", "commissionAsset": "BNB", "time": 1499865549590, "isBuyer": true,
"isMaker": false, "isBestMatch": true}"""
#: "Kline/Candlestick data".
KLINE = [
    1499040000000, "0.01634790", "0.80000000", "0.01575800", "0.01577100", "148976.11427815",
    1499644799999, "2434.19055334", 308, "1756.87402397", "28.46694368", "0",
]  # fmt: skip
#: "New OCO", one of its reports.
OCO = {
    "orderListId", "contingencyType", "listStatusType", "listOrderStatus", "listClientOrderId",
    "transactionTime", "symbol", "orders", "orderReports",
}  # fmt: skip
REPORT = {
    "symbol", "orderId", "orderListId", "clientOrderId", "transactTime", "price", "origQty",
    "executedQty", "cummulativeQuoteQty", "status", "timeInForce", "type", "side", "stopPrice",
    "workingTime", "selfTradePreventionMode",
}  # fmt: skip


def example(text: str) -> dict[str, Any]:
    """An example as the client reads it."""
    return dict(load(text.encode()))


def test_the_signature_is_the_documented_one() -> None:
    client = Client(
        url="https://testnet.binance.vision", key=SecretStr(KEY), secret=SecretStr(SECRET),
        clock=lambda: datetime.now(UTC),
    )  # fmt: skip
    sent = (
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1"
        "&recvWindow=5000&timestamp=1499827319559"
    )
    wanted = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    assert client.signature(sent) == wanted
    assert SECRET not in repr(client)
    assert KEY not in repr(client)


def test_a_full_answer_is_read_with_its_mean_price_and_fees() -> None:
    told = told_of(example(FULL))
    deal = deal_of(told, example(FULL)["fills"])
    assert (told.order_id, told.status, told.is_done) == (28, "FILLED", True)
    assert (deal.volume, deal.cost) == (D(10), D(39983))
    assert deal.fees == {"USDT": D("39.983")}
    assert deal.time == datetime(2017, 10, 11, 12, 32, 56, 595000, UTC)
    with pytest.raises(BrokerSilent, match="every fill"):
        deal_of(told, example(FULL)["fills"][1:])


def test_a_queried_order_and_a_trade_are_read() -> None:
    told = told_of(example(QUERY))
    assert (told.client_id, told.executed, told.is_done) == ("myOrder1", 0, False)
    trade = example(TRADE)
    done = {**example(QUERY), "executedQty": "12.00000000", "status": "FILLED"}
    deal = deal_of(told_of(done), [trade])
    assert (deal.cost, deal.fees) == (D("48.000012"), {"BNB": D("10.1")})
    assert deal.time == datetime(2017, 7, 12, 13, 19, 9, 590000, UTC)


def test_filters_become_the_specification() -> None:
    lots = {"minQty": "0.00100000", "maxQty": "100000.00000000", "stepSize": "0.00100000"}
    rules = rules_of(
        {
            "symbol": "LTCUSDT", "baseAsset": "LTC", "quoteAsset": "USDT", "status": "TRADING",
            "orderTypes": ["LIMIT", "MARKET", "STOP_LOSS_LIMIT"], "ocoAllowed": True,
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.00000100",
                 "maxPrice": "100000.00000000", "tickSize": "0.00000100"},
                {"filterType": "LOT_SIZE", **lots},
                {"filterType": "MIN_NOTIONAL", "minNotional": "0.00100000",
                 "applyToMarket": True, "avgPriceMins": 5},
                {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00500000",
                 "maxQty": "20.00000000", "stepSize": "0.00000000"},
            ],
        }
    )  # fmt: skip
    found = rules.instrument(D("80"))
    assert (found.digits, found.pip, found.spot) == (6, D("0.00001"), True)
    assert (found.volume_min, found.volume_max, found.volume_step) == (
        D("0.005"), D("20"), D("0.001"),
    )  # fmt: skip
    assert (found.contract_size, found.margin_rate, found.base, found.quote) == (
        1, 1, "LTC", "USDT",
    )  # fmt: skip
    assert not rules.plain_stop
    assert rules.price_up(D("80.0000001")) == D("80.000001")
    assert rules.price_down(D("80.0000019")) == D("80.000001")
    assert rules.whole(D("1.23456")) == D("1.234")


def test_the_stand_in_shows_the_documented_fields(rig: Rig) -> None:
    exchange = rig.exchange
    full = shown.full(exchange.market("BTCUSDT", "BUY", D("0.01"), "a-1"))
    assert list(full) == list(example(FULL))
    assert list(full["fills"][0]) == list(example(FULL)["fills"][0])
    assert {k: type(v) for k, v in full.items()} == {k: type(v) for k, v in example(FULL).items()}
    assert set(shown.order(exchange.orders[0])) == set(example(QUERY))
    assert list(shown.trade(exchange.trades[0])) == list(example(TRADE))
    pair = exchange.oco(
        "BTCUSDT", D("0.009"),
        {"type": "LIMIT_MAKER", "price": D(62000), "clientOrderId": "t"},
        {"type": "STOP_LOSS", "stopPrice": D(59000), "clientOrderId": "s"}, "l",
    )  # fmt: skip
    told = shown.order_list(pair)
    assert set(told) == OCO
    assert set(told["orderReports"][0]) == REPORT
    assert set(told["orderReports"][1]) == REPORT - {"stopPrice"}
    assert (told["listStatusType"], told["listOrderStatus"]) == ("EXEC_STARTED", "EXECUTING")
    gone = shown.order_list(exchange.cancel_list("BTCUSDT", "l"))
    assert (gone["listStatusType"], gone["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
    assert "origClientOrderId" in gone["orderReports"][0]


async def test_a_kline_is_a_candle_once_it_has_closed(rig: Rig) -> None:
    last = rig.exchange.now()
    fresh = [last - 1000, "1", "2", "1", "2", "1", last + 60_000, "1", 1, "1", "1", "0"]
    rig.server.klines = [KLINE, fresh]
    (candle,) = await rig.market().candles("BTCUSDT", Timeframe.H1, 5)
    assert candle.time == datetime(2017, 7, 3, tzinfo=UTC)
    assert (candle.open, candle.high, candle.low, candle.close) == (
        D("0.0163479"), D("0.80"), D("0.015758"), D("0.015771"),
    )  # fmt: skip
    assert candle.volume == 308


async def test_the_market_is_what_the_exchange_shows(rig: Rig) -> None:
    market = rig.market()
    quote = await market.quote("BTCUSDT")
    assert quote is not None
    assert (str(quote.bid), str(quote.ask)) == ("60000.00", "60000.01")
    coin = await market.instrument("BTCUSDT")
    assert (coin.pip, coin.digits, coin.volume_step) == (D(1), 2, D("0.00001"))
    assert coin.volume_min == D("0.0001")  # five dollars and a tenth more, by the step
    rig.exchange.add(euro())
    assert set(await market.rates(["EURUSD", "USDEUR", "USDTUSD"])) == {"EURUSD"}
    rig.exchange.symbols["BTCUSDT"].status = "BREAK"
    assert await rig.market().quote("BTCUSDT") is None
