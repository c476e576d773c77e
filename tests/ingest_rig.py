"""A venue, workers and a store in memory, with a clock that is moved by hand."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from broker.feeds.stored import StoredMarket
from engine.domain.market import Candle, Timeframe
from engine.domain.stream import Gap, StreamState
from engine.flow.ingest import IngestCandles, Ingested
from tests.memory import MemoryStore

EUR = ("EURUSD", Timeframe.H1)
#: A Wednesday.
NOW = datetime(2026, 3, 11, 12, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
EVERY = MINUTE


def candle(time: datetime, close: str = "1.1") -> Candle:
    price = Decimal(close)
    return Candle(time, Decimal("1.1"), max(price, Decimal("1.2")), Decimal("1.0"), price, 5)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Venue:
    """A venue with hourly candles from ``since`` on, some of which it hides; ``page`` is how many
    it shows at once, the first ones or, where it is ``late``, the last ones.
    """

    clock: Clock
    since: datetime = NOW - 3000 * HOUR
    hidden: set[datetime] = field(default_factory=set)
    closes: dict[datetime, str] = field(default_factory=dict)
    page: int = 1000
    late: bool = False
    fails: list[Exception] = field(default_factory=list)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    meanwhile: Callable[[], Any] | None = None

    def _all(self) -> list[Candle]:
        count = int((self.clock.now - self.since) / HOUR)
        times = (self.since + number * HOUR for number in range(count))
        return [candle(t, self.closes.get(t, "1.1")) for t in times if t not in self.hidden]

    async def _ask(self, *what: Any) -> None:
        self.asked.append(what)
        self.called.set()
        await asyncio.sleep(0)
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.fails:
            raise self.fails.pop(0)

    async def instant(self) -> datetime:
        return self.clock.now

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        await self._ask(symbol, timeframe, count)
        return tuple(self._all()[-min(count, self.page) :])

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        await self._ask(symbol, timeframe, after)
        found = [each for each in self._all() if each.time > after]
        return tuple(found[-self.page :] if self.late else found[: self.page])


@dataclass
class Bells:
    rung: list[str] = field(default_factory=list)

    async def ring(self, job: str, *_: str) -> None:
        self.rung.append(job)


@dataclass
class Rig:
    clock: Clock
    store: MemoryStore
    venue: Venue
    ingest: IngestCandles
    market: StoredMarket

    def changed(self, **fields: Any) -> None:
        self.ingest = replace(self.ingest, **fields)

    async def turn(self, after: timedelta = timedelta()) -> Ingested | None:
        """One turn when so much time has passed; None when nothing was due."""
        self.clock.now += after
        await self.ingest.spread()
        done = await self.ingest()
        return done[0] if done else None

    async def state(self) -> StreamState:
        async with self.store.begin() as tx:
            (found,) = await tx.streams.states("venue", [EUR])
        return found  # type: ignore[no-any-return]

    async def kept(self) -> list[datetime]:
        async with self.store.begin() as tx:
            return [each.time for each in await tx.candles.last("venue", EUR, 10_000)]

    async def gaps(self) -> list[Gap]:
        rows = self.store.all("candle_gap")
        return [gap for kept in rows for gap, _ in kept.values()]

    def times(self, first: datetime) -> list[datetime]:
        return [each.time for each in self.venue._all() if each.time >= first]


def rigged() -> Rig:
    clock = Clock()
    store: Any = MemoryStore(clock)
    venue: Any = Venue(clock)
    ingest = IngestCandles(
        store=store, source=venue, name="venue", watched=(EUR,), bell=Bells(), holder="here",
        every=EVERY,
    )  # fmt: skip
    market = StoredMarket(store=store, remote=venue, source="venue", watched=(EUR,))
    return Rig(clock, store, venue, ingest, market)
