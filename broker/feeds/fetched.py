"""The calendar and the news as they were last fetched: what a decision reads, without a network."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broker.feeds.tags import Tagger
from engine.domain.snapshot import CalendarView, Headline
from engine.ports import Store

_AHEAD, _BEHIND = timedelta(days=7), timedelta(days=1)
_NEWS_AGE = timedelta(days=3)
#: Headlines a decision is shown at most.
_NEWS = 20


class NoCalendar:
    """The port ``Calendar`` where none is set: nothing is known."""

    async def around(self, instant: datetime) -> CalendarView | None:
        return None


@dataclass(frozen=True, kw_only=True)
class FetchedCalendar:
    """The port ``Calendar`` over the releases of a feed.

    None outside the span that its editions cover, and as soon as the last good fetch is older than
    ``max_age``: a release may have been moved since.
    """

    store: Store
    source: str
    max_age: timedelta

    async def around(self, instant: datetime) -> CalendarView | None:
        async with self.store.begin() as tx:
            state = await tx.feeds.state(self.source)
            events = await tx.releases.between(self.source, instant - _BEHIND, instant + _AHEAD)
        start, end = state.covered_from, state.covered_until
        if state.good_at is None or start is None or end is None:
            return None
        if not (instant - state.good_at <= self.max_age and start <= instant < end):
            return None
        return CalendarView(events=events, known_until=end)


@dataclass(frozen=True, kw_only=True)
class FetchedNews:
    """The port ``News`` over the headlines of all feeds, tagged with the watched symbols."""

    store: Store
    tagger: Tagger

    async def latest(self, instant: datetime) -> tuple[Headline, ...]:
        async with self.store.begin() as tx:
            found = await tx.headlines.latest(instant, instant - _NEWS_AGE, _NEWS)
        return tuple(replace(each, symbols=self.tagger.tags(each.text)) for each in found)
