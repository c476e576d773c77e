"""Binance's REST interface: signed requests, what it answers, what it refuses, and its silence.

By the exchange's documents rest-api.md ("SIGNED Endpoint security", "Timing security", "LIMITS")
and errors.md.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout
from pydantic import SecretStr
from yarl import URL

from broker.answers import body_of
from broker.binance.limits import Limits
from broker.wire import Broken
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import Clock

Params = Mapping[str, object]

#: How long after its timestamp the exchange still takes a request, in milliseconds. This is what
#: makes a lost order provable: later it cannot be taken any more.
RECV_WINDOW = 5_000
#: The clocks are compared again after so long; a comparison that took longer says nothing.
_COMPARED, _SLOW = timedelta(minutes=10), timedelta(seconds=2)
#: "No such order", "Invalid symbol": what was asked for is not there.
_ABSENT = frozenset((-2013, -1121))
#: Codes by which the exchange proves that a request did not reach the matching engine, or that the
#: engine refused it. Not among them: -1000, -1001, -1006, -1007, which leave the outcome open.
_PROVEN = frozenset(
    (
        -1002, -1003, -1013, -1014, -1015, -1020, -1021, -1022, -2010, -2011, -2014, -2015,
        *range(-1199, -1099),
    )
)  # fmt: skip
#: The id is in use by an open order: that may be this very order, so that it proves nothing.
_DUPLICATE = "Duplicate order sent."
_BAD_TIMESTAMP = -1021


@dataclass(slots=True)
class _Offset:
    """How far the exchange's clock is ahead of ours, in milliseconds; None is not known."""

    ahead: int | None = None
    compared_at: int = 0


@dataclass(frozen=True, kw_only=True)
class Client:
    """The exchange by its address. Each call has a connection of its own, so that none is lost to
    one that was kept open too long. Of questions and of cancels the transport itself may send a
    second copy when a connection breaks, which changes nothing; never of a POST. ``seconds`` is
    less than a venue's callers wait.
    """

    url: str
    key: SecretStr
    secret: SecretStr
    clock: Clock
    seconds: float = 4.0
    limits: Limits = field(default_factory=Limits)
    _offset: _Offset = field(default_factory=_Offset)

    async def read(self, path: str, params: Params | None = None, *, signed: bool = False) -> Any:
        """What is shown there; raises :class:`BrokerSilent` for every other answer and for none."""
        found = await self.find(path, params, signed=signed)
        if found is None:
            raise BrokerSilent("the exchange does not know what was asked for")
        return found

    async def find(
        self, path: str, params: Params | None = None, *, signed: bool = False
    ) -> Any | None:
        """The same; None where the exchange says that there is no such order, or symbol."""
        for again in (True, False):
            asked = dict(params or {})
            if signed:
                asked = self._stamped(asked, await self.time(), RECV_WINDOW)
            try:
                status, document = await self._ask("GET", path, asked, signed=signed)
            except BrokerRefused as error:
                raise BrokerSilent(str(error)) from error
            if status == 200:
                return document
            code = _code(document)
            if code in _ABSENT:
                return None
            if not (code == _BAD_TIMESTAMP and signed and again):
                break
            self._offset.ahead = None
        raise BrokerSilent(_words(document, status))

    async def write(
        self, method: str, path: str, params: Params, *, at: int, window: int = RECV_WINDOW
    ) -> Any:
        """Do something, once. ``at`` is its timestamp, by the exchange's clock: whoever wrote it
        down before the call knows when the exchange can no longer take it.

        Raises :class:`BrokerRefused` only where it is proven that nothing was done, with the code
        in its details, and :class:`BrokerSilent` for everything else but success.
        """
        stamped = self._stamped(dict(params), at, window)
        status, document = await self._ask(method, path, stamped, signed=True)
        if status == 200:
            return document
        code, words = _code(document), _words(document, status)
        if code == _BAD_TIMESTAMP:
            self._offset.ahead = None
        said = document.get("msg") if isinstance(document, dict) else None
        if 400 <= status < 500 and code in _PROVEN and said != _DUPLICATE:
            raise BrokerRefused(words, code=code)
        raise BrokerSilent(words, code=code)

    async def time(self) -> int:
        """Now by the exchange's clock, in milliseconds; raises :class:`BrokerSilent`. Ours may have
        been set meanwhile: the next signed question is refused then, and it is measured again.
        """
        now = self._now()
        known = self._offset
        age = now - known.compared_at
        if known.ahead is None or not 0 <= age <= _COMPARED / timedelta(milliseconds=1):
            status, document = await self._public("/api/v3/time")
            after = self._now()
            told = document.get("serverTime") if isinstance(document, dict) else None
            if status != 200 or not isinstance(told, int):
                raise BrokerSilent("the exchange does not tell its time")
            if not 0 <= after - now <= _SLOW / timedelta(milliseconds=1):
                raise BrokerSilent("the exchange told its time too slowly")
            known.ahead, known.compared_at = told - (now + after) // 2, after
        return self._now() + (known.ahead or 0)

    def _now(self) -> int:
        return int(self.clock().timestamp() * 1000)

    def _stamped(self, params: dict[str, object], at: int, window: int) -> dict[str, object]:
        return {**params, "recvWindow": window, "timestamp": at}

    async def _public(self, path: str) -> tuple[int, Any]:
        try:
            return await self._ask("GET", path, {}, signed=False)
        except BrokerRefused as error:
            raise BrokerSilent(str(error)) from error

    def signature(self, text: str) -> str:
        """HMAC SHA256 of the parameters exactly as they are sent."""
        secret = self.secret.get_secret_value().encode()
        return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()

    async def _ask(
        self, method: str, path: str, params: Params, *, signed: bool
    ) -> tuple[int, Any]:
        """Status and document. Raises :class:`BrokerRefused` where nothing was sent."""
        self.limits.pass_or_refuse(self.clock(), urgent=method != "GET")
        text = urlencode({name: str(value) for name, value in params.items()})
        headers = {}
        if signed:
            text += f"&signature={self.signature(text)}"
            headers["X-MBX-APIKEY"] = self.key.get_secret_value()
        address, data = self.url.rstrip("/") + path, None
        hidden = (self.key.get_secret_value(), self.secret.get_secret_value())
        if method == "POST":
            data, headers["Content-Type"] = text.encode(), "application/x-www-form-urlencoded"
        elif text:
            address += f"?{text}"
        # Errors of the transport may name the address, and with it the signature: only their kind
        # is told.
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=self.seconds)) as session,
                session.request(
                    method, URL(address, encoded=True), data=data, headers=headers,
                    allow_redirects=False,
                ) as answer,
            ):  # fmt: skip
                self.limits.note(answer.status, answer.headers, self.clock())
                return answer.status, await body_of(answer, 200, hidden=hidden)
        except ClientConnectorError as error:
            kind = type(error).__name__
            raise BrokerRefused(f"the exchange cannot be reached: {kind}") from None
        except (ClientError, TimeoutError, OSError, Broken) as error:
            raise BrokerSilent(f"the exchange did not answer: {type(error).__name__}") from None


def _code(document: Any) -> int | None:
    code = document.get("code") if isinstance(document, dict) else None
    return code if isinstance(code, int) else None


def _words(document: Any, status: int) -> str:
    code = _code(document)
    if code is None:
        return f"the exchange answered {status}"
    return f"the exchange answered {code}: {str(document.get('msg', ''))[:150]}"
