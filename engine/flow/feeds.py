"""Fetch the feeds that are due, and keep what they say."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine.domain.feed import Edition, FeedState, FeedTrouble, Trouble
from engine.ports import CalendarFeed, NewsFeed, Store, Transaction

#: Longer than any fetch with its reading; who dies in it is followed by another after that.
_LEASE = timedelta(minutes=2)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=1)
_AFTER_THE_END = timedelta(minutes=1)
#: An edition with less than half of what is announced for its span is not believed.
_FEW = 10
_AT_ONCE = 2
_KEPT, _MOST = timedelta(days=30), 5_000

#: What notes a reading in a transaction: how the feed stands then.
_Note = Callable[[Transaction, FeedState, datetime], Awaitable[FeedState]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of a fetch; ``trouble`` is None when it worked."""

    name: str
    trouble: FeedTrouble | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollFeeds:
    """Fetch what is due, each feed by one worker at a time.

    A feed that worked is due again after its interval and up to a tenth of it more, so that not
    everybody comes at once; a calendar also when its edition has ended. One that failed is tried
    after five minutes, then after twice as long each time, up to an hour, and never before the time
    the server asks for.
    """

    store: Store
    calendar: CalendarFeed | None
    calendar_every: timedelta
    news: tuple[NewsFeed, ...]
    news_every: timedelta

    async def __call__(self) -> tuple[Fetched, ...]:
        """The feeds that were fetched; what a feed does wrong ends only its own fetch."""
        gate = asyncio.Semaphore(_AT_ONCE)
        jobs = [self._news(feed, gate) for feed in self.news]
        if self.calendar is not None:
            jobs.append(self._calendar(self.calendar, gate))
        done = await asyncio.gather(*jobs, return_exceptions=True)
        for each in done:
            if isinstance(each, BaseException):
                raise each
        return tuple(each for each in done if isinstance(each, Fetched))

    async def _calendar(self, feed: CalendarFeed, gate: asyncio.Semaphore) -> Fetched | None:
        async def read(state: FeedState, now: datetime) -> _Note:
            reading = await feed.read(state, now)

            async def note(tx: Transaction, state: FeedState, now: datetime) -> FeedState:
                covered = await _published(tx, state, reading.edition, now)
                return replace(covered, etag=reading.etag, modified=reading.modified)

            return note

        async with gate:
            return await self._fetch(feed.name, self.calendar_every, read)

    async def _news(self, feed: NewsFeed, gate: asyncio.Semaphore) -> Fetched | None:
        async def read(state: FeedState, now: datetime) -> _Note:
            reading = await feed.read(state, now)

            async def note(tx: Transaction, state: FeedState, now: datetime) -> FeedState:
                # Feeds list the newest first; of one instant, what is stored last is the newest.
                await tx.headlines.add(reading.items[::-1], keep=_KEPT, most=_MOST)
                return replace(state, etag=reading.etag, modified=reading.modified)

            return note

        async with gate:
            return await self._fetch(feed.name, self.news_every, read)

    async def _fetch(
        self,
        name: str,
        every: timedelta,
        read: Callable[[FeedState, datetime], Awaitable[_Note]],
    ) -> Fetched | None:
        async with self.store.begin() as tx:
            state = await tx.feeds.take(name, _LEASE)
            now = await tx.now()
        if state is None:
            return None
        try:
            note = await read(state, now)
            async with self.store.begin() as tx:
                # When it was asked, not when it had answered: a slow answer is an old one.
                good = replace(await note(tx, state, now), good_at=now, failures=0, trouble=None)
                await tx.feeds.settle(replace(good, checked_at=now), _rest(good, every, now))
        except FeedTrouble as trouble:
            failed = replace(
                state, checked_at=now, failures=state.failures + 1, trouble=trouble.trouble
            )
            async with self.store.begin() as tx:
                await tx.feeds.settle(failed, _pause(failed.failures, trouble.wait))
            return Fetched(name, trouble)
        return Fetched(name)


def _rest(state: FeedState, every: timedelta, now: datetime) -> timedelta:
    """How long a feed that worked is left alone: an edition that ends is followed by the next."""
    rest = every * (1 + now.microsecond / 10_000_000)
    if state.covered_until is None:
        return rest
    return min(rest, state.covered_until - now + _AFTER_THE_END)


def _pause(failures: int, wait: timedelta | None) -> timedelta:
    backoff = min(_FIRST_PAUSE * (1 << min(failures - 1, 10)), _LONGEST_PAUSE)
    return max(backoff, wait or timedelta(0))


async def _published(
    tx: Transaction, state: FeedState, edition: Edition | None, now: datetime
) -> FeedState:
    """Keep an edition; raises :class:`FeedTrouble` for one that cannot be believed."""
    if edition is None:
        if state.covered_until is None or state.covered_until <= now:
            raise FeedTrouble(Trouble.OUTDATED, "it says that an edition still holds that is over")
        return state
    start, end = edition.covered_from, edition.covered_until
    if end <= now:
        raise FeedTrouble(Trouble.OUTDATED, f"its edition ended at {end:%Y-%m-%d %H:%M}Z")
    known = [e for e in await tx.releases.between(state.name, start, end) if e.time < end]
    if len(known) >= _FEW and len(edition.events) * 2 < len(known):
        raise FeedTrouble(
            Trouble.OUTDATED, f"it lists {len(edition.events)} releases of {len(known)} known"
        )
    await tx.releases.publish(state.name, edition)
    return replace(state, covered_from=_reach(state, start, end), covered_until=end)


def _reach(state: FeedState, start: datetime, end: datetime) -> datetime:
    """From when on everything is known: editions that meet or overlap are one span."""
    before, until = state.covered_from, state.covered_until
    if before is None or until is None:
        return start
    return before if before <= start <= until <= end else start
