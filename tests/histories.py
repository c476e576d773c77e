"""Histories like real ones, of any length: records of a played market, repeated with variations."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from random import Random
from uuid import UUID

import asyncpg

from bot.settings import Settings
from bot.talk import build_talk
from bot.wiring import build_work
from bot.world import build_world
from engine.domain.decision import Entry
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, Mode, TradingState
from engine.strategies.documents import shipped
from storage.database import open_database
from storage.embedded import Servers
from storage.migrate import migrate
from storage.seed import seed
from storage.transaction import PostgresStore
from tests.integration.conftest import ANN, START, Desk, RecordingBell

SYMBOLS = ("EURUSD", "GBPUSD", "USDJPY", "XAUUSD", "AUDUSD", "USDCAD", "USDCHF", "NZDUSD")


@asynccontextmanager
async def scratch(servers: Servers, name: str) -> AsyncIterator[tuple[str, str]]:
    """An empty, migrated database, open; the run-time role's address and the owner's."""
    owner = await asyncpg.connect(servers.owner_url)
    await owner.execute(f"CREATE DATABASE {name}")
    url, owner_url = (
        u.replace("/ai_trader?", f"/{name}?") for u in (servers.database_url, servers.owner_url)
    )
    try:
        await migrate(owner_url, runtime_role="ai_trader")
        async with open_database(url):
            yield url, owner_url
    finally:
        await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await owner.close()


async def desk(mode: Mode = Mode.SUPERVISED) -> Desk:
    """A desk that trades whatever it sees, on an open database."""
    risk = RiskSettings(
        min_confidence_threshold=Decimal(0),
        max_daily_loss_percent=Decimal(90),
        max_drawdown_amount=Decimal(9_000),
        daily_profit_target=Decimal(0),
    )
    control = Control(state=TradingState.RUNNING, reason="bench", mode=mode, changed_at=START)
    await seed(shipped(), risk, control)
    world = build_world(Settings(_env_file=None))  # type: ignore[call-arg]
    async with world.store.begin() as tx:
        await tx.people.save(ANN)
    bell = RecordingBell()
    return Desk(world, build_work(world, bell), build_talk(world, bell, claim_code=""), bell)


async def played(candles: int) -> list[Entry]:
    """Play so many candles in autonomous mode; the records they left, oldest first."""
    made = await desk(Mode.AUTONOMOUS)
    for _ in range(candles):
        await made.next_candle()
        await made.send_all()
    async with made.world.store.begin() as tx:
        return [found.entry for found in reversed(await tx.history.list(limit=10_000))]


def varied(templates: Sequence[Entry], chance: Random) -> Iterator[Entry]:
    """Endlessly more of the same kind, no two alike."""
    number = 0
    while True:
        number += 1
        entry = chance.choice(templates)
        moved = timedelta(minutes=number, microseconds=chance.randrange(10**6))
        yield replace(
            entry,
            symbol=chance.choice(SYMBOLS) if entry.symbol else None,
            occurred_at=entry.occurred_at + moved,
            market_time=entry.market_time and entry.market_time + moved,
            idea_id=entry.idea_id and UUID(int=chance.getrandbits(128)),
        )


async def write(entries: Iterator[Entry], count: int, *, writers: int, most: int = 1) -> None:
    """Append so many records by writers side by side, up to ``most`` in a transaction."""
    store, chance, left = PostgresStore(), Random(1), count

    async def writer() -> None:
        nonlocal left
        while left:
            size = min(left, chance.randint(1, most))
            left -= size
            async with store.begin() as tx:
                await tx.history.extend(list(islice(entries, size)))

    await asyncio.gather(*(writer() for _ in range(writers)))
