"""Strategies with what became of them: the last evaluation, the day's trades, what is open."""

from asyncio import timeout
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from uuid import UUID

from engine.domain.account import day_start
from engine.domain.decision import GateSnapshot
from engine.domain.market import Timeframe
from engine.domain.person import Role
from engine.domain.strategy import Strategy
from engine.errors import BrokerSilent, FeedError, NotFound
from engine.flow.latch import ANSWERS_WITHIN, shown_time
from engine.flow.people import person_at_least
from engine.flow.watchlist import knows
from engine.ports import Broker, MarketData, Store, Transaction

#: Trades of one day that are counted, at most.
_TRADES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A strategy in its current version. ``last`` is its latest evaluation on any symbol,
    ``trades`` how many trades it opened on the broker's day, ``held`` how many of them or of
    earlier ones are open (None while the venue does not answer). ``off_market`` are symbols it is
    for and the market does not have.
    """

    strategy: Strategy
    last: GateSnapshot | None
    trades: int
    held: int | None
    off_market: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBook:
    """Every strategy and its day, for whoever may look."""

    store: Store
    broker: Broker
    market: MarketData
    feeds: tuple[tuple[str, Timeframe], ...]
    zone: tzinfo

    async def __call__(self, person_id: int) -> Sequence[Line]:
        start = day_start(await shown_time(self.store, self.market), self.zone)
        held, opened = await self._held(start)
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            strategies = await tx.settings.strategies()
            last = await self._last(tx)
            for strategy_id, orders in (await _closed(tx, start)).items():
                opened[strategy_id] |= orders
        return [
            Line(
                strategy=strategy,
                last=last.get(strategy.id),
                trades=len(opened[str(strategy.id)]),
                held=None if held is None else held[str(strategy.id)],
                off_market=await self.off_market(strategy),
            )
            for strategy in strategies
        ]

    async def one(self, person_id: int, id_: UUID) -> Line:
        """One strategy; raises :class:`NotFound`."""
        for line in await self(person_id):
            if line.strategy.id == id_:
                return line
        raise NotFound(f"there is no strategy {id_}")

    async def off_market(self, strategy: Strategy) -> tuple[str, ...]:
        """The symbols a strategy is for and the market lacks; none while it does not say."""
        symbols = strategy.allowed_symbols
        try:
            async with timeout(ANSWERS_WITHIN):
                return tuple([symbol for symbol in symbols if not await knows(self.market, symbol)])
        except (FeedError, OSError):
            return ()

    async def _held(
        self, start: datetime
    ) -> tuple[Counter[str] | None, defaultdict[str, set[str]]]:
        """Open trades by strategy, and the ids of those that were opened since ``start``."""
        opened: defaultdict[str, set[str]] = defaultdict(set)
        try:
            positions = await self.broker.positions()
        except BrokerSilent:
            return None, opened
        for position in positions:
            if position.opened_at >= start:
                opened[position.strategy_id or ""].add(position.client_id or position.id)
        return Counter(position.strategy_id or "" for position in positions), opened

    async def _last(self, tx: Transaction) -> dict[UUID, GateSnapshot]:
        found: dict[UUID, GateSnapshot] = {}
        for last in (await tx.evaluations.latest(self.feeds)).values():
            for id_, seen in last.items():
                if id_ not in found or seen.market_time > found[id_].market_time:
                    found[id_] = seen
        return found


async def _closed(tx: Transaction, start: datetime) -> dict[str, set[str]]:
    """Orders of trades that were opened and closed since ``start``, by strategy."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for trade in await tx.orders.closed(since=start, limit=_TRADES):
        if trade.client_id is None or trade.opened_at < start:
            continue
        order = await tx.orders.find(trade.client_id)
        if order is not None:
            found[order.strategy_id].add(trade.client_id)
    return found
