"""The bell: wakes a worker through Redis. It may fail; the sweeper finds what it missed."""

import asyncio
import logging

from arq.connections import ArqRedis
from redis.exceptions import RedisError

_PATIENCE_SECONDS = 1.0

log = logging.getLogger(__name__)


class ArqBell:
    """The port ``Bell`` over arq's queue."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis

    async def ring(self, job: str, *ids: str) -> None:
        """Enqueue a job with nothing but ids; an unreachable Redis is logged, never raised."""
        try:
            # A Redis that accepts and never answers must not hold up whoever rings.
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._redis.enqueue_job(job, *ids)
        except (RedisError, OSError) as error:
            log.warning("the bell did not ring for %s: %s", job, error)


class SilentBell:
    """For a command on its own: whoever works will find it by sweeping."""

    async def ring(self, job: str, *ids: str) -> None:
        """Nothing."""
