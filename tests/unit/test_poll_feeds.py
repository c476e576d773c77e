"""Polling, politely and by one at a time; the gate closes when the calendar is old."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from broker.feeds.fetched import FetchedCalendar, FetchedNews, NoCalendar
from broker.feeds.tags import Tagger
from engine.domain.feed import (
    CalendarKind,
    CalendarReading,
    Edition,
    FeedState,
    FeedTrouble,
    NewsItem,
    NewsReading,
    Trouble,
)
from engine.domain.gate import Check
from engine.domain.snapshot import CalendarView
from engine.flow.feed_faults import FindFeedFaults
from engine.flow.feeds import Fetched, PollFeeds
from engine.gate.case import run
from tests.builders import NOW, bundle, case, release
from tests.memory import MemoryStore

#: NOW is a Wednesday.
SUNDAY = NOW.replace(hour=0) - timedelta(days=3)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WEEK = 7 * DAY
URL, NEWS = "https://calendar.example/week.json?token=secret", "https://news.example/rss"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Feed:
    """Answers what it is told to, or raises it. ``asked`` are the states it was asked with."""

    name: str
    says: Any
    asked: list[FeedState] = field(default_factory=list)

    async def read(self, state: FeedState, now: datetime) -> Any:
        self.asked.append(state)
        await asyncio.sleep(0)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


def week(*events: Any, start: datetime = SUNDAY, etag: str = "") -> CalendarReading:
    edition = Edition(covered_from=start, covered_until=start + WEEK, events=events)
    return CalendarReading(edition=edition, etag=etag)


def announced(count: int) -> tuple[Any, ...]:
    return tuple(release(n * HOUR, title=f"r{n}") for n in range(count))


@dataclass
class Rig:
    clock: Clock
    store: MemoryStore
    calendar: Feed
    news: Feed
    poll: PollFeeds
    shown: FetchedCalendar

    async def after(self, pause: timedelta) -> tuple[Fetched, ...]:
        """What is fetched when so much time has passed."""
        self.clock.now += pause
        return await self.poll()

    async def state(self) -> FeedState:
        async with self.store.begin() as tx:
            found: FeedState = await tx.feeds.state(URL)
        return found

    async def faults(self, **changes: Any) -> list[tuple[str, str, dict[str, Any]]]:
        find = FindFeedFaults(
            store=self.store,
            kind=CalendarKind.WEB,
            calendar=URL,
            news=(NEWS,),  # type: ignore[arg-type]
        )
        view = await self.shown.around(self.clock.now)
        found = await replace(find, **changes)(view, self.clock.now)
        return [(each.code, str(each.level), each.facts) for each in found]

    async def gate(self) -> tuple[bool, str]:
        """Whether the news check passes, and what it saw."""
        view = await self.shown.around(self.clock.now)
        seen = bundle(instant=self.clock.now, calendar=view)
        result = run(Check.NEWS, case(bundle=seen))
        return result.passed, result.observed


@pytest.fixture
def rig() -> Rig:
    clock = Clock()
    store = MemoryStore(clock)
    calendar, news = Feed(URL, week(release(5 * HOUR))), Feed(NEWS, NewsReading())
    poll = PollFeeds(
        store=store,  # type: ignore[arg-type]
        calendar=calendar,
        calendar_every=HOUR,
        news=(news,),
        news_every=15 * MINUTE,
    )
    shown = FetchedCalendar(store=store, source=URL, max_age=4 * HOUR)  # type: ignore[arg-type]
    return Rig(clock, store, calendar, news, poll, shown)


async def test_the_gate_closes_when_the_calendar_is_old_and_opens_when_it_is_back(rig: Rig) -> None:
    assert await rig.gate() == (False, "missing")
    await rig.poll()
    assert await rig.gate() == (True, "300")
    rig.calendar.says = FeedTrouble(Trouble.UNREACHABLE, "no answer")
    await rig.after(4 * HOUR)
    assert await rig.gate() == (False, "60")
    rig.calendar.says = week(release(9 * HOUR))
    rig.clock.now += MINUTE
    assert await rig.gate() == (False, "missing")
    await rig.after(5 * MINUTE)
    assert (await rig.gate())[0]


async def test_the_gate_closes_at_the_end_of_the_week_and_opens_with_the_next(rig: Rig) -> None:
    await rig.poll()
    rig.clock.now = SUNDAY + WEEK - 30 * MINUTE
    assert await rig.poll()
    assert await rig.gate() == (False, "missing")
    rig.clock.now += 31 * MINUTE
    assert await rig.shown.around(rig.clock.now) is None
    # The week that is over says nothing of now, even if it comes once more.
    assert [each.trouble.trouble for each in await rig.poll() if each.trouble] == [Trouble.OUTDATED]
    rig.calendar.says = week(release(WEEK), start=SUNDAY + WEEK)
    await rig.after(5 * MINUTE)
    assert (await rig.gate())[0]
    view = await rig.shown.around(rig.clock.now)
    assert view is not None
    assert view.known_until == SUNDAY + 2 * WEEK


async def test_a_release_that_is_moved_counts_where_it_is_now(rig: Rig) -> None:
    await rig.poll()
    rig.calendar.says = week(release(70 * MINUTE + 50 * MINUTE))
    await rig.after(70 * MINUTE)
    assert await rig.gate() == (False, "50")


async def test_many_workers_fetch_once(rig: Rig) -> None:
    await asyncio.gather(*(rig.poll() for _ in range(9)))
    assert (len(rig.calendar.asked), len(rig.news.asked)) == (1, 1)


async def test_a_feed_is_asked_again_after_its_interval_and_with_what_it_gave(rig: Rig) -> None:
    rig.calendar.says = week(release(HOUR), etag='"1"')
    await rig.poll()
    assert not await rig.after(14 * MINUTE)
    assert [each.name for each in await rig.after(2 * MINUTE)] == [NEWS]
    await rig.after(50 * MINUTE)
    assert rig.calendar.asked[1].etag == '"1"'
    rig.calendar.says = CalendarReading(edition=None, etag='"1"')
    await rig.after(70 * MINUTE)
    assert (await rig.state()).good_at == rig.clock.now
    assert await rig.shown.around(rig.clock.now) is not None


async def test_what_fails_is_tried_ever_more_seldom_and_never_before_it_may(rig: Rig) -> None:
    rig.calendar.says = FeedTrouble(Trouble.STATUS, "HTTP 404")
    await rig.poll()
    for minutes in (5, 10, 20, 40, 60, 60):
        asked = len(rig.calendar.asked)
        await rig.after(minutes * MINUTE - timedelta(seconds=1))
        assert len(rig.calendar.asked) == asked
        await rig.after(timedelta(seconds=1))
        assert len(rig.calendar.asked) == asked + 1
    rig.calendar.says = FeedTrouble(Trouble.BUSY, "HTTP 429", 3 * HOUR)
    await rig.after(HOUR)
    asked = len(rig.calendar.asked)
    await rig.after(2 * HOUR)
    assert len(rig.calendar.asked) == asked
    rig.calendar.says = week(release(HOUR))
    await rig.after(HOUR)
    state = await rig.state()
    assert (state.failures, state.trouble, state.good_at) == (0, None, rig.clock.now)


async def test_an_edition_with_hardly_anything_in_it_is_not_believed(rig: Rig) -> None:
    rig.calendar.says = week(*announced(20))
    await rig.poll()
    rig.calendar.says = week(*announced(9))
    (found,) = [each for each in await rig.after(2 * HOUR) if each.name == URL]
    assert found.trouble is not None
    assert "9 releases of 20" in str(found.trouble)
    view = await rig.shown.around(rig.clock.now)
    assert view is not None
    assert len(view.events) == 20
    rig.calendar.says = week(*announced(10))
    await rig.after(5 * MINUTE)
    view = await rig.shown.around(rig.clock.now)
    assert view is not None
    assert len(view.events) == 10


async def test_an_edition_of_next_week_says_nothing_of_this_one(rig: Rig) -> None:
    later = SUNDAY + 2 * WEEK
    rig.calendar.says = week(release(12 * DAY), start=later)
    await rig.poll()
    assert await rig.shown.around(rig.clock.now) is None


async def test_another_feed_goes_on_when_one_has_a_fault_of_its_own(rig: Rig) -> None:
    rig.calendar.says = RuntimeError("a fault of ours")
    with pytest.raises(RuntimeError):
        await rig.poll()
    assert len(rig.news.asked) == 1
    rig.calendar.says = week(release(HOUR))
    assert not [each for each in await rig.after(MINUTE) if each.name == URL]
    assert [each.name for each in await rig.after(MINUTE)] == [URL]


async def test_news_come_newest_first_tagged_and_only_of_before(rig: Rig) -> None:
    def item(guid: str, headline: str, ago: timedelta) -> NewsItem:
        return NewsItem(
            guid=guid, link="", headline=headline, source="Wire", published_at=NOW - ago
        )

    rig.news.says = NewsReading(
        items=(item("1", "ECB holds", 2 * HOUR), item("2", "Rain", HOUR), item("3", "x", 4 * DAY))
    )
    await rig.poll()
    news = FetchedNews(store=rig.store, tagger=Tagger(["EURUSD"]))  # type: ignore[arg-type]
    assert [(h.text, h.symbols) for h in await news.latest(NOW)] == [
        ("Rain", ()), ("ECB holds", ("EURUSD",))
    ]  # fmt: skip
    assert [h.text for h in await news.latest(NOW - 90 * MINUTE)] == ["ECB holds"]


async def test_the_doctor_names_what_is_wrong_and_never_the_whole_address(rig: Rig) -> None:
    here = {"server": "calendar.example"}
    assert await rig.faults() == [("calendar_never", "fault", here)]
    await rig.poll()
    assert await rig.faults() == []
    rig.calendar.says = FeedTrouble(Trouble.PAGE, "a web page")
    rig.news.says = FeedTrouble(Trouble.STATUS, "HTTP 404")
    await rig.after(2 * HOUR)
    failing = [
        ("feed_page", "warning", here), ("feed_status", "warning", {"server": "news.example"})
    ]  # fmt: skip
    assert await rig.faults() == failing
    await rig.after(3 * HOUR)
    assert await rig.faults() == [("calendar_old", "fault", {**here, "minutes": 300}), *failing]


@pytest.mark.parametrize(
    ("kind", "missing", "ends"),
    [
        (CalendarKind.UNSET, "calendar_unset", []),
        (CalendarKind.TERMINAL, "calendar_terminal", []),
        (CalendarKind.FILE, "calendar_file", ["calendar_file_ends"]),
        (CalendarKind.RECORDED, "no_calendar", ["calendar_ends"]),
    ],
)
async def test_each_kind_of_calendar_has_faults_of_its_own(
    rig: Rig, kind: CalendarKind, missing: str, ends: list[str]
) -> None:
    find = FindFeedFaults(store=rig.store, kind=kind, calendar=None, news=())  # type: ignore[arg-type]
    view = await NoCalendar().around(NOW)
    assert [found.code for found in await find(view, NOW)] == [missing]
    soon = CalendarView(events=(), known_until=NOW + DAY)
    assert [found.code for found in await find(soon, NOW)] == ends
    assert await find(CalendarView(events=(), known_until=NOW + 3 * DAY), NOW) == []
