"""A web server that says exactly what a test writes, byte for byte, and counts who connects."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from broker.feeds.addresses import Address

#: A loopback address of its own: the machine's usual ones stay forbidden to a test's fetches.
HOST = "127.0.0.2"
Answer = bytes | list[bytes]


def only_here(address: Address) -> bool:
    """Permits the test's own server and nothing else."""
    return address == ip_address(HOST)


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """A whole answer; underscores of a header's name become dashes."""
    told = {"Content-Length": str(len(body)), "Connection": "close"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Site:
    """``pages`` by path; a list is sent piece by piece, each a moment after the other. ``asked``
    are the requests as they came.
    """

    pages: dict[str, Answer | Callable[[str], Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    host: str = HOST
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def url(self, path: str = "/") -> str:
        return f"http://{self.host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self.tasks.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(asked)
        page = self.pages.get(asked.split(" ")[1], answer(status="404 Not Found"))
        told = page(asked) if callable(page) else page
        for part in [told] if isinstance(told, bytes) else told:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.02 if isinstance(told, list) else 0)


@asynccontextmanager
async def served(host: str = HOST, port: int = 0) -> AsyncIterator[Site]:
    """A site that is up."""
    site = Site(host=host)
    server = await asyncio.start_server(site.serve, host, port)
    site.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield site
        finally:
            for task in (left := set(site.tasks)):
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


@asynccontextmanager
async def twins() -> AsyncIterator[tuple[Site, Site]]:
    """A site that is up, and one on this machine's own address at the same port."""
    async with AsyncExitStack() as stack:
        while True:
            site = await stack.enter_async_context(served())
            try:
                own = await stack.enter_async_context(served("127.0.0.1", site.port))
            except OSError:
                continue  # somebody has that port there; another one is free in both places
            break
        yield site, own
