"""The sandbox as tests and the demo use it: a Telegram with a bot and a few people in it."""

import asyncio
import contextlib
import copy
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.sandbox import person
from bot.sandbox.dispatch import Dispatch
from bot.sandbox.faults import Fault
from bot.sandbox.server import create_app
from bot.sandbox.state import StateFile
from bot.sandbox.telegram import Telegram
from bot.sandbox.world import DEFAULT_PEOPLE, Person, Upload

Json = dict[str, Any]

LOOK_AGAIN = 0.02


class Sandbox:
    """With a token only this bot is let in; without one any well-formed token is the bot's.

    `strict` refuses requests that the Bot API's schema does not allow; they are recorded in
    `violations` either way. With a `state_file` chats, files and waiting updates survive a restart.
    """

    def __init__(
        self,
        *,
        token: str | None = None,
        people: Sequence[Person] = DEFAULT_PEOPLE,
        enforce_flood: bool = True,
        strict: bool = True,
        state_file: Path | None = None,
    ) -> None:
        self.telegram = Telegram.create(token, people, enforce_flood)
        self._dispatch = Dispatch(self.telegram, strict=strict)
        self._state = StateFile(state_file, self.telegram) if state_file else None

    @property
    def violations(self) -> list[Json]:
        """Breaches of the schema, of requests and of the sandbox's own updates and answers."""
        return self.telegram.violations

    @property
    def calls(self) -> deque[Json]:
        """The calls of the Bot API: at, method, params, files, status, description, result."""
        return self._dispatch.calls

    @property
    def answers(self) -> dict[str, Json]:
        """What the bot answered to taps, by query id: text, show_alert, url."""
        return self.telegram.answers

    @property
    def pending(self) -> int:
        """How many updates the bot has not confirmed."""
        return len(self.telegram.queue.pending())

    def app(self) -> web.Application:
        return create_app(self.telegram, self._dispatch, on_start=self._start, on_close=self._close)

    def messages(self, chat_id: int) -> list[Json]:
        posts = self.telegram.world.chats[chat_id].posts
        return [copy.deepcopy(post.message) for post in posts.values()]

    def pins(self, chat_id: int) -> list[int]:
        return list(self.telegram.world.chats[chat_id].pins)

    def commands(self, user_id: int, *, chat_id: int | None = None) -> list[Json]:
        """The command list this person sees, by scope and language."""
        chat = person.chat_of(self.telegram, user_id, chat_id)
        return self.telegram.account.commands_for(chat, self.telegram.world.users[user_id])

    async def send(
        self, user_id: int, text: str, *, chat_id: int | None = None, reply_to: int | None = None
    ) -> Json:
        """A person writes; returns the message."""
        options = {"reply_parameters": {"message_id": reply_to}} if reply_to else {}
        chat = person.chat_of(self.telegram, user_id, chat_id)
        return copy.deepcopy(person.write(self.telegram, user_id, chat, text, options).message)

    async def tap(
        self,
        user_id: int,
        message_id: int,
        *,
        chat_id: int | None = None,
        label: str | None = None,
        data: str | None = None,
    ) -> str:
        """A person taps the button with this label; `data` alone may also forge one.

        Returns the query id, by which the bot's answer is found in `answers`.
        """
        chat = person.chat_of(self.telegram, user_id, chat_id)
        found = person.find_button(chat, message_id, label, data)
        if found is None and (data is None or label is not None):
            raise LookupError(f"message {message_id} has no button {label or 'to tap'!r}")
        return person.tap(self.telegram, user_id, chat, message_id, found or data or "")

    async def upload(
        self, user_id: int, file: Upload, *, chat_id: int | None = None, caption: str = ""
    ) -> Json:
        """A person sends a picture or a file; returns the message."""
        chat = person.chat_of(self.telegram, user_id, chat_id)
        post = person.upload(self.telegram, user_id, chat, file, caption)
        return copy.deepcopy(post.message)

    async def edit(
        self, user_id: int, message_id: int, text: str, *, chat_id: int | None = None
    ) -> None:
        """A person changes what they wrote."""
        chat = person.chat_of(self.telegram, user_id, chat_id)
        person.rewrite(self.telegram, chat, message_id, text)

    async def react(
        self, user_id: int, message_id: int, emoji: str, *, chat_id: int | None = None
    ) -> None:
        chat = person.chat_of(self.telegram, user_id, chat_id)
        person.react(self.telegram, user_id, chat, message_id, emoji)

    async def stop_draft(self, user_id: int, draft_id: int) -> None:
        person.stop_draft(self.telegram, user_id, draft_id)

    async def block(self, user_id: int, *, blocked: bool = True) -> None:
        """A person blocks the bot, or lets it write again."""
        person.block(self.telegram, user_id, blocked=blocked)

    def promote(self, chat_id: int, user_id: int | None = None) -> None:
        """Makes somebody (without a number: the bot) an administrator of a group."""
        chat = self.telegram.world.chats[chat_id]
        if user_id is None:
            chat.bot_is_admin = True
        else:
            chat.admins.add(user_id)

    def advance(self, seconds: float) -> None:
        """Moves the sandbox's clock forward: taps and updates grow old."""
        self.telegram.clock.advance(seconds)

    def fault(
        self,
        method: str = "*",
        *,
        times: int = 1,
        code: int = 500,
        description: str = "Internal Server Error",
        retry_after: int | None = None,
        contains: str = "",
        parameters: Json | None = None,
        after: bool = False,
        disconnect: bool = False,
    ) -> None:
        """Makes the next `times` calls fail ("*": of any method but getUpdates).

        `contains` is looked for in the parameters. With `after` the call takes effect and only its
        answer is the error; with `disconnect` the connection is cut instead of an answer.
        """
        fault = Fault(method, times, code, description, retry_after, contains)
        fault.parameters, fault.after, fault.disconnect = parameters or {}, after, disconnect
        self._dispatch.faults.add(fault)

    async def wait_for(self, condition: Callable[[], Any], *, seconds: float = 5.0) -> Any:
        """Waits until `condition()` is true; returns what it gave, or raises TimeoutError.

        It is looked at with every change here, and now and then for what changes elsewhere.
        """
        events = self.telegram.hub.listen()
        try:
            async with asyncio.timeout(seconds):
                while not (found := condition()):
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(events.get(), LOOK_AGAIN)
                return found
        finally:
            self.telegram.hub.leave(events)

    async def _start(self) -> None:
        telegram = self.telegram
        telegram.webhook.start(telegram.queue, telegram.clock, self._dispatch.call)

    async def _close(self) -> None:
        self.telegram.queue.interrupt(None)
        await self.telegram.webhook.stop()
        self.telegram.hub.close()
        if self._state:
            self._state.close()
