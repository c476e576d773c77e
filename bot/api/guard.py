"""What stands before every path: a number for the request, who asks, whether they may, and the
form of everything that goes wrong.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from re import compile as pattern
from time import perf_counter

import structlog
from aiohttp import web
from tortoise.exceptions import DBConnectionError

from bot.api.credentials import Credentials
from bot.api.problems import Problem, answer_to, response_of
from bot.api.routing import Call, Route
from bot.api.uses import Uses
from engine.errors import NotAllowed, NotKnown, TraderError

log = logging.getLogger(__name__)

_NUMBER = pattern(r"[A-Za-z0-9_-]{8,64}")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "interest-cohort=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
#: Seconds in which a caller has to read an answer.
_READING = 9.0
#: What a database that goes away is told by.
_GONE = (ConnectionError, TimeoutError, DBConnectionError)

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """``behind_proxy`` takes a caller's address from the last entry of ``X-Forwarded-For``; only
    where a proxy of one's own writes it.
    """

    uses: Uses
    credentials: Credentials
    new_number: Callable[[], str]
    behind_proxy: bool = False

    def handler(self, route: Route) -> Next:
        """A route as aiohttp calls it."""

        async def answer(request: web.Request) -> web.StreamResponse:
            who = await self.credentials(request) if route.role is not None else None
            if route.role is not None:
                if who is None:
                    raise NotKnown("log in first, or send a key as X-API-Key")
                if who.role.rank < route.role.rank:
                    raise NotAllowed(
                        f"this needs the role {route.role}; this {who.means} has {who.role}",
                        needs=str(route.role),
                    )
                structlog.contextvars.bind_contextvars(person=who.person.id)
            elif route.changes:
                self.credentials.must_be_ours(request)
            call = Call(uses=self.uses, request=request, who=who, address=self.address(request))
            return await route(call)

        return answer

    def address(self, request: web.Request) -> str:
        """Where a request comes from, for counting guesses."""
        # A proxy may add its entry to the caller's line, or a line of its own behind it.
        forwarded = request.headers.getall("X-Forwarded-For", [""])[-1] if self.behind_proxy else ""
        return forwarded.rpartition(",")[2].strip() or request.remote or ""

    @web.middleware
    async def middleware(self, request: web.Request, handler: Next) -> web.StreamResponse:
        """Every answer passes here, also the ones for paths that there are not."""
        given = request.headers.get("X-Request-Id", "")
        number = given if _NUMBER.fullmatch(given) else self.new_number()
        began = perf_counter()
        with structlog.contextvars.bound_contextvars(request=number):
            response = await _answered(request, handler)
            resource = request.match_info.route.resource
            log.info(
                "%s %s: %s in %.0f ms",
                request.method,
                "?" if resource is None else resource.canonical,
                response.status,
                (perf_counter() - began) * 1000,
            )
        if not response.prepared:
            response.headers["X-Request-Id"] = number
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
        await _sent(request, response)
        return response


async def _sent(request: web.Request, response: web.StreamResponse) -> None:
    """Send it; who does not read what was asked for is cut off, and keeps no memory of ours."""
    try:
        # Who is gone already is aiohttp's to tell.
        with suppress(ConnectionError):
            async with asyncio.timeout(_READING):
                await response.prepare(request)
                await response.write_eof()
    except TimeoutError:
        log.warning("%s: an answer was not read in time", request.remote)
        if request.transport is not None:
            request.transport.abort()


async def _answered(request: web.Request, handler: Next) -> web.StreamResponse:
    try:
        return await handler(request)
    except TraderError as error:
        return answer_to(error)
    except Problem as problem:
        return response_of(problem.status, problem.code, str(problem))
    except web.HTTPMethodNotAllowed as error:
        response = response_of(405, "METHOD_NOT_ALLOWED", "this path does not do that")
        response.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
        return response
    except web.HTTPNotFound:
        return response_of(404, "NOT_FOUND", "there is no such path; see /v1/docs")
    except web.HTTPException as error:
        return response_of(error.status, "INVALID_INPUT", error.reason)
    except _GONE as error:
        log.warning("%s failed: %s", request.path, type(error).__name__)
        return response_of(503, "UNAVAILABLE", "something this needs does not answer; try again")
    except Exception:
        log.exception("%s failed", request.path)
        return response_of(500, "INTERNAL", "this failed here; the log has it by its request id")
