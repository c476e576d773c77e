"""Senders of webhooks by fork, because importing one takes a second; each is a process that is
killed.

Started with the database's address. Reads ``go N`` and ``kill N``, answers a line to each. What a
sender knows is in the database.
"""

import asyncio
import ctypes
import logging
import os
import signal
import sys
from datetime import timedelta
from ipaddress import ip_address
from random import Random

from bot.hooks import Poster, assemble
from bot.world import now
from broker.feeds.addresses import Address
from broker.webhooks import HttpWebhooks
from engine.domain.webhooks import Retry
from storage.database import open_database
from storage.transaction import PostgresStore
from storage.webhook_keys import DerivedSecrets
from tests.hook_server import HOST

_PDEATHSIG = 1
MASTER = "the master of the run"
PATIENCE, SLACK = timedelta(seconds=0.5), timedelta(seconds=0.2)
#: An event must not be given up because its senders were killed.
RETRY = Retry(most=200, base=timedelta(seconds=0.02), longest=timedelta(seconds=0.1))


def only_here(address: Address) -> bool:
    """Permits the receivers of the run."""
    return address == ip_address(HOST)


def main(url: str) -> None:
    """Serve until standard input ends."""
    children: dict[str, int] = {}
    for text in sys.stdin:
        what, number = text.split()
        if what == "go":
            child = os.fork()
            if child == 0:
                ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
                asyncio.run(post(url))
            children[number] = child
        else:
            os.kill(children[number], signal.SIGKILL)
            os.waitpid(children.pop(number), 0)
        print("done", flush=True)


async def post(url: str) -> None:
    """Post for ever."""
    line = HttpWebhooks(PATIENCE, now, permit=only_here, tls_only=False)
    async with open_database(url, pool=4):
        hooks = assemble(
            PostgresStore(), line, DerivedSecrets(MASTER), RETRY,
            chance=Random().random, url=None, slack=SLACK,
        )  # fmt: skip
        await Poster(hooks, seconds=0.02).run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    main(*sys.argv[1:])
