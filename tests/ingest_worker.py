"""A worker process over a venue that is a function of the clock: ``bot.worker`` as it is deployed.

python -m tests.ingest_worker DATABASE_URL REDIS_URL SYMBOLS SECONDS LATENCY
"""

import asyncio
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid5

from pydantic import SecretStr

from bot.settings import Settings
from bot.venues import stored
from bot.worker import build_worker, open_queue, telegram_bot
from bot.world import World, build_world
from engine.domain.market import Timeframe
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import CalendarView
from engine.domain.state import Control, Mode, TradingState
from engine.domain.strategy import Strategy
from engine.flow.terminal_wishes import Watched
from engine.strategies.documents import shipped
from storage.database import open_database
from storage.locks import Lock
from storage.seed import seed
from storage.sole import Sole
from tests.benchmarks.still import StillBroker
from tests.clock_venue import ClockVenue, named, shorten
from tests.integration.conftest import START

SOURCE = "clock"
STRATEGIES = 5


class _QuietCalendar:
    async def around(self, instant: datetime) -> CalendarView:
        return CalendarView(events=(), known_until=instant + timedelta(days=7))


def strategies(symbols: tuple[str, ...]) -> list[Strategy]:
    """Five strategies of one-minute candles that watch everything."""
    base = [strategy for strategy in shipped() if strategy.timeframe is Timeframe.H1]
    return [
        replace(
            base[number % 2], id=uuid5(base[0].id, str(number)), name=f"Bench {number}",
            allowed_symbols=symbols, timeframe=Timeframe.M1,
        )
        for number in range(STRATEGIES)
    ]  # fmt: skip


async def prepare(symbols: tuple[str, ...]) -> None:
    """Fill an open, empty database."""
    control = Control(
        state=TradingState.RUNNING, reason="bench", mode=Mode.SUPERVISED, changed_at=START
    )
    risk = RiskSettings(min_confidence_threshold=Decimal(0), max_concurrent_trades=1000)
    await seed(strategies(symbols), risk, control)


def world_of(url: str, symbols: tuple[str, ...], venue: ClockVenue, every: int) -> World:
    """The world of a worker, with another venue."""
    settings = Settings(  # type: ignore[call-arg]
        _env_file=None, database_url=url, snapshot_interval_seconds=every
    )
    world = build_world(settings)
    watched = Watched(streams=tuple((symbol, Timeframe.M1) for symbol in symbols))
    calendar: Any = _QuietCalendar()
    broker: Any = StillBroker(venue)  # type: ignore[arg-type]
    return replace(
        world, market=stored(world.store, venue, SOURCE, watched, rests=False), watched=watched,
        broker=broker, outside=replace(world.outside, calendar=calendar),
    )  # fmt: skip


async def main(url: str, redis_url: str, count: int, seconds: int, latency: float) -> None:
    """Work until killed."""
    shorten(Timeframe.M1, seconds)
    async with open_database(url), open_queue(redis_url) as pool:
        world = world_of(url, named(count), ClockVenue(latency), seconds)
        token = SecretStr("700000009:token-of-nobody")
        bot = telegram_bot(Settings(_env_file=None, telegram_bot_token=token))  # type: ignore[call-arg]
        never, judging = asyncio.Event(), Sole(url, Lock.JUDGING)
        worker = build_worker(world, pool, bot, Sole(url, Lock.COURIER), never, judging)
        print("ready", flush=True)
        await worker.async_run()


if __name__ == "__main__":
    url, redis_url, count, seconds, latency = sys.argv[1:]
    asyncio.run(main(url, redis_url, int(count), int(seconds), float(latency)))
