"""Histories are filled page by page, and holes in them are asked for, filled or given up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.domain.stream import Gap, GapState, Hole, StreamTrouble, is_weekend
from engine.errors import FeedError
from engine.flow.ingest_faults import FindStreamFaults
from engine.snapshot.indicators import WINDOW
from tests.ingest_rig import EUR, EVERY, HOUR, MINUTE, NOW, SECOND, Rig, rigged


@pytest.fixture
def rig() -> Rig:
    return rigged()


async def test_a_history_is_filled_page_by_page_and_goes_on_where_it_was(rig: Rig) -> None:
    rig.changed(history=2000 * HOUR)
    rig.venue.page = 600
    await rig.turn()
    done = await rig.turn()
    assert done is not None
    assert done.percent == 42
    half = await rig.kept()
    assert half == [*rig.times(NOW - 2000 * HOUR + HOUR)[:600], *rig.times(NOW - 600 * HOUR)]
    # The next process knows nothing but what is stored.
    asked = len(rig.venue.asked)
    rig.ingest = replace(rig.ingest, holder="next")
    percents = []
    while (done := await rig.turn()) is not None:
        percents.append(done.percent)
    assert percents == [85, 100]
    # Only pages of before, not the newest candles again with each.
    assert [what[2] for what in rig.venue.asked[asked:]] == [half[599], half[599] + 600 * HOUR]
    assert await rig.kept() == rig.times(NOW - 2000 * HOUR + HOUR)
    assert await rig.gaps() == []


async def test_a_longer_history_is_fetched_later_as_well(rig: Rig) -> None:
    await rig.turn()
    rig.changed(history=1000 * HOUR)
    assert await rig.turn(EVERY)
    while (await rig.state()).is_filling:
        await rig.turn()
    assert (await rig.kept())[0] == NOW - 999 * HOUR + HOUR * 0
    state = await rig.state()
    assert await rig.turn(EVERY)
    assert (await rig.state()).filled_from == state.filled_from


async def test_a_history_ends_where_the_venue_s_does(rig: Rig) -> None:
    rig.changed(history=2000 * HOUR)
    rig.venue.since = NOW - 700 * HOUR
    while await rig.turn():
        pass
    assert await rig.kept() == rig.times(NOW - 700 * HOUR)
    state = await rig.state()
    assert (state.percent, state.begins) == (100, NOW - 2000 * HOUR)
    assert await rig.gaps() == []


async def test_the_newest_candle_is_read_while_a_history_is_filled(rig: Rig) -> None:
    rig.changed(history=2900 * HOUR)
    rig.venue.page = 100
    await rig.turn()
    await rig.turn()
    done = await rig.turn(HOUR + SECOND)
    assert done is not None
    assert (done.new, done.is_closed, (await rig.state()).is_filling) == (1, True, True)


async def test_a_hole_is_asked_for_and_filled(rig: Rig) -> None:
    missing = [NOW + number * HOUR for number in (1, 2)]
    await rig.turn()
    rig.venue.hidden |= set(missing)
    await rig.turn(5 * HOUR)
    hole = Hole(NOW, NOW + 3 * HOUR)
    assert await rig.gaps() == [Gap(hole=hole)]
    rig.venue.hidden.clear()
    done = await rig.turn(EVERY)
    assert done is not None
    assert not done.is_closed  # an old candle is nothing to judge
    assert rig.venue.asked[-1] == (*EUR, NOW)
    assert await rig.gaps() == []
    assert await rig.kept() == rig.times(NOW - WINDOW * HOUR)


async def test_a_hole_that_is_filled_in_part_is_a_smaller_one(rig: Rig) -> None:
    await rig.turn()
    rig.venue.hidden |= {NOW + number * HOUR for number in (1, 2, 3)}
    await rig.turn(6 * HOUR)
    rig.venue.hidden.remove(NOW + 2 * HOUR)
    await rig.turn(EVERY)
    left = [Hole(NOW, NOW + 2 * HOUR), Hole(NOW + 2 * HOUR, NOW + 4 * HOUR)]
    assert await rig.gaps() == [Gap(hole=hole) for hole in left]


async def test_a_hole_is_empty_when_the_venue_has_said_so_twice(rig: Rig) -> None:
    rig.venue.hidden |= {NOW - 30 * HOUR, NOW - 10 * HOUR}
    await rig.turn()
    assert [gap.asked for gap in await rig.gaps()] == [0, 0]
    await rig.turn(EVERY)
    assert [(gap.asked, gap.state) for gap in await rig.gaps()] == [(1, GapState.OPEN)] * 2
    await rig.turn(EVERY)
    assert [(gap.asked, gap.state) for gap in await rig.gaps()] == [(2, GapState.EMPTY)] * 2
    asked = len(rig.venue.asked)
    await rig.turn(EVERY)
    assert len(rig.venue.asked) == asked + 1  # the newest candles only
    # Both were one question.
    assert [what[2] for what in rig.venue.asked[:asked]].count(NOW - 31 * HOUR) == 2


async def test_a_page_that_ends_before_a_hole_says_nothing_of_it(rig: Rig) -> None:
    rig.venue.hidden |= {NOW - 500 * HOUR, NOW - 10 * HOUR}
    await rig.turn()
    rig.venue.page = 100
    await rig.turn(EVERY)
    await rig.turn(EVERY)
    assert [gap.asked for gap in await rig.gaps()] == [2, 0]
    await rig.turn(EVERY)
    await rig.turn(EVERY)
    assert {gap.state for gap in await rig.gaps()} == {GapState.EMPTY}


async def test_a_hole_older_than_what_the_venue_shows_is_given_up(rig: Rig) -> None:
    rig.venue.hidden.add(NOW - 500 * HOUR)
    await rig.turn()
    rig.venue.page, rig.venue.late = 100, True
    await rig.turn(EVERY)
    await rig.turn(EVERY)
    assert [gap.state for gap in await rig.gaps()] == [GapState.BEYOND]


async def test_a_weekend_is_no_hole_where_the_market_rests_then(rig: Rig) -> None:
    friday = datetime(2026, 3, 6, 21, tzinfo=UTC)
    rig.venue.hidden |= {friday + number * HOUR for number in range(49)}
    await rig.turn()
    assert await rig.gaps() == []
    rig.changed(name="exchange", rests=False)
    await rig.turn()
    assert [gap.hole for gap in await rig.gaps()] == [Hole(friday - HOUR, friday + 49 * HOUR)]


@pytest.mark.parametrize(
    ("after", "before", "length", "expected"),
    [
        ("2026-03-06T21:00", "2026-03-08T22:00", HOUR, True),
        ("2026-03-06T20:58", "2026-03-08T21:05", MINUTE, True),
        ("2026-03-06T18:58", "2026-03-08T21:05", MINUTE, False),
        ("2026-03-06T21:00", "2026-03-09T01:00", HOUR, False),
        ("2026-03-05T22:00", "2026-03-08T22:00", 24 * HOUR, True),
        ("2026-03-06T00:00", "2026-03-09T00:00", 24 * HOUR, True),
        ("2026-03-10T21:00", "2026-03-10T23:00", HOUR, False),
        ("2026-03-06T21:00", "2026-03-15T22:00", HOUR, False),
        ("2026-03-08T05:00", "2026-03-08T09:00", HOUR, True),
    ],
)
def test_weekends(after: str, before: str, length: timedelta, expected: bool) -> None:
    hole = Hole(*(datetime.fromisoformat(f"{each}:00+00:00") for each in (after, before)))
    assert is_weekend(hole, length) is expected


async def test_a_page_that_fails_loses_nothing_of_what_came_before_it(rig: Rig) -> None:
    rig.changed(history=2000 * HOUR)
    await rig.turn()
    rig.clock.now += HOUR + SECOND
    rig.venue.hidden.add(NOW - 2000 * HOUR)

    async def second_fails() -> None:
        if rig.venue.asked[-1][2] == NOW - 2000 * HOUR:
            raise FeedError("away")

    rig.venue.meanwhile = second_fails
    done = await rig.turn()
    assert done is not None
    assert (done.new, done.is_closed, done.trouble) == (1, True, StreamTrouble.SILENT)
    state = await rig.state()
    assert (state.failures, state.good_at, state.percent) == (1, rig.clock.now, 0)


async def test_filling_is_shown(rig: Rig) -> None:
    rig.changed(history=2000 * HOUR)
    rig.venue.page = 700
    await rig.turn()
    await rig.turn()
    find = FindStreamFaults(store=rig.store, name="venue", watched=(EUR,))  # type: ignore[arg-type]
    (finding,) = await find()
    assert (finding.code, finding.level) == ("stream_filling", "note")
    assert finding.facts == {"streams": "EURUSD H1", "count": 1, "percent": 50}
