"""What is fetched from outside at intervals: how feeds stand, calendar editions, news items."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from engine.domain.snapshot import CalendarEvent
from engine.errors import FeedError


class Trouble(StrEnum):
    """Why a fetch brought nothing that can be used."""

    #: No way there: the name, the connection, the certificate, or no answer in time.
    UNREACHABLE = "unreachable"
    #: It asks to be left alone for a while.
    BUSY = "busy"
    #: It answers with an error: what was asked for is not there, or not for us.
    STATUS = "status"
    #: It leads to an address that must not be fetched from here.
    FORBIDDEN = "forbidden"
    #: A web page, where a feed should be.
    PAGE = "page"
    #: Not what it should be: broken, too large, unsafe, or of another form.
    FORMAT = "format"
    #: Well-formed, and not of these days or with far too little in it.
    OUTDATED = "outdated"


class CalendarKind(StrEnum):
    """Where the economic calendar comes from."""

    RECORDED = "recorded"
    TERMINAL = "terminal"
    FILE = "file"
    WEB = "web"
    UNSET = "unset"


class FeedTrouble(FeedError):
    """A fetch that failed. ``wait`` is how long the server asks to be left alone."""

    def __init__(self, trouble: Trouble, detail: str, wait: timedelta | None = None) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.wait = wait


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """How a feed stands, by the database's clock; ``name`` is its address.

    ``good_at`` is the last fetch that worked, also one that said that nothing changed. ``etag`` and
    ``modified`` are what the server is asked with. ``failures`` and ``trouble`` are of the fetches
    since. A calendar is known from ``covered_from`` until ``covered_until``.
    """

    name: str
    checked_at: datetime | None = None
    good_at: datetime | None = None
    etag: str = ""
    modified: str = ""
    failures: int = 0
    trouble: Trouble | None = None
    covered_from: datetime | None = None
    covered_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """All releases of a span of time, as they are announced now. The span's end is not in it."""

    covered_from: datetime
    covered_until: datetime
    events: tuple[CalendarEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsItem:
    """A headline as a feed lists it; untrusted text without markup. ``link`` may be empty, as may
    ``guid``, the feed's own name for it.
    """

    guid: str
    link: str
    headline: str
    source: str
    published_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarReading:
    """What a calendar's fetch brought; no edition means that the one before still holds."""

    edition: Edition | None
    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsReading:
    """What a news feed's fetch brought; nothing means that nothing changed."""

    items: tuple[NewsItem, ...] = ()
    etag: str = ""
    modified: str = ""
