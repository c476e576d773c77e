"""Feeds of today's world: fetched by one, revised without loss, each headline once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.domain.feed import Edition, FeedState, NewsItem, Trouble
from engine.domain.snapshot import CalendarEvent, Impact
from tests.contract.conftest import rolled_back

SOURCE = "https://calendar.example/week.json"
MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
HOUR, DAY, NOTHING = timedelta(hours=1), timedelta(days=1), timedelta(0)
MONTH = timedelta(days=30)


def release(hours: int, title: str = "CPI m/m", **changes: Any) -> CalendarEvent:
    event = CalendarEvent(
        time=MONDAY + hours * HOUR, currency="USD", impact=Impact.HIGH, title=title, previous="0.2%"
    )
    return replace(event, **changes)


async def publish(store: Any, *events: CalendarEvent, source: str = SOURCE) -> int:
    edition = Edition(covered_from=MONDAY, covered_until=MONDAY + 7 * DAY, events=events)
    async with store.begin() as tx:
        return await tx.releases.publish(source, edition)


async def listed(store: Any, source: str = SOURCE) -> tuple[CalendarEvent, ...]:
    async with store.begin() as tx:
        return await tx.releases.between(source, MONDAY, MONDAY + 7 * DAY)


async def take(store: Any, lease: timedelta = HOUR) -> FeedState | None:
    async with store.begin() as tx:
        return await tx.feeds.take(SOURCE, lease)


async def settle(store: Any, pause: timedelta, **facts: Any) -> None:
    async with store.begin() as tx:
        await tx.feeds.settle(FeedState(name=SOURCE, **facts), pause)


async def test_a_feed_is_fetched_by_one_at_a_time(store: Any) -> None:
    assert await take(store) == FeedState(name=SOURCE)
    assert await take(store) is None
    await settle(store, NOTHING)
    assert await take(store) == FeedState(name=SOURCE)


async def test_one_who_dies_holds_a_feed_no_longer_than_the_lease(store: Any) -> None:
    assert await take(store, NOTHING) is not None
    assert await take(store) is not None


async def test_a_take_that_is_rolled_back_holds_nothing(store: Any) -> None:
    async with rolled_back(store) as tx:
        assert await tx.feeds.take(SOURCE, HOUR) is not None
    assert await take(store) is not None


async def test_a_feed_is_left_alone_until_the_pause_is_over(store: Any) -> None:
    assert await take(store)
    await settle(store, HOUR)
    assert await take(store) is None


async def test_how_a_feed_stands_comes_back_as_it_was_noted(store: Any) -> None:
    facts = {
        "checked_at": MONDAY + HOUR, "good_at": MONDAY, "etag": '"abc"', "modified": "Mon",
        "failures": 2, "trouble": Trouble.PAGE, "covered_from": MONDAY,
        "covered_until": MONDAY + DAY,
    }  # fmt: skip
    assert await take(store)
    await settle(store, NOTHING, **facts)
    async with store.begin() as tx:
        assert await tx.feeds.state(SOURCE) == FeedState(name=SOURCE, **facts)
        assert await tx.feeds.state("https://other.example") == FeedState(
            name="https://other.example"
        )


async def test_an_edition_that_says_the_same_is_no_revision(store: Any) -> None:
    assert await publish(store, release(10), release(5)) == 2
    assert await publish(store, release(5), release(10)) == 0
    assert await listed(store) == (release(5), release(10))


async def test_a_revised_figure_is_a_new_row_and_the_last_one_counts(store: Any) -> None:
    await publish(store, release(5))
    assert await publish(store, release(5, forecast="0.3%")) == 1
    assert await publish(store, release(5)) == 1
    assert await listed(store) == (release(5),)


async def test_a_release_that_is_moved_leaves_its_old_time(store: Any) -> None:
    await publish(store, release(5), release(8, "GDP"))
    assert await publish(store, release(6), release(8, "GDP")) == 2
    assert await listed(store) == (release(6), release(8, "GDP"))
    assert await publish(store, release(5), release(8, "GDP")) == 2
    assert await listed(store) == (release(5), release(8, "GDP"))


async def test_an_edition_says_nothing_of_what_is_outside_its_span_or_of_another_feed(
    store: Any,
) -> None:
    await publish(store, release(5))
    await publish(store, release(9), source="https://other.example")
    following = Edition(
        covered_from=MONDAY + 7 * DAY,
        covered_until=MONDAY + 14 * DAY,
        events=(release(7 * 24, "first of its week"),),
    )
    async with store.begin() as tx:
        assert await tx.releases.publish(SOURCE, following) == 1
    # The first minute of a week is not in the week before.
    assert await publish(store, release(5)) == 0
    assert await listed(store) == (release(5), release(7 * 24, "first of its week"))


def item(guid: str = "", link: str = "", headline: str = "Gold rises", **facts: Any) -> NewsItem:
    said = {"source": "Wire", "published_at": None, **facts}
    return NewsItem(guid=guid, link=link, headline=headline, **said)


async def add(store: Any, *items: NewsItem, keep: timedelta = MONTH, most: int = 100) -> int:
    async with store.begin() as tx:
        return await tx.headlines.add(items, keep=keep, most=most)


async def told(store: Any, limit: int = 10) -> list[str]:
    async with store.begin() as tx:
        now = await tx.now()
        return [h.text for h in await tx.headlines.latest(now, now - MONTH, limit)]


async def test_a_headline_is_stored_once_by_id_by_link_and_by_words(store: Any) -> None:
    assert await add(store, item("a", "https://x.example/1", "Fed holds rates")) == 1
    assert await add(store, item("a", "https://x.example/2", "Fed holds its rates")) == 0
    assert await add(store, item("b", "https://www.x.example/1/?utm_source=rss", "Held")) == 0
    assert await add(store, item("c", "https://y.example/9", "FED holds rates!")) == 0
    assert await add(store, item("a", source="Other wire", headline="Another paper's a")) == 1
    assert await told(store) == ["Another paper's a", "Fed holds rates"]


async def test_the_same_words_of_another_week_are_other_news(store: Any) -> None:
    async with store.begin() as tx:
        now = await tx.now()
    assert await add(store, item("a", published_at=now - 8 * DAY)) == 1
    assert await add(store, item("b", published_at=now - DAY)) == 1


async def test_sites_without_a_path_are_no_links(store: Any) -> None:
    assert await add(store, item("", "https://x.example/", "One")) == 1
    assert await add(store, item("", "https://x.example/", "Two")) == 1


async def test_the_newest_come_first_and_none_from_after_the_instant(store: Any) -> None:
    async with store.begin() as tx:
        now = await tx.now()
    times = {"old": now - 3 * HOUR, "new": now - HOUR, "mid": now - 2 * HOUR}
    await add(store, *(item(n, headline=n, published_at=at) for n, at in times.items()))
    assert await told(store) == ["new", "mid", "old"]
    assert await told(store, 2) == ["new", "mid"]
    async with store.begin() as tx:
        seen = await tx.headlines.latest(now - 2 * HOUR, now - MONTH, 10)
        assert [(h.text, h.time, h.source) for h in seen] == [
            ("mid", now - 2 * HOUR, "Wire"), ("old", now - 3 * HOUR, "Wire")
        ]  # fmt: skip
        assert await tx.headlines.latest(now, now, 10) == []


async def test_a_time_to_come_is_read_as_now(store: Any) -> None:
    await add(store, item("a", published_at=datetime(2990, 1, 1, tzinfo=UTC)))
    assert await told(store) == ["Gold rises"]


async def test_what_is_old_or_too_much_is_not_kept(store: Any) -> None:
    async with store.begin() as tx:
        now = await tx.now()
    assert await add(store, item("old", published_at=now - 31 * DAY)) == 0
    many = [item(str(n), headline=f"n{n}", published_at=now - n * HOUR) for n in range(5)]
    assert await add(store, *many, most=3) == 5
    assert await told(store) == ["n0", "n1", "n2"]
    await add(store, keep=NOTHING)
    assert await told(store) == []
