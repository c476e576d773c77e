"""How a process keeps its parts running, side by side, and starts again what fell."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from redis.exceptions import RedisError

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 1.0


async def steadily(run: Callable[[], Awaitable[None]], name: str) -> None:
    """Run something for ever; what it dies of is logged and it is started again."""
    while True:
        try:
            await run()
        except (OSError, RedisError) as error:
            log.warning("%s lost a connection, trying again: %s", name, error)
        except Exception:
            log.exception("%s failed and is started again", name)
        await asyncio.sleep(_PAUSE_SECONDS)


async def surely(run: Callable[[], Awaitable[None]], name: str) -> None:
    """Run something until it has been done once; what it dies of is logged.

    For the first steps of a part: a server that goes right then must not end everything that runs
    beside it.
    """
    while True:
        try:
            return await run()
        except Exception as error:
            log.warning("%s failed, trying again: %s", name, error)
        await asyncio.sleep(_PAUSE_SECONDS)


async def together(*parts: Coroutine[Any, Any, None]) -> None:
    """Run parts side by side; the failure of one ends all."""
    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(part)


def only(problem: BaseException) -> BaseException:
    """What really went wrong, where parts that ran side by side ended by one thing alone."""
    while isinstance(problem, BaseExceptionGroup) and len(problem.exceptions) == 1:
        problem = problem.exceptions[0]
    return problem
