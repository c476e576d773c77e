"""Random faults on everything at once, and the books afterwards."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.mql5.market import Fault
from tests.mql5.server import Command
from tests.mql5.terminal import Death
from tests.mql5.world import World

_CODES = (10004, 10006, 10008, 10010, 10011, 10012, 10018, 10020, 10021, 10024, 10030, 10031, 0)
LINE = (
    "lost",
    "unanswered",
    "slow",
    "down",
    "again",
    "garbage",
    "401",
    "400",
    "429",
    "500",
    "503",
)
#: What the trade server may have done although it says otherwise.
_MAY_BE_DONE = (10008, 10011, 10012, 10031, 0)
FINAL = frozenset(["done", "partial", "already_closed", "rejected", "expired", "not_executed"])


@dataclass
class Storm:
    """One run of so many commands. ``counts`` is what happened, ``violations`` what must not."""

    world: World
    chance: Random
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    inputs: dict[str, Any] = field(default_factory=dict)
    #: What counts as a definite answer.
    final: frozenset[str] = FINAL

    def run(self, commands: int) -> None:
        """Queue the commands in small groups under faults, then let everything settle."""
        self.world.start()
        self.world.run(8)
        left = commands
        while left > 0:
            group = min(left, self.chance.randint(1, 5))
            for _ in range(group):
                self._queue()
            left -= group
            self._weather()
            self._live(self.chance.uniform(2, 30))
        self._settle()
        self._audit()

    # ---- commands

    def _queue(self) -> None:
        held = list(self.world.terminal.positions.values())
        kind = self.chance.choice(("OPEN", "OPEN", "OPEN", "CLOSE", "MOVE_SL", "SET_TP", "PAUSE"))
        if kind in ("CLOSE", "MOVE_SL", "SET_TP") and not held:
            kind = "OPEN"
        if kind == "OPEN":
            self._open()
        elif kind == "PAUSE":
            self._switch()
        else:
            self._touch(kind, self.chance.choice(held))
        self.counts[kind] += 1

    def _switch(self) -> None:
        """Opens are stopped, and allowed again."""
        self.world.server.put("PAUSE", expires_s=0)
        self.world.server.put("RESUME", expires_s=0)

    def _open(self) -> None:
        legs = self.chance.choice((1, 1, 2, 3))
        for leg in range(1, legs + 1):
            self.world.open(
                self.chance.choice(("EURUSD", "GOLD")),
                self.chance.choice(("buy", "sell")),
                round(self.chance.uniform(0.01, 1), 3),
                leg=leg, legs=legs, expires_s=self.chance.choice((2, 60, 600, 600)),
            )  # fmt: skip

    def _touch(self, kind: str, held: Any) -> None:
        keep = self.chance.choice((0.0, 0.0, round(held.volume / 2, 2)))
        fields: dict[str, Any] = {"keep": keep} if kind == "CLOSE" else {}
        if kind == "MOVE_SL":
            fields["sl"] = round(held.price_open * (0.99 if held.type == 0 else 1.01), 2)
        if kind == "SET_TP":
            fields["tp"] = round(held.price_open * (1.03 if held.type == 0 else 0.97), 2)
        self.world.server.put(kind, position=held.identifier, expires_s=0, **fields)

    # ---- faults

    def _weather(self) -> None:
        world, chance = self.world, self.chance
        for _ in range(chance.randint(0, 3) if len(world.line.faults) < 4 else 0):
            path = chance.choice(("*", "/ea/execute", "/ea/result", "/ea/heartbeat", "/ea/sync"))
            kind = self._line_fault()
            world.line.faults.append((path, kind))
            self.counts[f"line {kind.split()[0]}"] += 1
        for _ in range(chance.randint(0, 2)):
            world.terminal.faults.append(self._trade_fault())
        if chance.random() < 0.1:
            world.terminal.connected = False
            world.terminal.later.append((world.terminal.now + chance.uniform(1, 90), self._connect))
            self.counts["broker lost"] += 1
        if chance.random() < 0.05:
            world.disk.full = True
            world.terminal.later.append((world.terminal.now + 20, self._free))
            self.counts["disk full"] += 1

    def _line_fault(self) -> str:
        return self.chance.choice(LINE)

    def _connect(self) -> None:
        self.world.terminal.connected = True

    def _free(self) -> None:
        self.world.disk.full = False

    def _trade_fault(self) -> Fault | None:
        code = self.chance.choice(_CODES)
        self.counts[f"code {code}"] += 1
        if code == 10010:
            return Fault("partial", part=self.chance.uniform(0.1, 0.9))
        kinds = ["answer"]
        if code in _MAY_BE_DONE:
            kinds = ["answer", "executed", "late", "working"]
        # what arrives later than the patience of 60 s is the protocol's known remainder
        return Fault(self.chance.choice(kinds), code, seconds=self.chance.uniform(1, 50))

    # ---- life and death

    def _live(self, seconds: float) -> None:
        chance, world = self.chance, self.world
        if chance.random() < 0.35 and world.ea:
            calls = chance.randint(1, 400)

            def before(called: str, arguments: list[str]) -> None:
                nonlocal calls
                calls -= 1
                if calls == 0 or (called == "OrderSend" and chance.random() < 0.3):
                    raise Death

            world.ea.before = before
        if chance.random() < 0.1:
            world.disk.tear = chance.randint(0, 150)
        try:
            world.run(seconds)
        except Death:
            self.counts["kills"] += 1
            self._restart()
        if world.ea:
            world.ea.before = lambda called, arguments: None
        if chance.random() < 0.1:
            self.counts["server restarts"] += 1
            self._restart_server()
        if chance.random() < 0.15:
            self._second_chart(seconds)

    def _restart_server(self) -> None:
        # its leases are in the database and stay
        self.world.line.faults += [("*", "down")] * self.chance.randint(1, 4)

    def _restart(self) -> None:
        world = self.world
        world.kill()
        world.disk.tear = None
        if self.chance.random() < 0.07:
            self.counts["journals deleted"] += 1
            for file in list(world.files.glob("*_journal.txt")):
                file.unlink()
        elif self.chance.random() < 0.07:
            self.counts["all state deleted"] += 1
            for file in list(world.files.iterdir()):
                file.unlink()
            self._new_code()
        world.start(**self.inputs)

    def _new_code(self) -> None:
        """What a person does when the chart asks for it."""
        self.counts["connect codes"] += 1
        code = f"CODE-{self.counts['connect codes']:04}-again"
        self.world.server.add_code(code)
        self.inputs["InpConnectCode"] = code

    def _second_chart(self, seconds: float) -> None:
        self.counts["second charts"] += 1
        second = self.world.another(**self.inputs)
        try:
            second.event("OnInit")
            for _ in range(int(seconds)):
                self.world.run(1)
                self.world.run(1, second)
            second.stop()
        except Death:
            second.kill()
            self._restart()

    def _settle(self) -> None:
        world = self.world
        world.line.faults.clear()
        world.terminal.faults.clear()
        world.disk.full, world.disk.tear = False, None
        world.terminal.connected = True
        for _ in range(40):
            world.run(60)
            if world.ea and "403" in world.ea.panel:
                self._new_code()
                world.start(**self.inputs)
            world.server.refresh()
            if all(command.result for command in world.server.commands.values()):
                return

    # ---- the books

    def _audit(self) -> None:
        for name, command in self.world.server.commands.items():
            status = (command.result or {}).get("status", "")
            self.counts[f"ended {status or 'open'}"] += 1
            if status not in self.final:
                self.violations.append(f"{name}: no definite answer: {status!r}")
            self._audit_deals(name, command, status)
        self.violations += self.world.server.anomalies

    def _audit_deals(self, name: str, command: Command, status: str) -> None:
        kind, deals = command.document["type"], self.world.dealt(name)
        if deals > 1:
            self.violations.append(f"{name}: {deals} deals")
        if status in ("rejected", "expired", "not_executed") and deals:
            self.violations.append(f"{name}: {status}, and {deals} deals")
        if kind == "OPEN" and status in ("done", "partial") and deals != 1:
            self.violations.append(f"{name}: {status}, and {deals} deals")
        if status in ("done", "partial") and kind in ("OPEN", "CLOSE"):
            assert command.result is not None
            self.counts["deals"] += deals
            self._audit_volume(name, command)

    def _audit_volume(self, name: str, command: Command) -> None:
        magic = self.world.server.magic_base + command.document["seq"]
        dealt = sum(
            d.volume for d in self.world.terminal.deals if d.magic == magic and d.reason == 3
        )
        told = float((command.result or {})["volume"])
        if abs(dealt - told) > 1e-6:
            self.violations.append(f"{name}: {told} lots told, {dealt} dealt")


def storm(binary: Path, files: Path, *, seed: int, commands: int, mutant: int = 0) -> Storm:
    """One storm, from its seed; ``mutant`` switches a planted mistake on."""
    world = World(binary, files, mutant=mutant)
    made = Storm(world, Random(seed))
    try:
        made.run(commands)
    finally:
        world.close()
    return made
