"""The HTTP API's application, served."""

import asyncio
import logging

from aiohttp import web

from bot.api.probes import Probes

log = logging.getLogger(__name__)

_LARGEST_BODY = 1 << 20


def create_app(probes: Probes) -> web.Application:
    """An application of all paths."""
    app = web.Application(client_max_size=_LARGEST_BODY)
    app.add_routes(probes.routes())
    return app


async def serve_api(app: web.Application, host: str, port: int) -> None:
    """Serve until cancelled; raises ``OSError`` when the address is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=3)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        log.info("the API listens on %s", runner.addresses[0])
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
