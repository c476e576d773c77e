"""Random faults on the shipped Expert Advisor and the real endpoint, and the books afterwards."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random

from bot.world import World as Adapters
from bot.world import build_world
from broker.mt_bridge.venue import MtBridge
from engine.domain.position_orders import PositionChange
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, TradingState
from engine.errors import BrokerSilent
from engine.ports import Found
from engine.strategies.documents import shipped
from storage.database import open_database
from storage.seed import seed as fill
from tests.integration.conftest import START, RecordingBell
from tests.mql5.market import Fault
from tests.mql5.real.clock import Clock
from tests.mql5.real.desk import ADMIN, Desk, in_background
from tests.mql5.real.endpoint import EndpointProcess, settings_of
from tests.mql5.real.line import RealLine
from tests.mql5.real.proxy import Proxy
from tests.mql5.server import Command
from tests.mql5.storm import FINAL, LINE, Storm
from tests.mql5.terminal import START as TERMINAL_START
from tests.mql5.terminal import Death
from tests.mql5.world import World

#: A deal that comes after the patience of 60 s: told afterwards, as an alarm.
_LATEST = (65.0, 200.0)
#: The longest a deal or a request is on its way, and a snapshot to show it.
_AFTERWARDS = 260.0
_A_SNAPSHOT = 20.0


class RealWorld(World):
    """The world with the endpoint's process in the place of the stand-in server."""

    server: Desk  # type: ignore[assignment]
    line: RealLine  # type: ignore[assignment]


@dataclass
class RealStorm(Storm):
    """``late`` counts deals that were to come after the terminal's patience."""

    world: RealWorld
    final: frozenset[str] = FINAL | {"cancelled"}
    late: int = 0
    files: Path = field(default_factory=Path)

    # ---- more that goes wrong

    def _switch(self) -> None:
        """The emergency stop, while something waits or is at work; trading goes on later. It ends
        all that waits, so it comes seldom.
        """
        if self.chance.random() < 0.7:
            super()._switch()
            return
        self.counts["stops"] += 1
        if self.chance.random() < 0.7:
            self._run(self.chance.uniform(1, 6))
        self.world.server.stop()
        if self.chance.random() < 0.5:
            self._open()
        self._run(self.chance.uniform(0, 12))
        self.world.server.resume()

    def _run(self, seconds: float) -> None:
        try:
            self.world.run(seconds)
        except Death:
            self.counts["kills"] += 1
            self._restart()

    def _line_fault(self) -> str:
        chance = self.chance
        kind = chance.choice((*LINE, "lag", "torn", "delayed", "delayed", "dies", "dies"))
        if kind == "delayed":
            return f"delayed {chance.uniform(1, 120):.1f}"
        if kind == "dies":
            self.counts["endpoint killed"] += 1
            return f"dies {chance.randint(0, 15)} {chance.uniform(0.5, 45):.1f}"
        return kind

    def _restart_server(self) -> None:
        self.counts["endpoint killed"] += 1
        self.world.line.endpoint.kill()
        if self.chance.random() < 0.5:
            self._run(self.chance.uniform(1, 40))
        self.world.line.endpoint.start()

    def _trade_fault(self) -> Fault | None:
        found = super()._trade_fault()
        if found is not None and found.kind in ("late", "working") and self.chance.random() < 0.15:
            self.late += 1
            return Fault(found.kind, found.code, seconds=self.chance.uniform(*_LATEST))
        return found

    def _live(self, seconds: float) -> None:
        super()._live(seconds + self.chance.uniform(0, 30))
        if self.world.ea and "403" in self.world.ea.panel:
            # The person at the terminal reads the chart.
            self._new_code()
            self.world.start(**self.inputs)
        if self.chance.random() < 0.3:
            self.counts["calms"] += 1
            self.world.line.faults.clear()
            self._run(40)
        if self.chance.random() < 0.08:
            self._second_terminal()

    def _second_terminal(self) -> None:
        """Another computer with the same account and token, and no journal: it may take over when
        the first was away for long, and the first comes back.
        """
        world, first, variables = self.world, self.world.ea, self.world.terminal.variables
        assert first is not None
        self.counts["second terminals"] += 1
        self.files.mkdir(exist_ok=True)
        for token in world.files.glob("*_token.txt"):
            shutil.copy(token, self.files)
        world.terminal.variables = {}
        second = world.another(self.files, **self.inputs)
        try:
            second.event("OnInit")
            world.run(self.chance.choice((5, 20, 130)), second)
            second.stop()
        except Death:
            second.kill()
        world.terminal.variables = variables

    def _settle(self) -> None:
        world = self.world
        world.line.endpoint.kill()
        world.line.endpoint.start()
        super()._settle()
        world.run(_AFTERWARDS if self.late else _A_SNAPSHOT)
        world.server.refresh()

    # ---- the books

    def _audit(self) -> None:
        super()._audit()
        alerts = self.world.server.alerts()
        self.counts.update(f"alert {alert['what']}" for alert in alerts)
        commands = self.world.server.commands
        self.violations += [
            f"{alert['what']}: {alert['result']}, first {commands[alert['command']].result}"
            for alert in alerts
            if alert["what"] not in ("late_deal", "late_close", "skew")
            and not self._was_late(alert["command"])
        ]
        self._audit_marks()
        self._audit_venue()
        self.counts["requests"] = self.world.line.requests

    def _audit_deals(self, name: str, command: Command, status: str) -> None:
        if command.document["type"] not in ("OPEN", "CLOSE"):
            return
        deals = self.world.dealt(name)
        if status == "cancelled" and deals:
            self.violations.append(f"{name}: cancelled, and {deals} deals")
        if status == "not_executed" and deals == 1 and self.late:
            self.counts["late deals"] += 1
            told = [alert["command"] for alert in self.world.server.alerts()]
            if name not in told:
                self.violations.append(f"{name}: dealt late, and nobody was told")
            return
        super()._audit_deals(name, command, status)

    def _was_late(self, name: str) -> bool:
        """Whether a command was dealt after the terminal had found no trace of it."""
        result = self.world.server.commands[name].result or {}
        return result.get("status") == "not_executed" and self.world.dealt(name) == 1

    def _audit_marks(self) -> None:
        """Every deal is one command's."""
        base = self.world.server.magic_base
        known = {base + c.document["seq"] for c in self.world.server.commands.values()}
        self.violations += [
            f"deal {deal.ticket}: nobody's" for deal in self.world.terminal.deals
            if deal.magic not in known
        ]  # fmt: skip

    def _audit_venue(self) -> None:
        """What the venue answers about each order is what was dealt of it."""
        desk = self.world.server
        desk.tick()
        orders: dict[str, list[str]] = {}
        for name, command in desk.commands.items():
            client_id = command.document.get("client_id")
            if client_id is not None and command.document["type"] not in ("PAUSE", "RESUME"):
                orders.setdefault(client_id, []).append(name)
        for client_id, names in orders.items():
            kind = desk.commands[names[0]].document["type"]
            dealt = sum(self.volume(name) for name in names)
            told = desk.call(_told(desk.adapters.broker, client_id, kind))
            if isinstance(told, str) or abs(told - dealt) > 1e-6:
                self.violations.append(f"{client_id} ({kind}): {told} told, {dealt} dealt")

    def volume(self, name: str) -> float:
        """How much was dealt by a command."""
        magic = self.world.server.magic_base + self.world.server.commands[name].document["seq"]
        deals = self.world.terminal.deals
        return round(sum(d.volume for d in deals if d.magic == magic and d.reason == 3), 8)


