"""A backtest, and the loop with its store over the same candles: the same bytes."""

from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from broker.instruments import instrument
from broker.simulated import SimulatedVenue
from engine.domain.backtest import Resume
from engine.domain.decision import GateSnapshot
from engine.domain.market import Timeframe
from engine.domain.model import Approved
from engine.domain.state import Mode
from engine.domain.strategy import BreakEven, PartialClose, Trailing
from engine.research.backtest import Backtest
from engine.research.columns import columns_of
from engine.research.eyes import Eyes, Rules
from engine.research.forecasts import forecasts
from engine.research.plan import PastModel
from engine.research.simulation import State
from engine.research.stream import document, recorded
from storage.evaluations import _snapshot
from tests.integration.conftest import START, Desk
from tests.integration.test_evaluations import rows
from tests.models import WISH, play_to, registered, trained

CANDLES = 260


@pytest.fixture
def mode() -> Mode:
    return Mode.AUTONOMOUS


async def _played(desk: Desk, candles: int = CANDLES) -> bytes:
    """The stream of a paper run that acts by itself."""
    for _ in range(candles):
        assert await desk.world.market.advance(lambda: START, timedelta(0)) is not None
        await desk.work.sync_broker()
        await desk.work.manage_positions()
        await desk.send_all()
        await desk.work.run_cycle("EURUSD", Timeframe.H1)
        await desk.send_all()
    kept = await rows("SELECT * FROM gate_snapshots ORDER BY id")
    snapshots: list[GateSnapshot] = [_snapshot(row) for row in kept]
    async with desk.world.store.begin() as tx:
        decisions = await tx.history.list(limit=10_000)
    return document(recorded(reversed(decisions), snapshots))


LED: dict[str, dict[str, Any]] = {
    "left alone": {},
    "trailing": {"trailing": Trailing("1 * atr", "0.5 R")},
    "in parts": {
        "break_even": BreakEven("0.5 R", "1 pips"),
        "partial_close": (PartialClose("0.7 R", 50), PartialClose("1.2 R", 50)),
    },
}


@pytest.mark.parametrize("led", list(LED))
async def test_a_backtest_decides_what_the_paper_run_decided(desk: Desk, led: str) -> None:
    market = desk.world.market
    async with desk.world.store.begin() as tx:
        for known in await tx.settings.strategies():
            rules = replace(known.exit_rules, **LED[led])
            changed = replace(known, version=known.version + 1, exit_rules=rules)
            await tx.settings.save_strategy(changed, by="test", reason="test")
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
    assert (b"partial_target" in ran) is (led == "in parts")
    assert ran.count(b'"idea"') > 4


async def test_a_model_is_heard_as_in_the_paper_run(desk: Desk) -> None:
    await play_to(desk, 2_010)
    model = await registered(desk)
    async with desk.world.store.begin() as tx:
        for known in await tx.settings.strategies():
            on = replace(known, version=known.version + 1, is_active=known.setup == "forest")
            await tx.settings.save_strategy(on, by="test", reason="test")
        version, settings = await tx.settings.risk()
        strategies = await tx.settings.strategies()
        control = await tx.controls.read()
    ran = await _played(desk, 90)
    market, broker = desk.world.market, cast(Any, desk.world.broker)
    columns = columns_of("EURUSD", Timeframe.H1, market.recording.candles[: 2_010 + 90])
    asked = Approved(id=model.id, name=model.name, hash=model.hash, horizon=WISH.horizon)
    past = PastModel(asked=asked, last=model.report.last)
    calendar: Any = desk.work.run_cycle.collect.calendar
    known = instrument("EURUSD")
    spread = Decimal(market.recording.spread_pips) * known.pip
    venue = SimulatedVenue(
        columns, known, spread=spread, terms=broker.terms, slippage_pips=broker.slippage_pips,
        starting_balance=broker.starting_balance,
    )  # fmt: skip
    eyes = Eyes(
        columns=columns, instrument=venue.market.facts, spread=spread, calendar=calendar.whole,
        rules=Rules(
            strategies=strategies, settings=settings, settings_version=version, approves=False
        ),
        forecast=forecasts(past, trained().body, columns, 2_010),
    )  # fmt: skip
    state = State(control=control, zone=UTC, resume=Resume.NEVER)
    test = Backtest(eyes=eyes, venue=venue, state=state, start=2_010)
    assert document(test.run().stream).splitlines() == ran.splitlines()
    assert ran.count(b'"forecast"') > 2
    assert ran.count(b'"order"') > 0
