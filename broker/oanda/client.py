"""OANDA's v20 interface: requests with a token, what it answers, what it refuses, its silence.

By the public documents of v20: "Development Guide", "Best Practices", and the responses of each
endpoint.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    TCPConnector,
)  # fmt: skip
from pydantic import SecretStr

from broker.answers import body_of
from broker.oanda.pause import Pause
from broker.oanda.refusals import TAKEN, code_of, told, words_of
from broker.wire import Broken, encode
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import Clock

Params = Mapping[str, str]

#: Statuses by which OANDA proves, with a document of its own, that it did nothing.
_PROVEN = frozenset((400, 401, 403, 404, 405, 415, 429))
_GOOD = (200, 201)
#: The clocks are compared by the second that an answer names. An older comparison than this is made
#: again, one that took longer says nothing, and a smaller difference is none.
_COMPARED, _SLOW, _NEAR = timedelta(minutes=10), timedelta(seconds=2), timedelta(seconds=2)
#: A connection that waits for its next question is closed after so many seconds.
_IDLE = 20.0


@dataclass(slots=True)
class _Line:
    """The connections that questions share, because OANDA takes only two new ones a second."""

    connector: TCPConnector | None = None

    def open(self) -> TCPConnector:
        if self.connector is None or self.connector.closed:
            self.connector = TCPConnector(limit=4, keepalive_timeout=_IDLE)
        return self.connector

    async def close(self) -> None:
        if self.connector is not None:
            await self.connector.close()


@dataclass(slots=True)
class _Offset:
    """How far OANDA's clock is ahead of ours; None is not known."""

    ahead: timedelta | None = None
    compared_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Client:
    """OANDA by its address, for one account. Questions share connections; of them the transport may
    send a second copy when one breaks. What changes something has a connection of its own, so that
    none is lost to one that was kept open too long, and is never sent twice. ``seconds`` is less
    than a venue's callers wait.
    """

    url: str
    token: SecretStr
    account: str
    clock: Clock
    seconds: float = 4.0
    pause: Pause = field(default_factory=Pause)
    _line: _Line = field(default_factory=_Line)
    _offset: _Offset = field(default_factory=_Offset)

    def of_account(self, path: str) -> str:
        """A path below the account."""
        return f"/v3/accounts/{self.account}{path}"

    async def read(self, path: str, params: Params | None = None) -> Any:
        """What is shown there; raises :class:`BrokerSilent` for every other answer and for none."""
        found = await self.find(path, params)
        if found is None:
            raise BrokerSilent("OANDA does not know what was asked for")
        return found

    async def find(self, path: str, params: Params | None = None) -> Any | None:
        """The same; None where OANDA says that there is no such thing."""
        try:
            status, shown = await self._ask("GET", path, params=params)
        except BrokerRefused as error:
            raise BrokerSilent(str(error)) from error
        if status == 200:
            return shown
        if status == 404 and words_of(shown) is not None:
            return None
        raise BrokerSilent(told(shown, status), status=status)

    async def write(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """Do something, once. Raises :class:`BrokerRefused` only where it is proven that nothing
        was done, with the code in its details, and :class:`BrokerSilent` for everything else but
        success.
        """
        status, answer = await self._ask(method, path, body=body)
        if status in _GOOD:
            return answer
        code = code_of(answer)
        proven = status in _PROVEN and (status == 429 or words_of(answer) is not None)
        if proven and code not in TAKEN:
            raise BrokerRefused(told(answer, status), code=code)
        raise BrokerSilent(told(answer, status), code=code)

    async def time(self) -> datetime:
        """Now by OANDA's clock; raises :class:`BrokerSilent`. Each of its answers names a second:
        where ours is more than two away from it, it is ours that is wrong.
        """
        now, known = self.clock(), self._offset
        if known.compared_at is None or not timedelta() <= now - known.compared_at <= _COMPARED:
            known.ahead = None
            await self.read(self.of_account("/summary"))
        if known.ahead is None:
            raise BrokerSilent("OANDA does not tell its time, or too slowly")
        return self.clock() + (known.ahead if abs(known.ahead) > _NEAR else timedelta())

    async def aclose(self) -> None:
        """Close the connections that are kept."""
        await self._line.close()

    async def _ask(
        self, method: str, path: str, *, params: Params | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> tuple[int, Any]:  # fmt: skip
        """Status and document. Raises :class:`BrokerRefused` where nothing was sent."""
        sent = self.clock()
        self.pause.pass_or_refuse(sent)
        asks = method == "GET"
        headers = {
            "Authorization": f"Bearer {self.token.get_secret_value()}",
            "Accept-Datetime-Format": "RFC3339",
        }
        data = None
        if body is not None:
            data, headers["Content-Type"] = encode(body).encode(), "application/json"
        connector = self._line.open() if asks else TCPConnector(force_close=True)
        # What the transport says may name the address, and with it the account: only its kind is
        # told.
        try:
            async with (
                ClientSession(
                    connector=connector, connector_owner=not asks,
                    timeout=ClientTimeout(total=self.seconds),
                ) as session,
                session.request(
                    method, self.url.rstrip("/") + path, params=params, data=data,
                    headers=headers, allow_redirects=False,
                    middlewares=() if asks else (_Once(),),
                ) as answer,
            ):  # fmt: skip
                shown = await body_of(answer, *_GOOD, hidden=(self.token.get_secret_value(),))
                self.pause.note(answer.status, answer.headers, self.clock())
                self._compare(answer.headers.get("Date", ""), sent)
                return answer.status, shown
        except ClientConnectorError as error:
            kind = type(error).__name__
            raise BrokerRefused(f"OANDA cannot be reached: {kind}") from None
        except (ClientError, TimeoutError, OSError, Broken) as error:
            raise BrokerSilent(f"OANDA did not answer: {type(error).__name__}") from None

    def _compare(self, date: str, sent: datetime) -> None:
        now = self.clock()
        try:
            named = parsedate_to_datetime(date)
        except ValueError:
            return
        if named.tzinfo is None or not timedelta() <= now - sent <= _SLOW:
            return
        # In the middle of the second that it names, on average.
        self._offset.ahead = named + timedelta(milliseconds=500) - now
        self._offset.compared_at = now


class _Once:
    """Keeps the transport from sending a second copy when a connection breaks: it does so by itself
    with methods that RFC 9110 calls idempotent, and closing a part of a trade is not.
    """

    def __init__(self) -> None:
        self._sent = False

    async def __call__(self, request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
        if self._sent:
            raise ClientError("it was sent before")
        self._sent = True
        return await send(request)
