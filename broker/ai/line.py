"""One HTTP request to a provider: bounded in time and size, no redirect, no proxy, no cookie.

Its errors and logs name no header and no body, where the secrets are.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import (
    ClientConnectorDNSError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from yarl import URL

from broker.feeds.addresses import (
    Forbidden,
    Permit,
    PermittedResolver,
    is_open,
    own_network_too,
    public_only,
)
from engine.domain.provider import AiReach

#: Bytes of an answer; a list of all models of a provider is a tenth of it.
LARGEST = 2 * 1024 * 1024
_OWN_HEADERS = ("host", "content-length", "accept-encoding", "connection", "transfer-encoding")


def permit_of(*, is_typed: bool) -> Permit:
    """Where a request may lead: an address that a person typed to public places only, one that the
    operator set also to this machine and its network.
    """
    return public_only if is_typed else own_network_too


class NoAnswer(Exception):
    """No answer that can be used came; ``reach`` says why."""

    def __init__(self, reach: AiReach) -> None:
        super().__init__(f"no answer: {reach}")
        self.reach = reach


@dataclass(frozen=True, slots=True)
class Answered:
    """A status and a body; ``headers`` as they came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """The head of an answer; its body comes in parts, which raise :class:`NoAnswer`."""

    status: int
    headers: Mapping[str, str]
    parts: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Sends requests. ``patience`` is for a whole one, however slowly its answer drips; of one that
    is opened, until its head is there: whoever reads the body has to bound the rest.
    """

    permit: Permit = own_network_too
    patience: timedelta = timedelta(seconds=20)
    largest: int = LARGEST

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answered:
        """The answer, whatever its status; raises :class:`NoAnswer`."""
        try:
            async with asyncio.timeout(self.patience.total_seconds()):
                return await self._ask(method, URL(url), headers, body)
        except TimeoutError:
            raise NoAnswer(AiReach.TIMEOUT) from None
        except (ClientError, OSError, ValueError) as error:
            # Their texts may name anything; why is enough.
            raise NoAnswer(_reach(error)) from None

    @asynccontextmanager
    async def open(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> AsyncIterator[Opened]:
        """The answer while it comes; raises :class:`NoAnswer`."""
        try:
            opening = self._opened(method, URL(url), headers, body)
        except ValueError:
            raise NoAnswer(AiReach.UNREACHABLE) from None
        try:
            async with asyncio.timeout(self.patience.total_seconds()):
                response = await opening.__aenter__()
        except TimeoutError:
            raise NoAnswer(AiReach.TIMEOUT) from None
        except (ClientError, OSError, ValueError) as error:
            raise NoAnswer(_reach(error)) from None
        try:
            yield Opened(response.status, dict(response.headers), self._parts(response))
        finally:
            await opening.__aexit__(None, None, None)

    async def _ask(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes
    ) -> Answered:
        async with self._opened(method, url, headers, body) as response:
            raw = b"".join([part async for part in self._bounded(response)])
            return Answered(response.status, dict(response.headers), raw)

    @asynccontextmanager
    async def _opened(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes
    ) -> AsyncIterator[ClientResponse]:
        self._check(url)
        sent = {name: text for name, text in headers.items() if name.lower() not in _OWN_HEADERS}
        connector = TCPConnector(
            resolver=PermittedResolver(self.permit), use_dns_cache=False, force_close=True
        )
        async with (
            ClientSession(
                connector=connector,
                timeout=ClientTimeout(total=None),
                cookie_jar=DummyCookieJar(),
                # A small answer is not compressed, and a large one is not to become larger.
                auto_decompress=False,
                trust_env=False,
            ) as session,
            session.request(
                method,
                url,
                headers={**sent, "Accept-Encoding": "identity"},
                data=body or None,
                allow_redirects=False,
            ) as response,
        ):
            yield response

    def _check(self, url: URL) -> None:
        host = url.raw_host
        # By the same parsed address that is connected to: two readings of a text could differ.
        if url.scheme not in ("http", "https") or not host or url.raw_user or url.raw_password:
            raise Forbidden("no address of the web")
        if not is_open(host, self.permit):
            raise Forbidden("an address that is not public")

    async def _bounded(self, response: ClientResponse) -> AsyncIterator[bytes]:
        length = 0
        async for part in response.content.iter_any():
            length += len(part)
            if length > self.largest:
                raise NoAnswer(AiReach.GARBLED)
            yield part

    async def _parts(self, response: ClientResponse) -> AsyncIterator[bytes]:
        try:
            async for part in self._bounded(response):
                yield part
        except (ClientError, OSError, ValueError) as error:
            raise NoAnswer(_reach(error)) from None


def _reach(error: Exception) -> AiReach:
    causes = (error, error.__cause__, getattr(error, "os_error", None))
    if any(isinstance(cause, Forbidden) for cause in causes):
        return AiReach.CLOSED
    if isinstance(error, ClientConnectorDNSError):
        return AiReach.NAME
    if isinstance(error, ClientSSLError):
        return AiReach.TLS
    return AiReach.UNREACHABLE
