"""The endpoint of the Expert Advisor: five paths of an aiohttp application. See PROTOCOL.md."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from typing import Any

from aiohttp import web

from ea import wire
from ea.answers import Pace, command_of, milliseconds, settings_of
from engine.domain.terminal import Beat, Result, ResultStatus
from engine.errors import Refusal, TerminalRefused, TraderError
from engine.flow.admission import Caller
from engine.flow.bridge import HearTerminal, OfferCommands, TakeResult
from engine.flow.terminal_sync import TakeSnapshot
from engine.flow.terminals import RegisterTerminal, Registration

log = logging.getLogger(__name__)

Json = dict[str, Any]
Handler = Callable[["Endpoint", web.Request, bytes, Json], Awaitable[Json]]

_STATUS = {
    Refusal.UNAUTHORIZED: 401,
    Refusal.CODE_REFUSED: 403,
    Refusal.ACCOUNT_REFUSED: 403,
    Refusal.ANOTHER_INSTANCE: 409,
    Refusal.SLOW_DOWN: 429,
}
_ANOTHER = "Another terminal trades this account."
#: Seconds a body may take to arrive.
_PATIENCE = 10.0


class TooLarge(Exception):
    """A body over the limit."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The use cases behind the paths. ``behind_proxy`` takes a caller's address from the last
    entry of ``X-Forwarded-For``; only where a proxy of one's own writes it.
    """

    register: RegisterTerminal
    hear: HearTerminal
    offer: OfferCommands
    take_result: TakeResult
    take_snapshot: TakeSnapshot
    pace: Pace
    behind_proxy: bool = False

    def routes(self) -> list[web.RouteDef]:
        """The paths, to be added to any application."""
        return [web.post(path, self._route(path, handler)) for path, handler in _HANDLERS.items()]

    def _route(self, path: str, handler: Handler) -> Callable[[web.Request], Awaitable[Any]]:
        async def answer(request: web.Request) -> web.Response:
            return await _guarded(self, path, handler, request)

        return answer

    def address(self, request: web.Request) -> str:
        """Where a request comes from, for counting guesses."""
        # A proxy may add its entry to the caller's line, or a line of its own behind it.
        forwarded = request.headers.getall("X-Forwarded-For", [""])[-1] if self.behind_proxy else ""
        return forwarded.rpartition(",")[2].strip() or request.remote or ""


def create_app(endpoint: Endpoint) -> web.Application:
    """An application of the five paths alone."""
    app = web.Application(client_max_size=wire.LARGEST)
    app.add_routes(endpoint.routes())
    return app


async def _guarded(
    endpoint: Endpoint, path: str, handler: Handler, request: web.Request
) -> web.Response:
    """Read, check, handle; whatever goes wrong becomes a status and a code, never a secret."""
    try:
        body = await _body(request)
        document = wire.load(body)
        wire.check(path, document)
        return _json(200, await handler(endpoint, request, body, document))
    except TooLarge:
        return _error(413, "too_large", f"A request has at most {wire.LARGEST} bytes.")
    except wire.Broken as problem:
        log.warning("%s was refused: %s", path, problem)
        return _error(400, "bad_request", str(problem))
    except wire.Unsupported:
        return _error(426, "unsupported_protocol", f"This server speaks version {wire.VERSION}.")
    except TerminalRefused as refusal:
        text = _ANOTHER if refusal.why is Refusal.ANOTHER_INSTANCE else str(refusal)
        return _error(_STATUS[refusal.why], str(refusal.why), text)
    except TraderError as problem:
        log.warning("%s failed: %s", path, problem)
        return _error(503, "unavailable", "")
    except Exception:
        log.exception("%s failed", path)
        return _error(503, "unavailable", "")


async def _body(request: web.Request) -> bytes:
    """The body; raises :class:`TooLarge` before more than the limit is kept."""
    if (request.content_length or 0) > wire.LARGEST:
        raise TooLarge
    if request.content.is_eof():
        # All of it is here, and a small one almost always is: nothing has to be waited for.
        body = await request.content.read()
        if len(body) > wire.LARGEST:
            raise TooLarge
        return body
    parts, size = [], 0
    try:
        async with asyncio.timeout(_PATIENCE):
            while part := await request.content.readany():
                size += len(part)
                if size > wire.LARGEST:
                    raise TooLarge
                parts.append(part)
    except (TimeoutError, ConnectionError):
        raise wire.Broken("the body did not arrive") from None
    return b"".join(parts)


def _json(status: int, document: Json) -> web.Response:
    return web.Response(
        status=status, body=wire.encode(document).encode(), content_type="application/json"
    )


def _error(status: int, code: str, message: str) -> web.Response:
    response = _json(status, {"error": {"code": code, "message": message[:256]}})
    if status == 429:
        response.headers["Retry-After"] = "60"
    return response


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        raise TerminalRefused(
            Refusal.UNAUTHORIZED, "This terminal is not known. Make a connect code with /ea."
        )
    return token


def _caller(request: web.Request, document: Json) -> Caller:
    return Caller(token=_token(request), instance=document["instance"], run=document["run"])


async def _register(endpoint: Endpoint, request: web.Request, _: bytes, document: Json) -> Json:
    asked = Registration(**{field.name: document[field.name] for field in fields(Registration)})
    found = await endpoint.register(asked, endpoint.address(request))
    return {
        "now_ms": milliseconds(found.now),
        "token": found.token,
        "magic_base": found.terminal.magic_base,
        "settings": settings_of(found.terminal.wishes, endpoint.pace, paused=found.paused),
    }


async def _heartbeat(endpoint: Endpoint, request: web.Request, _: bytes, document: Json) -> Json:
    told = {f.name: document[f.name] for f in fields(Beat) if f.name in document}
    beat = Beat(**{**told, **wire.decimals(document, "equity"), "skew_seconds": 0})
    who = (document["login"], document["server"])
    found = await endpoint.hear(_caller(request, document), who, document["gmt"], beat)
    return {
        "now_ms": milliseconds(found.now),
        "settings": settings_of(found.terminal.wishes, endpoint.pace, paused=found.paused),
    }


async def _sync(endpoint: Endpoint, request: web.Request, body: bytes, document: Json) -> Json:
    now = await endpoint.take_snapshot(_caller(request, document), body, document)
    return {"now_ms": milliseconds(now), "sync_no": document["sync_no"]}


async def _execute(endpoint: Endpoint, request: web.Request, _: bytes, document: Json) -> Json:
    now, commands = await endpoint.offer(
        _caller(request, document),
        limit=document["max"],
        hold_ms=document["hold_ms"],
        opens=document["opens"],
        busy=document["busy"],
    )
    return {
        "now_ms": milliseconds(now),
        "commands": [command_of(command) for command in commands],
    }


async def _result(endpoint: Endpoint, request: web.Request, _: bytes, document: Json) -> Json:
    told = {field.name: document[field.name] for field in fields(Result)}
    figures = wire.decimals(document, "volume", "price", "remaining", "sl", "tp")
    result = Result(**{**told, **figures, "status": ResultStatus(document["status"])})
    taken = await endpoint.take_result(
        _token(request), document["id"], document["seq"], document["type"], result
    )
    return {
        "now_ms": milliseconds(taken.now),
        "known": taken.known,
        "duplicate": taken.duplicate,
    }


_HANDLERS: dict[str, Handler] = {
    "/ea/register": _register,
    "/ea/heartbeat": _heartbeat,
    "/ea/sync": _sync,
    "/ea/execute": _execute,
    "/ea/result": _result,
}
