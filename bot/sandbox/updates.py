"""The queue of updates a bot has not confirmed, and what getUpdates does with it."""

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.errors import OTHER_POLLER, ApiError, conflict

Json = dict[str, Any]

OFF_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
# From tdlib/telegram-bot-api, Client.cpp: a tap that waits longer is dropped.
CALLBACK_TTL = 150
DEFAULT_TTL = 86400
LONGEST_POLL = 50
LARGEST_BATCH = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    update: Json
    expires: float


class UpdateQueue:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.waiting: deque[Waiting] = deque()
        self.next_id = random.randint(10**6, 10**8)  # noqa: S311 - any start will do
        self.allowed: set[str] | None = None
        self.arrived = asyncio.Event()
        self._poller: asyncio.Future[None] | None = None
        self._changed: Callable[[], None] = lambda: None

    def on_confirm(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    @property
    def polled(self) -> bool:
        """Whether a getUpdates request waits here now."""
        return self._poller is not None and not self._poller.done()

    def wants(self, kind: str) -> bool:
        return kind not in OFF_BY_DEFAULT if self.allowed is None else kind in self.allowed

    def allow(self, kinds: Sequence[str] | None) -> None:
        """Remembered until changed; an empty list means the default kinds again."""
        if kinds is not None:
            self.allowed = set(kinds) or None

    def push(self, kind: str, content: Json) -> Json:
        update = {"update_id": self.next_id, kind: content}
        self.next_id += 1
        ttl = CALLBACK_TTL if kind == "callback_query" else DEFAULT_TTL
        self.waiting.append(Waiting(update, self._clock.now() + ttl))
        self.arrived.set()
        return update

    def pending(self) -> list[Json]:
        now = self._clock.now()
        self.waiting = deque(item for item in self.waiting if item.expires > now)
        return [item.update for item in self.waiting]

    def confirm(self, offset: int) -> None:
        """Forgets everything before `offset`; a negative one keeps that many from the end."""
        before = len(self.waiting)
        while offset < 0 and len(self.waiting) > -offset:
            self.waiting.popleft()
        while offset > 0 and self.waiting and self.waiting[0].update["update_id"] < offset:
            self.waiting.popleft()
        if len(self.waiting) != before:
            self._changed()

    def clear(self) -> None:
        self.waiting.clear()

    def interrupt(self, error: ApiError | None) -> None:
        """Ends the waiting request, with a conflict or (None) with what there is."""
        if self._poller is None or self._poller.done():
            return
        if error is None:
            self._poller.set_result(None)
        else:
            self._poller.set_exception(error)

    async def poll(self, offset: int, limit: int, timeout: int) -> list[Json]:  # noqa: ASYNC109
        """One getUpdates request; the timeout is the protocol's own, in seconds."""
        self.interrupt(conflict(OTHER_POLLER))
        loop = asyncio.get_running_loop()
        poller = self._poller = loop.create_future()
        poller.add_done_callback(lambda done: done.cancelled() or done.exception())
        deadline = loop.time() + min(max(timeout, 0), LONGEST_POLL)
        count = min(max(limit, 1), LARGEST_BATCH)
        try:
            while True:
                self.confirm(offset)
                updates = list(itertools.islice(self.pending(), count))
                left = deadline - loop.time()
                if updates or left <= 0:
                    return updates
                await self._wait(poller, left)
                if poller.done():
                    poller.result()
                    return self.pending()[:count]
        finally:
            poller.cancel()

    async def _wait(self, poller: "asyncio.Future[None]", seconds: float) -> None:
        self.arrived.clear()
        arrival = asyncio.ensure_future(self.arrived.wait())
        either: set[asyncio.Future[Any]] = {arrival, poller}
        try:
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            arrival.cancel()
