"""The HTTP side: the Bot API, the page, and what the page does on behalf of people."""

import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, web

from bot.sandbox.dispatch import Answer, Dispatch
from bot.sandbox.errors import ApiError
from bot.sandbox.faults import Disconnected
from bot.sandbox.guard import guard
from bot.sandbox.parts import read_part
from bot.sandbox.sim import Sim
from bot.sandbox.telegram import Telegram
from bot.sandbox.world import Upload

Json = dict[str, Any]
Hook = Callable[[], Awaitable[None]]

log = logging.getLogger(__name__)

PAGE = Path(__file__).with_name("page")
LARGEST_REQUEST = 64 << 20
IMAGES = {"image/png", "image/jpeg"}


def create_app(
    telegram: Telegram, dispatch: Dispatch, *, on_start: Hook, on_close: Hook
) -> web.Application:
    app = web.Application(client_max_size=LARGEST_REQUEST, middlewares=[guard])
    bot_api = BotApi(telegram, dispatch)
    app.router.add_route("*", r"/bot{token:[^/]+}/{method:[^/]+}", bot_api.call)
    app.router.add_route("*", r"/bot{token:[^/]+}/{method:[^/]+}/", bot_api.call)
    app.router.add_get(r"/file/bot{token:[^/]+}/{path:.+}", bot_api.file)
    app.router.add_get("/blob/{id}", bot_api.blob)
    app.router.add_get("/", _page)
    app.router.add_static("/page/", PAGE)
    Sim(telegram, dispatch).add_routes(app.router)

    async def start(_: web.Application) -> None:
        await on_start()

    async def close(_: web.Application) -> None:
        await on_close()

    app.on_startup.append(start)
    app.on_shutdown.append(close)
    return app


async def _page(_: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html")


class BotApi:
    def __init__(self, telegram: Telegram, dispatch: Dispatch) -> None:
        self._telegram = telegram
        self._dispatch = dispatch

    async def call(self, request: web.Request) -> web.StreamResponse:
        try:
            self._telegram.account.authorize(request.match_info["token"])
            parameters, files = await _read(request)
            answer = await self._dispatch.call(request.match_info["method"], parameters, files)
        except ApiError as error:
            answer = _refusal(error)
        except web.HTTPRequestEntityTooLarge:
            answer = _refusal(ApiError(413, "Request Entity Too Large"))
        except ConnectionError:
            # Whoever called is gone, in the middle of the call: nobody is there to be answered.
            raise web.HTTPBadRequest from None
        except Disconnected:
            if request.transport is not None:
                request.transport.close()
            raise web.HTTPInternalServerError from None
        except Exception as error:
            if request.transport is None or request.transport.is_closing():
                # Gone in the middle of a file, which its reader tells in words of its own.
                raise web.HTTPBadRequest from error
            # The sandbox's own mistake must neither look like Telegram's silence nor be lost.
            method = request.match_info["method"]
            log.exception("the sandbox failed in %s", method)
            self._telegram.blame(f"own failure in {method}", ["see the log"])
            answer = _refusal(ApiError(500, "Internal Server Error"))
        return web.json_response(answer.body, status=answer.status, headers=answer.headers)

    async def file(self, request: web.Request) -> web.Response:
        try:
            self._telegram.account.authorize(request.match_info["token"])
        except ApiError:
            raise web.HTTPNotFound from None
        stored = self._telegram.world.files.at(request.match_info["path"])
        if stored is None:
            raise web.HTTPNotFound
        return web.Response(body=stored.data, content_type="application/octet-stream")

    async def blob(self, request: web.Request) -> web.Response:
        """A file for the page; only pictures are shown, everything else is downloaded."""
        stored = self._telegram.world.files.get(request.match_info["id"])
        if stored is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": "private, max-age=31536000, immutable"}
        if stored.mime in IMAGES or stored.path.startswith("photos/"):
            mime = "image/png" if stored.data.startswith(b"\x89PNG") else "image/jpeg"
            return web.Response(body=stored.data, content_type=mime, headers=headers)
        headers["Content-Disposition"] = "attachment"
        mime = "application/octet-stream"
        return web.Response(body=stored.data, content_type=mime, headers=headers)


def _refusal(error: ApiError) -> Answer:
    body = {"ok": False, "error_code": error.code, "description": error.description}
    return Answer(error.code, body)


async def _read(request: web.Request) -> tuple[Json, dict[str, Upload]]:
    """Parameters come in the query, as a form, as multipart or as JSON, in any mixture."""
    parameters: Json = dict(request.query)
    files: dict[str, Upload] = {}
    if not request.can_read_body:
        return parameters, files
    if request.content_type == "application/json":
        document: object = None
        with contextlib.suppress(ValueError):
            document = await request.json()
        if not isinstance(document, dict):
            raise ApiError(400, "Bad Request: can't parse JSON object")
        return parameters | document, files
    if request.content_type.startswith("multipart/"):
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader):
                await read_part(part, parameters, files)
        return parameters, files
    return parameters | dict(await request.post()), files
