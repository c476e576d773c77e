"""Post to endpoints of webhooks: within bounds, to permitted addresses only, without redirects."""

import asyncio
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic
from types import MappingProxyType
from typing import Any

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from broker.feeds.addresses import Forbidden, Permit, PermittedResolver, is_open, public_only
from broker.feeds.web import wait_of
from engine.domain.webhooks import MOST, Reply, Why
from engine.errors import InvalidInput

#: Bytes of an answer that are read, and characters of it that are kept.
_READ, _KEPT = 2048, 300
#: A path that is shorter holds no token.
_SECRET = 8
#: The status has come; its body is only for people to read.
_BODY_SECONDS = 1.0
_LONGEST_URL = 500
_UNPRINTABLE = re.compile(r"[^ -~\u00a1-\ud7ff\ue000-\ufffd]+")
#: Statuses whose ``Retry-After`` is heard.
_BUSY = (429, 503)


class OwnThreads(AbstractResolver):
    """Names looked up in threads of their own: a server of names that hangs must not take those
    that others wait for.
    """

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _look_up, host, port, family)
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=port, family=kind, proto=proto,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, proto, _, address in found
            # An address of this machine's links is forbidden in any case.
            if len(address) < 4 or not address[3]
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing: the threads are for the next one too."""


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[Any]:
    return socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)


class HttpWebhooks:
    """The port ``WebhookLine``. ``patience`` is for the whole call with its connection, however
    slowly it drips. With ``tls_only`` addresses have to be https. ``named`` are addresses that are
    secrets themselves, by what stands for them everywhere else.

    Proxies of the environment are not used: they would connect for us, and nobody would look where
    to. Each call has a connection of its own, judged when it is made.
    """

    def __init__(
        self,
        patience: timedelta,
        now: Callable[[], datetime],
        *,
        permit: Permit = public_only,
        tls_only: bool = True,
        named: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._patience, self._now, self._named = patience, now, named
        self._permit, self._tls_only = permit, tls_only
        self._threads = ThreadPoolExecutor(MOST, thread_name_prefix="webhooks")

    @property
    def patience(self) -> timedelta:
        return self._patience

    async def check(self, url: str) -> None:
        """What can be said of an address beforehand. A name that is not known now may be so later;
        what it means is judged again at each connection.
        """
        host = self.parsed(url).raw_host or ""
        names = PermittedResolver(self._permit, OwnThreads(self._threads))
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await names.resolve(host)
        except Forbidden:
            raise InvalidInput(
                f"{host[:100]} leads into this machine's own network", field="url"
            ) from None
        except (OSError, TimeoutError, UnicodeError):
            return

    def parsed(self, url: str) -> URL:
        """The address as the client will read it, if its text is permitted, else
        :class:`InvalidInput`; the text itself is in no message, as it may hold a token.
        """
        url = self._named.get(url, url)
        shape = url.isascii() and url.isprintable() and " " not in url and len(url) <= _LONGEST_URL
        try:
            parsed = URL(url) if shape and "\\" not in url else URL()
            host, port = parsed.raw_host, parsed.port
        except ValueError:
            parsed, host, port = URL(), None, None
        plain = not (parsed.raw_user or parsed.raw_password or parsed.raw_fragment)
        if not (host and port and plain and parsed.scheme in ("http", "https")):
            raise InvalidInput(
                "write an address such as https://example.org/hook, of at most"
                f" {_LONGEST_URL} characters, without a user or a fragment",
                field="url",
            )
        if self._tls_only and parsed.scheme != "https":
            raise InvalidInput("the address has to begin with https://", field="url")
        if not is_open(host, self._permit):
            raise InvalidInput(
                f"{host[:100]} is no public address; see WEBHOOKS_ALLOW_PRIVATE", field="url"
            )
        return parsed

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Reply:
        began = monotonic()
        try:
            parsed = self.parsed(url)
            return await self._post(parsed, body, headers, began)
        except TimeoutError:
            why = Why.TIMEOUT
        except InvalidInput:
            why = Why.FORBIDDEN
        except (ClientError, OSError, ValueError) as error:
            why = _trouble(error)
        return Reply(status=None, why=why, took=_since(began))

    async def _post(self, url: URL, body: bytes, headers: dict[str, str], began: float) -> Reply:
        names = PermittedResolver(self._permit, OwnThreads(self._threads))
        connector = TCPConnector(resolver=names, use_dns_cache=False, force_close=True)
        async with ClientSession(
            connector=connector,
            timeout=ClientTimeout(total=None),
            cookie_jar=DummyCookieJar(),
            # What is shown of an answer is short; nothing is unpacked.
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": "ai-trader", "Accept-Encoding": "identity"},
        ) as session:
            async with asyncio.timeout(self._patience.total_seconds()):
                response = await session.post(
                    url, data=body, headers=headers, allow_redirects=False
                )
            # Its body has a time of its own: a yes must not be lost because it drips.
            # One host may have several of ours, and repeat any.
            paths = {url.raw_path_qs, *(URL(one).raw_path_qs for one in self._named.values())}
            async with response:
                return self._reply(response, without(await _beginning(response), paths), began)

    def _reply(self, response: ClientResponse, said: str, began: float) -> Reply:
        status, wait = response.status, None
        why = None if 200 <= status < 300 else Why.STATUS
        if 300 <= status < 400:
            why = Why.REDIRECT
        if status in _BUSY:
            wait = wait_of(response.headers.get("Retry-After", ""), self._now())
        return Reply(status=status, why=why, took=_since(began), said=said, wait=wait)


async def _beginning(response: ClientResponse) -> str:
    """The beginning of an answer. What is behind it is never read, and a body that drips or breaks
    off changes nothing about the status.
    """
    raw = bytearray()
    with suppress(ClientError, TimeoutError):
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in response.content.iter_any():
                raw += part
                if len(raw) >= _READ:
                    break
    return bytes(raw[:_READ]).decode("utf-8", "replace")


def without(text: str, paths: Iterable[str]) -> str:
    """What was said as a line, without these paths: they may hold a token, and a page for what is
    not found often repeats it. Nor with the beginning of one, where the answer breaks off.
    """
    for path in sorted(paths, key=len, reverse=True):
        if len(path) < _SECRET:
            continue
        text = text.replace(path, "***")
        cut = next((n for n in range(len(path) - 1, _SECRET - 1, -1) if text.endswith(path[:n])), 0)
        text = text[:-cut] + "***" if cut else text
    return _UNPRINTABLE.sub(" ", text).strip()[:_KEPT]


def _since(began: float) -> timedelta:
    return timedelta(seconds=monotonic() - began)


def _trouble(error: Exception) -> Why:
    """Why no answer came. The errors' own texts may name anything; their kinds are enough."""
    cause = error.os_error if isinstance(error, ClientConnectorError) else error
    if isinstance(cause, Forbidden) or isinstance(error.__cause__, Forbidden):
        return Why.FORBIDDEN
    if isinstance(error, ClientConnectorCertificateError | ClientSSLError):
        return Why.CERTIFICATE
    if isinstance(error, ClientConnectorDNSError):
        return Why.NAME
    return Why.REFUSED if isinstance(cause, ConnectionRefusedError) else Why.BROKEN
