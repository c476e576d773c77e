"""How every server of ours listens: the API, the Expert Advisor's endpoint, the webhook's."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

#: Connections that may wait to be accepted. Of a burst of more, the kernel lets some believe that
#: they are connected while nobody here knows of them (SYN cookies).
BACKLOG = 4_096


@asynccontextmanager
async def listening(
    app: web.Application,
    host: str,
    port: int,
    *,
    patience: float,
    tls: ssl.SSLContext | None = None,
    **kept: Any,
) -> AsyncIterator[tuple[str, int]]:
    """Serve for the length of the block, at the address it yields; port 0 takes a free one.

    At the end no more is accepted, and what is being answered has ``patience`` seconds. ``kept``
    says how connections are kept, in aiohttp's words. Raises ``OSError`` when the address is taken.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=patience, **kept)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=tls, backlog=BACKLOG).start()
        yield runner.addresses[0][:2]
    finally:
        await runner.cleanup()
