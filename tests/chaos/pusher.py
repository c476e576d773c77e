"""Pushers by fork, because importing one takes a second; each is a process that is killed.

Started with the database's address and the server's. Reads ``go N`` and ``kill N``, answers a line
to each. What a pusher knows is in the database.
"""

import asyncio
import ctypes
import logging
import os
import signal
import sys
from datetime import timedelta

from broker.signal_push.server import HttpSignalServer
from engine.flow.signals import PushSignals
from storage.database import open_database
from storage.transaction import PostgresStore
from tests.signal_server import KEY

_PDEATHSIG = 1
PATIENCE, SLACK = timedelta(seconds=0.5), timedelta(seconds=0.2)
LIFE = timedelta(days=9000)


def main(url: str, server: str) -> None:
    """Serve until standard input ends."""
    children: dict[str, int] = {}
    for line in sys.stdin:
        what, number = line.split()
        if what == "go":
            child = os.fork()
            if child == 0:
                ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
                asyncio.run(push(url, server))
            children[number] = child
        else:
            os.kill(children[number], signal.SIGKILL)
            os.waitpid(children.pop(number), 0)
        print("done", flush=True)


async def push(url: str, server: str) -> None:
    """Push for ever."""
    async with (
        open_database(url, pool=3),
        HttpSignalServer(server, KEY, PATIENCE).connected() as line,
    ):
        use_case = PushSignals(
            store=PostgresStore(),
            line=line,
            life=LIFE,
            patience=PATIENCE,
            slack=SLACK,
            first_pause=timedelta(seconds=0.1),
        )
        while True:
            await use_case()
            await asyncio.sleep(0.02)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    main(*sys.argv[1:])
