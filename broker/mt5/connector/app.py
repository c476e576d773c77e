"""The connector's paths: bearer token, strict bodies, a deadline for every answer."""

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from aiohttp import web

from broker.mt5.connector.deeds import Closing, Deed, Modifying, Opening
from broker.mt5.connector.desk import Answer
from broker.mt5.connector.forms import (
    CloseForm,
    ModifyForm,
    OrderForm,
    body_of,
    count_of,
    instant_of,
    key_of,
    symbol_of,
    timeframe_of,
)
from broker.mt5.connector.link import Failed, Lost, NotConnected
from broker.mt5.connector.problems import Problem, invalid, unavailable, unknown
from broker.mt5.connector.service import Service
from broker.wire import encode

log = logging.getLogger(__name__)

SERVICE = web.AppKey("service", Service)

_LARGEST = 16 * 1024
_CANDLES, _DAYS, _QUOTES = 5_000, 366, 64
_LATE = Problem(504, "timeout", "the terminal did not answer in time")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_app(service: Service) -> web.Application:
    """The application; its worker lives as long as it does."""
    app = web.Application(middlewares=[_answers], client_max_size=_LARGEST)
    app[SERVICE] = service
    app.cleanup_ctx.append(_watched)
    app.add_routes(
        [
            web.post("/mt5/order", _order),
            web.get("/mt5/orders/{key}", _look_up_order),
            web.get("/mt5/changes/{key}", _look_up_change),
            web.post("/mt5/positions/{position}/close", _close),
            web.post("/mt5/positions/{position}/modify", _modify),
            web.get("/mt5/account", _account),
            web.get("/mt5/history", _history),
            web.get("/mt5/candles", _candles),
            web.get("/mt5/quote", _quote),
            web.get("/mt5/symbols", _symbols),
            web.get("/mt5/health", _health),
        ]
    )
    return app


async def _watched(app: web.Application) -> AsyncIterator[None]:
    service = app[SERVICE]
    watch = asyncio.ensure_future(service.watch())
    yield
    watch.cancel()
    with suppress(asyncio.CancelledError):
        await watch
    await service.close()


@web.middleware
async def _answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Nothing without the token; every problem in one shape; no word of what went wrong inside."""
    try:
        _must_know(request)
        return await handler(request)
    except Problem as problem:
        return _told(problem)
    except (Failed, Lost, NotConnected) as error:
        return _told(unavailable(str(error)))
    except web.HTTPException as error:
        code = "NOT_FOUND" if error.status in (404, 405) else "INVALID_INPUT"
        return _told(Problem(error.status, code, error.reason))
    except Exception:
        log.exception("%s %s", request.method, request.path)
        return _told(Problem(500, "INTERNAL", "see the connector's log"))


def _told(problem: Problem) -> web.Response:
    return _json(problem.document, problem.status)


def _must_know(request: web.Request) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    known = request.app[SERVICE].token.encode()
    told = token.strip().encode("utf-8", "surrogateescape")
    if not (hmac.compare_digest(told, known) and scheme.lower() == "bearer"):
        raise Problem(401, "UNAUTHORIZED", "the bearer token is missing or wrong")


def _json(document: Mapping[str, Any], status: int = 200, **headers: str) -> web.Response:
    return web.Response(
        text=encode(document), status=status, content_type="application/json", headers=headers
    )


# ---- what trades


async def _order(request: web.Request) -> web.Response:
    return await _do(request, Opening(OrderForm.read(body_of(await request.read()))))


async def _close(request: web.Request) -> web.Response:
    position = request.match_info["position"]
    return await _do(request, Closing(CloseForm.read(position, body_of(await request.read()))))


async def _modify(request: web.Request) -> web.Response:
    position = request.match_info["position"]
    return await _do(request, Modifying(ModifyForm.read(position, body_of(await request.read()))))


async def _do(request: web.Request, deed: Deed) -> web.Response:
    service, key = request.app[SERVICE], key_of(request.headers.get("Idempotency-Key"))
    _must_be_in_time(service, request.headers.get("Valid-Until"))
    work = service.desk.do(key, deed, service.until())
    answer: Answer = await service.within(work, unknown(key))
    replayed = {"Idempotency-Replayed": "true"} if answer.replayed else {}
    return _json(answer.document, answer.status, **replayed)


def _must_be_in_time(service: Service, until: str | None) -> None:
    if until is not None and not service.terminal.clock() <= instant_of(until, "Valid-Until"):
        raise Problem(422, "expired", "it came after the instant until which it was valid")


async def _look_up_order(request: web.Request) -> web.Response:
    return await _look_up(request, ("order",))


async def _look_up_change(request: web.Request) -> web.Response:
    return await _look_up(request, ("close", "modify"))


async def _look_up(request: web.Request, kinds: tuple[str, ...]) -> web.Response:
    service, key = request.app[SERVICE], key_of(request.match_info["key"])
    work = service.desk.look_up(key, kinds, service.until())
    return _json(await service.within(work, unknown(key)))


# ---- what is shown


async def _account(request: web.Request) -> web.Response:
    days = count_of(request.query.get("days"), "days", default=30, most=_DAYS)
    return await _read(request, request.app[SERVICE].reads.account(days))


async def _history(request: web.Request) -> web.Response:
    since: datetime = instant_of(request.query.get("since"), "since")
    return await _read(request, request.app[SERVICE].reads.history(since))


async def _candles(request: web.Request) -> web.Response:
    symbol = symbol_of(request.query.get("symbol"))
    timeframe = timeframe_of(request.query.get("timeframe"))
    count = count_of(request.query.get("count"), "count", default=300, most=_CANDLES)
    if count == 0:
        raise invalid("count", "must be above zero")
    return await _read(request, request.app[SERVICE].reads.candles(symbol, timeframe, count))


async def _quote(request: web.Request) -> web.Response:
    return await _read(request, request.app[SERVICE].reads.quotes(_names(request)))


async def _symbols(request: web.Request) -> web.Response:
    return await _read(request, request.app[SERVICE].reads.symbols(_names(request)))


def _names(request: web.Request) -> list[str]:
    names = [symbol_of(name) for name in request.query.getall("symbol", [])]
    if len(names) > _QUOTES:
        raise invalid("symbol", f"at most {_QUOTES} at once")
    return names


async def _read(request: web.Request, work: Awaitable[dict[str, Any]]) -> web.Response:
    return _json(await request.app[SERVICE].within(work, _LATE))


async def _health(request: web.Request) -> web.Response:
    return _json(request.app[SERVICE].health())
