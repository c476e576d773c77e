"""Feeds of today's world: where they are read, and where what they said is kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from engine.domain.feed import CalendarReading, Edition, FeedState, NewsItem, NewsReading
from engine.domain.feed_fault import FeedRecord
from engine.domain.market import Timeframe
from engine.domain.snapshot import CalendarEvent, Headline

#: A symbol and the timeframe it is looked at in.
Watch = tuple[str, Timeframe]


class Feeds(Protocol):
    """How feeds stand and whose turn it is to fetch one, on the database's clock."""

    async def take(self, name: str, lease: timedelta) -> FeedState | None:
        """Hold a feed that is due, for so long; None when it is not, or somebody has it."""
        ...

    async def settle(self, state: FeedState, pause: timedelta) -> None:
        """Note how the feed stands and let go of it; it is due again after the pause."""
        ...

    async def state(self, name: str) -> FeedState:
        """How a feed stands; one that was never fetched has a name only."""
        ...


class FeedMemories(Protocol):
    """What is remembered of each watched symbol's market data."""

    async def all(self) -> Mapping[Watch, FeedRecord]:
        """Everything that is remembered."""
        ...

    async def take(self, symbol: str, timeframe: Timeframe) -> FeedRecord:
        """What is remembered of one, held to the end of the transaction; empty at first."""
        ...

    async def save(self, symbol: str, timeframe: Timeframe, record: FeedRecord) -> None:
        """Remember this of one that was taken."""
        ...


class Releases(Protocol):
    """Economic releases by the feed that announced them. A revision is a new row; none is changed
    or removed.
    """

    async def publish(self, source: str, edition: Edition) -> int:
        """Note what an edition says differently; the answer is how many rows that took.

        What was announced for its span and is not in it any more counts as withdrawn.
        """
        ...

    async def between(
        self, source: str, since: datetime, until: datetime
    ) -> tuple[CalendarEvent, ...]:
        """What is announced now for an instant from ``since`` to ``until``, in order of time."""
        ...


class Headlines(Protocol):
    """Headlines of all feeds, each once."""

    async def add(self, items: Sequence[NewsItem], *, keep: timedelta, most: int) -> int:
        """Store items that are new and note that the others are still listed; how many were new.

        An item is known by its id, its link, or by the same words within a day and a half. One
        without a time, or with one that is still to come, gets the time it is stored at; one that
        is older than ``keep`` is left out. What no feed lists since ``keep`` is removed, and the
        oldest of more than ``most``.
        """
        ...

    async def latest(self, instant: datetime, since: datetime, limit: int) -> Sequence[Headline]:
        """The newest first, none published after the instant or before ``since``; untagged."""
        ...


class CalendarFeed(Protocol):
    """A calendar somewhere in the world."""

    @property
    def name(self) -> str:
        """Its address."""
        ...

    async def read(self, state: FeedState, now: datetime) -> CalendarReading:
        """Fetch it; raises ``FeedTrouble``."""
        ...


class NewsFeed(Protocol):
    """A news feed somewhere in the world."""

    @property
    def name(self) -> str:
        """Its address."""
        ...

    async def read(self, state: FeedState, now: datetime) -> NewsReading:
        """Fetch it; raises ``FeedTrouble``."""
        ...
