"""What a backtest is to try, as a document that travels to the process that plays it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import numpy as np

from engine.domain.backtest import Costs, Resume, Wish
from engine.domain.market import Timeframe
from engine.domain.model import Approved
from engine.domain.settings import RiskSettings, with_changes
from engine.domain.strategy import Strategy
from engine.errors import InvalidInput
from engine.research.columns import Columns
from engine.strategies.base import frames_needed

#: Candles of one run at most: three years of minutes.
MOST_CANDLES = 1_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PastModel:
    """The model that is asked in a run, and when the last candle opened that it learnt from."""

    asked: Approved
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run. ``source`` names where the candles come from, ``calendar`` where the news do; none
    means that no release is assumed. ``since`` is the first candle that is judged and ``until`` the
    first that is not played; None for all there are. ``left_out`` are strategies that cannot be
    tried. ``zone`` is the broker's, by which its days begin. Without a ``model`` none is asked.
    """

    source: str
    symbol: str
    timeframe: Timeframe
    strategies: tuple[Strategy, ...]
    settings: RiskSettings
    settings_version: int = 1
    calendar: str | None
    costs: Costs
    since: datetime | None = None
    until: datetime | None = None
    balance: Decimal = Decimal(10_000)
    currency: str = "USD"
    zone: str = "UTC"
    resume: Resume = Resume.DAILY
    approves: bool = True
    left_out: tuple[str, ...] = ()
    model: PastModel | None = None


def plan_of(
    wish: Wish,
    strategies: Sequence[Strategy],
    settings: RiskSettings,
    version: int,
    *,
    source: str,
    calendar: str | None,
    zone: str = "UTC",
    currency: str = "USD",
) -> Plan:
    """A wish with the strategies and settings of now; raises :class:`InvalidInput` for a strategy
    that cannot be tried and for a setting that cannot be so.
    """
    taken, left_out = chosen(strategies, wish.symbol, wish.timeframe, wanted=wish.strategy)
    return Plan(
        source=source,
        symbol=wish.symbol,
        timeframe=wish.timeframe,
        strategies=taken,
        settings=with_changes(settings, dict(wish.changes)) if wish.changes else settings,
        settings_version=version,
        calendar=calendar,
        since=wish.since,
        until=wish.until,
        costs=wish.costs,
        balance=wish.balance,
        currency=currency,
        zone=zone,
        resume=wish.resume,
        approves=wish.approves,
        left_out=left_out,
    )


def obstacles(strategy: Strategy) -> list[str]:
    """What of a strategy a backtest cannot play: a setup that reads shorter candles than its own,
    which cannot be built of these.
    """
    active = replace(strategy, is_active=True)
    wanted = frames_needed((active,), strategy.allowed_symbols[0], strategy.timeframe)
    short = [frame for frame in wanted if not frame.length > strategy.timeframe.length]
    return [f"looks at {frame} candles, which are no longer ones" for frame in sorted(short)]


def chosen(
    strategies: Sequence[Strategy], symbol: str, timeframe: Timeframe, *, wanted: str | None = None
) -> tuple[tuple[Strategy, ...], tuple[str, ...]]:
    """The strategies of a run, and why others are left out: all that are on and speak of these
    candles, or the one that is wanted, switched on for it.

    Raises :class:`InvalidInput` naming what keeps the wanted one, or all of them, from being tried.
    """
    if wanted is not None:
        named = [s for s in strategies if s.name.casefold() == wanted.casefold()]
        if not named:
            names = ", ".join(s.name for s in strategies)
            raise InvalidInput(f"there is no strategy {wanted[:60]!r}; there are: {names}")
        strategies = [replace(each, is_active=True) for each in named]
    fitting = [s for s in strategies if s.is_active and _speaks(s, symbol, timeframe)]
    if not fitting:
        whose = "no strategy that is on" if wanted is None else strategies[0].name + " does not"
        verb = "speaks" if wanted is None else "speak"
        raise InvalidInput(f"{whose} {verb} of {timeframe} candles of {symbol}")
    refused = tuple(f"{s.name}: {', '.join(obstacles(s))}" for s in fitting if obstacles(s))
    taken = tuple(s for s in fitting if not obstacles(s))
    if not taken:
        raise InvalidInput(f"a backtest cannot play this yet: {'; '.join(refused)}")
    return taken, refused


def _speaks(strategy: Strategy, symbol: str, timeframe: Timeframe) -> bool:
    return strategy.timeframe is timeframe and symbol in strategy.allowed_symbols


def period(plan: Plan, columns: Columns) -> tuple[Columns, int]:
    """The candles of a run, those before it included (indicators look back), and the place of the
    first that is judged. Raises :class:`InvalidInput` for a period without candles.
    """
    end = len(columns)
    if plan.until is not None:
        end = int(np.searchsorted(columns.opened, plan.until.timestamp(), side="left"))
    start = 1
    if plan.since is not None:
        start = max(1, int(np.searchsorted(columns.opened, plan.since.timestamp(), side="left")))
    if not start < end:
        first, last = columns.time(0), columns.time(len(columns) - 1)
        raise InvalidInput(
            f"there are no candles of {plan.symbol} in this period; they go from"
            f" {first:%Y-%m-%d} to {last:%Y-%m-%d}"
        )
    if end - start > MOST_CANDLES:
        raise InvalidInput(f"{end - start:,} candles are too many for one run: {MOST_CANDLES:,}")
    return cut(columns, end), start


def cut(columns: Columns, end: int) -> Columns:
    """The candles before a place."""
    if end == len(columns):
        return columns
    return replace(
        columns, opened=columns.opened[:end], open=columns.open[:end], high=columns.high[:end],
        low=columns.low[:end], close=columns.close[:end], volume=columns.volume[:end],
    )  # fmt: skip
