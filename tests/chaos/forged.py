"""Taps nobody was offered, by the thousand: forged, expired, used up, of others; no effect."""

import argparse
import asyncio
import time
from datetime import timedelta
from decimal import Decimal

from bot.settings import Settings
from bot.talk import build_talk
from bot.wiring import build_work
from bot.world import build_world
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, TradingState
from engine.strategies.documents import shipped
from storage.database import open_database
from storage.seed import seed
from tests.chaos import alone
from tests.forgery import door, forge, seat
from tests.integration.conftest import ANN, EVE, LUIS, START, Desk, RecordingBell


async def run(url: str, *, taps: int, seed_: int) -> tuple[dict[str, object], list[str]]:
    """Tap on an empty, migrated database where an idea waits."""
    async with open_database(url, pool=4):
        control = Control(state=TradingState.RUNNING, reason="test", changed_at=START)
        loose = RiskSettings(
            min_confidence_threshold=Decimal(60),
            daily_profit_target=Decimal(0),
            max_drawdown_amount=Decimal(5_000),
            max_daily_loss_percent=Decimal(50),
        )
        await seed(shipped(), loose, control)
        world = build_world(Settings(_env_file=None, market_start=306))  # type: ignore[call-arg]
        async with world.store.begin() as tx:
            for person in (ANN, LUIS, EVE):
                await tx.people.save(person)
        await seat(world.store)
        bell = RecordingBell()
        desk = Desk(world, build_work(world, bell), build_talk(world, bell, claim_code="x"), bell)
        await desk.work.sync_broker()
        began = time.monotonic()
        changed = await forge(desk, door(desk.talk), taps_=taps, seed=seed_)
    spent = timedelta(seconds=round(time.monotonic() - began))
    return {"forged taps": taps, "time": str(spent)}, changed


def main(arguments: list[str]) -> int:
    """``make chaos ARGS="forged --taps 10000"``."""
    parser = argparse.ArgumentParser(prog="forged", description=__doc__)
    parser.add_argument("--taps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with alone.database() as url:
        counts, violations = asyncio.run(run(url, taps=wanted.taps, seed_=wanted.seed))
    return alone.report(counts, violations)
