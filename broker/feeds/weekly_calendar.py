"""The weekly export of Forex Factory's calendar: its documented JSON form, read strictly.

A list of ``{title, country, date, impact, forecast, previous}``: ``country`` is a currency or
"All", ``date`` is ISO 8601 with an offset, ``impact`` is High, Medium, Low, Holiday or
Non-Economic. Some servers of the same form add ``actual``. A file is one week from Sunday to
Saturday of its own time zone. Its provider asks for at most two downloads in five minutes.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from broker.feeds.text import plain
from broker.feeds.web import Web
from engine.domain.feed import CalendarReading, Edition, FeedState, FeedTrouble, Trouble
from engine.domain.snapshot import EVERY_CURRENCY, CalendarEvent, Impact

#: Days without a release and speeches beside the economy are no reason to wait. What is not known
#: counts as high: a new word must not open the gate.
_IMPACTS = {
    "high": Impact.HIGH, "medium": Impact.MEDIUM, "low": Impact.LOW,
    "holiday": Impact.LOW, "non-economic": Impact.LOW,
}  # fmt: skip
_RANK = (Impact.LOW, Impact.MEDIUM, Impact.HIGH)
_CURRENCY = re.compile(r"[A-Z]{3}")
_TITLE, _FIGURE = 200, 60
_MOST = 5_000
_WEEK = timedelta(days=7)
_FAR = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyCalendar:
    """The port ``CalendarFeed`` at an address."""

    name: str
    web: Web

    async def read(self, state: FeedState, now: datetime) -> CalendarReading:
        page = await self.web.fetch(state, now, "application/json")
        if page.body is None:
            return CalendarReading(edition=None, etag=state.etag, modified=state.modified)
        edition = edition_of(page.body, now)
        return CalendarReading(edition=edition, etag=page.etag, modified=page.modified)


def edition_of(body: bytes, now: datetime) -> Edition:
    """The edition in a file. One bad row refuses the whole file, because the row might be the
    release that matters; raises :class:`FeedTrouble`.
    """
    rows = _rows(body)
    events: dict[tuple[datetime, str, str], CalendarEvent] = {}
    local = []
    for number, row in enumerate(rows, start=1):
        try:
            event, at = _event(row, now)
        except (ValueError, OverflowError) as error:
            raise FeedTrouble(Trouble.FORMAT, f"row {number}: {error}"[:200]) from None
        local.append(at)
        slot = (event.time, event.currency, event.title)
        known = events.get(slot)
        if known is None or _RANK.index(known.impact) < _RANK.index(event.impact):
            events[slot] = event
    start, end = _span(local)
    return Edition(
        covered_from=start, covered_until=end, events=tuple(events[slot] for slot in sorted(events))
    )


def _rows(body: bytes) -> list[Any]:
    if body[:200].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise FeedTrouble(Trouble.PAGE, "a web page instead of JSON")
    try:
        rows = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise FeedTrouble(Trouble.FORMAT, "it is not JSON in UTF-8") from None
    if not isinstance(rows, list) or len(rows) > _MOST:
        raise FeedTrouble(Trouble.FORMAT, "it is not a list of releases")
    if not rows:
        raise FeedTrouble(Trouble.OUTDATED, "it lists no release at all")
    return rows


def _event(row: Any, now: datetime) -> tuple[CalendarEvent, datetime]:
    """A release, and its time as the file writes it."""
    if not isinstance(row, dict):
        raise ValueError("it is no object")
    at = datetime.fromisoformat(_text(row, "date"))
    if at.tzinfo is None:
        raise ValueError("its date has no offset from UTC")
    instant = at.astimezone(UTC)
    if not abs(instant - now) <= _FAR:
        raise ValueError("its date is too far away")
    currency = _text(row, "country").strip().upper()
    if currency != EVERY_CURRENCY and not _CURRENCY.fullmatch(currency):
        raise ValueError("its country is no currency")
    title = plain(_text(row, "title"), _TITLE)
    if not title:
        raise ValueError("it has no title")
    event = CalendarEvent(
        time=instant,
        currency=currency,
        impact=_IMPACTS.get(_text(row, "impact").strip().lower(), Impact.HIGH),
        title=title,
        previous=_figure(row, "previous"),
        forecast=_figure(row, "forecast"),
        actual=_figure(row, "actual"),
    )
    return event, at


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise ValueError(f"its {name} is no text")
    return value


def _figure(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return plain(value, _FIGURE) if isinstance(value, str) else ""


def _span(local: Sequence[datetime]) -> tuple[datetime, datetime]:
    """What the file knows everything of: its week from Sunday to Saturday on its own clock; of a
    file that is not one week, from its first release to its last.
    """
    first, last = min(local), max(local)
    days = [at.date() for at in local]
    sunday = min(days) - timedelta(days=(min(days).weekday() + 1) % 7)
    if max(days) < sunday + _WEEK:
        start = datetime.combine(sunday, time(), first.tzinfo)
        end = datetime.combine(sunday + _WEEK, time(), last.tzinfo)
        return start.astimezone(UTC), end.astimezone(UTC)
    return first.astimezone(UTC), last.astimezone(UTC)
