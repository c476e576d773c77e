"""Read candles of a venue that has to be asked for them, and keep what it says.

Many workers do this side by side: each takes streams that are due and that nobody has, reads the
venue without holding anything in the database, and writes what came in one transaction. Who was so
slow that somebody else has taken the stream writes nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil

from engine.domain.market import Timeframe
from engine.domain.stream import Gap, StreamKey, StreamState, StreamTrouble, in_order
from engine.errors import NotFound, TraderError
from engine.flow.ingest_steps import (
    FULL,
    Reading,
    candles_of,
    due_after,
    keep_answer,
    keep_fresh,
    keep_page,
    noted,
    reaching,
    wants_fresh,
)
from engine.ports import Bell, CandleSource, Store, Transaction
from engine.snapshot.indicators import WINDOW
from engine.strategies.base import frames_needed

#: Streams that one worker takes at once, and how many of them it asks for at the same time.
TOGETHER, _AT_ONCE = 10, 10
#: Workers that are called at once beside the one that calls.
_HELPERS = 20
#: Longer than any turn: who dies in it is followed by another after that.
LEASE, _PATIENCE = timedelta(seconds=60), 10.0
#: Candles that are read again each time, for what the venue says otherwise meanwhile.
OVERLAP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What became of a turn: new candles and revised ones, or trouble, and why. ``is_closed`` is
    whether the stream has a newer candle than before, which nobody has judged.

    ``is_ours`` is False when the turn took so long that somebody else has the stream: nothing of it
    was written. ``percent`` is how much of the older candles is stored, None when none came.
    """

    symbol: str
    timeframe: Timeframe
    new: int = 0
    revised: int = 0
    percent: int | None = None
    is_closed: bool = False
    is_ours: bool = True
    trouble: StreamTrouble | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestCandles:
    """Read streams that are due: the watched ones, and the longer timeframes strategies look at.

    A stream is due again after ``every``, or when its next candle closes if that is sooner. Its
    first turn reads what indicators need, the next ones the rest of ``history``, page by page; each
    later one reads what closed since, and the last few candles again. Holes are asked for until the
    venue has said twice that they are empty; a weekend is none where the market ``rests`` then. A
    stream that fails is tried after five seconds, then after twice as long, up to five minutes.
    """

    store: Store
    source: CandleSource
    name: str
    watched: tuple[tuple[str, Timeframe], ...]
    bell: Bell
    holder: str
    every: timedelta
    history: timedelta = timedelta()
    rests: bool = True

    async def spread(self) -> None:
        """Note what is wanted, and call as many workers as there is work for beside this one."""
        async with self.store.begin() as tx:
            keys = await wanted(tx, self.watched)
            await tx.streams.enlist(self.name, keys)
            due = await tx.streams.due(self.name, keys)
        for _ in range(min(ceil(due / TOGETHER) - 1, _HELPERS)):
            await self.bell.ring("fetch")

    async def __call__(self) -> tuple[Ingested, ...]:
        """One turn each of some streams that are due."""
        async with self.store.begin() as tx:
            keys = await wanted(tx, self.watched)
            taken = await tx.streams.take(
                self.name, keys, most=TOGETHER, lease=LEASE, holder=self.holder
            )
            if not taken:
                return ()
            gaps = await tx.candles.gaps([state.number for state in taken], self.every)
            now = await tx.now()
        gate = asyncio.Semaphore(_AT_ONCE)
        turns = [self._turn(state, gaps.get(state.number, ()), now, gate) for state in taken]
        return tuple(await asyncio.gather(*turns))

    async def left(self) -> Sequence[tuple[str, Timeframe]]:
        """Watched streams whose last candle was judged by nobody yet."""
        async with self.store.begin() as tx:
            found = await tx.candles.unjudged(self.name, self.watched)
        return [(symbol, timeframe) for symbol, timeframe in found if timeframe is not None]

    async def _turn(
        self, state: StreamState, gaps: Sequence[Gap], now: datetime, gate: asyncio.Semaphore
    ) -> Ingested:
        if self.history:
            state = reaching(state, now - self.history)
        reading, error = Reading(), None
        try:
            async with gate, asyncio.timeout(_PATIENCE):
                await self._read(state, gaps, now, reading)
        except Exception as problem:
            # One stream that cannot be read must not keep the others waiting.
            error = problem
        return await self._keep(state, reading, now, error)

    async def _read(
        self, state: StreamState, gaps: Sequence[Gap], now: datetime, reading: Reading
    ) -> None:
        """Ask the venue; what it said before an error is in the reading as well."""
        symbol, timeframe = candles_of(state)
        ask = self.source.candles_since
        if state.latest is None:
            if self.history:
                reading.begins = await self.source.instant() - self.history
            reading.fresh = in_order(await self.source.candles(symbol, timeframe, WINDOW))
            return
        if wants_fresh(state, self.every, now):
            after = state.latest - OVERLAP * timeframe.length
            reading.fresh = in_order(await ask(symbol, timeframe, after))
        if gaps:
            reading.asked = tuple(gaps)
            reading.answer = in_order(await ask(symbol, timeframe, gaps[0].hole.after))
        if state.is_filling and state.filled_to is not None:
            reading.page = in_order(await ask(symbol, timeframe, state.filled_to))

    async def _keep(
        self, state: StreamState, reading: Reading, now: datetime, error: Exception | None
    ) -> Ingested:
        symbol, timeframe = candles_of(state)
        trouble, before = _trouble(error), state
        async with self.store.begin() as tx:
            if not await tx.streams.hold(state, LEASE):
                return Ingested(symbol=symbol, timeframe=timeframe, is_ours=False)
            state, fresh = await keep_fresh(tx.candles, state, reading, rests=self.rests)
            repaired = await keep_answer(tx.candles, state, reading, rests=self.rests)
            state, page = await keep_page(tx.candles, state, reading, rests=self.rests)
            state = noted(state, reading, now, trouble)
            is_last = before.latest is None or len(fresh.new) < FULL
            due = due_after(state, self.every, now, is_last=is_last)
            await tx.streams.settle(replace(state, due_at=due))
        return Ingested(
            symbol=symbol,
            timeframe=timeframe,
            new=len(fresh.new),
            revised=fresh.revised + repaired.revised + page.revised,
            percent=state.percent if before.is_filling else None,
            # While more are read at once, the last one so far is an old one.
            is_closed=is_last and state.latest != before.latest,
            trouble=trouble,
            error=error,
        )


async def wanted(
    tx: Transaction, watched: Sequence[tuple[str, Timeframe]]
) -> tuple[StreamKey, ...]:
    """The watched streams and the longer timeframes that active strategies look at with them."""
    strategies = await tx.settings.strategies()
    keys: dict[StreamKey, None] = dict.fromkeys(watched)
    for symbol, timeframe in watched:
        longer = frames_needed(strategies, symbol, timeframe)
        keys |= dict.fromkeys((symbol, frame) for frame in sorted(longer))
    return tuple(keys)


def _trouble(error: Exception | None) -> StreamTrouble | None:
    if error is None:
        return None
    if isinstance(error, NotFound):
        return StreamTrouble.UNKNOWN
    if isinstance(error, TraderError | OSError | TimeoutError):
        return StreamTrouble.SILENT
    return StreamTrouble.BROKEN
