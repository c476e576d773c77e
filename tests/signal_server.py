"""An EA server as source 003 documents it: one signal per POST, each field checked, each id traded
once. It is told what to do wrong, call by call.
"""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.served import served

KEY = "key-of-the-test-4711"
_FIELDS = (
    "signal_id", "timestamp", "symbol", "timeframe", "side", "confidence", "sl_pips", "tp_pips",
    "price", "meta",
)  # fmt: skip


def wrong(body: bytes) -> str | None:
    """What is wrong with a request's body, by the table of the source."""
    document = json.loads(body, parse_float=Decimal)
    if tuple(document) != _FIELDS:
        return f"fields {tuple(document)}"
    UUID(document["signal_id"])
    at = datetime.fromisoformat(document["timestamp"])
    numbers = [document[name] for name in ("confidence", "sl_pips", "tp_pips", "price")]
    checks = {
        "timestamp": document["timestamp"].endswith("Z") and at.utcoffset() == timedelta(0),
        "symbol": isinstance(document["symbol"], str),
        "timeframe": document["timeframe"] in ("M1", "M5", "M15", "M30", "H1", "H4", "D1"),
        "side": document["side"] in ("BUY", "SELL"),
        "numbers": all(type(number) in (int, Decimal) for number in numbers),
        "confidence": 0 <= numbers[0] <= 1,
        "meta": isinstance(document["meta"], dict),
    }
    return next((name for name, right in checks.items() if not right), None)


@dataclass
class EaServer:
    """``received`` is every signal it read, repeats too; ``trades`` what each id became. ``fate``
    is asked for what to do with a call: "" is as documented. ``other`` answers other paths.
    """

    port: int = 0
    received: list[dict[str, Any]] = field(default_factory=list)
    trades: dict[str, int] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    connections: int = 0
    under_way: set[str] = field(default_factory=set)
    twice_at_once: list[str] = field(default_factory=list)
    fate: Callable[[dict[str, Any]], str] = lambda _: ""
    other: dict[str, bytes] = field(default_factory=dict)
    pause: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/signals"

    def ids(self) -> list[int]:
        """The numbers of the signals received, in their order."""
        return [UUID(one["signal_id"]).int for one in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._one(reader, writer):
                    await writer.drain()
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        self.headers.append({name.lower(): value for name, value in headers.items()})
        body = await reader.readexactly(int(self.headers[-1].get("content-length", 0)))
        if (method, path) != ("POST", "/signals"):
            known = self.other.get(path, answer(405 if path == "/signals" else 404, "{}"))
            writer.write(known)
            return bool(known)
        return await self._signal(body, writer)

    async def _signal(self, body: bytes, writer: asyncio.StreamWriter) -> bool:
        if self.headers[-1].get("x-api-key") != KEY:
            writer.write(answer(401, '{"success": false, "message": "wrong key"}'))
            return True
        self.bodies.append(body)
        fault = wrong(body)
        if self.headers[-1].get("content-type") != "application/json":
            fault = "content type"
        if fault is not None:
            self.refused.append(fault)
            writer.write(answer(422, json.dumps({"success": False, "message": fault})))
            return True
        return await self._handle(json.loads(body), writer)

    async def _handle(self, document: dict[str, Any], writer: asyncio.StreamWriter) -> bool:
        name = document["signal_id"]
        if name in self.under_way:
            self.twice_at_once.append(name)
        self.under_way.add(name)
        fate = self.fate(document)
        if fate == "reset":
            self.under_way.discard(name)
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return False
        if fate in _UNTAKEN:
            self.under_way.discard(name)
            writer.write(_UNTAKEN[fate])
            return True
        self.received.append(document)
        ticket = self.trades.setdefault(name, 12345678 + len(self.trades))
        await asyncio.sleep(self.pause)
        self.under_way.discard(name)
        if fate == "hang":
            await asyncio.sleep(60)
        if fate == "lost":
            return False
        writer.write(_TAKEN.get(fate) or answer(200, f'{{"success": true, "ticket": {ticket}}}'))
        return True


def answer(status: int, body: str | bytes, *more: str) -> bytes:
    """An HTTP answer."""
    raw = body.encode() if isinstance(body, str) else body
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(raw)}", *more, "", ""]
    return "\r\n".join(head).encode() + raw


#: Answers of a server that did not take the signal.
_UNTAKEN = {
    "no": answer(200, '{"success": false, "message": "market is closed"}'),
    "400": answer(400, '{"error": "bad"}'),
    "403": answer(403, f'{{"message": "key {KEY} is not known\\u001b[31m"}}'),
    "408": answer(408, ""),
    "429": answer(429, "{}", "Retry-After: 1"),
    "500": answer(500, "<h1>Internal Server Error</h1>"),
    "503": answer(503, '{"success": true}'),
    "302": answer(302, "", "Location: http://127.0.0.1:1/stolen"),
    "307": answer(307, '{"success": true}', "Location: http://127.0.0.1:1/stolen"),
    "html": answer(200, "<html><body>success: true</body></html>"),
    "text": answer(200, '{"success": "true"}'),
    "one": answer(200, '{"success": 1}'),
    "null": answer(200, "null"),
    "list": answer(200, '[{"success": true}]'),
    "nothing": answer(200, ""),
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "twice": answer(200, '{"success": false, "success": true}'),
    "nan": answer(200, '{"success": true, "ticket": NaN}'),
    "exponent": answer(200, '{"success": true, "ticket": 1.0e5}'),
    "bom": answer(200, b"\xef\xbb\xbf" + b'{"success": true}'),
    "latin": answer(200, b'{"success": true, "message": "\xe9"}'),
    "half": answer(200, '{"success": true, "message": "\\ud800"}'),
    "deep": answer(200, "[" * 30_000),
    "behind": answer(200, '{"success": true} {"success": true}'),
    "gzip": answer(200, b"\x1f\x8b\x08\x00", "Content-Encoding: gzip"),
    "huge": answer(200, '{"success": true, "x": "' + "x" * 2_000_000 + '"}'),
    "garbage": b"\x00\x01\x02 what is this\r\n\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
    "bad_chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "long_head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
}  # fmt: skip
#: Odd forms of a yes.
_TAKEN = {
    "201": answer(201, '{"success": true, "ticket": 7}'),
    "no_ticket": answer(200, '{"success": true}'),
    "text_ticket": answer(200, '{"success": true, "ticket": "7"}'),
    "bool_ticket": answer(200, '{"success": true, "ticket": true}'),
    "large_ticket": answer(200, '{"success": true, "ticket": 9223372036854775808}'),
}
UNTAKEN, TAKEN = tuple(_UNTAKEN), tuple(_TAKEN)


@asynccontextmanager
async def ea_server() -> AsyncIterator[EaServer]:
    """The server on a free port of this machine."""
    async with served(EaServer()) as found:
        yield found
