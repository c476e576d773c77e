"""The weekly export: read as documented, refused as a whole when a row cannot be trusted."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.feeds.calendar_csv import FileCalendar
from broker.feeds.weekly_calendar import edition_of
from engine.domain.feed import FeedTrouble, Trouble
from engine.domain.snapshot import CalendarEvent, Impact

#: A Wednesday; the week began on Sunday the 8th, when New York's clocks went forward.
NOW = datetime(2026, 3, 11, 12, tzinfo=UTC)


def row(**changes: Any) -> dict[str, Any]:
    return {
        "title": "CPI m/m", "country": "USD", "date": "2026-03-11T08:30:00-04:00",
        "impact": "High", "forecast": "0.3%", "previous": "0.2%", **changes,
    }  # fmt: skip


def edition(*rows: Any) -> Any:
    return edition_of(json.dumps(rows).encode(), NOW)


def refused(body: bytes) -> FeedTrouble:
    with pytest.raises(FeedTrouble) as caught:
        edition_of(body, NOW)
    return caught.value


def test_a_row_is_a_release_in_utc() -> None:
    assert edition(row()).events == (
        CalendarEvent(
            time=datetime(2026, 3, 11, 12, 30, tzinfo=UTC), currency="USD", impact=Impact.HIGH,
            title="CPI m/m", previous="0.2%", forecast="0.3%",
        ),
    )  # fmt: skip
    assert edition(row(actual="0.4%")).events[0].actual == "0.4%"
    assert edition(row(forecast=None, previous=1.5)).events[0].previous == "1.5"


def test_a_file_covers_its_week_from_sunday_to_saturday_on_its_own_clock() -> None:
    found = edition(row(date="2026-03-08T01:30:00-05:00"), row(date="2026-03-14T23:59:00-04:00"))
    assert found.covered_from == datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert found.covered_until == datetime(2026, 3, 15, 4, tzinfo=UTC)
    assert edition(row()).covered_until == datetime(2026, 3, 15, 4, tzinfo=UTC)


def test_a_file_that_is_not_one_week_covers_what_lies_between_its_releases() -> None:
    found = edition(row(), row(date="2026-03-16T10:00:00+00:00"))
    assert found.covered_from == datetime(2026, 3, 11, 12, 30, tzinfo=UTC)
    assert found.covered_until == datetime(2026, 3, 16, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("word", "impact"),
    [("High", Impact.HIGH), ("Medium", Impact.MEDIUM), ("Low", Impact.LOW),
     ("Holiday", Impact.LOW), ("Non-Economic", Impact.LOW), (" high ", Impact.HIGH),
     ("Severe", Impact.HIGH), ("", Impact.HIGH)],
)  # fmt: skip
def test_an_impact_that_is_not_known_counts_as_high(word: str, impact: Impact) -> None:
    assert edition(row(impact=word)).events[0].impact is impact


def test_a_release_that_stands_there_twice_counts_once_with_the_higher_impact() -> None:
    found = edition(row(impact="Low"), row(impact="High"), row(impact="Medium"), row(title="GDP"))
    assert [(e.title, e.impact) for e in found.events] == [
        ("CPI m/m", Impact.HIGH), ("GDP", Impact.HIGH)
    ]  # fmt: skip


def test_a_release_of_all_currencies_concerns_each() -> None:
    (event,) = edition(row(country="All")).events
    assert event.concerns({"JPY"})
    assert not event.concerns(())


def test_titles_are_one_line_of_visible_text_and_bounded() -> None:
    said = "CPI\n\u202egnp.exe\u0000\ud800 <b>x</b>" + " word" * 99
    title = edition(row(title=said)).events[0].title
    assert title.startswith("CPI gnp.exe <b>x</b> word")
    assert len(title) <= 200
    assert title.endswith("…")


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        (b"", Trouble.FORMAT),
        (json.dumps([row()]).encode()[:-20], Trouble.FORMAT),
        (b"<!DOCTYPE html><title>Request Denied</title>", Trouble.PAGE),
        (b"\xef\xbb\xbf \n<html>", Trouble.PAGE),
        (b"{}", Trouble.FORMAT),
        (b"null", Trouble.FORMAT),
        (b"[]", Trouble.OUTDATED),
        (b"[" * 100_000, Trouble.FORMAT),
        (b"[" + b"9" * 10_000 + b"]", Trouble.FORMAT),
        (json.dumps([row(title="Caf\xe9")], ensure_ascii=False).encode("latin-1"), Trouble.FORMAT),
        (json.dumps([row()]).encode("utf-16"), Trouble.FORMAT),
        (json.dumps([{}] * 5_001).encode(), Trouble.FORMAT),
    ],
)
def test_what_is_no_list_of_releases_is_refused(body: bytes, trouble: Trouble) -> None:
    assert refused(body).trouble is trouble


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"date": "2026-03-11T08:30:00"}, "row 2: its date has no offset"),
        ({"date": "2026-03-11"}, "no offset"),
        ({"date": "All Day"}, "row 2"),
        ({"date": ""}, "row 2"),
        ({"date": None}, "its date is no text"),
        ({"date": 1773232200}, "its date is no text"),
        ({"date": "9999-12-31T23:59:59-23:59"}, "row 2"),
        ({"date": "2036-03-11T08:30:00Z"}, "too far away"),
        ({"country": "US Dollar"}, "no currency"),
        ({"country": ""}, "no currency"),
        ({"title": " \u200b "}, "no title"),
        ({"title": 7}, "its title is no text"),
        ({"impact": None}, "its impact is no text"),
    ],
)
def test_one_row_that_is_wrong_refuses_the_file(change: dict[str, Any], words: str) -> None:
    found = refused(json.dumps([row(), row(**change)]).encode())
    assert found.trouble is Trouble.FORMAT
    assert words in str(found)


@given(st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["title", "country", "date", "impact", "forecast"]), inner, max_size=5),
    max_leaves=12,
).map(lambda document: json.dumps(document).encode()))  # fmt: skip
def test_whatever_comes_is_an_edition_or_a_trouble(body: bytes) -> None:
    try:
        found = edition_of(body, NOW)
    except FeedTrouble:
        return
    assert found.events
    assert found.covered_from <= found.covered_until


async def test_a_file_of_ones_own_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "calendar.csv"
    calendar = FileCalendar(file)
    assert await calendar.around(NOW) is None
    file.write_text("time,currency,impact,title\n2026-03-12T12:00Z,USD,high,CPI\n")
    seen = await calendar.around(NOW)
    assert seen is not None
    assert [event.title for event in seen.events] == ["CPI"]
    assert await calendar.around(NOW + timedelta(days=2)) is None
    file.write_text("time,currency,impact,title\n2026-03-12T12:00Z,USD,severe,CPI\n")
    assert await calendar.around(NOW) is None
    file.write_text("time,currency,impact,title\n2026-03-19T12:00Z,USD,high,CPI\n")
    assert await calendar.around(NOW) is not None
    file.unlink()
    assert await calendar.around(NOW) is None
