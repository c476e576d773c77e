"""A worker process that is killed at one place: ``python -m … URL NUMBER WHERE``."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from bot.bell import SilentBell
from bot.settings import Settings
from bot.wiring import build_work
from bot.world import build_world
from storage.database import open_database


class Doomed:
    """A store whose user is killed in its n-th transaction, or just after it."""

    def __init__(self, inner: Any, number: int, where: str) -> None:
        self._inner, self._left, self._where = inner, number, where

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        self._left -= 1
        async with self._inner.begin() as tx:
            yield tx
            self._die("in")
        self._die("after")

    def _die(self, where: str) -> None:
        if self._left == 0 and where == self._where:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, number: int, where: str) -> None:
    async with open_database(url):
        world = build_world(Settings(_env_file=None, market_start=306))  # type: ignore[call-arg]
        work = build_work(world, SilentBell())
        await replace(work.execute_commands, store=Doomed(world.store, number, where))()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
