"""Periods of questions are the broker's days, whenever they are asked for."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidInput
from engine.flow.ask.periods import days, period_of

#: A Thursday.
NOW = datetime(2026, 11, 5, 13, 30, tzinfo=UTC)
ATHENS = ZoneInfo("Europe/Athens")


@pytest.mark.parametrize(
    ("code", "first", "last"),
    [
        ("today", date(2026, 11, 5), date(2026, 11, 5)),
        ("yesterday", date(2026, 11, 4), date(2026, 11, 4)),
        ("this_week", date(2026, 11, 2), date(2026, 11, 5)),
        ("last_week", date(2026, 10, 26), date(2026, 11, 1)),
        ("this_month", date(2026, 11, 1), date(2026, 11, 5)),
        ("last_month", date(2026, 10, 1), date(2026, 10, 31)),
        ("d7", date(2026, 10, 30), date(2026, 11, 5)),
        (None, date(2026, 10, 7), date(2026, 11, 5)),
        ("2026-10-02", date(2026, 10, 2), date(2026, 10, 2)),
        ("2026-10-02..2026-10-09", date(2026, 10, 2), date(2026, 10, 9)),
    ],
)
def test_a_period_has_the_days_it_names(code, first, last):
    found = period_of(code, NOW, ATHENS)
    assert (found.first, found.last) == (first, last)
    assert found.since.astimezone(ATHENS) == datetime(
        first.year, first.month, first.day, tzinfo=ATHENS
    )
    after = last + timedelta(days=1)
    assert found.until.astimezone(ATHENS) == datetime(
        after.year, after.month, after.day, tzinfo=ATHENS
    )


def test_a_day_of_the_broker_is_not_a_day_of_utc():
    late = datetime(2026, 11, 5, 22, 30, tzinfo=UTC)
    assert period_of("today", late, UTC).first == date(2026, 11, 5)
    assert period_of("today", late, ATHENS).first == date(2026, 11, 6)


def test_a_day_that_summer_time_makes_shorter_is_that_long():
    found = period_of("2026-03-29", NOW, ATHENS)
    assert found.until - found.since == timedelta(hours=23)


def test_hours_end_now_and_everything_began_long_ago():
    assert period_of("h24", NOW, UTC).since == NOW - timedelta(hours=24)
    assert period_of("h24", NOW, UTC).until > NOW
    assert period_of("all", NOW, UTC).since.year == 1970


@pytest.mark.parametrize(
    "code",
    ["", " ", "d0", "d99999", "h0", "h99999", "w1", "tomorrow", "2026-02-30",
     "2026-10-09..2026-10-02", "20261002", "2026-W40-5", "0001-01-01",
     "9999-12-31", "1970-01-01", "2026-10-02..", "..2026-10-02", "d1e3"],
)  # fmt: skip
def test_what_is_no_period_is_refused(code):
    if code == "":
        assert period_of(code, NOW, UTC).code == "d30"
        return
    with pytest.raises(InvalidInput):
        period_of(code, NOW, UTC)


@given(st.dates(date(1972, 1, 1), date(2100, 1, 1)), st.integers(0, 400))
def test_days_are_read_as_they_were_written(first, more):
    last = first + timedelta(days=more)
    found = period_of(days(first, last), NOW, ATHENS)
    assert (found.first, found.last) == (first, last)
    assert found.since < found.until
