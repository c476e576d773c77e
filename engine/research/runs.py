"""Backtests that people want: started, read and cancelled by them, played by a worker."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from engine.domain.backtest import BacktestRun, Wish
from engine.domain.market import Timeframe
from engine.domain.person import Role
from engine.domain.settings import with_changes
from engine.domain.strategy import Strategy
from engine.errors import BrokerSilent, InvalidInput, NotFound
from engine.flow.people import person_at_least
from engine.ports import Bell, Broker, MarketData, Store, Transaction
from engine.ports.backtests import RunFiles
from engine.research.plan import chosen, obstacles

#: Runs of a list at most.
MOST_RUNS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class StartBacktest:
    """Put a backtest down to be played. ``symbols`` are those whose candles there are."""

    store: Store
    bell: Bell
    symbols: tuple[tuple[str, Timeframe], ...]

    async def __call__(
        self, person_id: int, id_: UUID, wish: Wish, *, message_id: int | None = None
    ) -> tuple[BacktestRun, bool]:
        """The run and whether it is new: the same id is started once, and who has one under way is
        given that one. ``message_id`` is the message of the chat that shows how far it is. Raises
        :class:`InvalidInput` for what cannot be played.
        """
        must_know(self.symbols, wish)
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.TRADER)
            chosen(
                await tx.settings.strategies(), wish.symbol, wish.timeframe, wanted=wish.strategy
            )
            _, settings = await tx.settings.risk()
            with_changes(settings, dict(wish.changes))
            is_new = await tx.backtests.add(id_, person_id, message_id, wish)
            run = await self._there(tx, person_id, id_)
        if is_new:
            await self.bell.ring("play_backtests")
        return run, is_new

    async def _there(self, tx: Transaction, person_id: int, id_: UUID) -> BacktestRun:
        try:
            return await tx.backtests.get(id_)
        except NotFound:
            found = await tx.backtests.under_way(person_id)
            if found is None:
                raise
            return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBacktests:
    """A person's own runs. ``symbols`` are those whose candles there are; ``ends`` is when the last
    of a recording closes, which the market has not reached yet.
    """

    store: Store
    market: MarketData
    symbols: tuple[tuple[str, Timeframe], ...]
    ends: datetime | None = None

    async def __call__(self, person_id: int, limit: int = 20) -> Sequence[BacktestRun]:
        """The last ones without their reports, the newest first."""
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.TRADER)
            return await tx.backtests.list(person_id, min(limit, MOST_RUNS))

    async def one(self, person_id: int, id_: UUID) -> BacktestRun:
        """One of them; raises :class:`NotFound`."""
        async with self.store.begin() as tx:
            return await own(tx, person_id, id_)

    async def files(self, person_id: int, id_: UUID) -> RunFiles:
        """What is shown of it; raises :class:`NotFound`."""
        async with self.store.begin() as tx:
            await own(tx, person_id, id_)
            return await tx.backtests.files(id_)

    async def choice(self, person_id: int) -> tuple[Sequence[Strategy], BacktestRun | None]:
        """The strategies that can be tried on the candles there are, and what is under way."""
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.TRADER)
            strategies = await tx.settings.strategies()
            under_way = await tx.backtests.under_way(person_id)
        return [each for each in strategies if self.stream(each) and not obstacles(each)], under_way

    async def last(self, wish: Wish, span: timedelta) -> Wish:
        """A wish for the last so many days of the candles there are; for all of them without."""
        if not span:
            return wish
        ends = self.ends or await self.market.instant()
        return replace(wish, since=ends - span)

    def stream(self, strategy: Strategy) -> tuple[str, Timeframe] | None:
        """The first candles a strategy speaks of; None when there are none."""
        return next(
            (
                (symbol, timeframe)
                for symbol, timeframe in self.symbols
                if timeframe is strategy.timeframe and symbol in strategy.allowed_symbols
            ),
            None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelBacktest:
    """Ask one's own run to stop; what it did until then is kept."""

    store: Store

    async def __call__(self, person_id: int, id_: UUID) -> BacktestRun:
        """The run as it stands then; one that has ended is left as it is."""
        async with self.store.begin() as tx:
            await own(tx, person_id, id_)
            await tx.backtests.cancel(id_)
            return await tx.backtests.get(id_)


async def own(tx: Transaction, person_id: int, id_: UUID) -> BacktestRun:
    """A run of this person; raises :class:`NotFound` for anybody else's."""
    await person_at_least(tx, person_id, Role.TRADER)
    run = await tx.backtests.get(id_)
    if run.person_id != person_id:
        raise NotFound(f"there is no backtest {id_}")
    return run


def must_know(symbols: Sequence[tuple[str, Timeframe]], wish: Wish) -> None:
    """Raise :class:`InvalidInput` for candles that there are none of."""
    if (wish.symbol, wish.timeframe) not in symbols:
        known = ", ".join(f"{symbol} {timeframe}" for symbol, timeframe in symbols)
        raise InvalidInput(
            f"there are no {wish.timeframe} candles of {wish.symbol}; there are: {known}",
            field="symbol",
        )


async def currency_of(broker: Broker) -> str:
    """The account's currency; the usual one while the venue does not answer."""
    try:
        return (await broker.account()).currency
    except BrokerSilent:
        return "USD"
