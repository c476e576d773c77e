"""Feeds of today's world in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine.domain.feed import Edition, FeedState, NewsItem
from engine.domain.news_keys import guid_key, link_key, words_key
from engine.domain.snapshot import CalendarEvent, Headline
from engine.ports import Clock
from tests.memory.rows import View

_FEEDS, _RELEASES, _NEWS = "feed", "calendar_release", "news_item"
_ALIKE = timedelta(hours=36)


@dataclass(frozen=True)
class _Feed:
    state: FeedState
    not_before: datetime
    leased_until: datetime | None


class MemoryFeeds:
    """The port ``Feeds`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def take(self, name: str, lease: timedelta) -> FeedState | None:
        await self._view.lock(_FEEDS, name)
        now = self._clock()
        kept = self._view.get(_FEEDS, name) or _Feed(FeedState(name=name), now, None)
        if kept.not_before > now or (kept.leased_until is not None and kept.leased_until > now):
            return None
        await self._view.put(_FEEDS, name, replace(kept, leased_until=now + lease))
        return kept.state

    async def settle(self, state: FeedState, pause: timedelta) -> None:
        await self._view.put(_FEEDS, state.name, _Feed(state, self._clock() + pause, None))

    async def state(self, name: str) -> FeedState:
        kept: _Feed | None = self._view.get(_FEEDS, name)
        return FeedState(name=name) if kept is None else kept.state


@dataclass(frozen=True)
class _Release:
    source: str
    event: CalendarEvent
    listed: bool

    @property
    def slot(self) -> tuple[datetime, str, str]:
        return (self.event.time, self.event.currency, self.event.title)


class MemoryReleases:
    """The port ``Releases`` in one transaction."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def publish(self, source: str, edition: Edition) -> int:
        await self._view.lock(_RELEASES, "all")
        before = [
            event
            for event in await self.between(source, edition.covered_from, edition.covered_until)
            if event.time < edition.covered_until
        ]
        slots = {(event.time, event.currency, event.title) for event in edition.events}
        rows = [_Release(source, event, True) for event in edition.events if event not in before]
        rows += [
            _Release(source, event, False)
            for event in before
            if (event.time, event.currency, event.title) not in slots
        ]
        number = len(self._view.all(_RELEASES))
        for offset, row in enumerate(rows):
            await self._view.insert(_RELEASES, number + offset, row)
        return len(rows)

    async def between(
        self, source: str, since: datetime, until: datetime
    ) -> tuple[CalendarEvent, ...]:
        last = {row.slot: row for row in self._view.all(_RELEASES) if row.source == source}
        found = [r.event for r in last.values() if r.listed and since <= r.event.time <= until]
        return tuple(sorted(found, key=lambda e: (e.time, e.currency, e.title)))


@dataclass(frozen=True)
class _Item:
    number: int
    keys: tuple[str | None, str | None, str]
    headline: Headline
    seen_at: datetime


class MemoryHeadlines:
    """The port ``Headlines`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def add(self, items: Sequence[NewsItem], *, keep: timedelta, most: int) -> int:
        await self._view.lock(_NEWS, "all")
        now, new = self._clock(), 0
        for item in items:
            published = min(item.published_at or now, now)
            if published < now - keep:
                continue
            keys = (guid_key(item), link_key(item), words_key(item))
            known = [kept for kept in self._kept() if _same(kept, keys, published)]
            for kept in known:
                await self._view.put(_NEWS, kept.number, replace(kept, seen_at=now))
            if not known:
                number = len(self._view.all(_NEWS)) + 1
                told = Headline(time=published, source=item.source, text=item.headline)
                await self._view.insert(_NEWS, number, _Item(number, keys, told, now))
                new += 1
        newest = sorted(self._kept(), key=_age, reverse=True)
        for place, kept in enumerate(newest):
            if place >= most or kept.seen_at < now - keep:
                await self._view.put(_NEWS, kept.number, None)
        return new

    async def latest(self, instant: datetime, since: datetime, limit: int) -> Sequence[Headline]:
        rows = [kept for kept in self._kept() if since <= kept.headline.time <= instant]
        return [kept.headline for kept in sorted(rows, key=_age, reverse=True)[:limit]]

    def _kept(self) -> list[_Item]:
        return [kept for kept in self._view.all(_NEWS) if kept is not None]


def _age(kept: _Item) -> tuple[datetime, int]:
    return (kept.headline.time, kept.number)


def _same(kept: _Item, keys: tuple[str | None, str | None, str], published: datetime) -> bool:
    guid, link, words = keys
    return (
        (guid is not None and guid == kept.keys[0])
        or (link is not None and link == kept.keys[1])
        or (words == kept.keys[2] and abs(published - kept.headline.time) <= _ALIKE)
    )
