"""The stand-in's documents, field by field as OANDA's documents name them."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.oanda import ACCOUNT

Json = dict[str, Any]
USER = 1435156


def instant(at: datetime) -> str:
    """RFC 3339 with nanoseconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "753Z"


def money(amount: Decimal) -> str:
    return f"{amount:.4f}"


@dataclass
class Product:
    """An instrument and its prices of now."""

    name: str
    bid: Decimal
    ask: Decimal
    precision: int = 5
    pip: int = -4
    kind: str = "CURRENCY"
    units_precision: int = 0
    least: str = "1"
    most: str = "100000000"
    margin: str = "0.05"
    tradeable: bool = True
    quoted_at: datetime | None = None

    def price(self, value: Decimal) -> str:
        return f"{value:.{self.precision}f}"


@dataclass
class Trade:
    """An open or closed trade; units have the sign of its side."""

    id: str
    product: Product
    price: Decimal
    units: Decimal
    left: Decimal
    opened: datetime
    extensions: Json | None = None
    stop: Json | None = None
    target: Json | None = None
    realized: Decimal = Decimal(0)
    financing: Decimal = Decimal(0)
    closings: list[str] = field(default_factory=list)
    closed: datetime | None = None

    @property
    def exit(self) -> Decimal:
        return self.product.bid if self.units > 0 else self.product.ask

    @property
    def open_profit(self) -> Decimal:
        return (self.exit - self.price) * self.left


def trade(made: Trade) -> Json:
    """``GET /v3/accounts/{id}/trades/{id}``: Trade."""
    shown = {
        "id": made.id, "instrument": made.product.name, "price": made.product.price(made.price),
        "openTime": instant(made.opened), "initialUnits": str(made.units),
        "initialMarginRequired": "0.0000", "state": "CLOSED" if made.closed else "OPEN",
        "currentUnits": str(made.left), "realizedPL": money(made.realized),
        "financing": money(made.financing), "dividendAdjustment": "0.0000",
    }  # fmt: skip
    if made.extensions is not None:
        shown["clientExtensions"] = made.extensions
    if made.closings:
        shown["closingTransactionIDs"] = list(made.closings)
    if made.closed is not None:
        return {**shown, "averageClosePrice": "0", "closeTime": instant(made.closed)}
    shown |= {"unrealizedPL": money(made.open_profit), "marginUsed": "0.0000"}
    for name, order in (("stopLossOrder", made.stop), ("takeProfitOrder", made.target)):
        if order is not None:
            shown[name] = order
    return shown


def transaction(number: int, batch: int, kind: str, at: datetime, **fields: Any) -> Json:
    """Any transaction's first fields, and its own."""
    return {
        "id": str(number), "time": instant(at), "userID": USER, "accountID": ACCOUNT,
        "batchID": str(batch), "requestID": f"7{number:017}", "type": kind,
        **{name: value for name, value in fields.items() if value is not None},
    }  # fmt: skip


def price(product: Product, now: datetime) -> Json:
    """One of ``prices`` of ``GET /v3/accounts/{id}/pricing``: ClientPrice."""
    tick = Decimal(1).scaleb(-product.precision)
    bids = [product.bid, product.bid - 2 * tick]
    asks = [product.ask, product.ask + 2 * tick]
    units = {"long": "506128", "short": "506246"}
    return {
        "type": "PRICE", "time": instant(product.quoted_at or now),
        "bids": [{"price": product.price(each), "liquidity": 10000000} for each in bids],
        "asks": [{"price": product.price(each), "liquidity": 10000000} for each in asks],
        "closeoutBid": product.price(bids[1]), "closeoutAsk": product.price(asks[1]),
        "status": "tradeable" if product.tradeable else "non-tradeable",
        "tradeable": product.tradeable,
        "unitsAvailable": {
            "default": units, "reduceOnly": {"short": "0", "long": "0"}, "openOnly": units,
            "reduceFirst": units,
        },
        "quoteHomeConversionFactors": {
            "positiveUnits": "1.00000000", "negativeUnits": "1.00000000",
        },
        "instrument": product.name,
    }  # fmt: skip


def instrument(product: Product) -> Json:
    """One of ``GET /v3/accounts/{id}/instruments``: Instrument."""
    return {
        "name": product.name, "type": product.kind, "displayName": product.name.replace("_", "/"),
        "pipLocation": product.pip, "displayPrecision": product.precision,
        "tradeUnitsPrecision": product.units_precision, "minimumTradeSize": product.least,
        "maximumTrailingStopDistance": "1.00000", "minimumTrailingStopDistance": "0.00050",
        "maximumPositionSize": "0", "maximumOrderUnits": product.most,
        "marginRate": product.margin, "guaranteedStopLossOrderMode": "DISABLED",
        "tags": [{"type": "ASSET_CLASS", "name": product.kind}],
        "financing": {"longRate": "-0.0215", "shortRate": "0.0012", "financingDaysOfWeek": []},
    }  # fmt: skip


def summary(
    currency: str, balance: Decimal, profit: Decimal, used: Decimal, *, hedging: bool, last: int,
    trades: int,
) -> Json:  # fmt: skip
    """``account`` of ``GET /v3/accounts/{id}/summary``: AccountSummary."""
    equity, margin = balance + profit, used
    return {
        "guaranteedStopLossOrderMode": "DISABLED", "hedgingEnabled": hedging, "id": ACCOUNT,
        "createdTime": "2016-06-24T21:03:50.914647476Z", "currency": currency,
        "createdByUserID": USER, "alias": "ours", "marginRate": "0.05",
        "lastTransactionID": str(last), "balance": money(balance), "openTradeCount": trades,
        "openPositionCount": min(trades, 1), "pendingOrderCount": 0, "pl": "0.0000",
        "resettablePL": "0.0000", "resettablePLTime": "0", "financing": "0.0000",
        "commission": "0.0000", "dividendAdjustment": "0", "guaranteedExecutionFees": "0.0000",
        "unrealizedPL": money(profit), "NAV": money(equity), "marginUsed": money(margin),
        "marginAvailable": money(equity - margin), "positionValue": "0.0000",
        "marginCloseoutUnrealizedPL": money(profit), "marginCloseoutNAV": money(equity),
        "marginCloseoutMarginUsed": money(margin), "marginCloseoutPositionValue": "0.0000",
        "marginCloseoutPercent": "0.00000", "withdrawalLimit": money(equity - margin),
        "marginCallMarginUsed": money(margin), "marginCallPercent": "0.00000",
    }  # fmt: skip
