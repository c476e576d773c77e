"""A connector as it runs, over the stand-in: real HTTP, a real worker process, a real journal."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from broker.mt5.client import Connector
from broker.mt5.connector.app import create_app
from broker.mt5.connector.service import Service, build_service
from broker.mt5.connector.settings import ConnectorSettings
from broker.mt5.names import Names
from broker.mt5.venue import Mt5Broker
from broker.wire import load
from engine.domain.market import Timeframe
from engine.flow.terminal_wishes import Watched
from tests.memory import MemoryStore
from tests.mql5.market import Symbol
from tests.mt5 import MODULE, TOKEN
from tests.mt5.exchange import Exchange
from tests.mt5.server import TerminalServer

WATCHED = Watched(streams=(("EURUSD", Timeframe.H1),), names={"XAUUSD": "GOLD"})


def clock() -> datetime:
    """The machine's."""
    return datetime.now(UTC)


def exchange(*, hedging: bool = True) -> Exchange:
    """A trade server with a euro and gold."""
    made = Exchange(hedging=hedging)
    made.add(Symbol("EURUSD", 5, 1.10000, 1.10010))
    made.add(
        Symbol("GOLD", 2, 2400.0, 2400.3, contract=100.0, stops_level=50, filling=2, base="XAU")
    )
    return made


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Until something is so."""
    loop = asyncio.get_running_loop()
    last = loop.time() + seconds
    while not condition():
        assert loop.time() < last, "it did not become so"
        await asyncio.sleep(0.005)


def order_body(**fields: Any) -> dict[str, Any]:
    """An order as the document writes it."""
    return {
        "symbol": "EURUSD", "direction": "buy", "lot_size": 0.50, "entry_type": "market",
        "stop_loss": 1.09, "take_profit": [1.12], **fields,
    }  # fmt: skip


@dataclass
class Rig:
    """``service`` is replaced when the connector is started again; the journal's file stays."""

    server: TerminalServer
    settings: ConnectorSettings
    absence_seconds: float = 0.4
    service: Service = field(init=False)
    client: TestClient[Any, Any] = field(init=False)

    @property
    def exchange(self) -> Exchange:
        return self.server.exchange

    async def start(self) -> None:
        """Serve, until the terminal is joined and its clock known."""
        self.service = build_service(
            self.settings, clock, chance=7, module=MODULE, absence_seconds=self.absence_seconds
        )
        self.service.watch_seconds = 0.05
        self.client = TestClient(TestServer(create_app(self.service)))
        await self.client.start_server()

    async def ready(self) -> None:
        """Until it says that it is."""
        await self.health(lambda told: told["status"] == "ok")

    async def health(self, wanted: Callable[[dict[str, Any]], object]) -> None:
        """Until its health is as wanted."""
        async with asyncio.timeout(20):
            while True:
                _, told = await self.get("/mt5/health")
                if wanted(told):
                    return
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        await self.client.close()

    async def again(self) -> None:
        """Stop and start."""
        await self.stop()
        await self.start()

    async def get(self, path: str, token: str = TOKEN, **query: str) -> tuple[int, Any]:
        """Status and document."""
        headers = {"Authorization": f"Bearer {token}"}
        async with self.client.get(path, params=query, headers=headers) as answer:
            return answer.status, load(await answer.read())

    async def post(
        self, path: str, body: Any, key: str | None = "k-1", token: str = TOKEN, **headers: str
    ) -> tuple[int, Any]:
        """The same; a body of bytes is sent as it is."""
        named = {"Authorization": f"Bearer {token}", **headers}
        if key is not None:
            named["Idempotency-Key"] = key
        content = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.client.post(path, headers=named, **content) as answer:
            return answer.status, load(await answer.read())

    async def ends(self, key: str, kind: str = "orders", seconds: float = 20) -> dict[str, Any]:
        """What became of a key, once that is known."""
        async with asyncio.timeout(seconds):
            while True:
                status, told = await self.get(f"/mt5/{kind}/{key}")
                if status == 200 and told["status"] != "unknown":
                    return dict(told)
                await asyncio.sleep(0.05)

    def broker(self, store: Any = None, **fields: Any) -> Mt5Broker:
        """The adapter, over the real socket."""
        connector = Connector(url=str(self.client.make_url("")), token=TOKEN)
        return Mt5Broker(
            connector=connector, names=Names(connector=connector, watched=WATCHED),
            store=store or MemoryStore(clock), account_id="mt5-1", **fields,
        )  # fmt: skip

    def dealt(self, kinds: tuple[int, ...] = (0, 1, 2)) -> dict[int, int]:
        """How many deals carry each magic number, stops and targets apart."""
        counts: dict[int, int] = {}
        with self.server.held() as held:
            for deal in held.deals:
                if deal.reason == 3 and deal.entry in kinds:
                    counts[deal.magic] = counts.get(deal.magic, 0) + 1
        return counts


def settings_for(server: TerminalServer, folder: Path, **fields: Any) -> ConnectorSettings:
    """Settings with a test's patience."""
    made = ConnectorSettings(  # type: ignore[call-arg]
        _env_file=None, token=TOKEN, terminal=server.address, journal=folder / "journal.sqlite3"
    )
    quick = {"deadline_seconds": 3.0, "hang_seconds": 1.8, "join_seconds": 5.0}
    return made.model_copy(update={**quick, **fields})


@asynccontextmanager
async def rigged(folder: Path, *, hedging: bool = True, **fields: Any) -> AsyncIterator[Rig]:
    """A connector that is up."""
    server = TerminalServer(exchange(hedging=hedging))
    rig = Rig(server, settings_for(server, folder, **fields))
    await rig.start()
    try:
        await rig.ready()
        yield rig
    finally:
        await rig.stop()
        server.close()
