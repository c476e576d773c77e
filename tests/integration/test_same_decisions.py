"""A backtest, and the loop with its store over the same candles: the same bytes."""

from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest

from broker.instruments import instrument
from broker.simulated import SimulatedVenue
from engine.domain.backtest import Resume
from engine.domain.decision import GateSnapshot
from engine.domain.market import Timeframe
from engine.domain.state import Mode
from engine.research.backtest import Backtest
from engine.research.columns import columns_of
from engine.research.eyes import Eyes, Rules
from engine.research.simulation import State
from engine.research.stream import document, recorded
from storage.evaluations import _snapshot
from tests.integration.conftest import Desk
from tests.integration.test_evaluations import rows

CANDLES = 260


@pytest.fixture
def mode() -> Mode:
    return Mode.AUTONOMOUS


async def _played(desk: Desk) -> bytes:
    """The stream of a paper run that acts by itself."""
    for _ in range(CANDLES):
        await desk.next_candle()
        await desk.send_all()
    kept = await rows("SELECT * FROM gate_snapshots ORDER BY id")
    snapshots: list[GateSnapshot] = [_snapshot(row) for row in kept]
    async with desk.world.store.begin() as tx:
        decisions = await tx.history.list(limit=10_000)
    return document(recorded(reversed(decisions), snapshots))


async def test_a_backtest_decides_what_the_paper_run_decided(desk: Desk) -> None:
    market = desk.world.market
    start = await market.played()
    async with desk.world.store.begin() as tx:
        version, settings = await tx.settings.risk()
        strategies = await tx.settings.strategies()
        control = await tx.controls.read()
    calendar: Any = desk.work.run_cycle.collect.calendar
    ran = await _played(desk)
    columns = columns_of("EURUSD", Timeframe.H1, market.recording.candles[: start + CANDLES])
    known = instrument("EURUSD")
    spread = Decimal(market.recording.spread_pips) * known.pip
    broker: Any = desk.world.broker
    for screened in (True, False):
        venue = SimulatedVenue(
            columns, known, spread=spread, terms=broker.terms, slippage_pips=broker.slippage_pips,
            starting_balance=broker.starting_balance,
        )  # fmt: skip
        rules = Rules(
            strategies=strategies, settings=settings, settings_version=version, approves=False
        )
        eyes = Eyes(
            columns=columns, instrument=venue.market.facts, spread=spread, calendar=calendar.whole,
            rules=rules,
        )  # fmt: skip
        state = State(control=control, zone=UTC, resume=Resume.NEVER)
        test = Backtest(eyes=eyes, venue=venue, state=state, start=start, screened=screened)
        assert document(test.run().stream).splitlines() == ran.splitlines()
    assert ran.count(b'"trade"') > 2
    assert ran.count(b'"idea"') > 4
