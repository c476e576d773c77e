"""Tells everyone who watches (the page, the saved state, waiting tests) what has changed."""

import asyncio
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

# A page that does not read for so long is cut off and loads everything anew.
BACKLOG = 1000


class Hub:
    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[Json | None]] = set()
        self._watchers: list[Callable[[], None]] = []

    def watch(self, watcher: Callable[[], None]) -> None:
        """Called after every change, without saying which."""
        self._watchers.append(watcher)

    def listen(self) -> asyncio.Queue[Json | None]:
        """A queue of events; None at its end means: you are too slow, or the server closes."""
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self._listeners.add(queue)
        return queue

    def leave(self, queue: asyncio.Queue[Json | None]) -> None:
        self._listeners.discard(queue)

    def emit(self, kind: str, **data: Any) -> None:
        event = {"kind": kind, **data}
        for queue in list(self._listeners):
            if queue.qsize() >= BACKLOG:
                self._end(queue)
            else:
                queue.put_nowait(event)
        for watcher in self._watchers:
            watcher()

    def close(self) -> None:
        for queue in list(self._listeners):
            self._end(queue)

    def _end(self, queue: asyncio.Queue[Json | None]) -> None:
        self.leave(queue)
        queue.put_nowait(None)
