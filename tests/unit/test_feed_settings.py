"""What is set about calendar and news, and what each venue makes of it."""

from pathlib import Path
from typing import Any

import pytest

from bot.feed_settings import outside_of, recorded
from bot.settings import Settings
from bot.venues import build_venue, parse_symbols
from bot.world import now
from broker.feeds.calendar_csv import CsvCalendar, FileCalendar, shipped_calendar
from broker.feeds.fetched import FetchedCalendar, FetchedNews, NoCalendar
from broker.feeds.no_news import NoNews
from broker.feeds.terminal import TerminalCalendar
from engine.domain.feed import CalendarKind
from engine.errors import InvalidInput
from storage.signals import Listener
from storage.transaction import PostgresStore

URL = "https://calendar.example/week.json"
MT5: dict[str, Any] = {
    "broker": "mt5", "mt5_connector_url": "http://127.0.0.1:1", "mt5_connector_token": "t" * 32
}  # fmt: skip


def outside(**values: Any) -> Any:
    settings = Settings(_env_file=None, **values)
    store = PostgresStore()
    return build_venue(settings, store, Listener(""), now).outside


def test_the_connector_has_no_calendar_until_one_is_set() -> None:
    found = outside(**MT5)
    assert (found.kind, type(found.calendar)) == (CalendarKind.UNSET, NoCalendar)
    found = outside(**MT5, calendar_url=URL, news_feeds=f" {URL}, http://x.example:8080/rss,{URL},")
    assert (found.kind, type(found.calendar)) == (CalendarKind.WEB, FetchedCalendar)
    assert found.calendar_feed.name == URL
    assert [feed.name for feed in found.news_feeds] == [URL, "http://x.example:8080/rss"]
    assert isinstance(found.news, FetchedNews)


def test_the_terminals_own_calendar_counts_unless_another_is_set(tmp_path: Path) -> None:
    found = outside(broker="mt_bridge")
    assert (found.kind, type(found.calendar)) == (CalendarKind.TERMINAL, TerminalCalendar)
    assert outside(broker="mt_bridge", calendar_url=URL).kind is CalendarKind.WEB
    found = outside(broker="mt_bridge", calendar_file=tmp_path / "c.csv")
    assert (found.kind, type(found.calendar)) == (CalendarKind.FILE, FileCalendar)


def test_a_recording_has_nothing_of_today(tmp_path: Path) -> None:
    found = outside(calendar_url=URL, news_feeds=URL, calendar_file=tmp_path / "c.csv")
    assert (found.kind, type(found.calendar)) == (CalendarKind.RECORDED, CsvCalendar)
    assert (found.calendar_feed, found.news_feeds, type(found.news)) == (None, (), NoNews)
    own = Settings(_env_file=None, market_recording="a-h1.csv", calendar_file="c.csv")  # type: ignore[call-arg]
    assert recorded(own, shipped_calendar()).kind is CalendarKind.FILE


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"calendar_url": URL, "calendar_file": "c.csv"}, "CALENDAR_URL and CALENDAR_FILE"),
        ({"calendar_url": URL, "calendar_poll_minutes": 240}, "CALENDAR_MAX_AGE_MINUTES (240)"),
        ({"news_feeds": ",".join(f"https://x.example/{n}" for n in range(21))}, "names 21 feeds"),
        ({"calendar_url": "calendar.example/week.json"}, "CALENDAR_URL must hold"),
        ({"calendar_url": "file:///etc/passwd"}, "CALENDAR_URL must hold"),
        ({"calendar_url": "https://me:secret@x.example/"}, "CALENDAR_URL must hold"),
        ({"calendar_url": "https://x.example:0/"}, "CALENDAR_URL must hold"),
        ({"calendar_url": "https://x.example:99999/"}, "CALENDAR_URL must hold"),
        ({"calendar_url": "https://[x/"}, "CALENDAR_URL must hold"),
        ({"calendar_url": f"https://x.example/{'a' * 500}"}, "CALENDAR_URL must hold"),
        ({"news_feeds": "https://x.example/a b"}, "NEWS_FEEDS must hold"),
        ({"news_feeds": "https://x.example/ä"}, "NEWS_FEEDS must hold"),
    ],
)
def test_what_is_wrong_is_named_without_what_it_holds(values: Any, words: str) -> None:
    settings = Settings(_env_file=None, **values)
    with pytest.raises(InvalidInput) as caught:
        outside_of(settings, PostgresStore(), parse_symbols("EURUSD:H1"))
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
