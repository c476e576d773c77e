"""The adapter and the stand-in against the examples and the fields of OANDA's public documents.

The examples are answers of real practice accounts of 2016, as documents of v20 print them; the
fields are those that its definitions name.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from broker.oanda.facts import account_of, closed_of, fill_of, parts_of, position_of
from broker.oanda.market import OandaMarket, at, written
from broker.oanda.rules import Rules, rules_of
from broker.wire import load
from engine.domain.account import Direction
from engine.domain.market import Timeframe
from engine.errors import InvalidInput, NotFound
from tests.oanda import shown
from tests.oanda.account import Refused
from tests.oanda.rig import Rig

D = Decimal
#: "Account Summary".
SUMMARY = """{"marginCloseoutNAV": "35454.4740", "marginUsed": "10581.5000", "currency": "EUR",
"resettablePL": "-13840.3525", "NAV": "35454.4740", "marginCloseoutMarginUsed": "10581.5000",
"marginCloseoutPositionValue": "211630.0000", "openTradeCount": 2, "id": "101-004-1435156-001",
"openPositionCount": 1, "marginCloseoutPercent": "0.14923", "marginCallMarginUsed": "10581.5000",
"hedgingEnabled": false, "positionValue": "211630.0000", "pl": "-13840.3525",
"lastTransactionID": "2123", "marginAvailable": "24872.9740", "marginRate": "0.05",
"marginCallPercent": "0.29845", "pendingOrderCount": 0, "withdrawalLimit": "24872.9740",
"unrealizedPL": "0.0000", "alias": "hootnotv20", "createdByUserID": 1435156,
"marginCloseoutUnrealizedPL": "0.0000", "createdTime": "2016-06-24T21:03:50.914647476Z",
"balance": "35454.4740"}"""
#: "Account Instruments": a currency pair and an index.
EURUSD = """{"minimumTradeSize": "1", "displayName": "EUR/USD", "name": "EUR_USD",
"displayPrecision": 5, "type": "CURRENCY", "minimumTrailingStopDistance": "0.00050",
"marginRate": "0.05", "maximumOrderUnits": "100000000", "tradeUnitsPrecision": 0,
"pipLocation": -4, "maximumPositionSize": "0", "maximumTrailingStopDistance": "1.00000"}"""
EU50 = """{"minimumTradeSize": "1", "displayName": "Europe 50", "name": "EU50_EUR",
"displayPrecision": 1, "type": "CFD", "minimumTrailingStopDistance": "5.0", "marginRate": "0.05",
"maximumOrderUnits": "3000", "tradeUnitsPrecision": 0, "pipLocation": 0,
"maximumPositionSize": "0", "maximumTrailingStopDistance": "10000.0"}"""
#: "Pricing": one of the prices.
PRICE = """{"status": "tradeable", "quoteHomeConversionFactors": {"negativeUnits": "0.89160730",
"positiveUnits": "0.89150397"}, "asks": [{"price": "1.12170", "liquidity": 10000000},
{"price": "1.12172", "liquidity": 10000000}], "unitsAvailable": {"default": {"short": "506246",
"long": "506128"}, "reduceOnly": {"short": "0", "long": "0"}, "openOnly": {"short": "506246",
"long": "506128"}, "reduceFirst": {"short": "506246", "long": "506128"}},
"closeoutBid": "1.12153", "bids": [{"price": "1.12157", "liquidity": 10000000},
{"price": "1.12155", "liquidity": 10000000}], "instrument": "EUR_USD",
"time": "2016-10-05T05:28:16.729643492Z", "closeoutAsk": "1.12174"}"""
#: "Open Trades".
TRADE = """{"financing": "0.0000", "openTime": "2016-10-28T14:27:19.011002322Z",
"price": "1.09448", "unrealizedPL": "-0.0933", "realizedPL": "0.0000", "instrument": "EUR_USD",
"state": "OPEN", "initialUnits": "100", "currentUnits": "100", "id": "2313"}"""
#: "Close Trade": what filled it.
CLOSE = """{"orderID": "2316", "financing": "0.0000", "instrument": "EUR_USD",
"price": "1.09289", "userID": 1435156, "batchID": "2316", "accountBalance": "33848.1208",
"reason": "MARKET_ORDER_TRADE_CLOSE", "tradesClosed": [{"units": "-100", "financing": "0.0000",
"realizedPL": "-0.1455", "tradeID": "2313"}], "time": "2016-10-28T15:11:58.023004583Z",
"units": "-100", "type": "ORDER_FILL", "id": "2317", "pl": "-0.1455",
"accountID": "101-004-1435156-001"}"""
#: "Set Dependent Orders".
STOP = """{"timeInForce": "GTC", "triggerCondition": "TRIGGER_DEFAULT", "replacesOrderID": "2324",
"tradeID": "2323", "price": "1.10000", "userID": 1435156, "batchID": "2325",
"reason": "REPLACEMENT", "time": "2016-10-28T21:00:19.978476830Z",
"cancellingTransactionID": "2326", "type": "STOP_LOSS_ORDER", "id": "2327",
"accountID": "101-004-1435156-001"}"""
REPLACED = """{"orderID": "2324", "replacedByOrderID": "2327", "userID": 1435156,
"batchID": "2325", "reason": "CLIENT_REQUEST_REPLACED", "time": "2016-10-28T21:00:19.978476830Z",
"type": "ORDER_CANCEL", "id": "2326", "accountID": "101-004-1435156-001"}"""
#: "Candles" of DE30_EUR by five minutes, the last two.
CANDLES = """[{"volume": 153, "time": "2016-10-17T19:50:00.000000000Z", "complete": true,
"bid": {"h": "10510.1", "c": "10509.0", "l": "10504.2", "o": "10505.0"}},
{"volume": 172, "time": "2016-10-17T19:55:00.000000000Z", "complete": false,
"bid": {"h": "10509.8", "c": "10507.8", "l": "10503.2", "o": "10509.0"}}]"""

_ANY = "id time userID accountID batchID requestID type "
#: What the definitions of v20 name.
FIELDS = {
    "MARKET_ORDER": _ANY
    + "instrument units timeInForce priceBound positionFill tradeClose longPositionCloseout "
    "shortPositionCloseout marginCloseout delayedTradeClose reason clientExtensions "
    "takeProfitOnFill stopLossOnFill trailingStopLossOnFill tradeClientExtensions",
    "ORDER_FILL": _ANY + "orderID clientOrderID instrument units gainQuoteHomeConversionFactor "
    "lossQuoteHomeConversionFactor price fullVWAP fullPrice reason pl financing commission "
    "guaranteedExecutionFee accountBalance tradeOpened tradesClosed tradeReduced halfSpreadCost",
    "ORDER_CANCEL": _ANY + "orderID clientOrderID reason replacedByOrderID",
    "STOP_LOSS_ORDER": _ANY
    + "tradeID clientTradeID price distance timeInForce gtdTime triggerCondition guaranteed "
    "guaranteedExecutionPremium reason clientExtensions orderFillTransactionID replacesOrderID "
    "cancellingTransactionID",
    "TAKE_PROFIT_ORDER": _ANY
    + "tradeID clientTradeID price timeInForce gtdTime triggerCondition reason clientExtensions "
    "orderFillTransactionID replacesOrderID cancellingTransactionID",
    "tradeOpened": "tradeID units price guaranteedExecutionFee clientExtensions halfSpreadCost "
    "initialMarginRequired",
    "tradeReduced": "tradeID units price realizedPL financing guaranteedExecutionFee "
    "halfSpreadCost",
    "trade": "id instrument price openTime state initialUnits initialMarginRequired currentUnits "
    "realizedPL unrealizedPL marginUsed averageClosePrice closingTransactionIDs financing "
    "dividendAdjustment closeTime clientExtensions takeProfitOrder stopLossOrder "
    "trailingStopLossOrder",
}
FIELDS["MARKET_ORDER_REJECT"] = FIELDS["MARKET_ORDER"] + " rejectReason"


def example(text: str) -> Any:
    """An example as the client reads it."""
    return load(text.encode())


def euro() -> Rules:
    return rules_of("EURUSD", example(EURUSD))


def test_the_summary_becomes_the_account() -> None:
    now = datetime(2016, 10, 5, tzinfo=UTC)
    account = account_of(example(SUMMARY), "oanda-1", now)
    assert (account.id, account.currency, account.captured_at) == ("oanda-1", "EUR", now)
    assert (account.balance, account.equity) == (D("35454.47"), D("35454.47"))
    assert (account.margin_used, account.margin_free) == (D("10581.50"), D("24872.97"))
    assert account.open_profit == 0


def test_an_instrument_becomes_the_specification() -> None:
    found = euro().instrument()
    assert (found.base, found.quote, found.digits, found.pip) == ("EUR", "USD", 5, D("0.0001"))
    assert (found.contract_size, found.margin_rate, found.spot) == (100_000, D("0.05"), False)
    assert (found.volume_min, found.volume_step) == (D("0.00001"), D("0.00001"))
    assert (found.volume_max, found.stops_level) == (1_000, 0)
    index = rules_of("EU50EUR", example(EU50)).instrument()
    assert (index.base, index.quote, index.digits, index.pip) == ("EU50", "EUR", 1, 1)
    assert (index.contract_size, index.volume_min, index.volume_max) == (1, 1, 3_000)


def test_units_and_lots_are_turned_into_one_another_exactly() -> None:
    rules = euro()
    assert rules.text(rules.units(D("0.12345"))) == "12345"
    assert rules.text(-rules.units(D("0.1"))) == "-10000"
    assert str(rules.lots(D(-10_000))) == "0.10"
    assert rules.lots(D(12_345)) == D("0.12345")
    with pytest.raises(InvalidInput):
        rules.units(D("0.123456"))
    assert rules.refusal(D("0.123456")) is not None
    assert rules.refusal(D("1000.00001")) is not None
    assert rules.refusal(D(0)) is not None
    assert rules.refusal(D("0.00001")) is None
    gold = rules_of("XAUUSD", {**example(EURUSD), "name": "XAU_USD", "type": "METAL"})
    assert (gold.text(gold.units(D("0.05"))), gold.pip) == ("5", D("0.1"))
    coin = rules_of("BTCUSD", {**example(EU50), "name": "BTC_USD", "tradeUnitsPrecision": 3})
    assert coin.text(coin.units(D("0.125"))) == "0.125"


@pytest.mark.parametrize("wrong", [None, True, -1, 9, "5", 1.5])
def test_digits_that_are_none_are_refused(wrong: Any) -> None:
    with pytest.raises(InvalidInput):
        rules_of("EURUSD", {**example(EURUSD), "displayPrecision": wrong})


def test_an_open_trade_is_a_position() -> None:
    position = position_of(example(TRADE), euro())
    assert (position.id, position.symbol, position.direction) == ("2313", "EURUSD", Direction.BUY)
    assert (position.volume, position.entry_price) == (D("0.001"), D("1.09448"))
    assert (position.profit, position.client_id, position.strategy_id) == (D("-0.09"), None, None)
    assert (position.stop_loss, position.take_profit) == (None, None)
    assert position.opened_at == datetime(2016, 10, 28, 14, 27, 19, 11002, UTC)
    short = {
        **example(TRADE), "initialUnits": "-100", "currentUnits": "-50",
        "clientExtensions": {"id": "at-1", "tag": "trend"},
        "takeProfitOrder": {"price": "1.09"}, "financing": "-0.1000",
        "trailingStopLossOrder": {"trailingStopValue": "1.1"},
    }  # fmt: skip
    position = position_of(short, euro())
    assert (position.direction, position.volume) == (Direction.SELL, D("0.0005"))
    assert (position.client_id, position.strategy_id) == ("at-1", "trend")
    assert (str(position.stop_loss), str(position.take_profit)) == ("1.10000", "1.09000")
    assert position.profit == D("-0.19")


def test_a_closing_fill_is_the_end_of_its_trade() -> None:
    row = example(CLOSE)
    (part,) = parts_of(row)
    assert (part.trade, part.units, part.is_last) == ("2313", 100, True)
    trade = closed_of(row, part, example(TRADE), euro())
    assert (trade.position_id, trade.volume, trade.reason) == ("2313", D("0.001"), "manual")
    assert (trade.entry_price, trade.exit_price) == (D("1.09448"), D("1.09289"))
    assert trade.profit == D("-0.15")
    assert trade.closed_at == datetime(2016, 10, 28, 15, 11, 58, 23004, UTC)


def test_costs_of_a_fill_are_shared_by_what_it_closed() -> None:
    row = {
        **example(CLOSE), "commission": "3.0000", "reason": "MARKET_ORDER_MARGIN_CLOSEOUT",
        "tradesClosed": [{"tradeID": "1", "units": "-100", "price": "1.09300", "financing":
                          "-0.5000", "realizedPL": "10.0000"}],
        "tradeReduced": {"tradeID": "2", "units": "-200", "price": "1.09290", "financing": "0.0000",
                         "realizedPL": "-4.0000", "guaranteedExecutionFee": "1.0000"},
    }  # fmt: skip
    whole, reduced = parts_of(row)
    assert (whole.profit, whole.is_last) == (D("8.5"), True)
    assert (reduced.profit, reduced.is_last) == (D("-7"), False)
    trade = closed_of(row, reduced, example(TRADE), euro())
    assert (trade.position_id, str(trade.exit_price)) == ("2/2317", "1.09290")
    assert (trade.reason, trade.volume) == ("stop_loss", D("0.002"))


def test_an_opening_fill_is_read_with_its_trades_price() -> None:
    row = {
        **example(CLOSE), "clientOrderID": "at-1",
        "tradeOpened": {"tradeID": "2317", "units": "-100", "price": "1.0929"},
    }  # fmt: skip
    fill = fill_of(row, euro())
    assert (fill.client_id, fill.broker_id, str(fill.price)) == ("at-1", "2317", "1.09290")
    assert (fill.volume, fill.time) == (D("0.001"), at("2016-10-28T15:11:58.023004583Z"))
    del row["tradeOpened"]["price"]
    assert fill_of(row, euro()).price == D("1.09289")


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2016-10-05T05:28:16.729643492Z", 729643),
        ("2016-10-05T05:28:16.7Z", 700000),
        ("2016-10-05T05:28:16Z", 0),
    ],
)
def test_instants_have_up_to_nine_digits(text: str, microsecond: int) -> None:
    assert at(text) == datetime(2016, 10, 5, 5, 28, 16, microsecond, UTC)
    assert at(written(at(text))) == at(text)


@pytest.mark.parametrize(
    "text",
    [
        "2016-10-05T05:28:16", "2016-10-05T05:28:16+02:00", "1475645296.729643492", "",
        "2016-13-05T05:28:16Z", "2016-10-05T05:28:16.7296434921Z", None, 1475645296,
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused(text: Any) -> None:
    with pytest.raises(ValueError):
        at(text)


async def test_candles_are_those_that_have_closed(rig: Rig) -> None:
    rig.account.add(shown.Product("DE30_EUR", D("10505.0"), D("10506.0"), precision=1, pip=0))
    rig.server.candles = example(CANDLES)
    (candle,) = await rig.market().candles("DE30EUR", Timeframe.M5, 5)
    assert candle.time == datetime(2016, 10, 17, 19, 50, tzinfo=UTC)
    assert (candle.open, candle.high, candle.low, candle.close) == (
        D("10505.0"), D("10510.1"), D("10504.2"), D("10509.0"),
    )  # fmt: skip
    assert candle.volume == 153
    assert rig.server.asked == {
        "price": "B", "granularity": "M5", "count": "6", "smooth": "false",
        "dailyAlignment": "0", "alignmentTimezone": "UTC",
    }  # fmt: skip


async def test_candles_since_an_instant_leave_it_out(rig: Rig) -> None:
    rig.server.candles = [{**each, "complete": True} for each in example(CANDLES)]
    market = rig.market()
    first = datetime(2016, 10, 17, 19, 50, tzinfo=UTC)
    found = await market.candles_since("EURUSD", Timeframe.D1, first)
    assert [candle.time for candle in found] == [first + timedelta(minutes=5)]
    assert (rig.server.asked["granularity"], rig.server.asked["includeFirst"]) == ("D", "false")
    assert len(await market.candles_since("EURUSD", Timeframe.D1, first - timedelta(1))) == 2
    calls = rig.server.calls["GET instruments/candles"]
    assert await market.candles_since("EURUSD", Timeframe.H1, rig.clock() + timedelta(1)) == ()
    assert rig.server.calls["GET instruments/candles"] == calls


async def test_the_day_of_candles_is_the_settings(rig: Rig) -> None:
    made = rig.market()
    market = OandaMarket(client=made.client, symbols=made.symbols, zone=ZoneInfo("Europe/Athens"))
    await market.candles("EURUSD", Timeframe.H4, 3)
    assert rig.server.asked["alignmentTimezone"] == "Europe/Athens"


async def test_a_quote_is_the_best_price_of_its_instant(rig: Rig) -> None:
    euro, market = rig.account.products["EUR_USD"], rig.market()
    euro.quoted_at = rig.clock() - timedelta(minutes=3)
    quote = await market.quote("EURUSD")
    assert quote is not None
    assert (str(quote.bid), str(quote.ask)) == ("1.10000", "1.10010")
    assert quote.time == euro.quoted_at
    euro.tradeable = False
    assert await market.quote("EURUSD") is None
    with pytest.raises(NotFound):
        await market.quote("NOSUCH")


async def test_an_older_form_of_a_price_is_read_too(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    price = example(PRICE)
    monkeypatch.setattr(shown, "price", lambda product, now: price)
    quote = await rig.market().quote("EURUSD")
    assert quote is not None
    assert (quote.bid, quote.ask) == (D("1.12157"), D("1.12170"))
    assert quote.time == datetime(2016, 10, 5, 5, 28, 16, 729643, UTC)
    price["status"] = "non-tradeable"
    assert await rig.market().quote("EURUSD") is None
    price.update(status="tradeable", bids=[])
    assert await rig.market().quote("EURUSD") is None


async def test_rates_are_asked_for_at_once(rig: Rig) -> None:
    market = rig.market()
    rig.account.products["GBP_USD"].tradeable = False
    found = await market.rates(["EURUSD", "USDEUR", "GBPUSD", "XAUUSD"])
    assert set(found) == {"EURUSD", "XAUUSD"}
    assert rig.server.calls["GET pricing"] == 1
    assert await market.rates(["USDEUR"]) == {}
    assert rig.server.calls["GET pricing"] == 1


async def test_the_stand_in_shows_the_documented_fields(rig: Rig) -> None:
    account, order = rig.account, rig.order()
    await rig.broker().submit(order)
    (trade,) = account.open_trades()
    account.levels(trade.id, {"stopLoss": {"price": "1.09900", "timeInForce": "GTC"}})
    shown_trade = shown.trade(trade)
    assert set(example(TRADE)) <= set(shown_trade) <= set(FIELDS["trade"].split())
    account.close(trade.id, "4000")
    account.close(trade.id, "ALL")
    assert set(shown.trade(trade)) <= set(FIELDS["trade"].split())
    with pytest.raises(Refused):
        account.market({"type": "MARKET", "instrument": "EUR_USD", "units": "0.5"})
    for row in account.log:
        assert set(row) <= set(FIELDS[row["type"]].split()), row["type"]
        for name in ("tradeOpened", "tradeReduced"):
            assert set(row.get(name, ())) <= set(FIELDS[name].split())
        for part in row.get("tradesClosed", ()):
            assert set(part) <= set(FIELDS["tradeReduced"].split())
    kinds = {row["type"] for row in account.log}
    assert kinds == set(FIELDS) - {"trade", "tradeOpened", "tradeReduced"}
    closing = next(r for r in account.log if "tradesClosed" in r)
    assert set(example(CLOSE)) - set(closing) == set()
    stop = next(r for r in account.log if r.get("replacesOrderID"))
    assert set(example(STOP)) - set(stop) == {"cancellingTransactionID"}
    replaced = next(r for r in account.log if r.get("replacedByOrderID"))
    assert set(example(REPLACED)) == set(replaced) - {"requestID"}
    assert set(example(EURUSD)) <= set(shown.instrument(account.products["EUR_USD"]))
    assert set(example(PRICE)) <= set(shown.price(account.products["EUR_USD"], rig.clock()))
    answer = await rig.client().read(rig.client().of_account("/summary"))
    assert set(example(SUMMARY)) <= set(answer["account"])
