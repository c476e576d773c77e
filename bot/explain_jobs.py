"""Ideas are explained beside the trading, by a task of each worker.

It is no job of the queue: a model that hangs takes no place that trading needs. The job is its
bell, and ends at once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from engine.flow.explaining import ExplainIdeas

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explaining:
    """Looks for what is due when it is rung for, and every few seconds. ``longest`` is for all of
    a look: what it cuts off is due again when its claim has run out. ``get_ready`` comes before
    all of them, so that no order goes out beside it.
    """

    explain: ExplainIdeas
    get_ready: Callable[[], Awaitable[None]] | None = None
    rung: asyncio.Event = field(default_factory=asyncio.Event)
    every: float = 5.0
    longest: float = 600.0

    async def run(self) -> None:
        """Until it is cancelled."""
        if self.get_ready is not None:
            await self.get_ready()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.every):
                    await self.rung.wait()
            self.rung.clear()
            await self.look()

    async def look(self) -> None:
        """Explain what is due."""
        try:
            async with asyncio.timeout(self.longest):
                explained = await self.explain()
        except TimeoutError:
            log.warning("the language model kept us for %.0f s", self.longest)
            return
        if explained:
            log.info("the language model was asked about %d ideas", len(explained))


async def explain_ideas(ctx: Mapping[str, Any]) -> None:
    """Wake whoever explains ideas in this worker; there is nobody where no model is used."""
    rung: asyncio.Event = ctx["explaining"]
    rung.set()
