"""Made-up candles for backtests, and a run over them; seeded, so that every run sees the same."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np

from broker.instruments import instrument
from broker.simulated import SimulatedVenue
from broker.terms import FREE, Terms
from engine.domain.backtest import Resume
from engine.domain.market import Timeframe
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import CalendarView
from engine.domain.state import Control, Mode, TradingState
from engine.domain.strategy import (
    DAYS,
    Condition,
    ExitRules,
    ForbiddenConditions,
    RiskCaps,
    SessionWindow,
    Side,
    Strategy,
)
from engine.research.backtest import Backtest
from engine.research.columns import Columns
from engine.research.eyes import Eyes, Rules
from engine.research.longer import Longer
from engine.research.simulation import State
from engine.strategies.base import frames_needed

#: Nobody knows of any release.
QUIET = CalendarView(events=(), known_until=datetime(2100, 1, 1, tzinfo=UTC))
_MONDAY = 1_704_067_200
_ALWAYS = (SessionWindow(time(0), time(12), DAYS), SessionWindow(time(12), time(0), DAYS))


def bars(count: int, seed: int = 1, *, move: float = 0.00012, timeframe: str = "M1") -> Columns:
    """A random walk of EUR/USD without holes, from a Monday on."""
    chance = np.random.default_rng(seed)
    close = 1.1 * np.exp(np.cumsum(chance.normal(0, move, count)))
    opened = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(opened, close) * (1 + np.abs(chance.normal(0, move / 2, count)))
    low = np.minimum(opened, close) * (1 - np.abs(chance.normal(0, move / 2, count)))
    whole = [np.round(prices * 1e5).astype(np.int64) for prices in (opened, high, low, close)]
    length = int(Timeframe(timeframe).length.total_seconds())
    return Columns(
        symbol="EURUSD", timeframe=Timeframe(timeframe), places=5,
        opened=_MONDAY + length * np.arange(count, dtype=np.int64),
        open=whole[0], high=whole[1], low=whole[2], close=whole[3],
        volume=chance.integers(1, 200, count),
    )  # fmt: skip


def crossing(**values: Any) -> Strategy:
    """EMA 20 crosses EMA 50, the stop at 1.5 ATR, the target twice as far; both ways, always."""
    fields: dict[str, Any] = {
        "id": UUID(int=1), "version": 1, "name": "EMA cross", "is_active": True,
        "timeframe": Timeframe.M1, "direction": Side.BOTH, "allowed_symbols": ("EURUSD",),
        "session_windows": _ALWAYS, "entry_conditions": (Condition("ema_cross", "with_trade"),),
        "nice_to_have": (), "exit_rules": ExitRules("1.5 * atr", ("RR>=2",)),
        "forbidden_conditions": ForbiddenConditions(0, (), ()),
        "risk_caps": RiskCaps(Decimal(1), 1), "rr_expectation": Decimal(2),
    }  # fmt: skip
    return Strategy(**(fields | values))


def backtest(
    columns: Columns,
    *strategies: Strategy,
    settings: RiskSettings | None = None,
    terms: Terms = FREE,
    resume: Resume = Resume.DAILY,
    calendar: CalendarView | None = QUIET,
    spread_pips: str = "0.8",
    slippage_pips: Decimal = Decimal("0.1"),
    spot: bool = False,
    latency: timedelta = timedelta(0),
    **values: Any,
) -> Backtest:
    """A run with paper money that acts by itself."""
    known = replace(instrument(columns.symbol), spot=spot)
    spread = Decimal(spread_pips) * known.pip
    venue = SimulatedVenue(
        columns, known, spread=spread, terms=terms, slippage_pips=slippage_pips, latency=latency
    )
    control = Control(
        state=TradingState.RUNNING, reason="test", mode=Mode.AUTONOMOUS,
        changed_at=columns.closes(0),
    )  # fmt: skip
    eyes = Eyes(
        columns=columns, instrument=venue.market.facts, spread=spread, calendar=calendar,
        rules=Rules(strategies=strategies, settings=settings or RiskSettings()),
    )  # fmt: skip
    frames = frames_needed(strategies, columns.symbol, columns.timeframe)
    eyes.longer = Longer(columns, frames, known.digits)
    state = State(control=control, zone=UTC, resume=resume)
    return Backtest(eyes=eyes, venue=venue, state=state, **values)
