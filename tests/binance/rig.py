"""An exchange that is up, and the adapter over its socket, with a clock that can be moved."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from broker.binance.build import build
from broker.binance.client import Client
from broker.binance.market import BinanceMarket
from broker.binance.venue import BinanceBroker
from engine.domain.order import Order
from tests.binance import KEY, SECRET
from tests.binance.exchange import Exchange, Symbol
from tests.binance.server import Server
from tests.builders import order as order_of
from tests.fakes import MemoryLedger

D = Decimal


def order(number: int = 1, **fields: Any) -> Order:
    """A hundredth of a bitcoin, with a stop and a target around 60,000."""
    usual = {
        "client_id": f"at-{number:024}", "account_id": "binance-1", "symbol": "BTCUSDT",
        "volume": D("0.01"), "stop_loss": D("59000.00"), "take_profit": (D("62000.00"),),
    }  # fmt: skip
    return order_of(**(usual | fields))


@dataclass
class Rig:
    """``shift`` moves everybody's clock, ``skew`` the exchange's alone."""

    url: str = ""
    shift: timedelta = timedelta()
    skew: timedelta = timedelta()
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    server: Server = field(init=False)

    def __post_init__(self) -> None:
        self.server = Server(Exchange(now=self._server_now))

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.shift

    def _server_now(self) -> int:
        return int((self.clock() + self.skew).timestamp() * 1000)

    @property
    def exchange(self) -> Exchange:
        return self.server.exchange

    def order(self, number: int = 1, **fields: Any) -> Order:
        """One that is valid for a minute."""
        return replace(order(number, **fields), valid_until=self.clock() + timedelta(minutes=1))

    def client(self, **fields: Any) -> Client:
        usual = {"url": self.url, "key": SecretStr(KEY), "secret": SecretStr(SECRET)}
        return Client(clock=self.clock, **(usual | {"seconds": 2.0} | fields))

    def broker(self, *symbols: str, client: Client | None = None, **fields: Any) -> BinanceBroker:
        """The adapter of a process that has just started."""
        _, made = build(
            client or self.client(), self.ledger, symbols or ("BTCUSDT",), account_id="binance-1"
        )
        return replace(made, **fields)

    def market(self, **fields: Any) -> BinanceMarket:
        return build(self.client(**fields), self.ledger, ("BTCUSDT",), account_id="binance-1")[0]


@asynccontextmanager
async def rigged() -> AsyncIterator[Rig]:
    """An exchange with bitcoin, ether, a euro against the dollar, and some money."""
    rig = Rig()
    rig.exchange.add(Symbol("BTCUSDT", "BTC", "USDT", D("60000.00"), D("60000.01")))
    rig.exchange.add(Symbol("ETHUSDT", "ETH", "USDT", D("2500.00"), D("2500.01"), step="0.0001"))
    rig.exchange.add(Symbol("BNBUSDT", "BNB", "USDT", D("600.00"), D("600.10"), step="0.001"))
    rig.exchange.hold("USDT", "10000")
    rig.exchange.hold("BNB", "5")
    async with TestServer(rig.server.app()) as server:
        rig.url = str(server.make_url("")).rstrip("/")
        yield rig
        for each in rig.server.later:
            await each
