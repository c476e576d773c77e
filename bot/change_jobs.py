"""The jobs about proposals to change the configuration; each may run anywhere, and twice."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from bot.progress import Progress
from bot.views import search as views
from bot.wiring import Work
from bot.world import World, now
from engine.domain.optimizer_run import OptimizerRun

#: Seconds between two edits of the message.
_EDIT = 3.0

log = logging.getLogger(__name__)


@dataclass(eq=False, kw_only=True)
class Searching:
    """Shows a search in the message it was asked for in."""

    progress: Progress
    _edited: float = 0.0

    async def __call__(self, run: OptimizerRun) -> None:
        """How it stands now, not more often than people read."""
        if run.is_under_way and monotonic() - self._edited < _EDIT:
            return
        self._edited = monotonic()
        words = await self.progress.words(run.wish.by)
        name = await self._name(run)
        key = f"search:{run.id}:{run.done}:{run.state}"
        screen = views.progress(words, run, name, edit=True)
        await self.progress.show(key, run.wish.by, run.message_id, screen)

    async def _name(self, run: OptimizerRun) -> str:
        async with self.progress.store.begin() as tx:
            strategies = await tx.settings.strategies()
        return next((each.name for each in strategies if each.id == run.wish.strategy_id), "")


async def expire_changes(ctx: Mapping[str, Any]) -> None:
    """End proposals that nobody answered, or whose subject changed."""
    work: Work = ctx["work"]
    for id_ in await work.changes.expire():
        log.warning("proposal %s ended without an answer", id_)


async def remind_of_changes(ctx: Mapping[str, Any]) -> None:
    """Say that the time of a proposal is nearly over."""
    work: Work = ctx["work"]
    await work.changes.remind()


async def advise(ctx: Mapping[str, Any]) -> None:
    """Ask the advisor, in the hours that the settings say; asked once an hour."""
    world: World = ctx["world"]
    work: Work = ctx["work"]
    every = world.manner.every_hours
    if every is None or int(now().timestamp() // 3600) % every:
        return
    for made in await work.changes.advise():
        log.info("the advisor made proposal %s", made.id)
    await suggest(ctx)


async def suggest(ctx: Mapping[str, Any]) -> None:
    """Ask the language model what it would change, if there is one; one at a time in a process."""
    work: Work = ctx["work"]
    busy: set[str] = ctx["busy"]
    if work.suggest is None or "suggest" in busy:
        return
    busy.add("suggest")
    try:
        found = await work.suggest()
    finally:
        busy.discard("suggest")
    if found.proposal is None:
        log.info("the model's idea came to no proposal: %s", found.reason)
    else:
        log.info("the model made proposal %s", found.proposal.id)


async def optimize(ctx: Mapping[str, Any]) -> None:
    """Run the optimizer's search that waits, if one does, and show how far it is."""
    work: Work = ctx["work"]
    run = await work.changes.optimize(Searching(progress=ctx["progress"]))
    if run is not None:
        log.info("search %s of the optimizer has ended", run.id)
