"""The stand-in's matching engine: balances, orders, pairs of orders, trades, fees."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

D = Decimal
OPEN = ("NEW", "PARTIALLY_FILLED")


class Rejected(Exception):
    """What the exchange answers with status 400."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass
class Symbol:
    """One that is traded; ``depth`` is how much the other side of its book holds."""

    name: str
    base: str
    quote: str
    bid: Decimal
    ask: Decimal
    tick: str = "0.01000000"
    step: str = "0.00001000"
    least: str = "0.00001000"
    most: str = "9000.00000000"
    notional: str = "5.00000000"
    status: str = "TRADING"
    types: tuple[str, ...] = (
        "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
    )  # fmt: skip
    depth: Decimal = Decimal(10**9)


def euro() -> Symbol:
    """A euro against the dollar, so that it can be traded as at other venues."""
    return Symbol(
        "EURUSD", "EUR", "USD", D("1.10000"), D("1.10010"),
        tick="0.00001000", step="0.01000000", least="0.01000000", notional="0.01000000",
    )  # fmt: skip


@dataclass
class Exchange:
    """``now`` tells milliseconds. ``fee_asset`` takes the place of what an order received."""

    now: Callable[[], int]
    symbols: dict[str, Symbol] = field(default_factory=dict)
    balances: dict[str, list[Decimal]] = field(default_factory=dict)
    orders: list[dict[str, Any]] = field(default_factory=list)
    lists: list[dict[str, Any]] = field(default_factory=list)
    trades: list[dict[str, Any]] = field(default_factory=list)
    fee: Decimal = Decimal("0.001")
    fee_asset: str | None = None

    def add(self, symbol: Symbol) -> None:
        self.symbols[symbol.name] = symbol

    def hold(self, asset: str, amount: str) -> None:
        self.balances[asset] = [D(amount), D(0)]

    def total(self, asset: str) -> Decimal:
        return sum(self._of(asset), D(0))

    def _of(self, asset: str) -> list[Decimal]:
        return self.balances.setdefault(asset, [D(0), D(0)])

    def placed(self, client_id: str) -> list[dict[str, Any]]:
        """Every order that was taken under an id."""
        return [order for order in self.orders if order["clientOrderId"] == client_id]

    # ---- filters

    def check(
        self, symbol: Symbol, volume: Decimal, *prices: Decimal, market: bool = False
    ) -> None:
        step, tick = D(symbol.step), D(symbol.tick)
        for price in prices:
            if price <= 0 or price % tick:
                raise Rejected(-1013, "Filter failure: PRICE_FILTER")
        if volume < D(symbol.least) or volume > D(symbol.most) or volume % step:
            raise Rejected(-1013, "Filter failure: LOT_SIZE")
        for price in prices or (symbol.bid,):
            if volume * price < D(symbol.notional):
                raise Rejected(-1013, "Filter failure: NOTIONAL")
        if symbol.status != "TRADING":
            raise Rejected(-2010, "Market is closed.")

    def _unused(self, *names: str) -> None:
        taken = {order["clientOrderId"] for order in self.orders if order["status"] in OPEN}
        if taken & set(names) or len(set(names)) != len(names):
            raise Rejected(-2010, "Duplicate order sent.")

    # ---- orders

    def _order(
        self, symbol: Symbol, side: str, kind: str, volume: Decimal, name: str, **fields: Any
    ) -> dict[str, Any]:
        made = {
            "symbol": symbol.name, "orderId": len(self.orders) + 1, "orderListId": -1,
            "clientOrderId": name, "price": D(0), "origQty": volume, "executedQty": D(0),
            "cummulativeQuoteQty": D(0), "status": "NEW", "timeInForce": "GTC", "type": kind,
            "side": side, "stopPrice": D(0), "time": self.now(), "updateTime": self.now(),
            "isWorking": kind not in ("STOP_LOSS", "STOP_LOSS_LIMIT"), "fills": [], **fields,
        }  # fmt: skip
        self.orders.append(made)
        return made

    def market(self, name: str, side: str, volume: Decimal, client_id: str) -> dict[str, Any]:
        symbol = self.symbols[name]
        self.check(symbol, volume, market=True)
        self._unused(client_id)
        dealt = min(volume, symbol.depth)
        price = symbol.ask if side == "BUY" else symbol.bid
        given, amount = (symbol.quote, dealt * price) if side == "BUY" else (symbol.base, dealt)
        if self._of(given)[0] < amount:
            raise Rejected(-2010, "Account has insufficient balance for requested action.")
        made = self._order(symbol, side, "MARKET", volume, client_id)
        # In two fills wherever that can be, as an order that takes two lines of the book.
        step = D(symbol.step)
        half = dealt / 2 // step * step
        for part, at in ((half, price), (dealt - half, price)):
            if part:
                self._deal(made, part, at)
        made["status"] = "FILLED" if dealt == volume else "EXPIRED"
        return made

    def _deal(self, order: dict[str, Any], volume: Decimal, price: Decimal) -> None:
        symbol, buys = self.symbols[order["symbol"]], order["side"] == "BUY"
        base, quote = self._of(symbol.base), self._of(symbol.quote)
        locked = 0 if order["type"] == "MARKET" else 1
        if buys:
            quote[0] -= volume * price
            base[0] += volume
        else:
            base[locked] -= volume
            quote[0] += volume * price
        received = (symbol.base, volume) if buys else (symbol.quote, volume * price)
        asset = self.fee_asset or received[0]
        fee = received[1] * self.fee if self.fee_asset is None else volume * price * self.fee / 600
        self._of(asset)[0] -= fee
        fill = {
            "price": price, "qty": volume, "commission": fee.quantize(D("0.00000001")),
            "commissionAsset": asset, "tradeId": len(self.trades) + 1,
        }  # fmt: skip
        order["fills"].append(fill)
        order["executedQty"] += volume
        order["cummulativeQuoteQty"] += volume * price
        order["updateTime"] = self.now()
        self.trades.append(
            {
                "symbol": symbol.name, "id": fill["tradeId"], "orderId": order["orderId"],
                "orderListId": order["orderListId"], "price": price, "qty": volume,
                "quoteQty": volume * price, "commission": fill["commission"],
                "commissionAsset": asset, "time": self.now(), "isBuyer": buys, "isMaker": False,
                "isBestMatch": True,
            }
        )  # fmt: skip

    def oco(
        self, name: str, volume: Decimal, above: dict[str, Any], below: dict[str, Any], listed: str
    ) -> dict[str, Any]:
        """A pair that sells: a maker's limit above, a stop below."""
        symbol = self.symbols[name]
        prices = [above["price"], below["stopPrice"]]
        prices += [below["price"]] if "price" in below else []
        if below["type"] not in symbol.types:
            raise Rejected(-2010, "Stop loss orders are not supported for this symbol.")
        self.check(symbol, volume, *prices)
        if not above["price"] > symbol.bid > below["stopPrice"]:
            raise Rejected(-2010, "The relationship of the prices for the orders is not correct.")
        self._unused(above["clientOrderId"], below["clientOrderId"])
        if any(e["listClientOrderId"] == listed and e["open"] for e in self.lists):
            raise Rejected(-2010, "Duplicate order sent.")
        coins = self._of(symbol.base)
        if coins[0] < volume:
            raise Rejected(-2010, "Account has insufficient balance for requested action.")
        coins[0] -= volume
        coins[1] += volume
        made = {"orderListId": len(self.lists), "listClientOrderId": listed, "symbol": name}
        legs = []
        for fields in (below, above):
            kind, leg = fields["type"], fields["clientOrderId"]
            rest = {k: v for k, v in fields.items() if k not in ("type", "clientOrderId")}
            rest["orderListId"] = made["orderListId"]
            legs.append(self._order(symbol, "SELL", kind, volume, leg, **rest))
        made |= {"legs": legs, "open": True, "time": self.now()}
        self.lists.append(made)
        return made

    def _end(self, made: dict[str, Any], *, but: dict[str, Any] | None, status: str) -> None:
        """Legs that are open, but one, are over; without one the coins are free again."""
        made["open"] = but is not None and but["status"] in OPEN
        for leg in made["legs"]:
            if leg is not but and leg["status"] in OPEN:
                leg["status"], leg["updateTime"] = status, self.now()
        if but is None:
            rest = made["legs"][0]["origQty"] - max(leg["executedQty"] for leg in made["legs"])
            coins = self._of(self.symbols[made["symbol"]].base)
            coins[0] += rest
            coins[1] -= rest

    def cancel_list(self, name: str, listed: str) -> dict[str, Any]:
        for made in self.lists:
            if (made["symbol"], made["listClientOrderId"]) == (name, listed) and made["open"]:
                self._end(made, but=None, status="CANCELED")
                return made
        raise Rejected(-2011, "Unknown order sent.")

    def cancel(self, name: str, client_id: str) -> dict[str, Any]:
        for made in self.lists:
            for leg in made["legs"]:
                mine = leg["symbol"] == name and leg["clientOrderId"] == client_id
                if mine and leg["status"] in OPEN:
                    self._end(made, but=None, status="CANCELED")
                    return leg
        raise Rejected(-2011, "Unknown order sent.")

    # ---- the market moves

    def quote(self, name: str, bid: str, ask: str) -> None:
        """Another best bid and ask; what they reach is dealt."""
        symbol = self.symbols[name]
        symbol.bid, symbol.ask = D(bid), D(ask)
        for made in self.lists:
            if made["symbol"] != name or not made["open"]:
                continue
            stop, target = made["legs"]
            if stop["status"] == "NEW" and symbol.bid <= stop["stopPrice"]:
                self._end(made, but=stop, status="EXPIRED")
                stop["isWorking"] = True
                if stop["type"] == "STOP_LOSS" or symbol.bid >= stop["price"]:
                    self._leg(made, stop, stop["origQty"], symbol.bid)
            elif target["status"] in OPEN and symbol.bid >= target["price"]:
                rest = target["origQty"] - target["executedQty"]
                self._leg(made, target, rest, target["price"])

    def take_a_part(self, name: str, volume: str) -> None:
        """Somebody buys a part of the resting target of the symbol's open pair."""
        made = next(each for each in self.lists if each["symbol"] == name and each["open"])
        self._leg(made, made["legs"][1], D(volume), made["legs"][1]["price"])

    def _leg(
        self, made: dict[str, Any], leg: dict[str, Any], volume: Decimal, price: Decimal
    ) -> None:
        self._deal(leg, volume, price)
        leg["status"] = "FILLED" if leg["executedQty"] == leg["origQty"] else "PARTIALLY_FILLED"
        self._end(made, but=leg, status="EXPIRED")
