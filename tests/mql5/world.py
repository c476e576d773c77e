"""A terminal, a server and the Expert Advisor between them, with faults on the line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.mql5.host import NO_CONNECTION, TIMED_OUT, Disk, Ea, HttpAnswer
from tests.mql5.market import Symbol
from tests.mql5.server import Server
from tests.mql5.terminal import Terminal

URL = "https://trader.example"
INPUTS = {"InpServerUrl": f"{URL}/", "InpConnectCode": "CODE-0001"}


@dataclass
class Line:
    """Carries requests to the server; ``faults`` are pairs of path (or ``*``) and kind.

    ``lost``: it never arrives; ``unanswered``: it does, and the answer is lost; ``slow``: answered after
    the time-out; ``down``: nobody listens; a number: that status, not handled; ``garbage``: no JSON;
    ``again``: a copy of it arrives a second time.
    """

    server: Server
    terminal: Terminal
    faults: list[tuple[str, str]] = field(default_factory=list)
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    latency_s: float = 0.02
    headers: str = ""

    def __call__(
        self, path: str, headers: Mapping[str, str], body: bytes, timeout_ms: int
    ) -> HttpAnswer:
        self.requests.append((path, body))
        found = next((f for f in self.faults if f[0] in (path, "*")), None)
        kind = ""
        if found:
            self.faults.remove(found)
            kind = found[1]
        self.terminal.advance(self.latency_s)
        if kind == "down":
            return HttpAnswer(error=NO_CONNECTION)
        if kind.isdigit():
            return HttpAnswer(int(kind), self.headers)
        if kind == "lost":
            self.terminal.advance(timeout_ms / 1000)
            return HttpAnswer(error=TIMED_OUT)
        status, answer = self.server.handle(path, headers, body)
        if kind == "again":
            self.server.handle(path, headers, body)
        if kind in ("unanswered", "slow"):
            self.terminal.advance(timeout_ms / 1000)
            return HttpAnswer(error=TIMED_OUT)
        if kind == "garbage":
            return HttpAnswer(200, "", b'{"now_ms": 12, "comm')
        return HttpAnswer(status, "", answer)


class World:
    """Everything of one test. ``skew_s`` is how far the server's clock is ahead."""

    def __init__(
        self, binary: Path, files: Path, *, skew_s: float = 0.0, mutant: int = 0
    ) -> None:
        self.binary, self.files, self.mutant = binary, files, mutant
        self.terminal = Terminal()
        self.terminal.add(Symbol("EURUSD", 5, 1.10000, 1.10010))
        gold = Symbol("GOLD", 2, 2400.0, 2400.3, contract=100.0, stops_level=50, filling=2, base="XAU")
        self.terminal.add(gold)
        self.server = Server(lambda: int((self.terminal.now + skew_s) * 1000))
        self.line = Line(self.server, self.terminal)
        self.disk = Disk()
        self.ea: Ea | None = None
        self._made: list[Ea] = []

    def start(self, *, init: bool = True, **inputs: str) -> Ea:
        """A new start of the Expert Advisor; an earlier one is killed."""
        self.kill()
        self.ea = self.another(**inputs)
        if init:
            assert self.ea.event("OnInit") == "0"
        return self.ea

    def another(self, files: Path | None = None, **inputs: str) -> Ea:
        """One more Expert Advisor of the same account, not initialised."""
        made = Ea(
            self.binary, self.terminal, files or self.files, self.line, {**INPUTS, **inputs},
            self.disk, mutant=self.mutant,
        )  # fmt: skip
        self._made.append(made)
        return made

    def close(self) -> None:
        """Every Expert Advisor ends."""
        for made in self._made:
            made.kill()

    def kill(self) -> None:
        """The terminal's process ends; its temporary global variables with it."""
        if self.ea:
            self.ea.kill()
            self.ea = None
            self.terminal.variables.clear()

    def run(self, seconds: float = 8.0, ea: Ea | None = None) -> None:
        """Timer events for so long; the first seven seconds of a start are for catching up."""
        chosen = ea or self.ea
        assert chosen
        until = self.terminal.now + seconds
        while self.terminal.now < until:
            chosen.event("OnTimer")
            self.terminal.advance(chosen.calls.timer_ms / 1000)

    def open(self, symbol: str = "EURUSD", side: str = "buy", volume: float = 0.1, **more: Any) -> str:
        """Queue an OPEN at the current price; its id."""
        facts = self.terminal.symbols[symbol]
        price = facts.ask if side == "buy" else facts.bid
        way = 1 if side == "buy" else -1
        fields: dict[str, Any] = {
            "symbol": symbol, "side": side, "volume": volume, "price": price,
            "max_deviation": round(20 * facts.point, 5), "leg": 1, "legs": 1,
            "sl": round(price - way * price * 0.01, facts.digits),
            "tp": round(price + way * price * 0.02, facts.digits),
        }  # fmt: skip
        return self.server.put("OPEN", **{**fields, **more})

    def opened(self, **fields: Any) -> int:
        """A position made by an OPEN; its identifier."""
        name = self.open(**fields)
        self.run()
        found = self.server.result(name)
        assert found.get("status") == "done", found
        return int(found["position"])

    def dealt(self, name: str) -> int:
        """How many deals carry a command's magic number, stops and targets apart."""
        magic = self.server.magic_base + self.server.commands[name].document["seq"]
        return sum(deal.magic == magic and deal.reason == 3 for deal in self.terminal.deals)

    @property
    def journal(self) -> Path:
        """The journal's file."""
        (found,) = self.files.glob("AiTrader_*_journal.txt")
        return found
