"""The HTTP API's application: every path, behind one guard."""

import asyncio
import logging
from collections.abc import Callable
from itertools import chain

from aiohttp import web

from bot.api import (
    approvals,
    auth,
    backtests,
    browse,
    commands,
    dashboard,
    data,
    events,
    history,
    ideas,
    judging,
    machine,
    provider,
    settings,
    signals,
    strategies,
    system,
    trading,
    webhooks,
)
from bot.api.guard import Guard, Next
from bot.api.openapi import document
from bot.api.probes import Probes
from bot.api.reading import LARGEST
from bot.api.routing import Route

log = logging.getLogger(__name__)

#: Every subject, in the order in which the document tells them.
SUBJECTS = (
    auth.routes,
    settings.routes,
    strategies.routes,
    ideas.routes,
    history.routes,
    dashboard.routes,
    trading.routes,
    data.routes,
    events.routes,
    system.routes,
    machine.routes,
    judging.routes,
    approvals.routes,
    commands.routes,
    signals.routes,
    provider.routes,
    webhooks.routes,
    backtests.routes,
)

#: So long a connection may say nothing, or not finish the head of a request.
KEEPALIVE_SECONDS = 10.0
#: So long the rest of a body is still read after its request was answered.
LINGER_SECONDS = 0.5


def routes() -> tuple[Route, ...]:
    """Every operation."""
    return tuple(chain.from_iterable(subject.found for subject in SUBJECTS))


def create_app(probes: Probes, guard: Guard) -> web.Application:
    """An application of all paths."""
    app = web.Application(client_max_size=LARGEST, middlewares=[guard.middleware])
    app.add_routes(probes.routes())
    for route in routes():
        app.router.add_route(route.method, route.path, guard.handler(route))
    told = document(routes())
    app.router.add_get("/v1/openapi.json", _always(lambda: web.json_response(told)))
    app.router.add_get("/v1/docs", _always(lambda: _page(browse.page(told))))
    return app


def _always(make: Callable[[], web.Response]) -> Next:
    async def answer(_: web.Request) -> web.Response:
        return make()

    return answer


def _page(text: str) -> web.Response:
    headers = {"Content-Security-Policy": browse.POLICY}
    return web.Response(text=text, content_type="text/html", headers=headers)


async def serve_api(app: web.Application, host: str, port: int) -> None:
    """Serve until cancelled; raises ``OSError`` when the address is taken."""
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=3,
        keepalive_timeout=KEEPALIVE_SECONDS,
        lingering_time=LINGER_SECONDS,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        log.info("the API listens on %s", runner.addresses[0])
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
