"""The job that has ideas explained: beside the trading, and never more than one in a process."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from bot.wiring import Work

log = logging.getLogger(__name__)


async def explain_ideas(ctx: Mapping[str, Any]) -> None:
    """Explain what is due; may run anywhere and twice. A model that hangs holds up one job of a
    worker and no other: who finds it under way leaves what is due to it, or to the next look.
    """
    work: Work = ctx["work"]
    busy: asyncio.Lock = ctx["explaining"]
    if work.explain_ideas is None or busy.locked():
        return
    async with busy:
        explained = await work.explain_ideas()
    if explained:
        log.info("%d ideas were explained", len(explained))