async def _told(venue: object, client_id: str, kind: str) -> float | str:
    """The volume that the venue says was dealt, or what it says instead."""
    assert isinstance(venue, MtBridge)
    try:
        if kind == "OPEN":
            order = await venue.look_up(client_id)
            if isinstance(order, Found):
                return float(order.fill.volume)
            return 0.0 if order.proven else "nothing proven"
        change = await venue.look_up_change(client_id)
    except BrokerSilent as error:
        return str(error)
    return float(change.volume_closed or 0) if isinstance(change, PositionChange) else 0.0


async def real_storm(
    binary: Path, files: Path, urls: tuple[str, str], *, seed: int, commands: int
) -> RealStorm:
    """One storm, from its seed, over an empty migrated database: the role's address, the owner's.
    What the endpoint's death interrupts is as random as processes are; the rest is the seed's.
    """
    clock = await Clock.make(urls[1], TERMINAL_START)
    try:
        async with open_database(urls[0], pool=4):
            return await _run(binary, files, urls[0], clock, seed, commands)
    finally:
        await clock.close()


async def _run(
    binary: Path, files: Path, url: str, clock: Clock, seed: int, commands: int
) -> RealStorm:
    control = Control(state=TradingState.RUNNING, reason="test", changed_at=START)
    # Nothing but the storm stops the trading.
    risk = RiskSettings(
        daily_profit_target=Decimal(0),
        max_drawdown_amount=Decimal(100_000),
        max_daily_loss_percent=Decimal(50),
    )
    await fill(shipped(), risk, control)
    adapters = build_world(settings_of(url))
    async with adapters.store.begin() as tx:
        await tx.people.save(ADMIN)
    loop = asyncio.get_running_loop()

    def storm() -> RealStorm:
        with _made(binary, files, url, clock, adapters, loop) as world:
            found = RealStorm(world, Random(seed), files=files / "second")
            world.server.add_code("CODE-0001")
            found.run(commands)
            return found

    try:
        return await asyncio.to_thread(storm)
    finally:
        await adapters.signals.close()


@contextmanager
def _made(
    binary: Path, files: Path, url: str, clock: Clock, adapters: Adapters,
    loop: asyncio.AbstractEventLoop,
) -> Iterator[RealWorld]:  # fmt: skip
    """A world whose endpoint is up."""
    first = files / "first"
    first.mkdir()
    world = RealWorld(binary, first)
    call = in_background(loop)

    def tick() -> None:
        call(clock.set(world.terminal.now))

    endpoint = EndpointProcess(url)
    endpoint.start()
    proxy = Proxy(endpoint.port, endpoint.kill)
    world.line = RealLine(world.terminal, endpoint, proxy, tick)
    world.server = Desk(adapters, RecordingBell(), call, tick)
    try:
        yield world
    finally:
        world.close()
        proxy.close()
        endpoint.kill()
