"""/sim/*: what the page (or a script) does on behalf of a person, and the stream of events."""

import asyncio
import base64
import binascii
import contextlib
import mimetypes
from collections.abc import Callable
from typing import Any

from aiohttp import web

from bot.sandbox import person
from bot.sandbox.dispatch import Dispatch, shown_call
from bot.sandbox.errors import ApiError
from bot.sandbox.faults import Fault
from bot.sandbox.telegram import Telegram
from bot.sandbox.view import page_state
from bot.sandbox.world import Chat, Upload

Json = dict[str, Any]

CALLS_SHOWN = 200


class Sim:
    def __init__(self, telegram: Telegram, dispatch: Dispatch) -> None:
        self._telegram = telegram
        self._dispatch = dispatch
        self._actions: dict[str, Callable[[Json], Json]] = {
            "send": self._send,
            "tap": self._tap,
            "upload": self._upload,
            "edit": self._edit,
            "react": self._react,
            "stop_draft": self._stop_draft,
            "block": self._block,
            "webapp": self._web_app,
            "fault": self._fault,
            "advance": self._advance,
        }

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/sim/state", self._state)
        router.add_get("/sim/log", self._log)
        router.add_post("/sim/{action}", self._act)
        router.add_get("/events", self._events)

    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response(page_state(self._telegram))

    async def _log(self, _: web.Request) -> web.Response:
        calls = list(self._dispatch.calls)[-CALLS_SHOWN:]
        return web.json_response({"calls": [shown_call(call) for call in calls]})

    async def _act(self, request: web.Request) -> web.Response:
        """A wrong request is answered with {"error": ...} and 400."""
        action = self._actions.get(request.match_info["action"])
        if action is None:
            raise web.HTTPNotFound
        try:
            wish = await request.json()
            if not isinstance(wish, dict):
                raise TypeError("an object is expected")
            return web.json_response(action(wish))
        except ApiError as error:
            return web.json_response({"error": error.description}, status=400)
        except (LookupError, TypeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)

    def _chat(self, wish: Json) -> Chat:
        return person.chat_of(self._telegram, wish["user"], wish.get("chat"))

    def _send(self, wish: Json) -> Json:
        options: Json = {}
        if wish.get("reply_to"):
            options["reply_parameters"] = {"message_id": wish["reply_to"]}
        if wish.get("thread"):
            options["message_thread_id"] = wish["thread"]
        post = person.write(
            self._telegram, wish["user"], self._chat(wish), str(wish["text"]), options
        )
        return {"message_id": post.message["message_id"]}

    def _tap(self, wish: Json) -> Json:
        chat, label, data = self._chat(wish), wish.get("label"), wish.get("data")
        found = person.find_button(chat, wish["message_id"], label, data)
        if found is None:
            raise LookupError("no such button")
        query = person.tap(self._telegram, wish["user"], chat, wish["message_id"], found)
        return {"query": query}

    def _upload(self, wish: Json) -> Json:
        try:
            data = base64.b64decode(wish["data"], validate=True)
        except binascii.Error as error:
            raise ValueError("the file is not base64") from error
        name = str(wish.get("name", "photo.png"))
        mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
        post = person.upload(
            self._telegram,
            wish["user"],
            self._chat(wish),
            Upload(name, mime, data),
            str(wish.get("caption", "")),
        )
        return {"message_id": post.message["message_id"]}

    def _edit(self, wish: Json) -> Json:
        person.rewrite(self._telegram, self._chat(wish), wish["message_id"], str(wish["text"]))
        return {}

    def _react(self, wish: Json) -> Json:
        chat = self._chat(wish)
        person.react(self._telegram, wish["user"], chat, wish["message_id"], wish["emoji"])
        return {}

    def _stop_draft(self, wish: Json) -> Json:
        person.stop_draft(self._telegram, wish["user"], wish["draft_id"])
        return {}

    def _block(self, wish: Json) -> Json:
        person.block(self._telegram, wish["user"], blocked=bool(wish.get("blocked", True)))
        return {}

    def _web_app(self, wish: Json) -> Json:
        return {"init_data": person.web_app_data(self._telegram, wish["user"])}

    def _fault(self, wish: Json) -> Json:
        self._dispatch.faults.add(Fault(**wish))
        return {}

    def _advance(self, wish: Json) -> Json:
        self._telegram.clock.advance(float(wish["seconds"]))
        return {}

    async def _events(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        events = self._telegram.hub.listen()
        reader = asyncio.create_task(_until_closed(socket, events))
        try:
            while (event := await events.get()) is not None:
                await socket.send_json(event)
        except ConnectionError:
            pass
        finally:
            self._telegram.hub.leave(events)
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader
            await socket.close()
        return socket


async def _until_closed(
    socket: web.WebSocketResponse, events: "asyncio.Queue[Json | None]"
) -> None:
    """Nothing is read from the page; its end ends the stream of events."""
    async for _ in socket:
        pass
    events.put_nowait(None)
