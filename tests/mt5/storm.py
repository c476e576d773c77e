"""Random faults on everything at once, and the books afterwards."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.mql5.market import Fault
from tests.mt5.rig import Rig, order_body, rigged

#: What is answered, and whether it may have been done all the same.
_CODES = (10004, 10006, 10008, 10011, 10012, 10018, 10020, 10021, 10024, 10030, 10031, 99)
_LINES = ("hang_before", "hang_after", "drop_before", "drop_after", "none")
_CALLS = ("positions_get", "history_deals_get", "orders_get", "symbol_info_tick", "account_info")


@dataclass
class Storm:
    """One run of so many orders. ``counts`` is what happened, ``violations`` what must not."""

    rig: Rig
    chance: Random
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    said: dict[str, set[str]] = field(default_factory=dict)

    async def run(self, orders: int) -> None:
        """Ask in small groups under faults, then let everything settle and look at the books."""
        while len(self.asked) < orders:
            self._weather()
            group = [self._ask() for _ in range(self.chance.randint(1, 3))]
            await asyncio.gather(*group)
            if self.chance.random() < 0.06:
                self.counts["restarts"] += 1
                await self.rig.again()
            if self.chance.random() < 0.05:
                await self._silence()
            await self.rig.ready()
        self.rig.server.faults.clear()
        self.rig.exchange.faults.clear()
        await self.rig.ready()
        for key in self.asked:
            await self._audit(key)
        self._nothing_else()

    def _weather(self) -> None:
        chance, exchange = self.chance, self.rig.exchange
        for _ in range(chance.randint(0, 3)):
            kind = chance.choice(("answer", "answer", "executed", "late", "working", "partial"))
            code = 0 if kind == "partial" else chance.choice(_CODES)
            if kind in ("executed", "late", "working"):
                code = chance.choice((10008, 10011, 10012, 10031, 99, 0))
            exchange.faults.append(Fault(kind, code, seconds=chance.uniform(0.05, 0.3)))
            self.counts["faults of the trade server"] += 1
        if chance.random() < 0.35:
            self.rig.server.faults.append(("order_send", chance.choice(_LINES)))
            self.counts["faults of the pipe"] += 1
        if chance.random() < 0.2:
            self.rig.server.faults.append((chance.choice(_CALLS), chance.choice(_LINES)))
            self.counts["faults of the pipe"] += 1

    async def _ask(self) -> None:
        """An order, now and then by a caller that does not wait, and asked again with its key."""
        chance, key = self.chance, f"k-{len(self.asked)}"
        targets = [1.12, 1.13, 1.14][: chance.randint(1, 3)]
        body = order_body(lot_size=round(chance.uniform(0.05, 0.6), 2), take_profit=targets)
        self.asked[key] = body
        for _ in range(chance.randint(1, 3)):
            post = asyncio.ensure_future(self.rig.post("/mt5/order", body, key))
            if chance.random() < 0.2:
                await asyncio.wait([post], timeout=chance.uniform(0, 0.1))
                post.cancel()
            try:
                status, told = await post
            except (asyncio.CancelledError, OSError):
                self.counts["callers that went away"] += 1
                continue
            said = told.get("status") or told["error"]["code"]
            self.counts[f"answered {status}"] += 1
            self.said.setdefault(key, set()).add(str(said))

    async def _silence(self) -> None:
        """The broker's connection is lost for a moment."""
        self.counts["lost connections"] += 1
        self.rig.exchange.connected = False
        await asyncio.sleep(self.chance.uniform(0, 0.2))
        self.rig.exchange.connected = True

    # ---- afterwards

    async def _audit(self, key: str) -> None:
        try:
            told = await self.rig.ends(key, seconds=30)
        except TimeoutError:
            self.violations.append(f"{key} has no definite answer")
            return
        self.counts[f"ended {told['status']}"] += 1
        legs = self.rig.service.journal.legs(key)
        magics = {leg.magic for leg in legs}
        deals = [d for d in self.rig.exchange.deals if d.magic in magics]
        if any(sum(d.magic == magic for d in deals) > 1 for magic in magics):
            self.violations.append(f"{key} was dealt twice")
        dealt = round(sum(deal.volume for deal in deals), 8)
        answered = float(told.get("lot_size", 0))
        if abs(dealt - answered) > 1e-9:
            self.violations.append(f"{key}: {answered} lots answered, {dealt} dealt, {told}")
        if dealt > self.asked[key]["lot_size"] + 1e-9:
            self.violations.append(f"{key}: more dealt than asked for")
        said = self.said.get(key, set()) - {"unknown", "busy", "no_terminal", "another_account"}
        if len(said) > 1 or (("ok" in said) != (told["status"] == "ok") and said):
            self.violations.append(f"{key}: said {said}, ended {told['status']}")
        self.counts["deals"] += len(deals)

    def _nothing_else(self) -> None:
        known = {leg.magic for key in self.asked for leg in self.rig.service.journal.legs(key)}
        if any(deal.magic not in known for deal in self.rig.exchange.deals):
            self.violations.append("a deal belongs to no key")


async def storm(folder: Path, *, seed: int, orders: int) -> Storm:
    """A run from a seed."""
    async with rigged(folder, deadline_seconds=0.8, hang_seconds=0.5) as rig:
        made = Storm(rig, Random(seed))
        await made.run(orders)
        return made
