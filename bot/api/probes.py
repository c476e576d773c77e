"""Is it alive, is it ready, how does it do: three paths for orchestrators and monitors."""

import asyncio
import logging
from dataclasses import dataclass, field
from importlib.metadata import version
from time import monotonic
from typing import Any

from aiohttp import web

from bot.api import metrics
from engine.flow.readiness import CheckReadiness, Standing
from storage.measures import measures

log = logging.getLogger(__name__)

#: Probes that come together are answered by one look.
_SAME_SECONDS = 0.5
_SCRAPE_SECONDS = 5.0


@dataclass(slots=True, kw_only=True)
class Probes:
    """``/health`` needs nothing; ``/ready`` says what is missing; ``/metrics`` is for Prometheus.

    None of them tells a secret, a price or a name: they may be asked without a credential, on the
    address where they listen.
    """

    check_readiness: CheckReadiness
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _seen: tuple[Standing, ...] = ()
    _seen_at: float = float("-inf")

    def routes(self) -> list[web.RouteDef]:
        """The paths, to be added to any application."""
        return [
            web.get("/health", self.health),
            web.get("/ready", self.ready),
            web.get("/metrics", self.metrics),
        ]

    async def health(self, _: web.Request) -> web.Response:
        """200 while this process answers at all."""
        return _json({"status": "ok", "version": version("ai-trader")})

    async def ready(self, _: web.Request) -> web.Response:
        """200 when everything that trading needs is there, else 503; both say what is there."""
        found = await self._look()
        is_ready = all(standing.problem is None for standing in found)
        checks = {standing.name: _told(standing) for standing in found}
        body = {"status": "ready" if is_ready else "not_ready", "checks": checks}
        return _json(body, status=200 if is_ready else 503)

    async def metrics(self, _: web.Request) -> web.Response:
        """503 without the database: numbers that are not known are not made up."""
        try:
            async with asyncio.timeout(_SCRAPE_SECONDS):
                found = await measures()
        except Exception as error:
            log.warning("the measures could not be read: %s", type(error).__name__)
            return web.Response(status=503, text="the database does not answer\n")
        body = metrics.text(found)
        return web.Response(body=body, headers={"Content-Type": metrics.CONTENT_TYPE})

    async def _look(self) -> tuple[Standing, ...]:
        async with self._looking:
            if monotonic() - self._seen_at >= _SAME_SECONDS:
                self._seen = await self.check_readiness()
                self._seen_at = monotonic()
            return self._seen


def _told(standing: Standing) -> dict[str, Any]:
    if standing.problem is None:
        return {"ok": True}
    return {"ok": False, "problem": standing.problem, **dict(standing.facts)}


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.json_response(body, status=status, headers={"Cache-Control": "no-store"})
