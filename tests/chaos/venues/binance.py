"""Binance spot: the stand-in of its REST interface over a socket, and the adapter."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from broker import turns
from broker.binance import desk, guards, keeper, venue
from broker.binance.build import build
from broker.binance.client import Client
from tests.binance import KEY, SECRET
from tests.binance.exchange import Exchange, euro
from tests.binance.server import Server
from tests.chaos.venues import Told, Truth
from tests.chaos.venues.over_http import OverHttp

WAYS = ("buy",)
_ACCOUNT = "binance-1"
_KINDS = (
    "lose_before", "lose_after", "late", "held", "unknown", "unexpected", "gateway", "busy",
    "nonsense", "refused",
)  # fmt: skip
_WRITES = frozenset(("POST order", "POST orderList/oco", "DELETE orderList", "DELETE order"))
#: The protocol's times, shorter by one factor, so that a run meets what ends by them.
_SHORTER: Any = {
    "RECV_WINDOW": 1_500,
    "PROOF": timedelta(seconds=1),
    "EXIT_PROOF": timedelta(seconds=1),
    "_TURN": timedelta(seconds=2),
}
_PATIENCE, _LATE = 0.5, 0.6


@dataclass
class Weathered(Server):
    """The stand-in; each request may meet a fault."""

    rate: float = 0.0
    chance: Random = field(default_factory=Random)
    met: int = 0

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        name = f"{request.method} {request.match_info['path']}"
        # A life asks as often as it can, a worker every five seconds: the limit has its own tests.
        self.weight = 0
        likely = 0.4 if name in _WRITES else 0.04
        if self.chance.random() < likely * self.rate:
            self.faults.append((name, self.chance.choice(_KINDS)))
            self.met += 1
        return await super()._handle(request)


class BinanceSite(OverHttp[Weathered]):
    """The server's side."""

    async def quote(self, bid: str, ask: str) -> None:
        self.server.exchange.quote("EURUSD", bid, ask)

    async def truth(self) -> Truth:
        for late in self.server.later:
            await late
        exchange = self.server.exchange
        dealt = [o for o in exchange.orders if o["executedQty"] > 0]
        taken = Counter(o["clientOrderId"] for o in dealt if o["side"] == "BUY")
        sold = Counter(o["clientOrderId"] for o in dealt if o["clientOrderId"][:3] == "ap-")
        stops = [o for o in exchange.orders if o["type"] == "STOP_LOSS" and o["status"] == "NEW"]
        return Truth(
            taken=dict(taken),
            changes=dict(sold),
            held=str(exchange.total("EUR")),
            # What fees left below the step stays behind.
            dust=str(Decimal("0.01") * len(dealt)),
            stops=[(str(o["origQty"]), str(o["stopPrice"])) for o in stops],
            requests=self.server.calls["POST order"],
            faults=self.server.met,
        )


@asynccontextmanager
async def serve(url: str) -> AsyncIterator[BinanceSite]:
    """An exchange with euros and many dollars."""
    server = Weathered(Exchange(now=lambda: int(datetime.now(UTC).timestamp() * 1000)))
    server.seconds = _LATE
    server.exchange.add(euro())
    server.exchange.hold("USD", "1000000")
    site = BinanceSite(server)
    async with TestServer(server.app()) as http:
        site.url = str(http.make_url("")).rstrip("/")
        yield site


def broker(told: Told, store: Any, ledger: Any) -> Any:
    """The adapter, with the protocol's times shortened in this process."""
    for module in (turns, desk, guards, keeper, venue):
        for name, value in _SHORTER.items():
            if hasattr(module, name):
                setattr(module, name, value)
    client = Client(
        url=told["url"], key=SecretStr(KEY), secret=SecretStr(SECRET),
        clock=lambda: datetime.now(UTC), seconds=_PATIENCE,
    )  # fmt: skip
    return build(client, ledger, ("EURUSD",), account_id=_ACCOUNT)[1]
