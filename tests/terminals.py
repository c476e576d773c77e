"""A stand-in for the Expert Advisor: speaks the protocol to the real endpoint, trades in memory."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO
from time import time
from typing import Any

from aiohttp.test_utils import TestClient

from ea.wire import encode
from tests.mql5 import wire

#: A command, and what the terminal answers about it; None says nothing.
Broker = Callable[[dict[str, Any]], dict[str, Any] | None]


def request(path: str, note: str = "") -> dict[str, Any]:
    """The protocol's own example of a request."""
    (found,) = [
        example
        for example in wire.examples()
        if (example.path, example.direction, example.note) == (path, "request", note)
    ]
    document: dict[str, Any] = json.loads(found.text)
    return document


def filled(command: dict[str, Any]) -> dict[str, Any]:
    """The broker does what it is told, at the price that was seen."""
    return {
        "status": "done",
        "retcode": 10009,
        "position": command.get("position", 900_000 + command["seq"]),
        "deal": 910_000 + command["seq"],
        "order": 900_000 + command["seq"],
        "volume": command.get("volume", 0),
        "price": command.get("price", 0),
    }


def _plain(value: Any) -> Any:
    """A message without exponents, as the terminal writes its numbers."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return Decimal(repr(value)) if isinstance(value, float) else value


@dataclass
class Ea:
    """One Expert Advisor. Every answer is held against its table of PROTOCOL.md."""

    client: TestClient[Any, Any]
    instance: str = "20261121-1f3a9c2d-07b1"
    run: str = "20261121-1f3a9c2e-51c0"
    token: str = ""
    broker: Broker = filled
    magic_base: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    seen: list[dict[str, Any]] = field(default_factory=list)
    journal: dict[str, dict[str, Any]] = field(default_factory=dict)
    executed: list[str] = field(default_factory=list)
    sync_no: int = 0

    async def post(self, path: str, **fields: Any) -> tuple[int, dict[str, Any]]:
        """The protocol's example with other fields; status and body of the answer."""
        body = request(path, fields.pop("example", ""))
        whose = {"instance": self.instance, "run": self.run}
        return await self.raw(path, encode(_plain({**body, **whose, **fields})))

    async def raw(self, path: str, body: str | bytes) -> tuple[int, dict[str, Any]]:
        """Any body."""
        headers = {"Content-Type": "application/json"}
        if path != "/ea/register" and self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = BytesIO(body.encode() if isinstance(body, str) else body)
        async with self.client.post(path, data=data, headers=headers) as answer:
            assert answer.headers["Content-Length"] is not None
            document = wire.load(await answer.read())
            wire.check(f"{path} answer" if answer.status == 200 else "Errors", document)
            return answer.status, document

    async def register(self, code: str, **fields: Any) -> tuple[int, dict[str, Any]]:
        """Register, and keep what came of it."""
        status, answer = await self.post("/ea/register", code=code, **fields)
        if status == 200:
            self.token, self.magic_base = answer["token"], answer["magic_base"]
            self.settings = answer["settings"]
        return status, answer

    async def beat(self, **fields: Any) -> tuple[int, dict[str, Any]]:
        """A heartbeat by a clock that is right."""
        status, answer = await self.post("/ea/heartbeat", **{"gmt": int(time()), **fields})
        if status == 200:
            self.settings = answer["settings"]
        return status, answer

    async def fetch(self, **fields: Any) -> list[dict[str, Any]]:
        """Ask for commands."""
        status, answer = await self.post("/ea/execute", **fields)
        assert status == 200, answer
        self.seen += answer["commands"]
        commands: list[dict[str, Any]] = answer["commands"]
        return commands

    async def work(self, **fields: Any) -> list[dict[str, Any]]:
        """Ask for commands, do what was never done, and tell; known ids are told again."""
        commands = await self.fetch(**fields)
        for command in commands:
            if command["id"] not in self.journal:
                outcome = None if command["lookup_only"] else self.broker(command)
                if outcome is None and not command["lookup_only"]:
                    continue
                lost = {"status": "not_executed", "reason": "no_trace", "traced": True}
                self.journal[command["id"]] = outcome or lost
                if outcome is not None and outcome["status"] == "done":
                    self.executed.append(command["id"])
            status, answer = await self.tell(command)
            assert (status, answer["known"]) == (200, True), answer
        return commands

    async def tell(self, command: dict[str, Any], **fields: Any) -> tuple[int, dict[str, Any]]:
        """The result of a command."""
        empty = {
            "status": "done", "reason": "", "retcode": 0, "order": 0, "deal": 0, "position": 0,
            "volume": 0, "price": 0, "remaining": 0, "sl": command.get("sl", 0),
            "tp": command.get("tp", 0), "attempts": 1, "traced": False, "note": "",
        }  # fmt: skip
        about = {name: command[name] for name in ("id", "seq", "type")}
        told = {**empty, **self.journal.get(command["id"], {}), **about, **fields}
        plain = {k: float(v) if isinstance(v, Decimal) else v for k, v in told.items()}
        return await self.post("/ea/result", example="done", **plain)
