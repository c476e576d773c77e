"""A provider of a language model on this machine: OpenAI's ``/v1/models``, and an authorization
server by RFC 6749 and RFC 7636 with refresh tokens that work once. Both are told what to do wrong.
"""

import asyncio
import json
import socket
import struct
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

KEY = "sk-proj-CANARYkeyCANARYkeyCANARY01"
MODELS = ("gpt-4o", "gpt-4o-mini")


def answer(status: int, body: Any = b"", *more: str, kind: str = "application/json") -> bytes:
    """An HTTP answer; what is no bytes is written as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [
        f"HTTP/1.1 {status} X", f"Content-Length: {len(raw)}", f"Content-Type: {kind}", *more,
        "", "",
    ]  # fmt: skip
    return "\r\n".join(head).encode() + raw


_KIND = "invalid_request_error"


def _error(status: int, message: str, code: str | None = None) -> bytes:
    told = {"message": message, "type": _KIND, "param": None, "code": code}
    return answer(status, {"error": told}, "x-request-id: req_1")


#: What a fault answers instead.
FAULTS: dict[str, bytes] = {
    "401": _error(401, f"Incorrect API key provided: {KEY}.", "invalid_api_key"),
    "403": _error(403, "Country, region, or territory not supported", "unsupported_country"),
    "404": _error(404, "Invalid URL (GET /v1/models)"),
    "404 html": answer(404, b"<h1>404 Not Found</h1>", kind="text/html"),
    "400": _error(400, "bad"),
    "408": answer(408),
    "429": _error(429, "You exceeded your current quota", "insufficient_quota"),
    "500": _error(500, "The server had an error"),
    "502": answer(502, b"<html>bad gateway</html>", kind="text/html"),
    "503": answer(503, b"", "Retry-After: 3600"),
    "504": answer(504),
    "302": answer(302, b"", "Location: http://127.0.0.1:1/stolen"),
    "308": answer(308, b"", "Location: http://127.0.0.1:1/stolen"),
    "html": answer(200, b"<html>a login page</html>", kind="text/html"),
    "no json": answer(200, b"not json"),
    "nothing": answer(200),
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "null": answer(200, None),
    "list": answer(200, [{"id": "x"}]),
    "no data": answer(200, {"object": "list"}),
    "data text": answer(200, {"object": "list", "data": "gpt-4o"}),
    "no ids": answer(200, {"object": "list", "data": [{"object": "model"}, 7, None]}),
    "id number": answer(200, {"object": "list", "data": [{"id": 7, "object": "model"}]}),
    "deep": answer(200, b"[" * 100_000),
    "nan": answer(200, b'{"object": "list", "data": NaN}'),
    "gzip": answer(200, b"\x1f\x8b\x08\x00", "Content-Encoding: gzip"),
    "huge": answer(200, b'{"x": "' + b"x" * 3_000_000 + b'"}'),
    "garbage": b"\x00\x01\x02 what is this\r\n\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "latin": answer(200, b'{"data": "\xe9"}'),
}  # fmt: skip


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Site:
    """A server over raw connections. ``faults`` are used up one by one; a fault is a name of
    :data:`FAULTS`, ``reset``, ``hang``, or ``lost``: done, and never answered.
    """

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def respond(self, asked: Asked) -> bytes:
        """What is answered; each site has its own."""
        raise AssertionError("a site answers by itself")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._one(reader, writer):
                    await writer.drain()
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        asked = Asked(method, path, headers, body)
        self.asked.append(asked)
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return False
        if fault in FAULTS:
            writer.write(FAULTS[fault])
            # What is no HTTP has no end but this one.
            return FAULTS[fault].startswith(b"HTTP/1.1")
        said = self.respond(asked)
        if fault == "hang":
            await asyncio.sleep(60)
        if fault == "lost":
            return False
        writer.write(said)
        return True


@dataclass
class ModelSite(Site):
    """OpenAI's API, as far as a list of its models."""

    key: str = KEY
    models: tuple[str, ...] = MODELS

    def respond(self, asked: Asked) -> bytes:
        if (asked.method, asked.path) != ("GET", "/v1/models"):
            return FAULTS["404"]
        given = asked.headers.get("authorization", "")
        if not given:
            return _error(401, "You didn't provide an API key.")
        if given != f"Bearer {self.key}":
            shown = given.removeprefix("Bearer ")
            return _error(401, f"Incorrect API key provided: {shown}.", "invalid_api_key")
        data = [
            {"id": name, "object": "model", "created": 1_715_367_049, "owned_by": "system"}
            for name in self.models
        ]
        return answer(200, {"object": "list", "data": data}, "x-request-id: req_2")


@dataclass
class _Code:
    client_id: str
    redirect_uri: str
    challenge: str
    scope: str
    used: bool = False


@dataclass
class _Refresh:
    family: int
    used: bool = False


