"""OANDA: the stand-in of its v20 interface over a socket, and the adapter."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from broker import turns
from broker.oanda import log, venue
from broker.oanda.build import build
from broker.oanda.client import Client
from tests.chaos.venues import Told, Truth
from tests.chaos.venues.over_http import OverHttp
from tests.oanda import ACCOUNT, TOKEN
from tests.oanda.account import Account, euro
from tests.oanda.server import Server

WAYS = ("buy", "sell")
_ACCOUNT = "oanda-1"
_KINDS = (
    "lose_before", "lose_after", "late", "held", "unknown", "gateway", "busy", "nonsense",
    "refused", "too_many", "moved",
)  # fmt: skip
_WRITES = frozenset(("POST orders", "PUT trades/close", "PUT trades/orders"))
#: The protocol's times, shorter, so that a run meets what ends by them.
_SHORTER: Any = {
    "PROOF": timedelta(seconds=3),
    "CHANGE_PROOF": timedelta(seconds=2),
    "_TURN": timedelta(seconds=2),
}
_PATIENCE, _LATE = 0.5, 0.6
_LOT = 100_000


@dataclass
class Weathered(Server):
    """The stand-in; each request may meet a fault."""

    rate: float = 0.0
    chance: Random = field(default_factory=Random)
    met: int = 0

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        name = f"{request.method} {self._name(request.match_info['path'])}"
        likely = 0.4 if name in _WRITES else 0.04
        if self.chance.random() < likely * self.rate:
            self.faults.append((name, self.chance.choice(_KINDS)))
            self.met += 1
        return await super()._handle(request)


class OandaSite(OverHttp[Weathered]):
    """The server's side."""

    async def quote(self, bid: str, ask: str) -> None:
        self.server.account.quote("EUR_USD", bid, ask)

    async def truth(self) -> Truth:
        for late in self.server.later:
            await late
        account = self.server.account
        names = [(trade.extensions or {}).get("id", "") for trade in account.trades.values()]
        trades = account.open_trades()
        lots = {trade.id: abs(trade.left) / _LOT for trade in trades}
        return Truth(
            taken=dict(Counter(name for name in names if name)),
            # A close has no name of ours at OANDA; one too many shows in what is held.
            changes=None,
            held=str(sum(lots.values(), Decimal(0))),
            stops=[(str(lots[t.id]), str((t.stop or {}).get("price", 0))) for t in trades],
            others=names.count(""),
            requests=self.server.calls["POST orders"],
            faults=self.server.met,
        )


@asynccontextmanager
async def serve(url: str) -> AsyncIterator[OandaSite]:
    """A hedging account with a lot of dollars."""
    account = Account(now=lambda: datetime.now(UTC), balance=Decimal(1_000_000))
    account.add(euro())
    server = Weathered(account, seconds=_LATE, retry_after="1")
    site = OandaSite(server)
    async with TestServer(server.app()) as http:
        site.url = str(http.make_url("")).rstrip("/")
        yield site


def broker(told: Told, store: Any, ledger: Any) -> Any:
    """The adapter, with the protocol's times shortened in this process."""
    for module in (turns, log, venue):
        for name, value in _SHORTER.items():
            if hasattr(module, name):
                setattr(module, name, value)
    client = Client(
        url=told["url"], token=SecretStr(TOKEN), account=ACCOUNT, seconds=_PATIENCE,
        clock=lambda: datetime.now(UTC),
    )  # fmt: skip
    return build(
        client, ledger, {}, account_id=_ACCOUNT, zone=ZoneInfo("UTC"), slippage_pips=Decimal(3)
    )[1]
