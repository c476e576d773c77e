"""The worker's share of sweeps: one shard at a time, in a process of its own."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID

from bot.progress import Progress
from bot.views import sweep as views
from engine.research.sweeping import ReadSweep, WorkSweep

#: Seconds between two edits of the message.
_EDIT = 3.0

log = logging.getLogger(__name__)


@dataclass(eq=False, kw_only=True)
class Sweeper:
    """Plays shards until none waits, and shows how far their sweeps are; a worker has one."""

    work: WorkSweep
    progress: Progress
    _here: asyncio.Lock = field(default_factory=asyncio.Lock)
    _edited: float = 0.0

    async def __call__(self) -> None:
        """Another call meanwhile leaves them to this one."""
        if self._here.locked():
            return
        async with self._here:
            while (shard := await self.work()) is not None:
                log.info("run %d of sweep %s is played", shard.number, shard.sweep_id)
                await self._show(shard.sweep_id)

    async def _show(self, id_: UUID) -> None:
        sweep, shards = await ReadSweep(store=self.progress.store)(None, id_)
        if not sweep.is_over and monotonic() - self._edited < _EDIT:
            return
        self._edited = monotonic()
        words = await self.progress.words(sweep.person_id)
        key = f"sweep:{id_}:{sweep.message_id}:{sweep.done + sweep.failed}:{sweep.cancelled}"
        screen = views.progress(words, sweep, shards, edit=True)
        await self.progress.show(key, sweep.person_id, sweep.message_id, screen)


async def play_shards(ctx: Mapping[str, Any]) -> None:
    """Play the shards that wait."""
    await ctx["sweeper"]()
