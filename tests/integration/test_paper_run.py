"""The paper run over a file: whoever goes on with it enters nothing twice."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot import jobs
from bot.bell import SilentBell
from bot.paper_reports import record_of, step
from bot.wiring import build_work
from engine.domain.state import Mode
from tests.integration.conftest import Desk

CANDLES = 120


@pytest.fixture
def mode() -> Mode:
    return Mode.AUTONOMOUS


def _worker(desk: Desk) -> dict[str, Any]:
    world = replace(desk.world, pace=timedelta(0), waits=False)
    return {"world": world, "work": build_work(world, SilentBell())}


async def test_a_run_that_is_taken_over_goes_on_and_enters_nothing_twice(desk: Desk) -> None:
    first = _worker(desk)
    start = await desk.world.market.played()
    for _ in range(CANDLES):
        await step(first)
    assert await desk.world.market.played() == start + CANDLES
    before = await record_of(desk.world)
    second = _worker(desk)
    await jobs.evaluate(second, *desk.world.symbols[0])
    assert await record_of(desk.world) == before
    for _ in range(CANDLES):
        await step(second)
    after = await record_of(desk.world)
    assert after.signals[: len(before.signals)] == before.signals
    assert after.trades[: len(before.trades)] == before.trades
    assert len(after.trades) >= 2
    assert Counter(after.orders).most_common(1)[0][1] == 1
    assert len(after.signals) >= len(after.orders) >= len(after.trades)
