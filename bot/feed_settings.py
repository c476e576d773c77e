"""What the settings say about the calendar and the news of today's world, checked."""

from dataclasses import dataclass
from datetime import timedelta

from bot.addresses import is_address
from bot.settings import Settings
from broker.feeds.addresses import own_network_too, public_only
from broker.feeds.calendar_csv import FileCalendar
from broker.feeds.fetched import FetchedCalendar, FetchedNews, NoCalendar
from broker.feeds.news_web import RssFeed
from broker.feeds.no_news import NoNews
from broker.feeds.tags import Tagger
from broker.feeds.web import Web
from broker.feeds.weekly_calendar import WeeklyCalendar
from engine.domain.feed import CalendarKind
from engine.errors import InvalidInput
from engine.flow.terminal_wishes import Watched
from engine.ports import Calendar, News, Store

#: Feeds that are fetched at most; what they say ends in one list.
MOST_FEEDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Today's world: its calendar and news, and the feeds that are fetched for them.

    ``calendar_feed`` is None for a calendar that is not fetched.
    """

    kind: CalendarKind
    calendar: Calendar
    calendar_feed: WeeklyCalendar | None
    calendar_every: timedelta
    news: News
    news_feeds: tuple[RssFeed, ...]
    news_every: timedelta


def outside_of(
    settings: Settings,
    store: Store,
    watched: Watched,
    *,
    own: Calendar | None = None,
    kind: CalendarKind = CalendarKind.UNSET,
) -> Outside:
    """What is set; raises :class:`InvalidInput` naming the setting that is wrong.

    ``own`` is the venue's own calendar, of this kind; one that is set goes before it.
    """
    web = Web(permit=own_network_too if settings.feeds_allow_private else public_only)
    every = timedelta(minutes=settings.calendar_poll_minutes)
    feed = None
    calendar: Calendar = own or NoCalendar()
    if settings.calendar_url is not None:
        feed = _calendar_feed(settings, web)
        max_age = timedelta(minutes=settings.calendar_max_age_minutes)
        calendar, kind = (
            FetchedCalendar(store=store, source=feed.name, max_age=max_age),
            (CalendarKind.WEB),
        )
    elif settings.calendar_file is not None:
        calendar, kind = FileCalendar(settings.calendar_file), CalendarKind.FILE
    urls = [part.strip() for part in settings.news_feeds.split(",") if part.strip()]
    if len(urls) > MOST_FEEDS:
        raise InvalidInput(f"NEWS_FEEDS names {len(urls)} feeds; at most {MOST_FEEDS} are fetched")
    feeds = tuple(RssFeed(name=checked("NEWS_FEEDS", url), web=web) for url in dict.fromkeys(urls))
    tagger = Tagger(symbol for symbol, _ in watched.streams)
    return Outside(
        kind=kind,
        calendar=calendar,
        calendar_feed=feed,
        calendar_every=every,
        news=FetchedNews(store=store, tagger=tagger) if feeds else NoNews(),
        news_feeds=feeds,
        news_every=timedelta(minutes=settings.news_poll_minutes),
    )


def recorded(settings: Settings, own: Calendar) -> Outside:
    """The world of a recording: of another time, so that nothing of today belongs to it. Candles of
    one's own may have a file of their own releases.
    """
    file = settings.calendar_file if settings.market_recording is not None else None
    return Outside(
        kind=CalendarKind.RECORDED if file is None else CalendarKind.FILE,
        calendar=own if file is None else FileCalendar(file),
        calendar_feed=None,
        calendar_every=timedelta(minutes=settings.calendar_poll_minutes),
        news=NoNews(),
        news_feeds=(),
        news_every=timedelta(minutes=settings.news_poll_minutes),
    )


def _calendar_feed(settings: Settings, web: Web) -> WeeklyCalendar:
    if settings.calendar_file is not None:
        raise InvalidInput("CALENDAR_URL and CALENDAR_FILE are both set: which one counts?")
    if not settings.calendar_poll_minutes < settings.calendar_max_age_minutes:
        raise InvalidInput(
            f"CALENDAR_MAX_AGE_MINUTES ({settings.calendar_max_age_minutes}) must be more than"
            f" CALENDAR_POLL_MINUTES ({settings.calendar_poll_minutes}): the calendar would be too"
            " old before it is fetched again"
        )
    return WeeklyCalendar(name=checked("CALENDAR_URL", settings.calendar_url or ""), web=web)


def checked(name: str, url: str) -> str:
    """An address that can be fetched; its text is in no message, as it may hold a token."""
    if not is_address(url):
        raise InvalidInput(
            f"{name} must hold addresses such as https://example.org/feed.xml, without a user"
        )
    return url
