"""MetaTrader through the connector: real HTTP, a real worker process, a real journal, a stand-in
of the package over a simulated trade server.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from broker.mt5.client import Connector
from broker.mt5.names import Names
from broker.mt5.venue import Mt5Broker
from tests.chaos.venues import Told, Truth
from tests.mql5.market import IN, Fault
from tests.mt5 import TOKEN
from tests.mt5.rig import WATCHED, Rig, rigged
from tests.mt5.storm import _CALLS, _CODES, _LINES

WAYS = ("buy", "sell")
_PATIENCE = 1.5


@dataclass
class Mt5Site:
    """The connector, its terminal and the weather over both."""

    rig: Rig
    rate: float = 0.0
    chance: Random = field(default_factory=Random)
    met: int = 0

    def told(self) -> Told:
        return {"url": str(self.rig.client.make_url(""))}

    async def quote(self, bid: str, ask: str) -> None:
        await asyncio.to_thread(self._quote, float(bid), float(ask))

    def _quote(self, bid: float, ask: float) -> None:
        with self.rig.server.held() as held:
            held.quote("EURUSD", bid, ask)

    async def blow(self) -> None:
        """Faults now and then, for as long as it runs; calm clears what has not struck yet."""
        while True:
            await asyncio.sleep(0.05)
            if self.rate == 0:
                self.rig.exchange.faults.clear()
                self.rig.server.faults.clear()
            elif self.chance.random() < 0.3 * self.rate:
                self._one()

    def _one(self) -> None:
        chance, exchange, server = self.chance, self.rig.exchange, self.rig.server
        if len(exchange.faults) + len(server.faults) > 2:
            return
        self.met += 1
        if chance.random() < 0.5:
            kind = chance.choice(("answer", "executed", "late", "working", "partial"))
            code = 0 if kind == "partial" else chance.choice(_CODES)
            if kind in ("executed", "late", "working"):
                code = chance.choice((10008, 10011, 10012, 10031, 99, 0))
            exchange.faults.append(Fault(kind, code, seconds=chance.uniform(0.05, 0.3)))
        else:
            call = "order_send" if chance.random() < 0.6 else chance.choice(_CALLS)
            server.faults.append((call, chance.choice(_LINES)))

    async def truth(self) -> Truth:
        await self.rig.ready()
        owners = self._owners()
        with self.rig.server.held() as held:
            dealt = [deal for deal in held.deals if deal.reason == 3]
            opened = Counter((owners.get(d.magic, ""), d.magic) for d in dealt if d.entry == IN)
            closed = Counter(owners.get(d.magic, "") for d in dealt if d.entry != IN)
            # An order may be several requests, one for each target: none of them twice.
            taken = {key: max(n for (k, _), n in opened.items() if k == key) for key, _ in opened}
            positions = list(held.positions.values())
            return Truth(
                taken={key: count for key, count in taken.items() if key},
                changes={key: count for key, count in closed.items() if key},
                held=str(round(sum(p.volume for p in positions), 2)),
                stops=[(str(p.volume), str(p.sl)) for p in positions],
                others=opened.get(("", 0), 0) + closed.get("", 0),
                requests=self.rig.server.calls.count("order_send"),
                faults=self.met,
            )

    def _owners(self) -> dict[int, str]:
        journal = self.rig.service.journal
        with self.rig.server.held() as held:
            magics = {deal.magic for deal in held.deals}
        return dict(journal.owners(magics))


@asynccontextmanager
async def serve(url: str) -> AsyncIterator[Mt5Site]:
    """A connector over a hedging demo account."""
    with tempfile.TemporaryDirectory(prefix="ait-") as folder:
        async with rigged(Path(folder), deadline_seconds=0.8, hang_seconds=0.5) as rig:
            site = Mt5Site(rig)
            blowing = asyncio.ensure_future(site.blow())
            yield site
            blowing.cancel()


def broker(told: Told, store: Any, ledger: Any) -> Any:
    """The adapter; ``ledger`` is the connector's own journal here."""
    connector = Connector(url=told["url"], token=TOKEN, seconds=_PATIENCE)
    return Mt5Broker(
        connector=connector, names=Names(connector=connector, watched=WATCHED), store=store,
        account_id="mt5-1",
    )  # fmt: skip
