"""Deliver what is due: one row of a chat at a time, many chats side by side."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from time import monotonic

from telegram import Bot

from bot.courier.calls import Calls
from bot.courier.compose import Compose
from bot.courier.settle import Settle
from bot.documents import Write
from bot.drawing import Draw
from bot.limiter import Limiter
from bot.notices import Render
from engine.flow.notices import MarkUnreachable
from engine.ports import Store
from storage.outbox import Delivery, PostgresDeliveries
from storage.sole import Sole

log = logging.getLogger(__name__)

_ROUND_SECONDS = 15.0
_LOOK_SECONDS = 0.25
#: How often rows are looked for that somebody left under way.
_LEFT_SECONDS = 1.0
#: A call under way is given so long to be answered when the courier has to stop.
_GRACE_SECONDS = 2.0
#: So many calls under way at once: after a crash each of them has to be looked up.
_SIDE_BY_SIDE = 8

Work = Callable[[Delivery], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """Deliver everything that is due, one courier at a time, the most urgent first. ``ready`` is
    set once Telegram was reached. ``settle_seconds`` is how long a call whose answer is lost may
    still take effect.
    """

    settle: Settle
    sole: Sole
    ready: asyncio.Event
    settle_seconds: float = 2.0

    async def deliver(self) -> int:
        """Send what is due; the answer is how many rows were taken up.

        Ends by itself before a worker's job would be cut off in mid-send.
        """
        async with self.sole.try_enter() as mine:
            if not (mine and self.ready.is_set()):
                return 0
            return await _Round(self).run(monotonic() + _ROUND_SECONDS)


def build_courier(
    *,
    bot: Bot,
    store: Store,
    render: Render,
    draw: Draw,
    write: Write,
    sole: Sole,
    ready: asyncio.Event,
    limiter: Limiter | None = None,
    settle_seconds: float = 2.0,
) -> Courier:
    """A courier over an open database that sends with this client of Telegram."""
    deliveries = PostgresDeliveries()
    compose = Compose(deliveries=deliveries, store=store, render=render, draw=draw, write=write)
    settle = Settle(
        deliveries=deliveries,
        compose=compose,
        calls=Calls(bot),
        limiter=limiter or Limiter(),
        mark_unreachable=MarkUnreachable(store=store),
    )
    return Courier(settle=settle, sole=sole, ready=ready, settle_seconds=settle_seconds)


@dataclass(slots=True)
class _Round:
    """Some seconds of work by the one courier."""

    courier: Courier
    busy: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)
    taken: int = 0
    look_for_left: float = 0.0

    async def run(self, ends: float) -> int:
        try:
            while monotonic() < ends:
                await self._take_up()
                if self.busy:
                    await self._one_done()
                elif not await self._rest(ends):
                    break
            await self._all_done()
        except asyncio.CancelledError:
            await self._let_go()
            raise
        return self.taken

    async def _take_up(self) -> None:
        """Begin with the most urgent rows of chats that are free."""
        settle, room = self.courier.settle, _SIDE_BY_SIDE - len(self.busy)
        if room <= 0:
            return
        if monotonic() >= self.look_for_left:
            self.look_for_left = monotonic() + _LEFT_SECONDS
            old = self.courier.settle_seconds
            left = await settle.deliveries.left(self.busy, older_than=old, limit=room)
            self._start(left, settle.resume)
        limits, room = settle.limiter.limits, _SIDE_BY_SIDE - len(self.busy)
        if room > 0:
            due = await settle.deliveries.due(self.busy, limits.chat, limits.group, room)
            self._start(due, settle.begin)

    def _start(self, rows: Collection[Delivery], work: Work) -> None:
        loop = asyncio.get_running_loop()
        for row in rows:
            self.busy[row.chat_id] = loop.create_task(_quietly(work, row))
        self.taken += len(rows)

    async def _one_done(self) -> None:
        await asyncio.wait(
            self.busy.values(), timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        self.busy = {chat: task for chat, task in self.busy.items() if not task.done()}

    async def _rest(self, ends: float) -> bool:
        """Wait until a limit or a pause lets the next row go; False when none will in time."""
        limits = self.courier.settle.limiter.limits
        wait = await self.courier.settle.deliveries.next_in(
            limits.chat, limits.group, self.courier.settle_seconds
        )
        if wait is None or monotonic() + wait > ends:
            return False
        await asyncio.sleep(min(_LOOK_SECONDS, max(0.01, wait)))
        return True

    async def _all_done(self) -> None:
        if self.busy:
            await asyncio.wait(self.busy.values())

    async def _let_go(self) -> None:
        """Calls under way get a moment to be answered; what is cut off is looked up later."""
        if self.busy:
            await asyncio.wait(self.busy.values(), timeout=_GRACE_SECONDS)
        for task in self.busy.values():
            task.cancel()
        await asyncio.gather(*self.busy.values(), return_exceptions=True)


async def _quietly(work: Work, row: Delivery) -> None:
    """What one row meets must not stop the others; its state says what is to be done."""
    try:
        await work(row)
    except Exception:
        log.exception("row %s was left as it is", row.id)
