"""The stand-in over HTTP: the token, the paths, what it answers, and faults."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from tests.oanda import ACCOUNT, TOKEN, shown
from tests.oanda.account import Account, Refused
from tests.oanda.shown import Json

_PAGE = 1_000
_GRANULARITIES = ("M1", "M5", "M15", "M30", "H1", "H4", "D")


@dataclass
class Server:
    """``faults`` are pairs of a call, such as ``POST orders``, and a kind, each for the next call
    of that name: ``lose_before`` and ``lose_after`` break the connection before or after it took
    effect, ``late`` answers after ``seconds``, ``held`` takes effect then, ``unknown`` and
    ``gateway`` answer 5xx after it took effect, ``busy`` before, ``refused`` refuses it,
    ``too_many`` stops it, ``nonsense`` answers with no JSON, ``moved`` sends away.
    """

    account: Account
    seconds: float = 0.4
    faults: list[tuple[str, str]] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    connections: set[Any] = field(default_factory=set)
    #: How many of the last transactions are not shown yet, with what they did.
    lag: int = 0
    page: int = _PAGE
    candles: list[Json] = field(default_factory=list)
    #: What the last question for candles asked for.
    asked: dict[str, str] = field(default_factory=dict)
    retry_after: str | None = "7"
    tells_time: bool = True
    later: list[asyncio.Future[Any]] = field(default_factory=list)

    def app(self) -> web.Application:
        made = web.Application()
        made.router.add_route("*", "/v3/{path:.*}", self._handle)
        return made

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.connections.add(request.transport)
        name = f"{request.method} {self._name(request.match_info['path'])}"
        self.calls[name] += 1
        fault = next((each for each in self.faults if each[0] == name), None)
        if fault is None:
            return self._answer(request, raw)
        self.faults.remove(fault)
        told: web.Response = await getattr(self, f"_{fault[1]}")(request, raw)
        return told

    def _name(self, path: str) -> str:
        """A path without the account and without numbers: ``trades/close``."""
        parts = path.removeprefix(f"accounts/{ACCOUNT}/").split("/")
        return "/".join(part for part in parts if not re.fullmatch(r"@.*|\d+|[A-Z0-9]+_\w+", part))

    def _respond(self, status: int, body: Any, **headers: str) -> web.Response:
        now = self.account.now()
        named = {"RequestID": "42", "Date": format_datetime(now, usegmt=True), **headers}
        if not self.tells_time:
            named["Date"] = "soon"
        return web.json_response(body, status=status, headers=named)

    def _answer(self, request: web.Request, raw: bytes) -> web.Response:
        try:
            body = self._done(request, raw)
        except Refused as error:
            return self._respond(error.status, error.body)
        return self._respond(201 if request.method == "POST" else 200, body)

    # ---- faults

    async def _lose_before(self, request: web.Request, raw: bytes) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _lose_after(self, request: web.Request, raw: bytes) -> web.Response:
        self._answer(request, raw)
        return await self._lose_before(request, raw)

    async def _late(self, request: web.Request, raw: bytes) -> web.Response:
        answer = self._answer(request, raw)
        await asyncio.sleep(self.seconds)
        return answer

    async def _held(self, request: web.Request, raw: bytes) -> web.Response:
        """It takes effect although whoever asked has gone."""

        async def arrive() -> None:
            await asyncio.sleep(self.seconds)
            self._answer(request, raw)

        self.later.append(asyncio.ensure_future(arrive()))
        return await self._lose_before(request, raw)

    async def _unknown(self, request: web.Request, raw: bytes) -> web.Response:
        self._answer(request, raw)
        return self._respond(500, {"errorMessage": "An internal server error occurred."})

    async def _gateway(self, request: web.Request, raw: bytes) -> web.Response:
        self._answer(request, raw)
        return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")

    async def _busy(self, request: web.Request, raw: bytes) -> web.Response:
        return self._respond(503, {"errorMessage": "Service unavailable, please try again later."})

    async def _refused(self, request: web.Request, raw: bytes) -> web.Response:
        words = "The account is not allowed to do that."
        return self._respond(403, {"errorMessage": words, "errorCode": "ACCOUNT_LOCKED"})

    async def _too_many(self, request: web.Request, raw: bytes) -> web.Response:
        headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
        return self._respond(429, {"errorMessage": "Request rate limit exceeded."}, **headers)

    async def _nonsense(self, request: web.Request, raw: bytes) -> web.Response:
        self._answer(request, raw)
        return web.Response(text="no json")

    async def _moved(self, request: web.Request, raw: bytes) -> web.Response:
        return web.Response(status=302, headers={"Location": "/v3/accounts"}, text="{}")

    # ---- calls

    def _done(self, request: web.Request, raw: bytes) -> Any:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refused(401, None, "Insufficient authorization to perform request.")
        assert request.headers["Accept-Datetime-Format"] == "RFC3339"
        asked, path = dict(request.query), request.match_info["path"]
        body = json.loads(raw) if raw else {}
        found = re.fullmatch(r"instruments/(\w+)/candles", path)
        if found:
            return self._candles(found[1], asked)
        own, _, rest = path.partition(f"accounts/{ACCOUNT}")
        if own or not rest:
            raise Refused(404, None, "The accountID specified does not exist.")
        for method, pattern, call in self._routes():
            match = re.fullmatch(pattern, rest)
            if match and method == request.method:
                return call(asked, body, *match.groups())
        raise Refused(404, None, "Not found")

    def _routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        account = self.account
        return [
            ("GET", "/summary", self._summary),
            ("GET", "/instruments", lambda asked, body: self._shown(
                instruments=[shown.instrument(p) for p in account.products.values()])),
            ("GET", "/pricing", self._pricing),
            ("GET", "/openTrades", lambda asked, body: self._shown(
                trades=[shown.trade(t) for t in account.open_trades() if self._seen(t.id)])),
            ("GET", "/trades", self._trades),
            ("GET", r"/trades/(\d+)", self._trade),
            ("GET", r"/orders/@([\w-]+)", self._order),
            ("GET", "/transactions/sinceid", self._since),
            ("GET", r"/transactions/(\d+)", self._transaction),
            ("POST", "/orders", lambda asked, body: account.market(body["order"])),
            ("PUT", r"/trades/(\d+)/close", lambda asked, body, number: account.close(
                number, body["units"])),
            ("PUT", r"/trades/(\d+)/orders", lambda asked, body, number: account.levels(
                number, body)),
        ]  # fmt: skip

    def _seen(self, number: str) -> bool:
        return int(number) <= self.account.last - self.lag

    def _shown(self, **fields: Any) -> Json:
        return {**fields, "lastTransactionID": str(self.account.last - self.lag)}

    def _summary(self, asked: Json, body: Json) -> Json:
        account = self.account
        return self._shown(
            account=shown.summary(
                account.currency, account.balance, account.profit, account.used,
                hedging=account.hedging, last=account.last - self.lag,
                trades=len(account.open_trades()),
            )
        )  # fmt: skip

    def _pricing(self, asked: Json, body: Json) -> Json:
        names = asked["instruments"].split(",")
        wrong = [name for name in names if name not in self.account.products]
        if wrong:
            raise Refused(400, None, f"Invalid value specified for 'instruments': {wrong[0]}")
        now = self.account.now()
        prices = [shown.price(self.account.products[name], now) for name in names]
        return {"time": shown.instant(now), "prices": prices}

    def _trades(self, asked: Json, body: Json) -> Json:
        assert asked["state"] == "ALL"
        found = [t for t in reversed(self.account.trades.values()) if self._seen(t.id)]
        return self._shown(trades=[shown.trade(t) for t in found[: int(asked["count"])]])

    def _trade(self, asked: Json, body: Json, number: str) -> Json:
        found = self.account.trades.get(number)
        if found is None or not self._seen(number):
            raise Refused(404, "NO_SUCH_TRADE", "The trade ID specified does not exist")
        return self._shown(trade=shown.trade(found))

    def _order(self, asked: Json, body: Json, name: str) -> Json:
        for order in reversed(self.account.orders.values()):
            given = (order.get("clientExtensions") or {}).get("id")
            if given == name and self._seen(order["id"]):
                return self._shown(order=order)
        raise Refused(404, "NO_SUCH_ORDER", "The order ID specified does not exist")

    def _since(self, asked: Json, body: Json) -> Json:
        last = self.account.last - self.lag
        rows = [row for row in self.account.log if int(asked["id"]) < int(row["id"]) <= last]
        return self._shown(transactions=rows[: self.page])

    def _transaction(self, asked: Json, body: Json, number: str) -> Json:
        for row in self.account.log:
            if row["id"] == number and self._seen(number):
                return self._shown(transaction=row)
        raise Refused(404, "NO_SUCH_TRANSACTION", "The transaction ID specified does not exist")

    def _candles(self, name: str, asked: dict[str, str]) -> Json:
        if name not in self.account.products:
            raise Refused(400, None, "Invalid value specified for 'instrument'")
        assert asked["granularity"] in _GRANULARITIES
        assert 1 <= int(asked["count"]) <= 5_000
        self.asked = asked
        rows, since = self.candles, asked.get("from")
        if since is not None:
            after = datetime.fromisoformat(since)
            if after > self.account.now() + timedelta(seconds=1):
                raise Refused(
                    400, None, "Invalid value specified for 'from'. Time is in the future"
                )
            first = asked["includeFirst"] == "true"
            rows = [r for r in rows if r["time"] > since or (first and r["time"] == since)]
            rows = rows[: int(asked["count"])]
        else:
            rows = rows[-int(asked["count"]) :]
        return {"instrument": name, "granularity": asked["granularity"], "candles": rows}
