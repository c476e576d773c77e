"""A receiver of webhooks that checks every message as its users do, and does wrong what it is told.

It verifies with the package ``standardwebhooks``, which knows nothing of ours.
"""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

#: A loopback address of its own, so that a test may permit it and nothing else of this machine.
HOST = "127.0.0.3"


@dataclass
class Came:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document

    def is_signed_by(self, secret: str) -> bool:
        """Whether an independent reader of the specification accepts it with this secret."""
        try:
            Webhook(secret).verify(self.body, self.headers)
        except WebhookVerificationError:
            return False
        return True


@dataclass
class HookServer:
    """``came`` is everything that came, ``taken`` what was answered with a yes. ``fate`` is asked
    for what to do with a request; "" is 204. ``release`` lets go of those that hang.
    """

    port: int = 0
    came: list[Came] = field(default_factory=list)
    taken: list[Came] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    connections: int = 0
    fate: Callable[[Came], str] = lambda _: ""
    release: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str = "/hook") -> str:
        return f"http://{HOST}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = dict(line.split(": ", 1) for line in head[1:] if line)
                headers = {name.lower(): value for name, value in headers.items()}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                await self._answer(Came(head[0].split(" ")[1], headers, body), writer)
        finally:
            writer.close()

    async def _answer(self, came: Came, writer: asyncio.StreamWriter) -> None:
        self.came.append(came)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.arrived.set()
        try:
            fate = self.fate(came)
            if fate == "hang":
                await self.release.wait()
            elif fate == "reset":
                linger = struct.pack("ii", 1, 0)
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return
            said = ANSWERS.get(fate, ANSWERS[""])
            if said.startswith(b"HTTP/1.1 2"):
                self.taken.append(came)
            writer.write(said)
            await writer.drain()
            if fate == "drip":
                await self._drip(writer)
        finally:
            self.at_once -= 1

    async def _drip(self, writer: asyncio.StreamWriter) -> None:
        while not self.release.is_set():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)


def answer(status: int, body: bytes = b"", *more: str) -> bytes:
    """An HTTP answer."""
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *more, "", ""]
    return "\r\n".join(head).encode() + body


ANSWERS = {
    "": b"HTTP/1.1 204 No Content\r\n\r\n",
    "200": answer(200, b"ok \x1b[31m\x00 thanks"),
    "202": answer(202),
    "drip": b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
    "half": b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf",
    "huge": answer(200, b"y" * 3_000_000),
    "gzip": answer(200, b"\x1f\x8b\x08\x00broken", "Content-Encoding: gzip"),
    "400": answer(400, b'{"error": "no"}'),
    "404": answer(404),
    "410": answer(410, b"gone"),
    "429": answer(429, b"slow down", "Retry-After: 90"),
    "429 now": answer(429, b"", "Retry-After: 0"),
    "429 long": answer(429, b"", "Retry-After: 99999999"),
    "429 odd": answer(429, b"", "Retry-After: soon"),
    "500": answer(500, b"<h1>Internal Server Error</h1>" + b"z" * 5000),
    "503": answer(503, b"", "Retry-After: 120"),
    "301": answer(301, b"", "Location: http://127.0.0.1:1/stolen"),
    "307": answer(307, b"", "Location: http://127.0.0.1:1/stolen"),
    "garbage": b"\x00\x01 what is this\r\n\r\n",
    "nothing": b"",
    "long_head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
}


@asynccontextmanager
async def hook_server() -> AsyncIterator[HookServer]:
    """A receiver on a free port of its own address."""
    found = HookServer()
    tasks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(found.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(begin, HOST, 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        found.release.set()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
