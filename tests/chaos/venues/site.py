"""A venue's server as a process of its own, with a few commands over HTTP for the harness.

``python -m tests.chaos.venues.site binance DATABASE SEED`` prints one line when it is up.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from aiohttp import ClientSession, ClientTimeout, web
from aiohttp.test_utils import TestServer

from tests.chaos import harness
from tests.chaos.venues import Site, Told, Truth, kind

_FOREVER = 3600.0


async def main(name: str, url: str, seed: int) -> None:
    """Serve until standard input ends."""
    async with kind(name).serve(url) as site:
        site.chance = Random(seed)
        async with TestServer(_app(site)) as server:
            print(json.dumps({**site.told(), "control": str(server.make_url(""))}), flush=True)
            await asyncio.to_thread(sys.stdin.read)
    # A connection that a killed life left behind must not be waited for.
    os._exit(0)


def _app(site: Site) -> web.Application:
    async def quote(request: web.Request) -> web.Response:
        wanted = await request.json()
        await site.quote(wanted["bid"], wanted["ask"])
        return web.json_response({})

    async def weather(request: web.Request) -> web.Response:
        site.rate = (await request.json())["rate"]
        return web.json_response({})

    async def truth(request: web.Request) -> web.Response:
        return web.json_response(asdict(await site.truth()))

    app = web.Application()
    app.router.add_post("/quote", quote)
    app.router.add_post("/weather", weather)
    app.router.add_get("/truth", truth)
    return app


@dataclass
class Running:
    """A site from the outside; ``told`` is handed to the lives."""

    told: Told

    def weather(self, rate: float) -> None:
        """From calm, 0, to as bad as it gets, 1."""
        self._ask("weather", {"rate": rate})

    def truth(self) -> Truth:
        """The venue's own books."""
        return Truth(**self._ask("truth"))

    def _ask(self, what: str, wanted: Any = None) -> Any:
        data = None if wanted is None else json.dumps(wanted).encode()
        request = urllib.request.Request(f"{self.told['control'].rstrip('/')}/{what}", data=data)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


async def quote(told: Told, bid: str, ask: str) -> None:
    """From inside a life: the market has moved."""
    timeout = ClientTimeout(total=10)
    async with ClientSession(timeout=timeout) as session:
        url = f"{told['control'].rstrip('/')}/quote"
        async with session.post(url, json={"bid": bid, "ask": ask}) as answer:
            assert answer.status == 200, await answer.text()


@contextmanager
def site(name: str, url: str, seed: int) -> Iterator[Running]:
    """A venue's server for the length of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.venues.site", name, url, str(seed)],
        cwd=harness.ROOT,
        env=harness.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        yield Running(json.loads(process.stdout.readline()))
    finally:
        with contextlib.suppress(OSError):
            process.communicate(timeout=15)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
