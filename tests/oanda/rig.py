"""A stand-in that is up, and the adapter over its socket, with a clock that can be moved."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from broker.oanda.build import build
from broker.oanda.client import Client
from broker.oanda.market import OandaMarket
from broker.oanda.venue import OandaBroker
from engine.domain.order import Order
from tests.builders import order as order_of
from tests.fakes import MemoryLedger
from tests.oanda import ACCOUNT, TOKEN
from tests.oanda.account import Account, euro
from tests.oanda.server import Server
from tests.oanda.shown import Product

D = Decimal


@dataclass
class Rig:
    """``shift`` moves everybody's clock, ``skew`` OANDA's alone."""

    url: str = ""
    shift: timedelta = timedelta()
    skew: timedelta = timedelta()
    names: Mapping[str, str] = field(default_factory=dict)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    server: Server = field(init=False)
    clients: list[Client] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = Server(Account(now=lambda: self.clock() + self.skew))

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.shift

    @property
    def account(self) -> Account:
        return self.server.account

    def order(self, number: int = 1, **fields: Any) -> Order:
        """A tenth of a lot of the euro, valid for a minute."""
        usual = {"client_id": f"at-{number:024}", "account_id": "oanda-1"}
        made = order_of(**(usual | fields))
        return replace(made, valid_until=self.clock() + timedelta(minutes=1))

    def client(self, **fields: Any) -> Client:
        usual = {"url": self.url, "token": SecretStr(TOKEN), "account": ACCOUNT, "seconds": 2.0}
        made = Client(clock=self.clock, **(usual | fields))
        self.clients.append(made)
        return made

    def built(self, client: Client | None = None) -> tuple[OandaMarket, OandaBroker]:
        return build(
            client or self.client(), self.ledger, self.names, account_id="oanda-1",
            zone=ZoneInfo("UTC"), slippage_pips=D(3),
        )  # fmt: skip

    def broker(self, client: Client | None = None) -> OandaBroker:
        """The adapter of a process that has just started."""
        return self.built(client)[1]

    def market(self, **fields: Any) -> OandaMarket:
        return self.built(self.client(**fields))[0]


@asynccontextmanager
async def rigged() -> AsyncIterator[Rig]:
    """An account with ten thousand dollars; the euro, gold, and the pound."""
    rig = Rig()
    rig.account.add(euro())
    rig.account.add(Product("GBP_USD", D("1.25000"), D("1.25020")))
    rig.account.add(
        Product("XAU_USD", D("2400.10"), D("2400.50"), precision=3, pip=-2, kind="METAL")
    )
    async with TestServer(rig.server.app()) as server:
        rig.url = str(server.make_url("")).rstrip("/")
        yield rig
        for each in rig.server.later:
            await each
        for client in rig.clients:
            await client.aclose()
