"""Fetch a document of the web: politely, within bounds, from permitted addresses only."""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from yarl import URL

from broker.feeds.addresses import Forbidden, Permit, PermittedResolver, is_open, public_only
from engine.domain.feed import FeedState, FeedTrouble, Trouble

#: Bytes of a document, as they are sent and after decompression.
LARGEST = 1024 * 1024
_HOPS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_BUSY = (429, 503)
_LONGEST_WAIT = timedelta(days=1)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What came: the body, decompressed, and what to ask with the next time. No body means that it
    did not change.
    """

    body: bytes | None
    charset: str | None = None
    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """Fetches. ``patience`` is for the whole fetch with its redirects, however slowly it drips.

    Names and literal addresses are judged at each hop, in the moment of the connection. Proxies of
    the environment are not used: they would connect for us, and nobody would look where to.
    """

    permit: Permit = public_only
    patience: timedelta = timedelta(seconds=20)
    largest: int = LARGEST
    agent: str = "ai-trader"

    async def fetch(self, state: FeedState, now: datetime, accept: str) -> Page:
        """The document at ``state.name``; raises :class:`FeedTrouble`."""
        headers = {"Accept": accept, "Accept-Encoding": "gzip, deflate", "User-Agent": self.agent}
        if state.etag:
            headers["If-None-Match"] = state.etag
        if state.modified:
            headers["If-Modified-Since"] = state.modified
        try:
            async with self._session(headers) as session:
                return await self._follow(session, URL(state.name), now)
        except FeedTrouble:
            raise
        except TimeoutError:
            seconds = self.patience.total_seconds()
            raise FeedTrouble(
                Trouble.UNREACHABLE, f"no answer within {seconds:g} seconds"
            ) from None
        except (ClientError, OSError, ValueError) as error:
            raise _trouble(error) from error

    def _session(self, headers: Mapping[str, str]) -> ClientSession:
        return ClientSession(
            connector=TCPConnector(
                resolver=PermittedResolver(self.permit), use_dns_cache=False, force_close=True
            ),
            timeout=ClientTimeout(total=None, connect=self.patience.total_seconds()),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers=headers,
        )

    async def _follow(self, session: ClientSession, url: URL, now: datetime) -> Page:
        first = url
        async with asyncio.timeout(self.patience.total_seconds()):
            for _ in range(_HOPS):
                self._check(url, first)
                async with session.get(url, allow_redirects=False) as response:
                    if response.status not in _REDIRECTS:
                        return await self._page(response, now)
                    url = url.join(URL(response.headers.get("Location", "")))
        raise FeedTrouble(Trouble.FORBIDDEN, f"more than {_HOPS} redirects")

    def _check(self, url: URL, first: URL) -> None:
        """Refuse what a feed must not lead to, before a connection is made.

        The client connects by the same parsed address: two readings of one text could differ.
        """
        host = url.raw_host
        if url.scheme not in _PORTS or not host or url.raw_user or url.raw_password:
            raise FeedTrouble(Trouble.FORBIDDEN, "it leads to what is no address of the web")
        if first.scheme == "https" and url.scheme != "https":
            raise FeedTrouble(Trouble.FORBIDDEN, "it leads from https to http")
        if url.port not in (*_PORTS.values(), first.port):
            raise FeedTrouble(Trouble.FORBIDDEN, f"it leads to port {url.port}")
        if not is_open(host, self.permit):
            raise FeedTrouble(Trouble.FORBIDDEN, "it leads to an address that is not public")

    async def _page(self, response: ClientResponse, now: datetime) -> Page:
        status = response.status
        if status == 304:
            return Page(body=None)
        if status in _BUSY:
            wait = _wait(response.headers.get("Retry-After", ""), now)
            raise FeedTrouble(Trouble.BUSY, f"HTTP {status}", wait)
        if status != 200:
            raise FeedTrouble(Trouble.STATUS, f"HTTP {status}")
        body = await self._body(response)
        return Page(
            body=body,
            charset=response.charset,
            etag=_mark(response.headers.get("ETag", ""), 200),
            modified=_mark(response.headers.get("Last-Modified", ""), 100),
        )

    async def _body(self, response: ClientResponse) -> bytes:
        if (response.content_length or 0) > self.largest:
            raise _too_large()
        raw = bytearray()
        async for part in response.content.iter_any():
            raw += part
            if len(raw) > self.largest:
                raise _too_large()
        return _unpacked(bytes(raw), response.headers.get("Content-Encoding", ""), self.largest)


def _unpacked(raw: bytes, encoding: str, largest: int) -> bytes:
    """The body as it was before compression; a bomb is stopped at the largest size."""
    kind = encoding.strip().lower()
    if kind in ("", "identity"):
        return raw
    if kind not in ("gzip", "x-gzip", "deflate"):
        raise FeedTrouble(Trouble.FORMAT, f"compressed as {kind[:20]}")
    # Of "deflate" there are two: with zlib's header and without.
    bare = kind == "deflate" and raw[:1] != b"\x78"
    machine = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS | 32)
    try:
        body = machine.decompress(raw, largest + 1)
    except zlib.error as error:
        raise FeedTrouble(Trouble.FORMAT, "its compression is broken") from error
    if len(body) > largest:
        raise _too_large()
    if not machine.eof:
        raise FeedTrouble(Trouble.FORMAT, "its compression is cut off")
    return body


def _mark(text: str, longest: int) -> str:
    """What to ask with the next time; nothing when it could not be sent back as it came."""
    return text if text.isascii() and text.isprintable() and len(text) <= longest else ""


def _too_large() -> FeedTrouble:
    return FeedTrouble(Trouble.FORMAT, "it is too large")


def _wait(text: str, now: datetime) -> timedelta | None:
    """How long ``Retry-After`` asks to wait: seconds, or a date; at most a day."""
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:6])), _LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    ahead = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(ahead, timedelta(0)), _LONGEST_WAIT)


def _trouble(error: Exception) -> FeedTrouble:
    """Why no answer came. The errors' own texts may name anything; their kinds are enough."""
    cause = error.os_error if isinstance(error, ClientConnectorError) else error
    if isinstance(cause, Forbidden) or isinstance(error.__cause__, Forbidden):
        return FeedTrouble(Trouble.FORBIDDEN, "its name leads to no public address")
    if isinstance(error, ClientConnectorCertificateError):
        return FeedTrouble(Trouble.UNREACHABLE, "its certificate is not valid")
    return FeedTrouble(Trouble.UNREACHABLE, f"no answer: {type(error).__name__}")
