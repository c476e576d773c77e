"""Being woken by the database: one connection per process that listens."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

log = logging.getLogger(__name__)

#: A notification may be lost with its connection: whoever waits looks again after so long.
_LOOK_SECONDS = 0.5


class Listener:
    """The port ``Signals`` over LISTEN and NOTIFY. A topic is ``channel`` or ``channel:payload``.

    The connection is opened when first needed, and again when it was lost. Without one, waiting
    is looking every half second.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._channels: set[str] = set()
        self._opening = asyncio.Lock()
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @asynccontextmanager
    async def listen(self, topic: str) -> AsyncIterator["Hearing"]:
        """Hear a topic until the end of the block."""
        hearing = Hearing(asyncio.Event())
        self._waiting[topic].add(hearing.event)
        try:
            await self._subscribe(topic.partition(":")[0])
            yield hearing
        finally:
            self._waiting[topic].discard(hearing.event)
            if not self._waiting[topic]:
                del self._waiting[topic]

    async def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            await self._connection.close()

    async def _subscribe(self, channel: str) -> None:
        async with self._opening:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._channels.clear()
                    self._connection = await asyncpg.connect(self._url)
                if channel not in self._channels:
                    await self._connection.add_listener(channel, self._heard)
                    self._channels.add(channel)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("not listening to the database: %s", type(error).__name__)

    def _heard(self, _: Any, __: int, channel: str, payload: object) -> None:
        for topic in (channel, f"{channel}:{payload}"):
            for event in self._waiting.get(topic, ()):
                event.set()


class Hearing:
    """The port ``Wait``."""

    def __init__(self, event: asyncio.Event) -> None:
        self.event = event

    async def __call__(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(min(seconds, _LOOK_SECONDS)):
                await self.event.wait()
        except TimeoutError:
            return
        self.event.clear()
