"""The EA server over HTTP: one connection for the signals, and the connection test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

from aiohttp import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    DummyCookieJar,
    StreamReader,
    TCPConnector,
)

from broker.signal_push.answers import LARGEST, meaning
from engine.domain.exact import written
from engine.domain.signal import Answer, AnswerKind, Contact, Reach, Signal, document


class HttpSignalServer:
    """The port ``SignalServer``. ``url`` is where signals are posted; ``key`` goes along as
    ``X-API-Key`` and into no text.
    """

    def __init__(self, url: str, key: str, patience: timedelta) -> None:
        parts = urlsplit(url)
        self._url = url
        self._address = parts.netloc
        # The health check stands beside the signals.
        self._health = urlunsplit(parts._replace(path=parts.path.rpartition("/")[0] + "/health"))
        self._key = key
        self._patience = patience

    @property
    def address(self) -> str:
        return self._address

    @property
    def url(self) -> str:
        return self._url

    @property
    def patience(self) -> timedelta:
        return self._patience

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["HttpSignalLine"]:
        """A line that keeps its connection between signals."""
        async with self._session(self._patience.total_seconds()) as session:
            yield HttpSignalLine(session, self._url, self._key, self._patience)

    def _session(self, seconds: float) -> ClientSession:
        return ClientSession(
            connector=TCPConnector(limit=1),
            timeout=ClientTimeout(total=seconds),
            cookie_jar=DummyCookieJar(),
            # A small answer is not compressed, and a large one is not to become larger.
            auto_decompress=False,
            headers={
                "X-API-Key": self._key,
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "ai-trader",
            },
        )

    async def test(self) -> Contact:
        """Ask for its health, then for the place of the signals: a server may have no health check,
        and a health check may ask for no key. Neither is a signal.
        """
        seen: list[int] = []
        trouble = Reach.MUTE
        async with self._session(self._patience.total_seconds() / 2) as session:
            for url in (self._health, self._url):
                try:
                    async with session.get(url, allow_redirects=False) as response:
                        seen.append(response.status)
                except (TimeoutError, ClientError, OSError) as error:
                    trouble = _trouble(error)
                    seen.append(0)
        return _contact(seen[0], seen[1], trouble)


class HttpSignalLine:
    """The port ``SignalLine`` over one session."""

    def __init__(self, session: ClientSession, url: str, key: str, patience: timedelta) -> None:
        self._session, self._url, self._key, self._patience = session, url, key, patience

    async def send(self, signal: Signal) -> Answer:
        body = written(document(signal)).encode()
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as response:
                raw = await _read(response.content)
        except TimeoutError:
            seconds = self._patience.total_seconds()
            return Answer(AnswerKind.SILENT, f"no answer within {seconds:g} seconds")
        except (ClientError, OSError) as error:
            # Its own text may name anything; its kind is enough.
            return Answer(AnswerKind.SILENT, f"no clear answer: {type(error).__name__}")
        if raw is None:
            return Answer(AnswerKind.BUSY, f"HTTP {response.status} with too long an answer")
        return meaning(response.status, raw, secret=self._key)


async def _read(content: StreamReader) -> bytes | None:
    """The whole body, or None when it is longer than any answer."""
    raw = bytearray()
    async for part in content.iter_any():
        raw += part
        if len(raw) > LARGEST:
            return None
    return bytes(raw)


def _trouble(error: Exception) -> Reach:
    """Why no HTTP answer came."""
    if isinstance(error, TimeoutError):
        return Reach.TIMEOUT
    if isinstance(error, ClientConnectorDNSError):
        return Reach.NAME
    if isinstance(error, ClientSSLError):
        return Reach.TLS
    if not isinstance(error, ClientConnectorError):
        return Reach.MUTE
    refused = isinstance(error.os_error, ConnectionRefusedError)
    return Reach.REFUSED if refused else Reach.UNREACHABLE


def _contact(health: int, signals: int, trouble: Reach) -> Contact:
    """What two statuses say together; 0 is no answer."""
    both = (signals, health)
    for status in both:
        if status in (401, 403):
            return Contact(Reach.KEY, status)
    if 200 <= health < 300:
        return Contact(Reach.CONNECTED, health)
    for status in both:
        if 200 <= status < 300 or 400 <= status < 500:
            return Contact(Reach.NO_HEALTH, status)
    for status in both:
        if status >= 500:
            return Contact(Reach.ERROR, status)
        if status:
            return Contact(Reach.REDIRECT, status)
    return Contact(trouble)
