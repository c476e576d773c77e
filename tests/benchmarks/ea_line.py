"""One terminal's connection: requests as bytes over a socket, cheap enough to be a thousand."""

import asyncio
import json
from dataclasses import dataclass, field
from time import time
from typing import Any

from tests.terminals import request

_WHOSE = {"instance": "20261121-1f3a9c2d-07b1", "run": "20261121-1f3a9c2e-51c0"}
BEAT = {**request("/ea/heartbeat"), **_WHOSE, "last_seq": 0}
_POLL = {**request("/ea/execute"), **_WHOSE}


@dataclass
class Line:
    """A connection that stays open; ``token`` is whose it is."""

    port: int
    token: str = ""
    login: int = 1
    _wire: "_Wire | None" = field(default=None)

    async def post(self, path: str, body: bytes) -> bytes:
        """Send, and wait for the answer; it must be 200."""
        if self._wire is None:
            loop = asyncio.get_running_loop()
            _, self._wire = await loop.create_connection(_Wire, "127.0.0.1", self.port)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self.token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        status, answer = await self._wire.ask(head.encode() + body)
        if status != 200:
            raise RuntimeError(f"{path}: {status} {answer.decode()}")
        return answer

    async def beat(self, **fields: Any) -> None:
        """A heartbeat by a clock that is right."""
        told = {**BEAT, "login": self.login, "gmt": int(time()), **fields}
        await self.post("/ea/heartbeat", json.dumps(told).encode())

    async def fetch(self, hold_ms: int = 0) -> list[dict[str, Any]]:
        """Ask for commands."""
        asked = json.dumps({**_POLL, "hold_ms": hold_ms}).encode()
        answer = await self.post("/ea/execute", asked)
        commands: list[dict[str, Any]] = json.loads(answer)["commands"]
        return commands

    def close(self) -> None:
        """Hang up."""
        if self._wire is not None and self._wire.transport is not None:
            self._wire.transport.close()
        self._wire = None


class _Wire(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    async def ask(self, data: bytes) -> tuple[int, bytes]:
        assert self.transport is not None
        self._buffer, self._answer = b"", asyncio.get_running_loop().create_future()
        self.transport.write(data)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end or self._answer is None or self._answer.done():
            return
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if len(body) >= int(length):
            self._answer.set_result((int(head[9:12]), body))

    def connection_lost(self, problem: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the endpoint hung up"))
