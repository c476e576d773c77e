"""/sim/*: what the page (or a script) does on behalf of a person, and the stream of events."""

import asyncio
import base64
import binascii
import contextlib
import mimetypes
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.sandbox.dispatch import Dispatch, shown_call
from bot.sandbox.errors import ApiError
from bot.sandbox.faults import Fault
from bot.sandbox.people import People
from bot.sandbox.person import find_button
from bot.sandbox.senders import As
from bot.sandbox.telegram import Telegram
from bot.sandbox.view import page_state
from bot.sandbox.world import Upload

Json = dict[str, Any]

CALLS_SHOWN = 200


class Sim:
    def __init__(self, telegram: Telegram, dispatch: Dispatch) -> None:
        self._telegram = telegram
        self._dispatch = dispatch
        self._people = People(telegram)
        self._actions: dict[str, Callable[[Json], Awaitable[Json]]] = {
            "send": self._send,
            "tap": self._tap,
            "upload": self._upload,
            "edit": self._edit,
            "react": self._react,
            "stop_draft": self._stop_draft,
            "block": self._block,
            "webapp": self._web_app,
            "press_webapp": self._press_web_app,
            "fault": self._fault,
            "advance": self._advance,
            "age_query": self._age_query,
            "redeliver": self._redeliver,
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
            return web.json_response(await action(wish))
        except ApiError as error:
            return web.json_response({"error": error.description}, status=400)
        except (LookupError, TypeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)

    async def _send(self, wish: Json) -> Json:
        message = await self._people.send(
            wish["user"],
            str(wish["text"]),
            chat_id=wish.get("chat"),
            reply_to=wish.get("reply_to"),
            thread=wish.get("thread"),
            sender=wish.get("sender", As.PERSON),
            forwarded_from=wish.get("forwarded_from"),
            ago=float(wish.get("ago", 0)),
        )
        return {"message_id": message["message_id"]}

    async def _tap(self, wish: Json) -> Json:
        """The button must be there, unless `forge` is true: then `data` is all that counts."""
        label, data = wish.get("label"), wish.get("data")
        chat = self._telegram.world.chat_of(wish["user"], wish.get("chat"))
        forged = bool(wish.get("forge"))
        if not forged and find_button(chat, wish["message_id"], label, data) is None:
            raise LookupError("no such button")
        query = await self._people.tap(
            wish["user"],
            wish["message_id"],
            chat_id=wish.get("chat"),
            label=None if forged else label,
            data=data,
            inaccessible=bool(wish.get("inaccessible")),
        )
        return {"query": query}

    async def _upload(self, wish: Json) -> Json:
        try:
            data = base64.b64decode(wish["data"], validate=True)
        except binascii.Error as error:
            raise ValueError("the file is not base64") from error
        name = str(wish.get("name", "photo.png"))
        mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
        message = await self._people.upload(
            wish["user"],
            Upload(name, mime, data),
            chat_id=wish.get("chat"),
            caption=str(wish.get("caption", "")),
        )
        return {"message_id": message["message_id"]}

    async def _edit(self, wish: Json) -> Json:
        await self._people.edit(
            wish["user"], wish["message_id"], str(wish["text"]), chat_id=wish.get("chat")
        )
        return {}

    async def _react(self, wish: Json) -> Json:
        await self._people.react(
            wish["user"], wish["message_id"], str(wish["emoji"]), chat_id=wish.get("chat")
        )
        return {}

    async def _stop_draft(self, wish: Json) -> Json:
        await self._people.stop_draft(wish["user"], wish["draft_id"])
        return {}

    async def _block(self, wish: Json) -> Json:
        await self._people.block(wish["user"], blocked=bool(wish.get("blocked", True)))
        return {}

    async def _web_app(self, wish: Json) -> Json:
        ago, start = float(wish.get("ago", 0)), str(wish.get("start", ""))
        return {"init_data": self._people.web_app_data(wish["user"], ago=ago, start=start)}

    async def _press_web_app(self, wish: Json) -> Json:
        message = await self._people.press_web_app(
            wish["user"], str(wish["button"]), str(wish["data"]), chat_id=wish.get("chat")
        )
        return {"message_id": message["message_id"]}

    async def _fault(self, wish: Json) -> Json:
        self._dispatch.faults.add(Fault(**wish))
        return {}

    async def _advance(self, wish: Json) -> Json:
        self._telegram.clock.advance(float(wish["seconds"]))
        return {}

    async def _age_query(self, wish: Json) -> Json:
        self._telegram.account.age_query(str(wish["query"]))
        return {}

    async def _redeliver(self, wish: Json) -> Json:
        updates = self._telegram.queue.redeliver_last(
            int(wish.get("last", 1)), int(wish.get("times", 1))
        )
        return {"update_ids": [update["update_id"] for update in updates]}

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
