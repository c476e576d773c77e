"""The sandbox as tests and the demo use it: a Telegram with a bot and a few people in it."""

import asyncio
import contextlib
import copy
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.sandbox.dispatch import Dispatch
from bot.sandbox.errors import ApiError
from bot.sandbox.faults import Fault
from bot.sandbox.people import People
from bot.sandbox.server import create_app
from bot.sandbox.state import StateFile
from bot.sandbox.telegram import Telegram
from bot.sandbox.world import DEFAULT_PEOPLE, Person

Json = dict[str, Any]

LOOK_AGAIN = 0.02


class Sandbox(People):
    """With a token only this bot is let in; without one any well-formed token is the bot's.

    `strict` refuses requests that the Bot API's schema does not allow; they are recorded in
    `violations` either way. Floods are counted, and refused only with `enforce_flood`. Without
    `privacy_mode` the bot hears everything that is said in its groups. With a `state_file` chats,
    files and waiting updates survive a restart.
    """

    def __init__(
        self,
        *,
        token: str | None = None,
        people: Sequence[Person] = DEFAULT_PEOPLE,
        enforce_flood: bool = True,
        strict: bool = True,
        privacy_mode: bool = True,
        state_file: Path | None = None,
    ) -> None:
        try:
            super().__init__(Telegram.create(token, people, enforce_flood))
        except ApiError as error:
            raise ValueError(f"{token!r} is no bot token: {error.description}") from error
        self.telegram.account.me["can_read_all_group_messages"] = not privacy_mode
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
        chat = self.telegram.world.chat_of(user_id, chat_id)
        return self.telegram.account.commands_for(chat, self.telegram.world.users[user_id])

    @property
    def updates(self) -> list[Json]:
        """The updates made lately, the newest last, confirmed or not."""
        return list(self.telegram.queue.recent)

    @property
    def flood_violations(self) -> int:
        """How many calls sent more than Telegram allows, whether they were refused or not."""
        return self.telegram.flood.violations

    @property
    def flood_broken(self) -> dict[str, int]:
        """How many calls broke each limit: overall (30/s), chat (1/s), group (20/min)."""
        return dict(self.telegram.flood.broken)

    def reset_flood_counts(self) -> None:
        """What was sent so far still counts against the limits."""
        self.telegram.flood.reset_counts()

    async def push_to(self, url: str, secret: str = "", *, token: str) -> None:
        """Sets the bot's webhook as the bot itself would; ValueError says why not."""
        try:
            self.telegram.account.authorize(token)
        except ApiError as error:
            raise ValueError(error.description) from error
        wish = {"url": url, **({"secret_token": secret} if secret else {})}
        answer = await self._dispatch.call("setWebhook", wish, {})
        if not answer.body["ok"]:
            raise ValueError(answer.body["description"])

    def redeliver(self, times: int = 1, *, last: int = 1) -> list[Json]:
        """Gives the bot its `last` newest updates again, as after a lost confirmation."""
        return self.telegram.queue.redeliver_last(last, times)

    def age_query(self, query_id: str) -> None:
        """Makes one tap too old to be answered; `advance` ages everything."""
        self.telegram.account.age_query(query_id)

    def advance(self, seconds: float) -> None:
        """Moves the sandbox's clock: taps and updates grow old. A negative number sets it back."""
        self.telegram.clock.advance(seconds)

    def fault(
        self,
        method: str = "*",
        *,
        times: int = 1,
        code: int | None = None,
        description: str = "",
        retry_after: int | None = None,
        contains: str = "",
        parameters: Json | None = None,
        after: bool = False,
        disconnect: bool = False,
        delay: float = 0.0,
    ) -> None:
        """Makes the next `times` calls fail ("*": of any method but getUpdates).

        `contains` is looked for in the parameters. With `after` the call takes effect and only its
        answer is the error; with `disconnect` the connection is cut instead of an answer. With a
        `delay` (seconds) and no code the answer is right, and late.
        """
        fault = Fault(method, times, code, description, retry_after, contains)
        fault.parameters, fault.after = parameters or {}, after
        fault.disconnect, fault.delay = disconnect, delay
        self._dispatch.faults.add(fault)

    def clear_faults(self) -> None:
        self._dispatch.faults.clear()

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
