"""MetaTrader behind the Expert Advisor: the real endpoint over the lives' own database, and a
stand-in of the terminal that keeps its journal, loses answers and is late.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any

import asyncpg
from aiohttp.test_utils import TestClient, TestServer

import broker.mt_bridge.venue as venue
from bot.endpoint import build_endpoint
from bot.settings import Settings
from bot.world import build_world
from broker.mt_bridge.venue import MtBridge
from ea.app import create_app
from engine.flow.terminals import IssueCode
from storage.database import open_database
from storage.signals import Listener
from tests.chaos.venues import Told, Truth
from tests.contract.venues import Hands
from tests.mql5.market import IN
from tests.terminals import Ea

WAYS = ("buy", "sell")
_ACCOUNT = "live-1"
_PERSON = 1001
#: The protocol's times, shorter by one factor, so that a run meets what ends by them.
_SETTLE, _LIFE, _PATIENCE = timedelta(seconds=1.5), timedelta(seconds=3), 0.6


class _Silent:
    async def ring(self, job: str, *ids: str) -> None:
        """Nobody waits: the lives look for themselves."""


@dataclass
class BridgeSite:
    """The endpoint and the terminal."""

    url: str
    hands: Hands
    rate: float = 0.0
    chance: Random = field(default_factory=Random)
    met: int = 0
    beaten: float = 0.0
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    def told(self) -> Told:
        return {"database": self.url}

    async def quote(self, bid: str, ask: str) -> None:
        async with self.busy:
            self.hands.terminal.quote("EURUSD", float(bid), float(ask))
            await self.hands.show()

    async def work(self) -> None:
        """What the terminal does, for ever; a request that fails is made again."""
        for number in count():
            try:
                async with self.busy:
                    await self._once(number)
            except Exception as error:
                print(f"the terminal: {error!r}"[:300], file=sys.stderr, flush=True)
            await asyncio.sleep(0.03)

    async def _once(self, number: int) -> None:
        ea, terminal = self.hands.ea, self.hands.terminal
        terminal.advance(max(0.0, time.time() - terminal.now))
        if time.monotonic() - self.beaten > 2:
            self.beaten = time.monotonic()
            await ea.beat(paused=False, last_seq=0)
        for command in await ea.fetch(hold_ms=0):
            if command["id"] not in ea.journal and not self._meets(0.2):
                await self._carry_out(command)
            if command["id"] in ea.journal and not self._meets(0.3):
                await ea.tell(command)
        if number % 3 == 0:
            await self.hands.show()

    async def _carry_out(self, command: dict[str, Any]) -> None:
        ea = self.hands.ea
        if command["lookup_only"]:
            lost = {"status": "not_executed", "reason": "no_trace", "traced": True}
            ea.journal[command["id"]] = lost
            return
        if self._meets(0.1):
            await asyncio.sleep(self.chance.uniform(0.1, 0.5))
        closed = {"status": "rejected", "reason": "retcode", "retcode": 10018}
        trades = command["type"] == "OPEN" or "position" in command
        if not trades:
            outcome = {"status": "done"}
        else:
            outcome = closed if self._meets(0.05) else self.hands.trade(command)
        ea.journal[command["id"]] = outcome
        if outcome["status"] == "done":
            ea.executed.append(command["id"])

    def _meets(self, likely: float) -> bool:
        """Whether something goes wrong now."""
        meets = self.chance.random() < likely * self.rate
        self.met += meets
        return meets

    async def truth(self) -> Truth:
        async with self.busy:
            await self.hands.show()
            terminal = self.hands.terminal
            owners = await self._owners()
            dealt = [deal for deal in terminal.deals if deal.reason == 3]
            opened = Counter((owners.get(d.magic, ""), d.magic) for d in dealt if d.entry == IN)
            closed = Counter((owners.get(d.magic, ""), d.magic) for d in dealt if d.entry != IN)
            positions = list(terminal.positions.values())
        return Truth(
            taken={key: n for (key, _), n in sorted(opened.items(), key=lambda o: o[1]) if key},
            changes={key: n for (key, _), n in sorted(closed.items(), key=lambda o: o[1]) if key},
            held=str(round(sum(p.volume for p in positions), 2)),
            stops=[(str(p.volume), str(p.sl)) for p in positions],
            others=sum(n for (key, _), n in (*opened.items(), *closed.items()) if not key),
            requests=len(self.hands.ea.executed),
            faults=self.met,
        )

    async def _owners(self) -> dict[int, str]:
        db = await asyncpg.connect(self.url)
        try:
            rows = await db.fetch("SELECT seq, client_id, id FROM ea_command")
        finally:
            await db.close()
        base = self.hands.ea.magic_base
        return {base + row["seq"]: row["client_id"] or row["id"] for row in rows}


@asynccontextmanager
async def serve(url: str) -> AsyncIterator[BridgeSite]:
    """The endpoint, and a terminal that has joined."""
    async with open_database(url, pool=4):
        settings = Settings(  # type: ignore[call-arg]
            _env_file=None, broker="mt_bridge", account_id=_ACCOUNT, ea_symbols="EURUSD:H1",
            database_url=url,
        )  # fmt: skip
        world = build_world(settings)
        numbers = count(1)
        issue = IssueCode(
            store=world.store, account_id=_ACCOUNT, new_code=lambda: f"CODE-{next(numbers):04}"
        )
        app = create_app(build_endpoint(settings, world, _Silent()))
        async with TestClient(TestServer(app)) as client:
            ea = Ea(client)
            code, _ = await issue(_PERSON, await issue.mark())
            assert (await ea.register(code))[0] == 200
            assert (await ea.beat(paused=False, last_seq=0))[0] == 200
            site = BridgeSite(url, Hands(ea))
            await site.hands.show()
            working = asyncio.ensure_future(site.work())
            yield site
            working.cancel()
        await world.signals.close()


def broker(told: Told, store: Any, ledger: Any) -> Any:
    """The adapter, with the protocol's times shortened in this process."""
    venue._SETTLE = _SETTLE
    return MtBridge(
        store=store, signals=Listener(told["database"]), account_id=_ACCOUNT,
        patience_seconds=_PATIENCE, command_life=_LIFE,
    )  # fmt: skip
