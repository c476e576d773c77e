"""The daily brief and the weekly review: what was decided, what it made, what is ahead.

A brief is queued as a fact ("the brief of this day"), once a person and day; what it says is read
from the record when it is sent.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from engine.domain.ask import Asked, Evidence, Intent
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.order import OrderState
from engine.domain.person import Person
from engine.domain.preferences import Loudness, Topic
from engine.domain.snapshot import CalendarEvent, Impact
from engine.domain.state import Control
from engine.errors import FeedError, NotFound
from engine.flow.ask.lookups import LookUp
from engine.flow.watch import Part, lost_parts
from engine.ports import Bell, Calendar, MarketData, Store

#: A brief that could not be queued for so long after its hour is left out.
_WITHIN = timedelta(hours=6)
_AHEAD = timedelta(days=1)
_MOST_EVENTS = 5
_MONDAY = 0
#: The hours of market time that each looks back.
HOURS = {Kind.BRIEF: 24, Kind.REVIEW: 168}
_TOPICS = {Kind.BRIEF: Topic.BRIEFS, Kind.REVIEW: Topic.REVIEWS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What a brief says. ``events`` are high-impact releases of the day ahead, None while nobody
    knows the calendar; ``silent`` are parts without a sign of life, ``unknown`` orders whose
    outcome nobody knows.
    """

    kind: Kind
    parts: tuple[Evidence, ...]
    control: Control
    events: tuple[CalendarEvent, ...] | None
    silent: tuple[str, ...]
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueBriefs:
    """Queue what is due: for each person who wants one, once a day in their own zone, however often
    this is asked and whichever process asks. Answers how many people were told.
    """

    store: Store
    bell: Bell

    async def __call__(self) -> int:
        queued = 0
        async with self.store.begin() as tx:
            now = await tx.now()
            for person in await tx.people.list():
                for kind in HOURS:
                    at = due(person, kind, now)
                    if at is None or kind in await tx.outbox.told(person.id, at, now):
                        continue
                    await tx.outbox.tell(
                        Notice(
                            kind=kind,
                            # By the day and not the hour: whoever moves the hour gets one a day.
                            key=f"{kind}:{person.notify.local_day(at, person.timezone)}",
                            priority=Priority.NORMAL,
                            detail={"at": at.isoformat()},
                        ),
                        Audience(person_id=person.id),
                    )
                    queued += 1
        if queued:
            await self.bell.ring("deliver")
        return queued


def due(person: Person, kind: Kind, now: datetime) -> datetime | None:
    """When this person's brief fell due, if that was lately; None where none is wanted or due."""
    prefs = person.notify
    if not person.role.has_access or prefs.loudness(_TOPICS[kind]) is Loudness.OFF:
        return None
    at = prefs.last_brief(now, person.timezone)
    is_fresh = now - at <= _WITHIN
    if not is_fresh or (kind is Kind.REVIEW and at.weekday() != _MONDAY):
        return None
    return at


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBrief:
    """What a brief says now."""

    store: Store
    look_up: LookUp
    market: MarketData
    calendar: Calendar
    parts: tuple[Part, ...]

    async def __call__(self, kind: Kind) -> Brief:
        asked = partial(Asked, period=f"h{HOURS[kind]}")
        wanted = [
            asked(intent=Intent.ACTIVITY),
            asked(intent=Intent.RESULT),
            asked(intent=Intent.REFUSED),
            Asked(intent=Intent.EXPOSURE),
        ]
        parts = [await self.look_up(None, question) for question in wanted]
        try:
            events = await self._events()
        except (FeedError, NotFound):
            events = None
        async with self.store.begin() as tx:
            control = await tx.controls.read()
            lost = await lost_parts(tx, self.parts)
            unknown = await tx.orders.in_state(OrderState.UNKNOWN)
        return Brief(
            kind=kind,
            parts=tuple(parts),
            control=control,
            events=events,
            silent=tuple(each.part.name for each in lost),
            unknown=len(unknown),
        )

    async def _events(self) -> tuple[CalendarEvent, ...] | None:
        now = await self.market.instant()
        view = await self.calendar.around(now)
        if view is None:
            return None
        currencies: set[str] = set()
        for symbol, _ in self.look_up.symbols:
            currencies.update((await self.market.instrument(symbol)).currencies)
        ahead = [
            event
            for event in view.events
            if event.impact is Impact.HIGH
            and event.concerns(currencies)
            and now <= event.time <= now + _AHEAD
        ]
        return tuple(sorted(ahead, key=lambda event: event.time)[:_MOST_EVENTS])
