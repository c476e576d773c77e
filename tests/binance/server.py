"""The stand-in over HTTP: keys, signatures, timestamps, parameters, weights, and faults."""

import asyncio
import hashlib
import hmac
import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tests.binance import KEY, SECRET, shown
from tests.binance.exchange import OPEN, Exchange, Rejected

D = Decimal
LEGAL = "^[a-zA-Z0-9-_]{1,36}$"
WEIGHTS = {"exchangeInfo": 20, "klines": 2, "bookTicker": 2, "account": 20, "order": 4,
           "openOrders": 6, "allOrders": 20, "myTrades": 20}  # fmt: skip


class Answered(Exception):
    """An answer that is not 200."""

    def __init__(self, status: int, body: Any, **headers: str) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers


@dataclass
class Server:
    """``faults`` are pairs of a call, such as ``POST order``, and a kind, each for the next call of
    that name: ``lose_before`` and ``lose_after`` break the connection before or after it took
    effect, ``late`` answers after ``seconds``, ``held`` takes effect then, ``unknown`` and
    ``gateway`` answer 5xx after it took effect, ``busy`` before, ``refused`` refuses it,
    ``too_many`` and ``banned`` stop it, ``nonsense`` answers 200 with no JSON.
    """

    exchange: Exchange
    seconds: float = 0.4
    faults: list[tuple[str, str]] = field(default_factory=list)
    #: So many calls go well before the first fault comes.
    spared: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    #: Orders that are there and not found by their id yet.
    hidden: set[str] = field(default_factory=set)
    weight: int = 0
    minute: int = -1
    klines: list[list[Any]] = field(default_factory=list)
    later: list[asyncio.Future[Any]] = field(default_factory=list)

    def app(self) -> web.Application:
        made = web.Application()
        made.router.add_route("*", "/api/v3/{path:.*}", self._handle)
        return made

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = (await request.read()).decode()
        name = f"{request.method} {request.match_info['path']}"
        self.calls[name] += 1
        fault = next((f for f in self.faults if f[0] == name), None)
        if fault is None or self.spared > 0:
            self.spared -= fault is not None
            return self._answer(request, raw)
        self.faults.remove(fault)
        return await getattr(self, f"_{fault[1]}")(request, raw)

    def _answer(self, request: web.Request, raw: str) -> web.Response:
        try:
            body, status, headers = self._done(request, raw), 200, {}
        except Rejected as error:
            body, status, headers = {"code": error.code, "msg": error.message}, 400, {}
        except Answered as error:
            body, status, headers = error.body, error.status, error.headers
        minute = self.exchange.now() // 60_000
        if minute != self.minute:
            self.weight, self.minute = self.weight if self.minute < 0 else 0, minute
        self.weight += WEIGHTS.get(request.match_info["path"].rpartition("/")[2], 1)
        return web.json_response(
            body, status=status, headers={**headers, "X-MBX-USED-WEIGHT-1M": str(self.weight)}
        )

    # ---- faults

    async def _lose_before(self, request: web.Request, raw: str) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _lose_after(self, request: web.Request, raw: str) -> web.Response:
        self._answer(request, raw)
        return await self._lose_before(request, raw)

    async def _late(self, request: web.Request, raw: str) -> web.Response:
        answer = self._answer(request, raw)
        await asyncio.sleep(self.seconds)
        return answer

    async def _held(self, request: web.Request, raw: str) -> web.Response:
        """It takes effect although whoever asked has gone."""

        async def arrive() -> None:
            await asyncio.sleep(self.seconds)
            self._answer(request, raw)

        self.later.append(asyncio.ensure_future(arrive()))
        return await self._lose_before(request, raw)

    async def _unknown(self, request: web.Request, raw: str) -> web.Response:
        self._answer(request, raw)
        told = (
            "Timeout waiting for response from backend server. "
            "Send status unknown; execution status unknown."
        )
        return web.json_response({"code": -1007, "msg": told}, status=504)

    async def _unexpected(self, request: web.Request, raw: str) -> web.Response:
        self._answer(request, raw)
        told = "An unexpected response was received from the message bus. Execution status unknown."
        return web.json_response({"code": -1006, "msg": told}, status=400)

    async def _gateway(self, request: web.Request, raw: str) -> web.Response:
        self._answer(request, raw)
        return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")

    async def _busy(self, request: web.Request, raw: str) -> web.Response:
        told = (
            "Server is currently overloaded with other requests. Please try again in a few minutes."
        )
        return web.json_response({"code": -1008, "msg": told}, status=503)

    async def _refused(self, request: web.Request, raw: str) -> web.Response:
        return web.json_response(
            {"code": -2010, "msg": "Order would trigger immediately."}, status=400
        )

    async def _too_many(self, request: web.Request, raw: str) -> web.Response:
        told = "Too much request weight used; current limit is 6000 request weight per 1 MINUTE."
        return web.json_response(
            {"code": -1003, "msg": told}, status=429, headers={"Retry-After": "7"}
        )

    async def _banned(self, request: web.Request, raw: str) -> web.Response:
        told = "Way too much request weight used; IP banned until 1."
        return web.json_response(
            {"code": -1003, "msg": told}, status=418, headers={"Retry-After": "120"}
        )

    async def _nonsense(self, request: web.Request, raw: str) -> web.Response:
        self._answer(request, raw)
        return web.Response(text="no json")

    async def _moved(self, request: web.Request, raw: str) -> web.Response:
        return web.Response(status=302, headers={"Location": "/api/v3/time"}, text="{}")

    # ---- calls

    def _done(self, request: web.Request, raw: str) -> Any:
        path, method = request.match_info["path"], request.method
        sent = Params(parse_qsl(request.rel_url.raw_query_string) + parse_qsl(raw))
        call = getattr(self, f"_{method.lower()}_{path.replace('/', '_')}", None)
        if call is None:
            raise Answered(404, {"code": -1, "msg": "no such path"})
        signed = path not in ("time", "exchangeInfo", "klines", "ticker/bookTicker")
        if signed:
            self._signed(request, raw, sent)
        found = call(sent)
        if left := sent.unread():
            read = len(sent.values) - len(left)
            raise Rejected(
                -1104,
                "Not all sent parameters were read; read "
                f"'{read}' parameter(s) but was sent '{len(sent.values)}'.",
            )
        return found

    def _signed(self, request: web.Request, raw: str, sent: "Params") -> None:
        if request.headers.get("X-MBX-APIKEY") != KEY:
            raise Answered(
                401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
            )
        total = request.rel_url.raw_query_string + raw
        head, _, signature = total.rpartition("&signature=")
        good = hmac.new(SECRET.encode(), head.encode(), hashlib.sha256).hexdigest()
        if sent("signature") != good or signature != good:
            raise Rejected(-1022, "Signature for this request is not valid.")
        at, window, now = (
            int(sent("timestamp")),
            int(sent("recvWindow", "5000")),
            self.exchange.now(),
        )
        if window > 60_000:
            raise Rejected(-1131, "recvWindow must be less than 60000")
        if at >= now + 1_000:
            raise Rejected(
                -1021, "Timestamp for this request was 1000ms ahead of the server's time."
            )
        if now - at > window:
            raise Rejected(-1021, "Timestamp for this request is outside of the recvWindow.")

    def _named(self, sent: "Params", name: str) -> str:
        value = sent(name)
        if not re.fullmatch(LEGAL, value):
            raise Rejected(
                -1100,
                f"Illegal characters found in parameter '{name}'; legal range is '{LEGAL}'.",
            )
        return value

    def _symbol(self, sent: "Params") -> str:
        name = sent("symbol")
        if name not in self.exchange.symbols:
            raise Rejected(-1121, "Invalid symbol.")
        return name

    def _get_time(self, sent: "Params") -> Any:
        return {"serverTime": self.exchange.now()}

    def _get_exchangeInfo(self, sent: "Params") -> Any:
        symbol = self.exchange.symbols[self._symbol(sent)]
        return shown.exchange_info(symbol, self.exchange.now())

    def _get_klines(self, sent: "Params") -> Any:
        self._symbol(sent)
        limit, since = int(sent("limit", "500")), int(sent("startTime", "-1"))
        sent("interval")
        rows = [row for row in self.klines if row[0] >= since]
        return rows[:limit] if since >= 0 else rows[-limit:]

    def _get_ticker_bookTicker(self, sent: "Params") -> Any:
        symbol = self.exchange.symbols[self._symbol(sent)]
        return {
            "symbol": symbol.name, "bidPrice": f"{symbol.bid:.8f}", "bidQty": "431.00000000",
            "askPrice": f"{symbol.ask:.8f}", "askQty": "9.00000000",
        }  # fmt: skip

    def _get_account(self, sent: "Params") -> Any:
        sent("omitZeroBalances", "false")
        return shown.account(self.exchange)

    def _get_order(self, sent: "Params") -> Any:
        symbol, name = self._symbol(sent), sent("origClientOrderId")
        found = [o for o in self.exchange.placed(name) if o["symbol"] == symbol]
        if not found or name in self.hidden:
            raise Rejected(-2013, "Order does not exist.")
        return shown.order(found[-1])

    def _get_openOrders(self, sent: "Params") -> Any:
        symbol = self._symbol(sent)
        return [
            shown.order(o)
            for o in self.exchange.orders
            if o["symbol"] == symbol and o["status"] in OPEN
        ]

    def _get_allOrders(self, sent: "Params") -> Any:
        symbol, limit = self._symbol(sent), int(sent("limit", "500"))
        first, last = int(sent("startTime")), int(sent("endTime"))
        found = [
            shown.order(o)
            for o in self.exchange.orders
            if o["symbol"] == symbol and first <= o["time"] <= last
        ]
        return found[:limit]

    def _get_myTrades(self, sent: "Params") -> Any:
        symbol, number = self._symbol(sent), int(sent("orderId"))
        return [
            shown.trade(t)
            for t in self.exchange.trades
            if t["symbol"] == symbol and t["orderId"] == number
        ]

    def _post_order(self, sent: "Params") -> Any:
        symbol, side = self._symbol(sent), sent("side")
        assert sent("type") == "MARKET"
        assert sent("newOrderRespType") == "FULL"
        name, volume = self._named(sent, "newClientOrderId"), D(sent("quantity"))
        return shown.full(self.exchange.market(symbol, side, volume, name))

    def _post_orderList_oco(self, sent: "Params") -> Any:
        assert sent("side") == "SELL"
        above = {"type": sent("aboveType"), "price": D(sent("abovePrice"))}
        below = {"type": sent("belowType"), "stopPrice": D(sent("belowStopPrice"))}
        above["clientOrderId"] = self._named(sent, "aboveClientOrderId")
        below["clientOrderId"] = self._named(sent, "belowClientOrderId")
        if below["type"] == "STOP_LOSS_LIMIT":
            below |= {"price": D(sent("belowPrice")), "timeInForce": sent("belowTimeInForce")}
        made = self.exchange.oco(
            self._symbol(sent), D(sent("quantity")), above, below,
            self._named(sent, "listClientOrderId"),
        )  # fmt: skip
        return shown.order_list(made)

    def _delete_orderList(self, sent: "Params") -> Any:
        symbol, name = self._symbol(sent), sent("listClientOrderId")
        return shown.order_list(self.exchange.cancel_list(symbol, name))

    def _delete_order(self, sent: "Params") -> Any:
        leg = self.exchange.cancel(self._symbol(sent), sent("origClientOrderId"))
        return shown.report(leg, cancelled=True)


class Params:
    """What was sent, each read by name; a mandatory one that is missing is refused."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.values = dict(pairs)
        self._read: set[str] = set()
        if len(self.values) != len(pairs):
            raise Rejected(-1101, "Duplicate values for a parameter detected.")

    def __call__(self, name: str, default: str | None = None) -> str:
        self._read.add(name)
        value = self.values.get(name, default)
        if not value:
            raise Rejected(
                -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
            )
        return value

    def unread(self) -> set[str]:
        return set(self.values) - self._read
