"""The stand-in's books: orders, trades, margin, and the log of every transaction."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.oanda import shown
from tests.oanda.shown import Json, Product, Trade

D = Decimal


class Refused(Exception):
    """What OANDA answers with another status than 200 and 201."""

    def __init__(self, status: int, code: str | None, words: str, **fields: Any) -> None:
        super().__init__(words)
        named = {} if code is None else {"errorCode": code}
        self.status, self.body = status, {**fields, **named, "errorMessage": words}


def euro(**fields: Any) -> Product:
    """The euro against the dollar."""
    return Product("EUR_USD", D("1.10000"), D("1.10010"), **fields)


@dataclass
class Account:
    """``fifo`` must close its oldest trade first, as accounts in the United States."""

    now: Callable[[], datetime]
    balance: Decimal = Decimal(10_000)
    currency: str = "USD"
    hedging: bool = True
    fifo: bool = False
    commission: Decimal = Decimal(0)
    products: dict[str, Product] = field(default_factory=dict)
    trades: dict[str, Trade] = field(default_factory=dict)
    orders: dict[str, Json] = field(default_factory=dict)
    log: list[Json] = field(default_factory=list)
    next_id: int = 2304

    def add(self, product: Product) -> None:
        self.products[product.name] = product

    @property
    def last(self) -> int:
        return int(self.log[-1]["id"]) if self.log else self.next_id - 1

    def open_trades(self) -> list[Trade]:
        """The newest first, as OANDA lists them."""
        return [trade for trade in reversed(self.trades.values()) if trade.closed is None]

    def placed(self, client_id: str) -> list[Trade]:
        """Every trade that was opened under an id."""
        return [t for t in self.trades.values() if (t.extensions or {}).get("id") == client_id]

    def _write(self, batch: list[Json], kind: str, **fields: Any) -> Json:
        number = self.next_id
        self.next_id += 1
        first = int(batch[0]["id"]) if batch else number
        made = shown.transaction(number, first, kind, self.now(), **fields)
        batch.append(made)
        self.log.append(made)
        return made

    def answer(self, batch: list[Json], **named: Json | None) -> Json:
        """What follows the transactions in an answer."""
        return {
            **{name: made for name, made in named.items() if made is not None},
            "relatedTransactionIDs": [made["id"] for made in batch],
            "lastTransactionID": str(self.last),
        }

    # ---- orders

    def market(self, order: Json) -> Json:
        """``POST /v3/accounts/{id}/orders`` with a MarketOrderRequest."""
        product = self.products.get(order["instrument"])
        if product is None:
            raise Refused(400, None, "Invalid value specified for 'order.instrument'")
        assert order["type"] == "MARKET"
        told = {name: value for name, value in order.items() if name != "type"}
        reason, batch = self._wrong(order, product), list[Json]()
        if reason is not None:
            made = self._write(
                batch, "MARKET_ORDER_REJECT", **told, reason="CLIENT_ORDER", rejectReason=reason
            )
            raise Refused(400, reason, f"The order was rejected: {reason}",
                          **self.answer(batch, orderRejectTransaction=made))  # fmt: skip
        created = self._write(batch, "MARKET_ORDER", **told, reason="CLIENT_ORDER")
        units = D(order["units"])
        price = product.ask if units > 0 else product.bid
        reason = self._unfilled(order, product, units, price)
        if reason is not None:
            cancelled = self._cancel(batch, created, reason)
            self.orders[created["id"]] = {**order, "id": created["id"], "state": "CANCELLED"}
            return self.answer(
                batch, orderCreateTransaction=created, orderCancelTransaction=cancelled
            )
        self.orders[created["id"]] = {**order, "id": created["id"], "state": "FILLED"}
        filled = self._open(batch, created, order, product, units, price)
        return self.answer(batch, orderCreateTransaction=created, orderFillTransaction=filled)

    def _wrong(self, order: Json, product: Product) -> str | None:
        units, name = D(order["units"]), (order.get("clientExtensions") or {}).get("id")
        if units.as_tuple().exponent < -product.units_precision:  # type: ignore[operator]
            return "UNITS_PRECISION_EXCEEDED"
        if abs(units) < D(product.least):
            return "UNITS_MINIMUM_NOT_MET"
        if abs(units) > D(product.most):
            return "UNITS_LIMIT_EXCEEDED"
        prices = [order.get("priceBound"), *(order[k]["price"] for k in order if "OnFill" in k)]
        for price in filter(None, prices):
            if D(price).as_tuple().exponent < -product.precision:  # type: ignore[operator]
                return "PRICE_PRECISION_EXCEEDED"
        traded = (order.get("tradeClientExtensions") or {}).get("id")
        if traded and any(t.closed is None for t in self.placed(traded)):
            return "CLIENT_TRADE_ID_ALREADY_EXISTS"
        assert order["timeInForce"] == "FOK"
        assert name
        return None

    def _unfilled(
        self, order: Json, product: Product, units: Decimal, price: Decimal
    ) -> str | None:
        way = 1 if units > 0 else -1
        if not product.tradeable:
            return "MARKET_HALTED"
        if "priceBound" in order and way * (price - D(order["priceBound"])) > 0:
            return "BOUNDS_VIOLATION"
        same = [t for t in self.open_trades() if t.product is product]
        if not self.hedging and any(t.units * units < 0 for t in same):
            return "FIFO_VIOLATION" if self.fifo else "ACCOUNT_NEW_POSITIONS_LOCKED"
        if self.fifo and any(abs(t.left) == abs(units) for t in same):
            return "FIFO_VIOLATION_SAFEGUARD_VIOLATION"
        if abs(units) * price * D(product.margin) > self.equity - self.used:
            return "INSUFFICIENT_MARGIN"
        leaves = product.bid if units > 0 else product.ask
        if "stopLossOnFill" in order and way * (leaves - D(order["stopLossOnFill"]["price"])) <= 0:
            return "STOP_LOSS_ON_FILL_LOSS"
        target = order.get("takeProfitOnFill")
        if target and way * (D(target["price"]) - leaves) <= 0:
            return "TAKE_PROFIT_ON_FILL_LOSS"
        return None

    def _cancel(self, batch: list[Json], created: Json, reason: str) -> Json:
        name = (created.get("clientExtensions") or {}).get("id")
        return self._write(
            batch, "ORDER_CANCEL", orderID=created["id"], clientOrderID=name, reason=reason
        )

    def _fill(self, batch: list[Json], created: Json, product: Product, **fields: Any) -> Json:
        name = (created.get("clientExtensions") or {}).get("id")
        usual = {
            "orderID": created["id"], "clientOrderID": name, "instrument": product.name,
            "gainQuoteHomeConversionFactor": "1", "lossQuoteHomeConversionFactor": "1",
            "pl": "0.0000", "financing": "0.0000", "commission": shown.money(self.commission),
            "guaranteedExecutionFee": "0.0000", "accountBalance": shown.money(self.balance),
            "halfSpreadCost": "0.5000",
        }  # fmt: skip
        return self._write(batch, "ORDER_FILL", **(usual | fields))

    def _open(
        self, batch: list[Json], created: Json, order: Json, product: Product, units: Decimal,
        price: Decimal,
    ) -> Json:  # fmt: skip
        number, extensions = str(self.next_id), order.get("tradeClientExtensions")
        opened = {
            "tradeID": number, "units": str(units), "price": product.price(price),
            "guaranteedExecutionFee": "0.0000", "halfSpreadCost": "0.5000",
            "initialMarginRequired": "0.0000",
        }  # fmt: skip
        if extensions:
            opened["clientExtensions"] = extensions
        self.balance -= self.commission
        filled = self._fill(
            batch, created, product, units=str(units), price=product.price(price),
            fullVWAP=product.price(price), reason="MARKET_ORDER", tradeOpened=opened,
        )  # fmt: skip
        made = Trade(number, product, price, units, units, self.now(), extensions)
        self.trades[number] = made
        for name, kind in (("takeProfitOnFill", "TAKE_PROFIT"), ("stopLossOnFill", "STOP_LOSS")):
            if name in order:
                self._level(batch, made, kind, order[name], "ON_FILL")
        return filled

    def _level(
        self, batch: list[Json], trade: Trade, kind: str, told: Json, reason: str
    ) -> tuple[Json, Json | None]:
        """A stop or target order of a trade, in place of the one there is."""
        former = trade.stop if kind == "STOP_LOSS" else trade.target
        cancelled = None
        if former is not None:
            former["state"] = "CANCELLED"
            cancelled = self._write(
                batch, "ORDER_CANCEL", orderID=former["id"], reason="CLIENT_REQUEST_REPLACED",
                replacedByOrderID=str(self.next_id + 1),
            )  # fmt: skip
        fields = {
            "tradeID": trade.id, "price": trade.product.price(D(told["price"])),
            "timeInForce": told["timeInForce"], "triggerCondition": "DEFAULT",
            "clientExtensions": told.get("clientExtensions"),
        }  # fmt: skip
        replaces = None if former is None else former["id"]
        made = self._write(
            batch, f"{kind}_ORDER", **fields, replacesOrderID=replaces,
            reason=reason if former is None else "REPLACEMENT",
        )  # fmt: skip
        order = {
            "id": made["id"], "createTime": made["time"], "type": kind, "state": "PENDING",
            **{name: value for name, value in fields.items() if value is not None},
        }  # fmt: skip
        self.orders[made["id"]] = order
        if kind == "STOP_LOSS":
            trade.stop = order
        else:
            trade.target = order
        return made, cancelled

    # ---- trades

    def _trade(self, number: str) -> Trade:
        found = self.trades.get(number)
        if found is None or found.closed is not None:
            raise Refused(404, "NO_SUCH_TRADE", "The trade ID specified does not exist")
        return found

    def close(self, number: str, units: str) -> Json:
        """``PUT /v3/accounts/{id}/trades/{id}/close``."""
        trade, batch = self._trade(number), list[Json]()
        size = abs(trade.left) if units == "ALL" else D(units)
        told = {
            "instrument": trade.product.name, "timeInForce": "FOK", "positionFill": "REDUCE_ONLY",
            "units": str(size if trade.left < 0 else -size), "reason": "TRADE_CLOSE",
            "tradeClose": {"units": units, "tradeID": number},
        }  # fmt: skip
        if size > abs(trade.left):
            reason = "CLOSE_TRADE_UNITS_EXCEED_TRADE_SIZE"
            made = self._write(batch, "MARKET_ORDER_REJECT", **told, rejectReason=reason)
            raise Refused(400, reason, "The units specified exceed the trade's size",
                          **self.answer(batch, orderRejectTransaction=made))  # fmt: skip
        created = self._write(batch, "MARKET_ORDER", **told)
        if not trade.product.tradeable:
            cancelled = self._cancel(batch, created, "MARKET_HALTED")
            return self.answer(
                batch, orderCreateTransaction=created, orderCancelTransaction=cancelled
            )
        filled = self._end(batch, created, trade, size, trade.exit, "MARKET_ORDER_TRADE_CLOSE")
        return self.answer(batch, orderCreateTransaction=created, orderFillTransaction=filled)

    def _end(
        self, batch: list[Json], created: Json, trade: Trade, size: Decimal, price: Decimal,
        reason: str,
    ) -> Json:  # fmt: skip
        gone = size if trade.left > 0 else -size
        profit = (price - trade.price) * gone
        trade.left -= gone
        self.balance += profit - self.commission
        part = {
            "tradeID": trade.id, "units": str(-gone), "price": trade.product.price(price),
            "realizedPL": shown.money(profit), "financing": "0.0000",
            "guaranteedExecutionFee": "0.0000", "halfSpreadCost": "0.5000",
        }  # fmt: skip
        kind: Json = {"tradeReduced": part} if trade.left else {"tradesClosed": [part]}
        filled = self._fill(
            batch, created, trade.product, units=str(-gone), price=trade.product.price(price),
            fullVWAP=trade.product.price(price), reason=reason, pl=shown.money(profit), **kind,
        )  # fmt: skip
        trade.realized += profit
        trade.closings.append(filled["id"])
        if not trade.left:
            trade.closed = self.now()
            for order in (trade.stop, trade.target):
                if order is not None and order["id"] != created["id"]:
                    order["state"] = "CANCELLED"
                    self._write(
                        batch, "ORDER_CANCEL", orderID=order["id"], reason="LINKED_TRADE_CLOSED"
                    )
            trade.stop = trade.target = None
        return filled

    def levels(self, number: str, told: Json) -> Json:
        """``PUT /v3/accounts/{id}/trades/{id}/orders``."""
        trade, batch, named = self._trade(number), list[Json](), dict[str, Json | None]()
        way = 1 if trade.units > 0 else -1
        target = told.get("takeProfit")
        if target and way * (D(target["price"]) - trade.exit) <= 0:
            reason = "TAKE_PROFIT_ORDER_WOULD_TRIGGER"
            made = self._write(
                batch, "TAKE_PROFIT_ORDER_REJECT", tradeID=number, rejectReason=reason, **target
            )
            raise Refused(400, reason, "The target would be reached at once",
                          **self.answer(batch, takeProfitOrderRejectTransaction=made))  # fmt: skip
        for name, kind in (("takeProfit", "TAKE_PROFIT"), ("stopLoss", "STOP_LOSS")):
            if told.get(name):
                made, gone = self._level(batch, trade, kind, told[name], "CLIENT_ORDER")
                named[f"{name}OrderTransaction"] = made
                named[f"{name}OrderCancelTransaction"] = gone
        return self.answer(batch, **named)

    # ---- money and the market

    @property
    def profit(self) -> Decimal:
        return sum((trade.open_profit for trade in self.open_trades()), D(0))

    @property
    def equity(self) -> Decimal:
        return self.balance + self.profit

    @property
    def used(self) -> Decimal:
        return sum((abs(t.left) * t.price * D(t.product.margin) for t in self.open_trades()), D(0))

    def quote(self, name: str, bid: str, ask: str) -> None:
        """Another price; what it reaches is dealt."""
        product = self.products[name]
        product.bid, product.ask = D(bid), D(ask)
        for trade in self.open_trades():
            if trade.product is not product:
                continue
            way = 1 if trade.units > 0 else -1
            stop, target = trade.stop, trade.target
            if stop is not None and way * (trade.exit - D(stop["price"])) <= 0:
                stop["state"] = "FILLED"
                self._end([], stop, trade, abs(trade.left), trade.exit, "STOP_LOSS_ORDER")
            elif target is not None and way * (trade.exit - D(target["price"])) >= 0:
                target["state"], price = "FILLED", D(target["price"])
                self._end([], target, trade, abs(trade.left), price, "TAKE_PROFIT_ORDER")
