"""One HTTP request to a provider: bounded in time and size, no redirect, no proxy, no cookie.

Its errors and logs name no header and no body, where the secrets are.
"""

import asyncio
from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Sends requests. ``patience`` is for a whole one, however slowly its answer drips."""

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

    async def _ask(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes
    ) -> Answered:
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
            return Answered(response.status, dict(response.headers), await self._body(response))

    def _check(self, url: URL) -> None:
        host = url.raw_host
        # By the same parsed address that is connected to: two readings of a text could differ.
        if url.scheme not in ("http", "https") or not host or url.raw_user or url.raw_password:
            raise Forbidden("no address of the web")
        if not is_open(host, self.permit):
            raise Forbidden("an address that is not public")

    async def _body(self, response: ClientResponse) -> bytes:
        raw = bytearray()
        async for part in response.content.iter_any():
            raw += part
            if len(raw) > self.largest:
                raise NoAnswer(AiReach.GARBLED)
        return bytes(raw)


def _reach(error: Exception) -> AiReach:
    causes = (error, error.__cause__, getattr(error, "os_error", None))
    if any(isinstance(cause, Forbidden) for cause in causes):
        return AiReach.CLOSED
    if isinstance(error, ClientConnectorDNSError):
        return AiReach.NAME
    if isinstance(error, ClientSSLError):
        return AiReach.TLS
    return AiReach.UNREACHABLE
