"""Lanes: each person's updates one after the other, people side by side, a few at a time."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from storage.inbox import Waiting

Handle = Callable[[Waiting], Awaitable[None]]


class Lanes:
    """Updates that wait in memory; the inbox keeps them until they are handled.

    ``width`` workers take one update of a person, then of the next person: a pile of one does not
    hold up another. ``handle`` raises nothing.
    """

    def __init__(self, handle: Handle, *, width: int) -> None:
        self._handle = handle
        self._width = width
        self._lanes: dict[int | None, deque[Waiting]] = {}
        self._ready: asyncio.Queue[int | None] = asyncio.Queue()
        self._known: set[int] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._open = True

    def start(self, group: asyncio.TaskGroup) -> "list[asyncio.Task[None]]":
        """Start the workers; ``group`` owns them, and they work until they are cancelled."""
        return [group.create_task(self._work()) for _ in range(self._width)]

    def offer(self, update: Waiting) -> bool:
        """Put an update at the end of its sender's lane; False when it is in it already."""
        if update.update_id in self._known or not self._open:
            return False
        self._known.add(update.update_id)
        self._idle.clear()
        lane = self._lanes.get(update.person_id)
        if lane is None:
            self._lanes[update.person_id] = deque([update])
            self._ready.put_nowait(update.person_id)
        else:
            lane.append(update)
        return True

    async def idle(self) -> None:
        """Wait until nothing waits and nothing is under way."""
        await self._idle.wait()

    async def close(self) -> None:
        """Begin nothing more, and wait for what is begun; the rest stays in the inbox."""
        self._open = False
        waiting = sum(len(lane) for lane in self._lanes.values())
        begun = len(self._known) - waiting
        for lane in self._lanes.values():
            self._known -= {update.update_id for update in lane}
            lane.clear()
        if begun == 0:
            self._idle.set()
        await self._idle.wait()

    async def _work(self) -> None:
        while True:
            person_id = await self._ready.get()
            lane = self._lanes[person_id]
            if lane:
                # A lane keeps its place here while one of it is handled: nothing of it overtakes.
                update = lane.popleft()
                try:
                    await self._handle(update)
                finally:
                    self._known.discard(update.update_id)
            if lane:
                self._ready.put_nowait(person_id)
            else:
                del self._lanes[person_id]
            if not self._known:
                self._idle.set()
