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
# After so long a silence the numbers begin anew somewhere.
SILENCE = 7 * 86400
RECENT = 1000


@dataclass(frozen=True, slots=True)
class Waiting:
    update: Json
    expires: float


class UpdateQueue:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.waiting: deque[Waiting] = deque()
        self.next_id = _any_start()
        # What was made lately, delivered or not; and what is to be delivered once more.
        self.recent: deque[Json] = deque(maxlen=RECENT)
        self.again: deque[Json] = deque()
        self._last_made = clock.now()
        self.allowed: set[str] | None = None
        self.arrived = asyncio.Event()
        self._poller: asyncio.Future[None] | None = None
        self._changed: Callable[[], None] = lambda: None

    def on_confirm(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def wants(self, kind: str) -> bool:
        return kind not in OFF_BY_DEFAULT if self.allowed is None else kind in self.allowed

    def allow(self, kinds: Sequence[str] | None) -> None:
        """Remembered until changed; an empty list means the default kinds again."""
        if kinds is not None:
            self.allowed = set(kinds) or None

    def push(self, kind: str, content: Json) -> Json:
        now = self._clock.now()
        if now - self._last_made > SILENCE:
            self.next_id += _any_start()
        self._last_made = now
        update = {"update_id": self.next_id, kind: content}
        self.recent.append(update)
        self.next_id += 1
        ttl = CALLBACK_TTL if kind == "callback_query" else DEFAULT_TTL
        self.waiting.append(Waiting(update, now + ttl))
        self.arrived.set()
        return update

    def redeliver_last(self, count: int, times: int) -> list[Json]:
        """Hands out again what the bot has had, as after a lost confirmation."""
        updates = list(self.recent)[-count:]
        self.again.extend(update for _ in range(times) for update in updates)
        self.arrived.set()
        return updates

    def pending(self) -> list[Json]:
        now = self._clock.now()
        self.waiting = deque(item for item in self.waiting if item.expires > now)
        return [item.update for item in self.waiting]

    def next(self) -> Json | None:
        """What a webhook is to be told now."""
        return next(itertools.chain(self.again, self.pending()), None)

    def delivered(self, update: Json) -> None:
        """The webhook has taken it."""
        if self.again and self.again[0] is update:
            self.again.popleft()
        else:
            self.confirm(update["update_id"] + 1)

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
                if self.again:
                    return self._take_again(count)
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

    def _take_again(self, count: int) -> list[Json]:
        """Of several copies of one update only the first: a request never holds one twice."""
        taken: dict[int, Json] = {}
        while self.again and len(taken) < count and self.again[0]["update_id"] not in taken:
            update = self.again.popleft()
            taken[update["update_id"]] = update
        return list(taken.values())

    async def _wait(self, poller: "asyncio.Future[None]", seconds: float) -> None:
        self.arrived.clear()
        arrival = asyncio.ensure_future(self.arrived.wait())
        either: set[asyncio.Future[Any]] = {arrival, poller}
        try:
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            arrival.cancel()


def _any_start() -> int:
    return random.randint(10**6, 10**8)  # noqa: S311 - any number will do
