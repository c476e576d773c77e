"""Feeds of today's world: whose turn it is, what calendars announce, what the news say."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from engine.domain.feed import Edition, FeedState, NewsItem, Trouble
from engine.domain.news_keys import guid_key, link_key, words_key
from engine.domain.snapshot import CalendarEvent, Headline, Impact
from storage.locks import Lock
from storage.mapping import json_text
from storage.table import Table

_STATE = "name, checked_at, good_at, etag, modified, failures, trouble, covered_from, covered_until"

_TAKE = f"""
INSERT INTO feed (name, leased_until) VALUES ($1, clock_timestamp() + make_interval(secs => $2))
ON CONFLICT (name) DO UPDATE SET leased_until = EXCLUDED.leased_until
WHERE feed.not_before <= clock_timestamp()
  AND (feed.leased_until IS NULL OR feed.leased_until <= clock_timestamp())
RETURNING {_STATE}
"""  # noqa: S608
_SETTLE = """
UPDATE feed SET checked_at = $2, good_at = $3, etag = $4, modified = $5, failures = $6,
    trouble = $7, covered_from = $8, covered_until = $9, leased_until = NULL,
    not_before = clock_timestamp() + make_interval(secs => $10)
WHERE name = $1
"""

_SLOT = "at, currency, title"
_EVENT = f"{_SLOT}, impact, previous, forecast, actual"
# The last row of a slot is how it stands; one that is not listed any more was withdrawn.
_BETWEEN = f"""
SELECT {_EVENT} FROM (
    SELECT DISTINCT ON ({_SLOT}) {_EVENT}, listed FROM calendar_release
    WHERE source = $1 AND at BETWEEN $2 AND $3 ORDER BY {_SLOT}, id DESC
) AS last WHERE listed
"""  # noqa: S608
_PUBLISH = f"""
INSERT INTO calendar_release (source, {_EVENT}, listed)
SELECT $1, {_EVENT}, listed
FROM jsonb_to_recordset($2::jsonb) AS told(
    at timestamptz, currency text, title text, impact text, previous text, forecast text,
    actual text, listed boolean)
"""  # noqa: S608

# Seen again: by its own name, by its link, or by the same words of about the same time.
_ADD = """
WITH known AS (
    UPDATE news_item SET seen_at = clock_timestamp()
    WHERE guid_key = $1 OR link_key = $2 OR (words_key = $3
        AND published_at BETWEEN $6::timestamptz - interval '36 hours'
                             AND $6::timestamptz + interval '36 hours')
    RETURNING id
)
INSERT INTO news_item (guid_key, link_key, words_key, headline, source, published_at)
SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT FROM known) RETURNING id
"""
_RETIRE = """
DELETE FROM news_item WHERE seen_at < clock_timestamp() - make_interval(secs => $1)
    OR id IN (SELECT id FROM news_item ORDER BY published_at DESC, id DESC OFFSET $2)
"""
_LATEST = """
SELECT published_at, source, headline FROM news_item
WHERE published_at BETWEEN $1 AND $2 ORDER BY published_at DESC, id DESC LIMIT $3
"""


class FeedTable(Table):
    """The port ``Feeds`` in one transaction."""

    async def take(self, name: str, lease: timedelta) -> FeedState | None:
        rows = await self._rows(_TAKE, name, lease.total_seconds())
        return _state(rows[0]) if rows else None

    async def settle(self, state: FeedState, pause: timedelta) -> None:
        values = [
            state.name, state.checked_at, state.good_at, state.etag, state.modified,
            state.failures, state.trouble and str(state.trouble), state.covered_from,
            state.covered_until, pause.total_seconds(),
        ]  # fmt: skip
        await self._connection.execute_query(_SETTLE, values)

    async def state(self, name: str) -> FeedState:
        rows = await self._rows(f"SELECT {_STATE} FROM feed WHERE name = $1", name)  # noqa: S608
        return _state(rows[0]) if rows else FeedState(name=name)


def _state(row: dict[str, Any]) -> FeedState:
    return FeedState(**{**row, "trouble": row["trouble"] and Trouble(row["trouble"])})


class ReleaseTable(Table):
    """The port ``Releases`` in one transaction."""

    async def publish(self, source: str, edition: Edition) -> int:
        # Two who compare with what is stored must not both find it missing.
        await self._lock(Lock.FEEDS)
        # The span's end belongs to the next edition.
        last = edition.covered_until - timedelta(microseconds=1)
        before = set(await self.between(source, edition.covered_from, last))
        after = set(edition.events)
        slots = {(event.time, event.currency, event.title) for event in after}
        gone = [e for e in before if (e.time, e.currency, e.title) not in slots]
        rows = [_row(event, listed=True) for event in edition.events if event not in before]
        rows += [_row(event, listed=False) for event in gone]
        if rows:
            await self._connection.execute_query(_PUBLISH, [source, json_text(rows)])
        return len(rows)

    async def between(
        self, source: str, since: datetime, until: datetime
    ) -> tuple[CalendarEvent, ...]:
        rows = await self._rows(_BETWEEN, source, since, until)
        found = [
            CalendarEvent(time=row.pop("at"), impact=Impact(row.pop("impact")), **row)
            for row in rows
        ]
        # Not by the database, whose order of letters is its own.
        return tuple(sorted(found, key=lambda event: (event.time, event.currency, event.title)))


def _row(event: CalendarEvent, *, listed: bool) -> dict[str, Any]:
    told = asdict(event)
    at = told.pop("time").isoformat()
    return {**told, "at": at, "listed": listed}


class HeadlineTable(Table):
    """The port ``Headlines`` in one transaction."""

    async def add(self, items: Sequence[NewsItem], *, keep: timedelta, most: int) -> int:
        # Two who compare with what is stored must not both find it missing.
        await self._lock(Lock.FEEDS)
        rows = await self._rows("SELECT clock_timestamp() AS now")
        now: datetime = rows[0]["now"]
        new = 0
        for item in items:
            published = min(item.published_at or now, now)
            if published < now - keep:
                continue
            values = [
                guid_key(item), link_key(item), words_key(item), item.headline, item.source,
                published,
            ]  # fmt: skip
            new += len(await self._rows(_ADD, *values))
        await self._connection.execute_query(_RETIRE, [keep.total_seconds(), most])
        return new

    async def latest(self, instant: datetime, since: datetime, limit: int) -> Sequence[Headline]:
        rows = await self._rows(_LATEST, since, instant, limit)
        return [
            Headline(time=row["published_at"], source=row["source"], text=row["headline"])
            for row in rows
        ]
