"""Random faults on everything at once, and the books of both sides afterwards."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random

from broker.oanda.venue import OandaBroker
from engine.domain.account import Direction
from engine.domain.order import Order
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import Found, NotFound
from tests.oanda.rig import Rig

D = Decimal
_KINDS = (
    "lose_before", "lose_after", "late", "held", "unknown", "gateway", "busy", "nonsense",
    "refused", "too_many", "moved",
)  # fmt: skip
_CALLS = (
    "PUT trades/close", "PUT trades/orders", "GET transactions/sinceid", "GET trades",
    "GET openTrades", "GET summary", "GET pricing", "GET instruments",
)  # fmt: skip


@dataclass
class Storm:
    """One run. An order is unknown from its silence on until it is looked up, as in the product."""

    rig: Rig
    chance: Random
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    #: What each change wanted to be left of its trade, and what the caller was told.
    closes: dict[str, tuple[str, Decimal]] = field(default_factory=dict)

    async def run(self, orders: int) -> None:
        for number in range(1, orders + 1):
            self._weather()
            await self._submit(self._order(number))
            await self._live()
            # The pause that a 429 asks for.
            self.rig.shift += timedelta(seconds=8)
        await self._audit()

    def _order(self, number: int) -> Order:
        if self.chance.random() < 0.5:
            return self.rig.order(number)
        return self.rig.order(
            number, direction=Direction.SELL, stop_loss=D("1.10200"), take_profit=(D("1.09600"),)
        )

    def _broker(self) -> OandaBroker:
        return self.rig.broker(self.rig.client(seconds=0.15))

    def _weather(self) -> None:
        chance, server = self.chance, self.rig.server
        server.faults.clear()
        server.seconds, server.page = 0.2, chance.choice((2, 5, 1_000))
        server.lag = chance.choice((0, 0, 0, 2))
        if chance.random() < 0.7:
            server.faults.append(("POST orders", chance.choice(_KINDS)))
        for _ in range(chance.randint(0, 3)):
            server.faults.append((chance.choice(_CALLS), chance.choice(_KINDS)))
        self.counts["faults"] += len(server.faults)

    async def _submit(self, order: Order) -> None:
        try:
            await self._broker().submit(order)
        except BrokerRefused:
            self.states[order.client_id] = "rejected"
        except BrokerSilent:
            self.states[order.client_id] = "unknown"
        else:
            self.states[order.client_id] = "acked"

    async def _live(self) -> None:
        """What the product does between orders: it asks, closes something, moves something."""
        chance, name = self.chance, f"c-{len(self.states)}"
        try:
            positions = await self._broker().positions()
            if positions and chance.random() < 0.5:
                picked = chance.choice(positions)
                left = chance.choice((D(0), D(0), D("0.04")))
                self.counts["closes"] += 1
                self.closes[name] = (picked.id, left)
                await self._broker().close(picked.id, volume_left=left, client_id=name)
            elif positions and chance.random() < 0.4:
                picked = chance.choice(positions)
                stop = D("1.09700") if picked.direction is Direction.BUY else D("1.10300")
                self.counts["moves"] += 1
                await self._broker().modify(picked.id, stop_loss=stop, client_id=name)
            if chance.random() < 0.1:
                bid = chance.choice((D("1.09500"), D("1.10500")))
                self.rig.account.quote("EUR_USD", str(bid), str(bid + D("0.0001")))
        except (BrokerRefused, BrokerSilent):
            self.counts["lost on the way"] += 1
        self.rig.account.quote("EUR_USD", "1.10000", "1.10010")

    # ---- afterwards

    async def _audit(self) -> None:
        rig = self.rig
        rig.server.faults.clear()
        rig.server.lag = 0
        for each in rig.server.later:
            await each
        rig.shift += timedelta(minutes=6)
        for client_id, state in list(self.states.items()):
            if state == "unknown":
                found = await rig.broker().look_up(client_id)
                proven = isinstance(found, NotFound) and found.proven
                state = "acked" if isinstance(found, Found) else "absent" if proven else state
            self.counts[f"ended {state}"] += 1
            self._check(client_id, state)
        for name, (trade, left) in self.closes.items():
            await self._check_close(name, trade, left)
        await self._equal()

    def _check(self, client_id: str, state: str) -> None:
        placed = self.rig.account.placed(client_id)
        if len(placed) > 1:
            self.violations.append(f"{client_id} was placed {len(placed)} times")
        if (state == "acked") != bool(placed):
            self.violations.append(f"{client_id} is {state}, OANDA has {len(placed)}")

    async def _check_close(self, name: str, trade: str, left: Decimal) -> None:
        """A close is known to be done or not, and nothing was closed beyond its goal."""
        found = await self.rig.broker().look_up_change(name)
        if isinstance(found, NotFound) and not found.proven:
            self.violations.append(f"{name} stays unknown")
        units = abs(self.rig.account.trades[trade].left)
        if not isinstance(found, NotFound) and units > left * 100_000:
            self.violations.append(f"{name} is done, {units} are left of {trade}")

    async def _equal(self) -> None:
        """Trades, stops and closed volumes are the same on both sides."""
        account, positions = self.rig.account, await self.rig.broker().positions()
        held = {position.id: position.volume * 100_000 for position in positions}
        if held != {trade.id: abs(trade.left) for trade in account.open_trades()}:
            self.violations.append("the open trades are others")
        if any(position.stop_loss is None for position in positions):
            self.violations.append("a trade has no stop")
        told = await self.rig.broker().closed_since(self.rig.clock() - timedelta(days=1))
        rows = [row for row in account.log if "tradesClosed" in row or "tradeReduced" in row]
        parts = [p for r in rows for p in (*r.get("tradesClosed", ()), r.get("tradeReduced")) if p]
        if sum((t.volume for t in told), D(0)) != sum(abs(D(p["units"])) for p in parts) / 100_000:
            self.violations.append("the closed trades are not what was closed")
        if len({trade.position_id for trade in told}) != len(parts):
            self.violations.append("two closed trades have one id, or one is missing")


async def storm(rig: Rig, *, seed: int, orders: int) -> Storm:
    """A run from a seed."""
    rig.account.balance = D(1_000_000)
    # From its first look on the venue reads the log.
    await rig.broker().closed_since(rig.clock())
    made = Storm(rig, Random(seed))
    await made.run(orders)
    return made
