"""Whether the product could trade now: each thing it needs, all asked at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from engine.domain.market import Timeframe
from engine.flow.watch import in_session, last_seen
from engine.ports import Broker, MarketData, Store

log = logging.getLogger(__name__)

#: The longest average a strategy may look at, SMA 200.
_WARM = 200
#: A process says that it is alive every five seconds.
_ALIVE = timedelta(seconds=30)
#: What does not answer within this is not there. Together with the asking it stays below the two
#: seconds in which a probe has to know.
_PATIENCE = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One thing that is needed: whether it is there, and else why not, as a code.

    Codes: ``silent`` (no answer in time, or an error), ``missing`` (nothing there to be asked),
    ``old`` (the last price is older than a decision may rest on), ``warming_up`` (``have`` of
    ``need`` candles).
    """

    name: str
    problem: str | None = None
    facts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReadiness:
    """Ask everything that trading needs; the answers come in this order, at most ``_PATIENCE``
    later. ``queue`` reaches the job queue, or raises.
    """

    store: Store
    broker: Broker
    market: MarketData
    symbols: tuple[tuple[str, Timeframe], ...]
    queue: Callable[[], Awaitable[object]]

    async def __call__(self) -> tuple[Standing, ...]:
        asked: list[tuple[str, Callable[[], Awaitable[Sequence[Standing]]]]] = [
            ("database", self._database),
            ("queue", self._queue),
            ("broker", self._broker),
            *(
                (f"feed:{symbol}:{timeframe}", self._feed(symbol, timeframe))
                for symbol, timeframe in self.symbols
            ),
        ]
        found = await asyncio.gather(*(_within(name, ask) for name, ask in asked))
        return tuple(standing for group in found for standing in group)

    async def _database(self) -> Sequence[Standing]:
        """The database, and the processes that say in it that they are alive."""
        async with self.store.begin() as tx:
            now = await tx.now()
            seen = await tx.heartbeats.seen()
        found = [Standing(name="database")]
        for name in ("worker", "bot"):
            last = last_seen(seen, name)
            if last is None:
                found.append(Standing(name=name, problem="missing"))
            else:
                silent = not (now - last <= _ALIVE)
                found.append(Standing(name=name, problem="silent" if silent else None))
        return found

    async def _queue(self) -> Sequence[Standing]:
        await self.queue()
        return [Standing(name="queue")]

    async def _broker(self) -> Sequence[Standing]:
        await self.broker.account()
        return [Standing(name="broker")]

    def _feed(
        self, symbol: str, timeframe: Timeframe
    ) -> Callable[[], Awaitable[Sequence[Standing]]]:
        async def ask() -> Sequence[Standing]:
            return [await self._stream(f"feed:{symbol}:{timeframe}", symbol, timeframe)]

        return ask

    async def _stream(self, name: str, symbol: str, timeframe: Timeframe) -> Standing:
        candles = await self.market.candles(symbol, timeframe, _WARM)
        if len(candles) < _WARM:
            facts = (("have", len(candles)), ("need", _WARM))
            return Standing(name=name, problem="warming_up", facts=facts)
        async with self.store.begin() as tx:
            strategies = await tx.settings.strategies()
            _, settings = await tx.settings.risk()
        instant = await self.market.instant()
        if not in_session(strategies, symbol, instant):
            return Standing(name=name)
        quote = await self.market.quote(symbol)
        limit = settings.max_data_age_candles * timeframe.length
        fresh = quote is not None and instant - quote.time <= limit
        return Standing(name=name, problem=None if fresh else "old")


async def _within(
    name: str, ask: Callable[[], Awaitable[Sequence[Standing]]]
) -> Sequence[Standing]:
    """What is asked, or that it is silent: whatever goes wrong there is an answer of its own."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await ask()
    except Exception:
        # Whatever library failed, how it failed does not matter to who asks.
        log.debug("%s did not answer", name, exc_info=True)
        return [Standing(name=name, problem="silent")]
