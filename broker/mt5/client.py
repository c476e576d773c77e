"""The connector over HTTP: what it answers, what it refuses, and its silence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from aiohttp import ClientConnectorError, ClientError, ClientResponse, ClientSession, ClientTimeout

from broker.answers import without
from broker.wire import Broken, encode, load
from engine.errors import BrokerRefused, BrokerSilent

Json = Mapping[str, Any]

#: Codes by which the connector proves that the call did nothing and never will.
_PROVEN = frozenset(
    (
        "UNAUTHORIZED", "INVALID_INPUT", "NOT_FOUND", "MT5_EXECUTION_FAILED", "absent", "struck",
        "expired", "busy", "no_terminal", "another_account", "live_account",
    )
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Connector:
    """A connector by its address. Each call has a connection of its own, so that none is lost to
    one that was kept open too long. ``seconds`` is less than a venue's callers wait.
    """

    url: str
    token: str = field(repr=False)
    seconds: float = 9.0

    async def read(self, path: str, *parameters: tuple[str, str]) -> Json:
        """What is shown there. Raises :class:`BrokerSilent` for every other answer and for none."""
        try:
            status, document, _ = await self._ask("GET", path, parameters=parameters)
        except ClientConnectorError as error:
            raise BrokerSilent(f"the connector cannot be reached: {error}") from error
        if status != 200:
            raise BrokerSilent(_words(document, status))
        return document

    async def write(self, path: str, body: Json, key: str, **headers: str) -> Json:
        """Do something under a key, once.

        Raises :class:`BrokerRefused` only where nothing can have been done: the connector says so,
        or no connection came about. A key that was given before is :class:`BrokerSilent`: what
        became of it is looked up.
        """
        try:
            status, document, replayed = await self._ask(
                "POST", path, body=body, headers={"Idempotency-Key": key, **headers}
            )
        except ClientConnectorError as error:
            raise BrokerRefused(f"the connector cannot be reached: {error}") from error
        if replayed:
            raise BrokerSilent(f"{key} was given before")
        if status == 200:
            return document
        if _code(document) in _PROVEN:
            raise BrokerRefused(_words(document, status))
        raise BrokerSilent(_words(document, status))

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        parameters: tuple[tuple[str, str], ...] = (),
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Json, bool]:
        named = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        data = None if body is None else encode(body).encode()
        if data is not None:
            named["Content-Type"] = "application/json"
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=self.seconds)) as session,
                session.request(
                    method, self.url.rstrip("/") + path, params=parameters, data=data,
                    headers=named, allow_redirects=False,
                ) as answer,
            ):  # fmt: skip
                return (
                    answer.status,
                    await _document(answer, self.token),
                    "Idempotency-Replayed" in answer.headers,
                )
        except ClientConnectorError:
            raise
        except (ClientError, TimeoutError, OSError, Broken) as error:
            raise BrokerSilent(f"the connector did not answer: {type(error).__name__}") from error


async def _document(answer: ClientResponse, token: str) -> Json:
    document = load(without(await answer.read(), (token,)))
    if not isinstance(document, dict):
        raise Broken("the answer is no object")
    return document


def place(name: str) -> str:
    """A key or a number as a part of a path."""
    return quote(name, safe="")


def _code(document: Json) -> str:
    error = document.get("error")
    return str(error.get("code", "")) if isinstance(error, dict) else ""


def _words(document: Json, status: int) -> str:
    error = document.get("error")
    told = error.get("message") if isinstance(error, dict) else None
    return str(told or f"the connector answered {status}")[:200]
