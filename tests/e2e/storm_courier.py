"""Couriers by fork, because importing one takes a second; each is a process that is killed.

Reads ``go`` and ``kill``, answers a line to each. What a courier knows is in the database.
"""

import asyncio
import ctypes
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack

from bot.courier import build_courier
from bot.documents import Write
from bot.drawing import Draw
from bot.notices import Render
from bot.settings import Settings
from bot.wiring import build_collect, build_performance
from bot.worker import telegram_bot
from bot.world import build_world
from storage.database import open_database
from storage.locks import Lock
from storage.sole import Sole

_PDEATHSIG = 1


def main() -> None:
    """Serve until standard input ends."""
    child = 0
    for line in sys.stdin:
        if line == "go\n":
            child = os.fork()
            if child == 0:
                ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
                asyncio.run(deliver())
        else:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        print("done", flush=True)


async def deliver() -> None:
    """Deliver for ever."""
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    assert settings.database_url is not None
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(open_database(settings.database_url, pool=6))
        world = build_world(settings)
        bot = telegram_bot(settings)
        ready = asyncio.Event()
        ready.set()
        sole = Sole(settings.database_url, Lock.COURIER)
        stack.push_async_callback(sole.close)
        courier = build_courier(
            bot=bot,
            store=world.store,
            render=Render(store=world.store, broker=world.broker),
            draw=Draw(
                store=world.store,
                collect=build_collect(world),
                read_performance=build_performance(world),
            ),
            write=Write(store=world.store, read_performance=build_performance(world)),
            sole=sole,
            ready=ready,
            settle_seconds=1.0,
        )
        while True:
            await courier.deliver()
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    main()
