"""The HTTP API served in a process of its own, over a desk with ideas and a history.

Prints where it is and everybody's keys as one line of JSON, and when its input ends how long its
event loop was kept from its work, and how much its memory grew.
"""

import asyncio
import contextlib
import gc
import json
import os
import sys
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from argon2 import PasswordHasher

from bot import logs
from bot.api.app import listening
from bot.hooks import build_hooks
from bot.settings import Settings
from bot.talk import build_talk
from bot.wiring import build_work
from bot.world import build_world, now
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, TradingState
from engine.strategies.documents import shipped
from storage.database import open_database
from storage.sealing import new_key_line
from storage.seed import seed
from tests import web
from tests.integration.conftest import ANN, EVE, LUIS, START, Desk, RecordingBell
from tests.models import registered

_ROOT = Path(__file__).parents[2]
_CANDLES = 120
_LOOK_SECONDS = 0.005
#: Far from what anybody guesses: a run must not revoke the key it asks with.
_FIRST_KEY = 3_000_000_000
EMAIL = "ann@example.com"
_KEYS = new_key_line("k1")
_HOOKS = 6


def _settings() -> Settings:
    """With everything set up that only needs a secret: no path may hide behind that it is not."""
    given: dict[str, Any] = {
        "market_start": 306,
        "encryption_keys": _KEYS,
        "webhook_secret": web.SECRET,
        "openclaw_timeout": "1s",
    }
    return Settings(_env_file=None, **given)


@asynccontextmanager
async def desk(url: str) -> AsyncIterator[Desk]:
    """A desk on an empty, migrated database, some candles on, with ideas."""
    loose = RiskSettings(
        min_confidence_threshold=Decimal(60),
        daily_profit_target=Decimal(0),
        max_drawdown_amount=Decimal(5_000),
        max_daily_loss_percent=Decimal(50),
    )
    async with open_database(url, pool=8):
        control = Control(state=TradingState.RUNNING, reason="test", changed_at=START)
        await seed(shipped(), loose, control)
        world = build_world(_settings())
        async with world.store.begin() as tx:
            for person in (ANN, LUIS, EVE):
                await tx.people.save(person)
        bell = RecordingBell()
        work, talk = build_work(world, bell), build_talk(world, bell, claim_code="x")
        made = Desk(world, work, talk, bell)
        await work.sync_broker()
        for _ in range(_CANDLES):
            await made.next_candle()
        for approved in (True, False):
            await registered(made, approved=approved)
        bell.rung.clear()
        yield made
        await world.close()


async def _serve(told: Namespace) -> None:
    owner = await asyncpg.connect(told.owner)
    await owner.execute(f"ALTER TABLE api_key ALTER COLUMN id RESTART WITH {_FIRST_KEY}")
    await owner.close()
    if told.strong:
        web.QUICK = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
    async with desk(told.url) as made:
        hooks = build_hooks(_settings(), made.world.store, now)
        served = await web.put_together(made, hooks=hooks)
        served.ticking = True
        for number in range(_HOOKS):
            await hooks.add(ANN.id, f"https://example.org/{number}", description="", types=())
        await served.uses.access.set_login.by_operator(ANN.id, EMAIL, web.PASSWORD)
        gc.collect()
        process = psutil.Process(os.getpid())
        before, lags = process.memory_info().rss, [0.0]
        watch = asyncio.get_running_loop().create_task(_watch(lags))
        keys = {person.name: served.keys[person.id] for person in (ANN, LUIS, EVE)}
        # As the product listens: how many may wait for it is part of what is looked at.
        async with listening(served.server.app, "127.0.0.1", 0) as (host, port):
            found = {"url": f"http://{host}:{port}", "keys": keys, "pid": os.getpid()}
            print(json.dumps(found), flush=True)
            await asyncio.to_thread(sys.stdin.read)
        watch.cancel()
        lags.sort()
        print(
            json.dumps(
                {
                    "lag p99 ms": round(1000 * lags[int(len(lags) * 0.99)], 1),
                    "lag max ms": round(1000 * lags[-1], 1),
                    "memory grew MiB": round((process.memory_info().rss - before) / 2**20, 1),
                }
            ),
            flush=True,
        )


async def _watch(lags: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        at = loop.time()
        await asyncio.sleep(_LOOK_SECONDS)
        lags.append(loop.time() - at - _LOOK_SECONDS)


@dataclass
class Site:
    """Where it is, everybody's keys, and after it was stopped what it says of itself."""

    url: str
    keys: dict[str, str]
    #: The process that serves.
    pid: int
    process: asyncio.subprocess.Process

    async def stop(self) -> dict[str, Any]:
        """End it: its lag and its memory."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        line = await self.process.stdout.readline()
        await self.process.wait()
        found: dict[str, Any] = json.loads(line)
        return found


@asynccontextmanager
async def site(url: str, owner: str, *, strong: bool = False) -> AsyncIterator[Site]:
    """The API in a process of its own for the length of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos.api_site", url, owner, *(["strong"] if strong else []),
        cwd=_ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        told = json.loads(await asyncio.wait_for(process.stdout.readline(), 180))
        yield Site(process=process, **told)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


if __name__ == "__main__":
    logs.set_up()
    asyncio.run(
        _serve(Namespace(url=sys.argv[1], owner=sys.argv[2], strong="strong" in sys.argv[3:]))
    )
