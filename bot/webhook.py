"""Updates that Telegram brings itself: one route, which any web application can carry."""

import asyncio
import hmac
import json
import logging
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, NoReturn

from aiohttp import web
from pydantic import SecretStr

from bot.intake import Intake
from bot.webhook_settings import PATH

log = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 -- the name of a header
LARGEST_BODY = 1 << 20
_READ_SECONDS = 10.0
_STORE_SECONDS = 10.0
#: Wrong secrets are counted, and their number is logged so often.
_TOLD_SECONDS = 60.0


@dataclass(slots=True, kw_only=True)
class Webhook:
    """Takes updates from whoever knows the secret. Answers 200 only when an update is committed:
    anything else makes Telegram bring it again.
    """

    intake: Intake
    secret: SecretStr
    _refused: int = 0
    _told: float = field(default=-_TOLD_SECONDS)

    def add_to(self, app: web.Application) -> None:
        """Add the route to an application."""
        app.router.add_post(PATH, self.receive)

    async def receive(self, request: web.Request) -> web.Response:
        """One update: 200, or 401, 400, 413, 415, 500 with nothing told."""
        self._authorise(request)
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        update = read_update(await _body(request))
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                await self.intake.take([update])
        except Exception as error:
            log.error("update %s was not stored: %r", update["update_id"], error)
            raise web.HTTPInternalServerError from error
        return web.Response()

    def _authorise(self, request: web.Request) -> None:
        given = request.headers.getall(SECRET_HEADER, [])
        wanted = self.secret.get_secret_value().encode()
        known = [
            hmac.compare_digest(one.encode("utf-8", "surrogateescape"), wanted) for one in given
        ]
        if known == [True]:
            return
        self._refused += 1
        if monotonic() - self._told >= _TOLD_SECONDS:
            log.warning("the webhook refused %s requests without its secret", self._refused)
            self._refused, self._told = 0, monotonic()
        raise web.HTTPUnauthorized


def build_app(webhook: Webhook) -> web.Application:
    """An application with this route and nothing else."""
    app = web.Application(client_max_size=LARGEST_BODY)
    webhook.add_to(app)
    return app


async def _body(request: web.Request) -> bytes:
    """The body, unless it is longer than any update or comes too slowly."""
    body = bytearray()
    try:
        async with asyncio.timeout(_READ_SECONDS):
            async for chunk in request.content.iter_chunked(1 << 16):
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise web.HTTPRequestEntityTooLarge(LARGEST_BODY, len(body))
    except TimeoutError as error:
        raise web.HTTPRequestTimeout from error
    return bytes(body)


def read_update(body: bytes) -> dict[str, Any]:
    """An update from strict JSON; raises ``HTTPBadRequest`` for anything else."""
    try:
        update = json.loads(
            body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number
        )
    except (ValueError, RecursionError) as error:
        raise web.HTTPBadRequest from error
    id_ = update.get("update_id") if isinstance(update, dict) else None
    if type(id_) is not int or not 0 <= id_ < 1 << 63:
        raise web.HTTPBadRequest
    return dict(update)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two values under one name may be read as either; an update has no such thing."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")
