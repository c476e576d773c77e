"""Answers what waits in the inbox: people side by side, each in order, halts before everything."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from aiogram import Bot, Dispatcher

from bot.handling import Handling
from bot.lanes import Lanes
from bot.taps import Taps
from engine.ports import Bell
from storage.heartbeats import beat
from storage.inbox import PostgresInbox, Waiting
from storage.outbox import PostgresDeliveries

#: How many people are answered at once, and how many who stop something besides. Together they are
#: fewer than the database's connections, so that a halt never waits for one.
PEOPLE, HALTS = 5, 2
#: How many updates of one person are taken up at once, and of all people.
EACH, ALL = 10, 200
_LOOK_SECONDS = 1.0
#: What is begun when the process ends may take this long. The whole product is to be gone within
#: ten seconds, and after this it still closes what it has open, embedded servers among it.
_LAST_SECONDS = 5.0


@dataclass(slots=True)
class _Shift:
    """What runs while the answerer does."""

    lanes: Lanes
    halts: Lanes
    taps: Taps
    more: bool = False

    def offer(self, update: Waiting) -> bool:
        """Put an update into its lane; its spinner is watched from now on."""
        taken = (self.halts if update.urgent else self.lanes).offer(update)
        query = update.document.get("callback_query")
        if taken and query is not None:
            self.taps.arrived(query["id"])
        return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """Handle stored updates. ``arrived`` wakes it; without it, it looks every second."""

    bot: Bot
    dispatcher: Dispatcher
    inbox: PostgresInbox
    deliveries: PostgresDeliveries
    bell: Bell
    arrived: asyncio.Event
    people: int = PEOPLE
    last_seconds: float = _LAST_SECONDS

    async def run(self) -> None:
        """Work for ever. When it is told to end, what is begun ends first."""
        async with self._shift() as shift:
            beaten = 0.0
            while True:
                self.arrived.clear()
                await self._take_up(shift)
                if monotonic() - beaten >= _LOOK_SECONDS:
                    await beat("bot")
                    beaten = monotonic()
                try:
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self.arrived.wait()
                except TimeoutError:
                    continue

    async def drain(self) -> None:
        """Handle everything that waits."""
        async with self._shift() as shift:
            while await self._take_up(shift):
                await shift.halts.idle()
                await shift.lanes.idle()

    async def _take_up(self, shift: _Shift) -> int:
        """Put what waits into the lanes; the answer is how many updates were new there."""
        found = await self.inbox.waiting(each=EACH, limit=ALL)
        piles = Counter((update.person_id, update.urgent) for update in found)
        shift.more = len(found) == ALL or EACH in piles.values()
        return sum(shift.offer(update) for update in found)

    @asynccontextmanager
    async def _shift(self) -> AsyncIterator[_Shift]:
        async with asyncio.TaskGroup() as group:
            taps = Taps(self.bot, group)
            handling = Handling(
                bot=self.bot,
                dispatcher=self.dispatcher,
                inbox=self.inbox,
                deliveries=self.deliveries,
                bell=self.bell,
                taps=taps,
            )

            async def handle(update: Waiting) -> None:
                await handling(update)
                if shift.more:
                    self.arrived.set()

            shift = _Shift(Lanes(handle, width=self.people), Lanes(handle, width=HALTS), taps)
            workers = [*shift.lanes.start(group), *shift.halts.start(group)]
            try:
                yield shift
            finally:
                await self._end(shift, workers)

    async def _end(self, shift: _Shift, workers: list[asyncio.Task[Any]]) -> None:
        """Begin nothing more; what is begun ends, or is left for the next start."""
        try:
            async with asyncio.timeout(self.last_seconds):
                await shift.halts.close()
                await shift.lanes.close()
        except TimeoutError:
            pass
        finally:
            shift.taps.close()
            for worker in workers:
                worker.cancel()
