"""What goes wrong, as source 004 §9.1 writes it: a code, a sentence, and the facts."""

import re
from decimal import Decimal
from typing import Any

from aiohttp import web
from pydantic import Field, ValidationError

from bot.api.fields import Told
from engine.domain.exact import written
from engine.errors import (
    BrokerRefused,
    BrokerSilent,
    FeedError,
    HistoryBroken,
    IllegalMove,
    InvalidInput,
    NoEncryptionKey,
    NotAllowed,
    NotFound,
    NotKnown,
    ProviderUnavailable,
    SecretUnreadable,
    TokenRefused,
    TooManyTries,
    TraderError,
)
from engine.snapshot.canonical import plain

_LONGEST = 400
_DECIMAL = re.compile(r"Decimal\('([^']*)'\)")
_PLAINER = (
    ("Value error, ", ""),
    ("Input should be", "must be"),
    ("Field required", "is missing"),
    ("Extra inputs are not permitted", "is no field of this body"),
    (" after validation", ""),
)
#: From the special to the general: the first that fits.
_STATUS: tuple[tuple[type[TraderError], int], ...] = (
    (NoEncryptionKey, 409),
    (InvalidInput, 400),
    (NotKnown, 401),
    (NotAllowed, 403),
    (NotFound, 404),
    (IllegalMove, 409),
    (TooManyTries, 429),
    (BrokerRefused, 502),
    (BrokerSilent, 503),
    (FeedError, 503),
    (HistoryBroken, 503),
    (TokenRefused, 502),
    (ProviderUnavailable, 503),
    (SecretUnreadable, 503),
)


class Fault(Told):
    """What went wrong. ``code`` is for machines and stays, ``message`` is for people."""

    code: str
    message: str
    details: dict[str, Any] = Field(default_factory=dict)


class ErrorBody(Told):
    """Every answer that is not the one that was hoped for."""

    error: Fault


class Problem(Exception):
    """An answer that HTTP itself knows: a status, a code, a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def response_of(status: int, code: str, message: str, **details: Any) -> web.Response:
    """An answer in the form of every error."""
    body = {"error": {"code": code, "message": message[:_LONGEST], "details": _shown(details)}}
    return web.Response(status=status, text=written(body), content_type="application/json")


def answer_to(error: TraderError) -> web.Response:
    """What a use case refused, with its own code and facts."""
    status = next((number for kind, number in _STATUS if isinstance(error, kind)), 500)
    code = {401: "UNAUTHORIZED", 403: "FORBIDDEN"}.get(status, error.code)
    response = response_of(status, code, str(error), **error.details)
    if isinstance(error, TooManyTries):
        response.headers["Retry-After"] = "60"
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="ai-trader"'
    return response


def invalid(found: list[tuple[str, str]]) -> web.Response:
    """Values that do not fit: each with its place, never with what was sent."""
    message = "; ".join(f"{where}: {what}" for where, what in found[:5])
    fields = [{"field": where, "problem": what} for where, what in found[:20]]
    return response_of(400, "INVALID_INPUT", message, fields=fields)


def places(error: ValidationError, *before: str) -> list[tuple[str, str]]:
    """Where a model's values do not fit, and why."""
    return [
        (".".join((*before, *(str(part) for part in one["loc"])))[:120], _plainly(one["msg"])[:200])
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _plainly(message: str) -> str:
    """What pydantic says of a value, without the names of Python's types and of its own parts."""
    message = _DECIMAL.sub(lambda found: f"{Decimal(found[1]):f}", message)
    for its, ours in _PLAINER:
        message = message.replace(its, ours)
    return message


def _shown(details: dict[str, Any]) -> Any:
    """Facts as JSON has them; what it has no form for is told as a text."""
    return {name: _value(value) for name, value in details.items()}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _value(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_value(part) for part in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    shown = plain(value)
    return shown if isinstance(shown, int | str) else str(value)
