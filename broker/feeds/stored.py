"""A venue's market whose candles are read from what workers stored of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.domain.stream import Window
from engine.errors import FeedError
from engine.ports import MarketData, Store, Transaction

#: A stream that nobody watches is only believed while it is read.
_FRESH = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class StoredMarket:
    """The port ``MarketData``: candles out of the store, and the time, quotes and specifications
    live from the venue.

    Candles of ``watched`` streams come from the store alone: until a worker has stored some, they
    raise :class:`FeedError`. Of another stream the venue is asked, unless it is stored because a
    strategy looks at it; and for candles of before the stored ones begin. ``rests`` is whether the
    market is closed at weekends, so that nothing is missing then. ``source`` names where candles
    come from: those of one name are one series.
    """

    store: Store
    remote: MarketData
    source: str
    watched: tuple[tuple[str, Timeframe], ...]
    rests: bool = True
    #: The last windows that were read; only what was learnt since is read again.
    _seen: dict[tuple[str, Timeframe], Window] = field(default_factory=dict, compare=False)

    def afresh(self) -> "StoredMarket":
        """The same without what it remembers: for a reader of long windows, which the others would
        then read again and again.
        """
        return replace(self, _seen={})

    async def instant(self) -> datetime:
        return await self.remote.instant()

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        if count < 1:
            return ()
        key = (symbol, timeframe)
        before = self._seen.get(key)
        async with self.store.begin() as tx:
            if not await self._is_kept(tx, key):
                before = None
            elif before is None or before.count < count:
                before = await tx.candles.window(self.source, key, count, None)
            else:
                before = await tx.candles.window(self.source, key, before.count, before)
        if before is None:
            return await self.remote.candles(symbol, timeframe, count)
        if not before.candles:
            raise FeedError(f"no {timeframe} candles of {symbol} were stored yet")
        self._seen[key] = before
        return before.candles[-count:]

    async def candles_of(
        self, streams: Collection[tuple[str, Timeframe]], count: int
    ) -> Mapping[tuple[str, Timeframe], tuple[Candle, ...]]:
        """The watched ones of these streams, as far as some were stored, in one transaction."""
        found: dict[tuple[str, Timeframe], Window] = {}
        async with self.store.begin() as tx:
            for key in streams:
                if key in self.watched:
                    before = self._seen.get(key)
                    known = before if before is not None and before.count >= count else None
                    most = count if known is None else known.count
                    found[key] = await tx.candles.window(self.source, key, most, known)
        kept = {key: window for key, window in found.items() if window.candles}
        self._seen.update(kept)
        return {key: window.candles[-count:] for key, window in kept.items()}

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        key = (symbol, timeframe)
        async with self.store.begin() as tx:
            is_kept = await self._is_kept(tx, key)
            states = await tx.streams.states(self.source, [key])
            found = await tx.candles.since(self.source, key, after) if is_kept else ()
        if not is_kept:
            return await self.remote.candles_since(symbol, timeframe, after)
        begins = states[0].begins if states else None
        if begins is None:
            raise FeedError(f"no {timeframe} candles of {symbol} were stored yet")
        if after < begins - timeframe.length:
            return await self.remote.candles_since(symbol, timeframe, after)
        return found

    async def quote(self, symbol: str) -> Quote | None:
        return await self.remote.quote(symbol)

    async def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        return await self.remote.rates(wanted)

    async def instrument(self, symbol: str) -> Instrument:
        return await self.remote.instrument(symbol)

    async def _is_kept(self, tx: Transaction, key: tuple[str, Timeframe]) -> bool:
        """Whether the store is what counts for a stream."""
        if key in self.watched:
            return True
        now = await tx.now()
        return any(
            state.good_at is not None and state.latest is not None and now - state.good_at < _FRESH
            for state in await tx.streams.states(self.source, [key])
        )
