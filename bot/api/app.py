"""The HTTP API's application: every path, behind one guard."""

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import cache
from itertools import chain
from types import MappingProxyType
from typing import Any

from aiohttp import web

from bot.api import (
    approvals,
    ask,
    auth,
    backtests,
    browse,
    by_hand,
    changes,
    commands,
    dashboard,
    data,
    deliveries,
    events,
    history,
    ideas,
    judging,
    machine,
    models,
    optimizer,
    provider,
    settings,
    signals,
    strategies,
    sweeps,
    system,
    trading,
    versions,
    webhooks,
)
from bot.api.guard import Guard, Next
from bot.api.openapi import document
from bot.api.probes import Probes
from bot.api.reading import LARGEST
from bot.api.routing import Route
from bot.listening import listening as listen

log = logging.getLogger(__name__)

#: Every subject, in the order in which the document tells them.
SUBJECTS = (
    auth.routes,
    settings.routes,
    strategies.routes,
    ideas.routes,
    history.routes,
    ask.routes,
    dashboard.routes,
    trading.routes,
    by_hand.routes,
    data.routes,
    events.routes,
    system.routes,
    machine.routes,
    judging.routes,
    approvals.routes,
    changes.routes,
    optimizer.routes,
    versions.routes,
    commands.routes,
    signals.routes,
    models.routes,
    provider.routes,
    webhooks.routes,
    deliveries.routes,
    backtests.routes,
    sweeps.routes,
)

#: How connections are kept: so many seconds one may say nothing, or not finish the head of a
#: request; so long the rest of a body is still read after its request was answered; and nothing is
#: unpacked, as what is packed is refused.
KEPT: MappingProxyType[str, Any] = MappingProxyType(
    {"keepalive_timeout": 9.0, "lingering_time": 0.5, "auto_decompress": False}
)


def routes() -> tuple[Route, ...]:
    """Every operation."""
    return tuple(chain.from_iterable(subject.found for subject in SUBJECTS))


@cache
def _told() -> dict[str, Any]:
    return document(routes())


def create_app(probes: Probes, guard: Guard) -> web.Application:
    """An application of all paths."""
    app = web.Application(client_max_size=LARGEST, middlewares=[guard.middleware])
    app.add_routes(probes.routes())
    for route in routes():
        app.router.add_route(route.method, route.path, guard.handler(route))
    told = _told()
    # Written once: they are large, and everybody may ask for them.
    text = cache(lambda: json.dumps(told).encode())
    page = cache(lambda: browse.page(told).encode())
    app.router.add_get("/v1/openapi.json", _always(lambda: _document(text())))
    app.router.add_get("/v1/docs", _always(lambda: _page(page())))
    return app


def _always(make: Callable[[], web.Response]) -> Next:
    async def answer(_: web.Request) -> web.Response:
        return make()

    return answer


def _document(text: bytes) -> web.Response:
    return web.Response(body=text, content_type="application/json", charset="utf-8")


def _page(text: bytes) -> web.Response:
    headers = {"Content-Security-Policy": browse.POLICY}
    return web.Response(body=text, content_type="text/html", charset="utf-8", headers=headers)


async def serve_api(app: web.Application, host: str, port: int) -> None:
    """Serve until cancelled; raises ``OSError`` when the address is taken."""
    async with listening(app, host, port) as address:
        log.info("the API listens on %s", address)
        await asyncio.Event().wait()


def listening(
    app: web.Application, host: str, port: int
) -> AbstractAsyncContextManager[tuple[str, int]]:
    """Serve for the length of the block, at the address it yields; port 0 takes a free one."""
    return listen(app, host, port, patience=3.0, **KEPT)
