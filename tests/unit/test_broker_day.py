"""The broker's day: where it begins in its zone, and what it is measured from."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import Settings
from engine.domain.account import day_of, day_start
from tests.builders import NOW, account, day


@pytest.mark.parametrize(
    ("zone", "instant", "began"),
    [
        ("UTC", "2027-06-09T10:00:00", "2027-06-09T00:00:00"),
        ("UTC", "2027-06-09T00:00:00", "2027-06-09T00:00:00"),
        ("Europe/Athens", "2027-06-09T20:59:59", "2027-06-08T21:00:00"),
        ("Europe/Athens", "2027-06-09T21:00:00", "2027-06-09T21:00:00"),
        ("Europe/Athens", "2027-12-09T22:30:00", "2027-12-09T22:00:00"),
        # The day on which the clocks change is 23 and 25 hours long.
        ("Europe/Athens", "2027-03-28T20:59:59", "2027-03-27T22:00:00"),
        ("Europe/Athens", "2027-10-31T21:59:59", "2027-10-30T21:00:00"),
        ("America/New_York", "2027-06-10T03:00:00", "2027-06-09T04:00:00"),
        # In Beirut the clocks skip midnight in spring: that day begins at one.
        ("Asia/Beirut", "2027-03-28T10:00:00", "2027-03-27T22:00:00"),
    ],
)
def test_day_begins_at_midnight_of_the_brokers_zone(zone, instant, began):
    found = day_start(datetime.fromisoformat(f"{instant}+00:00"), ZoneInfo(zone))
    assert found == datetime.fromisoformat(f"{began}+00:00")
    assert found.tzinfo is UTC


@given(
    st.integers(0, 15 * 365 * 86_400).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    st.sampled_from(["UTC", "Europe/Athens", "America/New_York", "Asia/Beirut", "Etc/GMT-3"]),
)
def test_day_holds_the_instant_and_lasts_about_a_day(instant, name):
    zone = ZoneInfo(name)
    began = day_start(instant, zone)
    assert began <= instant < began + timedelta(hours=25)
    assert began.astimezone(zone).date() == instant.astimezone(zone).date()
    assert (began - timedelta(seconds=1)).astimezone(zone).date() < began.astimezone(zone).date()


def test_day_keeps_its_best_equity_and_begins_anew_with_what_is_there():
    today = day("10000.00", "10200.00")
    assert day_of(today, account(equity="10100.00"), today.day) == today
    assert day_of(today, account(equity="10300.00"), today.day).peak_equity == Decimal("10300.00")
    fresh = day_of(today, account(equity="9000.00"), today.day + timedelta(days=1))
    assert (fresh.start_equity, fresh.peak_equity) == (Decimal("9000.00"), Decimal("9000.00"))
    assert day_of(None, account(), date(2027, 6, 9)).day == date(2027, 6, 9)


def test_day_is_not_turned_back_by_whoever_read_the_time_before_midnight():
    today = day("10000.00", "10200.00")
    assert day_of(today, account(equity="9000.00"), today.day - timedelta(days=1)) == today


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "EUROPE ATHENS"])
def test_zone_that_does_not_exist_stops_the_process(name):
    with pytest.raises(ValueError, match="is no time zone"):
        Settings(_env_file=None, broker_timezone=name)
