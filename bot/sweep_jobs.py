"""The worker's share of sweeps: one shard at a time, in a process of its own."""

import logging
from collections.abc import Mapping
from typing import Any

from engine.research.sweeping import WorkSweep

log = logging.getLogger(__name__)


async def play_shards(ctx: Mapping[str, Any]) -> None:
    """Play shards until none waits; another call meanwhile leaves them to this one."""
    work: WorkSweep = ctx["sweep"]
    busy: set[str] = ctx["busy"]
    if "sweep" in busy:
        return
    busy.add("sweep")
    try:
        while (shard := await work()) is not None:
            log.info("run %d of sweep %s is played", shard.number, shard.sweep_id)
    finally:
        busy.discard("sweep")
