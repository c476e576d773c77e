"""What would be made of candles that somebody brings: the same eyes, score and gate, and nothing
kept of it. And the loop run now, where no real money moves.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from engine.domain.decision import Decision
from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.domain.person import Role
from engine.domain.snapshot import Bundle
from engine.domain.state import Control
from engine.domain.strategy import Strategy
from engine.errors import FeedError, IllegalMove, InvalidInput, NotFound
from engine.flow.judgement import Outcome, consider
from engine.flow.people import person_at_least
from engine.flow.pipeline import RunCycle
from engine.ports import MarketData, Store
from engine.snapshot.collect import Collect
from engine.strategies.base import applies


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenMarket:
    """The port ``MarketData`` with somebody's candles of one symbol; what a symbol is, and what
    currencies are worth, the real market says.

    The instant is when the last candle closed, its close the bid. Longer timeframes there are none,
    so that a condition that looks there is not met.
    """

    market: MarketData
    facts: Instrument
    timeframe: Timeframe
    given: tuple[Candle, ...]
    spread: Decimal

    async def instant(self) -> datetime:
        return self.given[-1].time + self.timeframe.length

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        if (symbol, timeframe) != (self.facts.symbol, self.timeframe):
            raise FeedError(f"there are no {timeframe} candles of {symbol} here")
        return self.given[-count:]

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        found = await self.candles(symbol, timeframe, len(self.given))
        return tuple(candle for candle in found if candle.time > after)

    async def quote(self, symbol: str) -> Quote | None:
        if symbol != self.facts.symbol:
            return await self.market.quote(symbol)
        bid = self.given[-1].close
        return Quote(bid, bid + self.spread, await self.instant())

    async def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        return await self.market.rates(wanted)

    async def instrument(self, symbol: str) -> Instrument:
        return self.facts if symbol == self.facts.symbol else await self.market.instrument(symbol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Candles to be judged, oldest first, and the spread in pips. ``timeframe`` None is the
    smallest step between two of them, M15 for a single one, as source 000 has it; ``account_id``
    None is the account there is.
    """

    symbol: str
    candles: tuple[Candle, ...]
    spread_pips: Decimal
    timeframe: Timeframe | None = None
    account_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What the approved strategies made of the candles, in their order."""

    bundle: Bundle
    account_id: str
    outcomes: tuple[tuple[Strategy, Outcome], ...]

    @property
    def best(self) -> tuple[Strategy, Outcome] | None:
        """The first whose setup the gate judged; one that may be traded goes before."""
        judged = [one for one in self.outcomes if one[1].report is not None]
        return min(judged, key=lambda one: one[1].result != "pass", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TryCandles:
    """Judge somebody's candles with the account, the settings and the strategies of now.

    Raises :class:`NotFound` for another account and for a symbol the market does not have, and
    :class:`InvalidInput` for candles that are no candles of any timeframe.
    """

    store: Store
    collect: Collect

    async def __call__(self, person_id: int, wanted: Wanted) -> Trial:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.TRADER)
        account_id = self.collect.broker.account_id
        if wanted.account_id not in (None, account_id):
            raise NotFound(f"there is no account {wanted.account_id}")
        timeframe = wanted.timeframe or timeframe_of(wanted.candles)
        facts = await self.collect.market.instrument(wanted.symbol)
        market = GivenMarket(
            market=self.collect.market,
            facts=facts,
            timeframe=timeframe,
            given=wanted.candles,
            spread=wanted.spread_pips * facts.pip,
        )
        eyes = replace(self.collect, market=market, least=1)
        bundle = await eyes(wanted.symbol, timeframe)
        asked = [strategy for strategy in bundle.strategies if applies(strategy, bundle)]
        outcomes = tuple((strategy, consider(strategy, bundle)) for strategy in asked)
        return Trial(bundle=bundle, account_id=account_id, outcomes=outcomes)


def timeframe_of(candles: Sequence[Candle]) -> Timeframe:
    """The timeframe that candles are of, M15 for a single one; raises :class:`InvalidInput`."""
    if len(candles) == 1:
        return Timeframe.M15
    steps = [after.time - before.time for before, after in pairwise(candles)]
    least = min((step for step in steps if step > timedelta(0)), default=None)
    for timeframe in Timeframe:
        if timeframe.length == least:
            return timeframe
    raise InvalidInput(
        f"candles: their smallest step is {least}, which is none of {', '.join(Timeframe)};"
        " name the timeframe",
        field="candles",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """What one run of the loop wrote, and what data was missing for; ``control`` is from before."""

    control: Control
    decisions: tuple[Decision, ...]
    missing: tuple[FeedError | NotFound, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPaperCycle:
    """Judge the last candle of each watched symbol now, if nobody has; source 001's paper cycle.

    Raises :class:`IllegalMove` on an account of real money: there the workers alone judge.
    """

    store: Store
    run_cycle: RunCycle
    is_live: bool
    symbols: tuple[tuple[str, Timeframe], ...]

    async def __call__(self, person_id: int) -> Cycle:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.TRADER)
            control = await tx.controls.read()
        if self.is_live:
            raise IllegalMove("this is no paper account: real money would move")
        decisions, missing = await self.run_cycle.over(self.symbols)
        return Cycle(control=control, decisions=decisions, missing=missing)
