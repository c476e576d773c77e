"""Random faults on everything at once, and the books of both sides afterwards."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random

from broker.binance.client import Client
from broker.binance.venue import BinanceBroker
from engine.domain.order import Order
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import Found, NotFound
from tests.binance.rig import Rig

D = Decimal
_KINDS = (
    "lose_before", "lose_after", "late", "held", "unknown", "unexpected", "gateway", "busy",
    "nonsense", "refused", "too_many",
)  # fmt: skip
_CALLS = (
    "POST orderList/oco", "DELETE orderList", "GET order", "GET openOrders", "GET myTrades",
    "GET account", "GET time",
)  # fmt: skip


@dataclass
class Storm:
    """One run. An order is unknown from its silence on until it is looked up, as in the product."""

    rig: Rig
    chance: Random
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)

    async def run(self, orders: int) -> None:
        for number in range(1, orders + 1):
            order = self.rig.order(number)
            self._weather()
            await self._submit(order)
            await self._live()
            # The pause that a 429 asks for, and a market that moves to either side.
            self.rig.shift += timedelta(seconds=8)
        await self._audit()

    def _broker(self) -> BinanceBroker:
        client: Client = self.rig.client(seconds=0.15)
        return self.rig.broker(client=client)

    def _weather(self) -> None:
        chance, faults = self.chance, self.rig.server.faults
        faults.clear()
        self.rig.server.seconds = 0.2
        if chance.random() < 0.7:
            faults.append(("POST order", chance.choice(_KINDS)))
        for _ in range(chance.randint(0, 2)):
            faults.append((chance.choice(_CALLS), chance.choice(_KINDS)))
        self.counts["faults"] += len(faults)

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
        try:
            positions = await self._broker().positions()
            if positions and self.chance.random() < 0.5:
                picked, name = self.chance.choice(positions).id, f"c-{len(self.states)}"
                self.counts["closes"] += 1
                await self._broker().close(picked, volume_left=D(0), client_id=name)
            elif positions and self.chance.random() < 0.4:
                picked, name = self.chance.choice(positions).id, f"m-{len(self.states)}"
                self.counts["moves"] += 1
                await self._broker().modify(picked, stop_loss=D(59_100), client_id=name)
            if self.chance.random() < 0.1:
                bid = self.chance.choice((D(58_900), D(62_100)))
                self.rig.exchange.quote("BTCUSDT", str(bid), str(bid + 1))
            self.rig.exchange.quote("BTCUSDT", "60000.00", "60000.01")
        except (BrokerRefused, BrokerSilent):
            self.counts["lost on the way"] += 1

    # ---- afterwards

    async def _audit(self) -> None:
        rig = self.rig
        rig.server.faults.clear()
        for each in rig.server.later:
            await each
        rig.shift += timedelta(minutes=6)
        for _ in range(3):
            await rig.broker().positions()
            rig.shift += timedelta(seconds=90)
        for client_id, state in list(self.states.items()):
            if state == "unknown":
                found = await rig.broker().look_up(client_id)
                assert isinstance(found, Found | NotFound)
                proven = isinstance(found, NotFound) and found.proven
                state = "acked" if isinstance(found, Found) else "absent" if proven else state
            self.counts[f"ended {state}"] += 1
            self._check(client_id, state)
        await self._equal()

    def _check(self, client_id: str, state: str) -> None:
        placed = self.rig.exchange.placed(client_id)
        if len(placed) > 1:
            self.violations.append(f"{client_id} was placed {len(placed)} times")
        if (state == "acked") != bool(placed):
            self.violations.append(f"{client_id} is {state}, the exchange has {len(placed)}")

    async def _equal(self) -> None:
        """Coins, positions and stops are the same on both sides."""
        exchange, positions = self.rig.exchange, await self.rig.broker().positions()
        held = sum((position.volume for position in positions), D(0))
        stops = [o for o in exchange.orders if o["type"] == "STOP_LOSS" and o["status"] == "NEW"]
        guarded = sum((stop["origQty"] for stop in stops), D(0))
        # What fees left below the step stays behind.
        dust = exchange.total("BTC") - held
        if not 0 <= dust < D("0.00001") * len(self.states):
            self.violations.append(f"{held} held, the exchange has {exchange.total('BTC')}")
        if guarded != held or any(position.stop_loss is None for position in positions):
            self.violations.append(f"{held} held, {guarded} with a stop")
        trades = await self.rig.broker().closed_since(self.rig.clock() - timedelta(days=1))
        sold = [t for t in exchange.trades if not t["isBuyer"]]
        if sum((t.volume for t in trades), D(0)) != sum((t["qty"] for t in sold), D(0)):
            self.violations.append("the closed trades are not what was sold")
        if len({t.position_id for t in trades}) != len(trades):
            self.violations.append("two closed trades have one id")


async def storm(rig: Rig, *, seed: int, orders: int) -> Storm:
    """A run from a seed."""
    rig.exchange.hold("USDT", "1000000")
    made = Storm(rig, Random(seed))
    await made.run(orders)
    return made
