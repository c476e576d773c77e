"""Watch the market's feeds: remember where data comes from, and tell when it cannot be believed."""

from asyncio import gather, timeout
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engine.domain.feed_fault import (
    Episode,
    Fault,
    FeedFault,
    FeedMemory,
    FeedRecord,
    Sight,
    facts_of,
)
from engine.domain.market import Timeframe
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Role
from engine.domain.settings import RiskSettings
from engine.errors import TraderError
from engine.flow.latch import ANSWERS_WITHIN
from engine.flow.watch import in_session
from engine.gate.feed_guard import faults
from engine.ports import Bell, MarketData, Store, Watch
from engine.snapshot.indicators import WINDOW

#: Trouble is told when it is seen at so many looks in a row: one odd tick is nobody's news.
TOLD_AT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a look at one feed brought; ``sight`` is None where nothing could be read."""

    sight: Sight | None
    faults: tuple[FeedFault, ...]


async def look_at(
    market: MarketData, symbol: str, timeframe: Timeframe, record: FeedRecord
) -> Seen:
    """One symbol's data as a decision would see it now, and what is wrong with it."""
    try:
        async with timeout(ANSWERS_WITHIN):
            candles = await market.candles(symbol, timeframe, WINDOW)
            quote = await market.quote(symbol)
            instrument = await market.instrument(symbol)
            # Last: what closed while we read would be from the future of an instant before.
            instant = await market.instant()
    except (TraderError, OSError) as error:
        # A timeout is an OSError, too.
        return Seen(sight=None, faults=(_unreadable(str(error) or "no answer"),))
    if not candles:
        return Seen(sight=None, faults=(_unreadable("no candles"),))
    sight = Sight(
        timeframe=timeframe,
        instant=instant,
        candles=candles,
        quote=quote,
        instrument=instrument,
        memory=record.memory,
    )
    return Seen(sight=sight, faults=faults(sight))


def over_limits(sight: Sight, settings: RiskSettings) -> tuple[FeedFault, ...]:
    """What a trader's own limits refuse, for people to see; the gate has checks for these."""
    found = []
    if sight.candles and sight.quote is not None:
        closed = sight.candles[-1].time + sight.timeframe.length
        age = (sight.instant - min(closed, sight.quote.time)) / sight.timeframe.length
        limit = settings.max_data_age_candles
        if not age <= limit:
            found.append(FeedFault(code=Fault.OLD, seen=f"{age:.1f}", limit=str(limit)))
    if sight.quote is not None:
        pips = sight.instrument.pips(sight.quote.spread)
        if not pips <= settings.max_spread_pips:
            limit_text = str(settings.max_spread_pips)
            found.append(FeedFault(code=Fault.WIDE, seen=f"{pips:.1f}", limit=limit_text))
    return tuple(found)


def _unreadable(why: str) -> FeedFault:
    return FeedFault(code=Fault.UNREADABLE, seen=why[:120])


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchFeeds:
    """Look at every watched symbol's data; answers what is wrong with each.

    What is remembered of a feed is written here and nowhere else; decisions read it. Traders are
    told once when trouble has lasted, in the hours of a strategy, and once when it is over.
    """

    store: Store
    market: MarketData
    bell: Bell
    symbols: tuple[Watch, ...]

    async def __call__(self) -> Mapping[Watch, tuple[FeedFault, ...]]:
        async with self.store.begin() as tx:
            records = await tx.feed_memory.all()
            strategies = await tx.settings.strategies()
            now = await tx.now()
        kept = [records.get(watch, FeedRecord()) for watch in self.symbols]
        looks = await gather(
            *(look_at(self.market, *w, r) for w, r in zip(self.symbols, kept, strict=True))
        )
        told = False
        for watch, record, look in zip(self.symbols, kept, looks, strict=True):
            is_open = look.sight is None or in_session(strategies, watch[0], look.sight.instant)
            if _after(record, look, now, is_open=is_open) != record:
                told |= await self._note(watch, look, is_open=is_open)
        if told:
            await self.bell.ring("deliver")
        return {w: look.faults for w, look in zip(self.symbols, looks, strict=True)}

    async def _note(self, watch: Watch, look: Seen, *, is_open: bool) -> bool:
        """Remember a look; whether somebody is to be told of it."""
        async with self.store.begin() as tx:
            before = await tx.feed_memory.take(*watch)
            after = _after(before, look, await tx.now(), is_open=is_open)
            await tx.feed_memory.save(*watch, after)
            notice = _notice(watch, before.episode, after.episode, look.faults)
            if notice is not None:
                await tx.outbox.tell(notice, Audience(at_least=Role.TRADER))
        return notice is not None


def _after(record: FeedRecord, look: Seen, now: datetime, *, is_open: bool) -> FeedRecord:
    """What is remembered after a look."""
    memory = record.memory
    if look.sight is not None:
        facts, candle = facts_of(look.sight.instrument), look.sight.candles[-1].time
        memory = FeedMemory(believed=facts) if memory is None else memory.after(facts, candle)
    return FeedRecord(memory=memory, episode=_episode(record.episode, look, now, is_open=is_open))


def _episode(before: Episode | None, look: Seen, now: datetime, *, is_open: bool) -> Episode | None:
    if not look.faults:
        return None
    if before is None:
        return Episode(fault=look.faults[0].code, since=now)
    looks = min(before.looks + 1, TOLD_AT)
    return replace(before, looks=looks, told=before.told or (is_open and looks == TOLD_AT))


def _notice(
    watch: Watch, before: Episode | None, after: Episode | None, found: Sequence[FeedFault]
) -> Notice | None:
    """What is to be told: that trouble lasts, or that what was told is over."""
    was_told, is_told = (each is not None and each.told for each in (before, after))
    if was_told == is_told:
        return None
    symbol, timeframe = watch
    episode = after if is_told else before
    assert episode is not None
    named = {"symbol": symbol, "timeframe": str(timeframe), "since": episode.since.isoformat()}
    fault = found[0] if found else FeedFault(code=episode.fault, seen="")
    state = "bad" if is_told else "good"
    return Notice(
        kind=Kind.FEED,
        key=f"feed:{symbol}:{timeframe}:{state}:{episode.since.isoformat()}",
        priority=Priority.NORMAL,
        detail={**named, "fault": str(fault.code), "seen": fault.seen, "limit": fault.limit},
        cause=f"feed:{symbol}:{timeframe}",
        is_resolved=not is_told,
    )