@dataclass
class AuthSite(Site):
    """An authorization server with one client. Codes and refresh tokens work once; who uses one
    again loses all that came of it (RFC 6749, section 10.5; RFC 9700, section 4.14.2).
    """

    client_id: str = "ai-trader-test"
    client_secret: str | None = "CANARY-client-secret"
    redirect_uri: str = "http://127.0.0.1:8070/oauth/openai/callback"
    life: int | None = 3600
    gives_refresh: bool = True
    denies: str | None = None
    codes: dict[str, _Code] = field(default_factory=dict)
    refreshes: dict[str, _Refresh] = field(default_factory=dict)
    access: dict[str, int] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)
    numbers: int = 0

    def respond(self, asked: Asked) -> bytes:
        parts = urlsplit(asked.path)
        if (asked.method, parts.path) == ("GET", "/authorize"):
            return self._authorize(parse_qs(parts.query, keep_blank_values=True))
        if (asked.method, parts.path) == ("POST", "/token"):
            return self._token(asked)
        return answer(404, {"error": "not_found"})

    def good(self, token: str) -> bool:
        """Whether an access token was issued and still stands."""
        return token in self.access and self.access[token] not in self.dead

    def _authorize(self, query: dict[str, list[str]]) -> bytes:
        if any(len(values) > 1 for values in query.values()):
            return answer(400, b"a parameter is there twice", kind="text/plain")
        one = {name: values[0] for name, values in query.items()}
        if (one.get("client_id"), one.get("redirect_uri")) != (self.client_id, self.redirect_uri):
            # Section 4.1.2.1: then nobody is sent anywhere.
            return answer(400, b"client or redirect_uri", kind="text/plain")
        back = {"state": one["state"]} if "state" in one else {}
        wrong = self._wrong(one)
        if wrong is not None:
            return self._back({"error": wrong, **back})
        code = self._new("code")
        self.codes[code] = _Code(
            self.client_id, self.redirect_uri, one["code_challenge"], one.get("scope", "")
        )
        return self._back({"code": code, **back})

    def _wrong(self, one: dict[str, str]) -> str | None:
        if self.denies is not None:
            return self.denies
        if one.get("response_type") != "code":
            return "unsupported_response_type"
        challenge = one.get("code_challenge", "")
        is_pkce = one.get("code_challenge_method") == "S256" and len(challenge) == 43
        return None if is_pkce and len(one.get("state", "")) >= 43 else "invalid_request"

    def _back(self, parameters: dict[str, str]) -> bytes:
        return answer(302, b"", f"Location: {self.redirect_uri}?{urlencode(parameters)}")

    def _token(self, asked: Asked) -> bytes:
        if asked.headers.get("content-type") != "application/x-www-form-urlencoded":
            return self._no("invalid_request")
        form = parse_qs(asked.body.decode(), keep_blank_values=True, strict_parsing=True)
        if any(len(values) > 1 for values in form.values()):
            return self._no("invalid_request")
        one = {name: values[0] for name, values in form.items()}
        if not self._is_client(asked, one):
            return answer(401, {"error": "invalid_client"}, 'WWW-Authenticate: Basic realm="x"')
        grants: dict[str, Callable[[dict[str, str]], bytes]] = {
            "authorization_code": self._exchange, "refresh_token": self._renew,
        }  # fmt: skip
        grant = grants.get(one.get("grant_type", ""))
        return self._no("unsupported_grant_type") if grant is None else grant(one)

    def _is_client(self, asked: Asked, one: dict[str, str]) -> bool:
        if self.client_secret is None:
            return one.get("client_id") == self.client_id
        kind, _, text = asked.headers.get("authorization", "").partition(" ")
        if kind != "Basic":
            return False
        name, _, secret = b64decode(text).decode().partition(":")
        return (unquote_plus(name), unquote_plus(secret)) == (self.client_id, self.client_secret)

    def _exchange(self, one: dict[str, str]) -> bytes:
        code = self.codes.get(one.get("code", ""))
        if code is None:
            return self._no("invalid_grant")
        family = list(self.codes).index(one["code"])
        if code.used:
            self.dead.add(family)
            return self._no("invalid_grant")
        code.used = True
        digest = sha256(one.get("code_verifier", "").encode()).digest()
        proven = urlsafe_b64encode(digest).rstrip(b"=").decode() == code.challenge
        if not proven or one.get("redirect_uri") != code.redirect_uri:
            return self._no("invalid_grant")
        return self._issue(family)

    def _renew(self, one: dict[str, str]) -> bytes:
        known = self.refreshes.get(one.get("refresh_token", ""))
        if known is None or known.family in self.dead:
            return self._no("invalid_grant")
        if known.used:
            self.dead.add(known.family)
            return self._no("invalid_grant")
        known.used = True
        return self._issue(known.family)

    def _issue(self, family: int) -> bytes:
        access = self._new("access")
        self.access[access] = family
        document: dict[str, Any] = {"access_token": access, "token_type": "Bearer"}
        if self.life is not None:
            document["expires_in"] = self.life
        if self.gives_refresh:
            document["refresh_token"] = refresh = self._new("refresh")
            self.refreshes[refresh] = _Refresh(family)
        return answer(200, document, "Cache-Control: no-store", "Pragma: no-cache")

    def _no(self, why: str) -> bytes:
        return answer(400, {"error": why, "error_description": "no"}, "Cache-Control: no-store")

    def _new(self, what: str) -> str:
        self.numbers += 1
        return f"CANARY-{what}-token-{self.numbers:08}"
