"""Candles of venues with their revisions: a page is one look at what it overlaps and one insert.

Columns travel as texts of arrays, which the server reads several times faster than a client makes
its binary numbers. Nothing here updates a candle.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.domain.market import Candle
from engine.domain.stream import Gap, GapState, Hole, Stored, StreamKey, Window
from storage.streams import columns, key_of
from storage.table import Table

_CANDLE = "time, open, high, low, close, volume"
_OVERLAPPED = f"""
SELECT DISTINCT ON (time) {_CANDLE}, revision FROM candle
WHERE stream_id = $1 AND time BETWEEN $2 AND $3 ORDER BY time, revision DESC
"""  # noqa: S608 -- of constants
_PUT = f"""
INSERT INTO candle (stream_id, {_CANDLE}, revision)
SELECT $1, to_timestamp(epoch), open, high, low, close, volume, revision
FROM unnest($2::text::bigint[], $3::text::numeric[], $4::text::numeric[], $5::text::numeric[],
            $6::text::numeric[], $7::text::bigint[], $8::text::smallint[])
    AS told (epoch, open, high, low, close, volume, revision)
"""  # noqa: S608 -- of constants

_STREAM = """
stream_id = (SELECT id FROM candle_stream WHERE source = $1 AND symbol = $2 AND timeframe = $3)
"""
# By the key from its end: as many rows as are wanted, and their revisions.
_OF = f"""
{_STREAM} AND ($4::timestamptz IS NULL OR learnt_at <= $4)
"""
_LAST = f"""
SELECT DISTINCT ON (time) {_CANDLE} FROM candle WHERE {_OF}
ORDER BY time DESC, revision DESC LIMIT $5
"""  # noqa: S608 -- of constants
_SINCE = f"""
SELECT DISTINCT ON (time) {_CANDLE} FROM candle WHERE {_OF} AND time > $5
ORDER BY time DESC, revision DESC
"""  # noqa: S608 -- of constants
_WINDOW = f"""
SELECT DISTINCT ON (time) {_CANDLE}, learnt_at FROM candle WHERE {_STREAM}
ORDER BY time DESC, revision DESC LIMIT $4
"""  # noqa: S608 -- of constants
# A stream is written by one at a time, so that what is learnt later shows later.
_NEWS = f"""
SELECT DISTINCT ON (time) {_CANDLE}, learnt_at FROM candle WHERE {_STREAM}
AND time >= $4 AND learnt_at > $5 ORDER BY time DESC, revision DESC
"""  # noqa: S608 -- of constants
_UNJUDGED = """
SELECT symbol, timeframe
FROM candle_stream JOIN unnest($2::text[], $3::text[]) AS wanted (symbol, timeframe)
    USING (symbol, timeframe)
CROSS JOIN LATERAL (
    SELECT time FROM candle WHERE stream_id = candle_stream.id AND revision = 1
    ORDER BY time DESC LIMIT 1) AS last
WHERE source = $1
  AND NOT EXISTS (SELECT FROM evaluation
    WHERE evaluation.symbol = candle_stream.symbol AND candle_time = last.time
      AND evaluation.timeframe = candle_stream.timeframe)
  AND NOT EXISTS (SELECT FROM control WHERE state = 'emergency_stop')
ORDER BY symbol COLLATE "C", timeframe COLLATE "C"
"""

# Every candle has a first revision.
_HOLES = """
SELECT after, before FROM (
    SELECT lag(time) OVER (ORDER BY time) AS after, time AS before FROM candle
    WHERE stream_id = $1 AND revision = 1 AND time BETWEEN $2 AND $3) AS pair
WHERE before - after >= 2 * $4::interval ORDER BY after
"""
_CLOSED = """
DELETE FROM candle_gap WHERE stream_id = $1 AND after >= $2 AND before <= $3
    AND (after, before) NOT IN (
        SELECT * FROM unnest($4::timestamptz[], $5::timestamptz[]))
"""
_GAPS = """
INSERT INTO candle_gap (stream_id, after, before)
SELECT $1, after, before FROM unnest($2::timestamptz[], $3::timestamptz[]) AS hole (after, before)
ON CONFLICT (stream_id, after) DO UPDATE
SET before = EXCLUDED.before, asked = 0, asked_at = NULL, state = 'open'
WHERE candle_gap.before <> EXCLUDED.before
"""
_OPEN = """
SELECT stream_id, after, before, asked FROM candle_gap
WHERE stream_id = ANY($1::int[]) AND state = 'open'
  AND (asked_at IS NULL OR asked_at <= clock_timestamp() - make_interval(secs => $2))
ORDER BY stream_id, after
"""
_ANSWERED = """
UPDATE candle_gap SET asked = $3, state = $4, asked_at = clock_timestamp()
WHERE stream_id = $1 AND after = $2
"""
# Whoever reads such a stream now is not waited for: it is the next night's.
_RETIRE = """
WITH stream AS MATERIALIZED (
    SELECT id FROM candle_stream ORDER BY id FOR UPDATE SKIP LOCKED
), old AS MATERIALIZED (
    SELECT gone.ctid AS place FROM stream
    CROSS JOIN LATERAL (
        SELECT time FROM candle WHERE stream_id = stream.id AND revision = 1
        ORDER BY time DESC OFFSET $2 - 1 LIMIT 1) AS kept
    CROSS JOIN LATERAL (
        SELECT ctid FROM candle WHERE stream_id = stream.id
          AND time < least(kept.time, clock_timestamp() - make_interval(secs => $1))
        ORDER BY time LIMIT $3) AS gone
    LIMIT $3
), removed AS (
    DELETE FROM candle USING old WHERE candle.ctid = old.place RETURNING stream_id, time
), span AS (
    SELECT stream_id, count(*) AS count, max(time) AS last FROM removed GROUP BY stream_id
), told AS (
    UPDATE candle_stream SET filled_from = greatest(filled_from, last),
        filled_to = greatest(filled_to, last), filled_until = greatest(filled_until, last)
    FROM span WHERE candle_stream.id = span.stream_id
), forgotten AS (
    DELETE FROM candle_gap USING span
    WHERE candle_gap.stream_id = span.stream_id AND candle_gap.after <= span.last
)
SELECT coalesce(sum(count), 0)::int AS count FROM span
"""


class CandleTable(Table):
    """The port ``Candles`` in one transaction."""

    async def put(self, stream: int, candles: Sequence[Candle]) -> Stored:
        if not candles:
            return Stored()
        span = (candles[0].time, candles[-1].time)
        known = {row["time"]: row for row in await self._rows(_OVERLAPPED, stream, *span)}
        new = [(candle, 1) for candle in candles if candle.time not in known]
        revised = [
            (candle, known[candle.time]["revision"] + 1)
            for candle in candles
            if candle.time in known and _differs(candle, known[candle.time])
        ]
        if new or revised:
            await self._rows(_PUT, stream, *_texts([*new, *revised]))
        return Stored(tuple([candle.time for candle, _ in new]), len(revised))

    async def last(
        self, source: str, key: StreamKey, count: int, *, known_at: datetime | None = None
    ) -> tuple[Candle, ...]:
        return await self._read(_LAST, source, key, known_at, max(count, 0))

    async def window(
        self, source: str, key: StreamKey, count: int, before: Window | None
    ) -> Window:
        whose = (source, key[0], str(key[1] or ""))
        if before is None or before.learnt_at is None or not 0 < count <= len(before.candles):
            before = None
            rows = await self._rows(_WINDOW, *whose, count)
        else:
            first = before.candles[0].time
            rows = await self._rows(_NEWS, *whose, first, before.learnt_at)
        return _window(before or Window(count), rows)

    async def since(
        self, source: str, key: StreamKey, after: datetime, *, known_at: datetime | None = None
    ) -> tuple[Candle, ...]:
        return await self._read(_SINCE, source, key, known_at, after)

    async def _read(
        self, query: str, source: str, key: StreamKey, known_at: datetime | None, bound: Any
    ) -> tuple[Candle, ...]:
        rows = await self._rows(query, source, key[0], str(key[1] or ""), known_at, bound)
        return tuple([Candle(**row) for row in reversed(rows)])

    async def unjudged(self, source: str, keys: Collection[StreamKey]) -> Sequence[StreamKey]:
        rows = await self._rows(_UNJUDGED, source, *columns(keys))
        return [key_of(row) for row in rows]

    async def holes(
        self, stream: int, first: datetime, last: datetime, length: timedelta
    ) -> Sequence[Hole]:
        return [Hole(**row) for row in await self._rows(_HOLES, stream, first, last, length)]

    async def note_gaps(
        self, stream: int, first: datetime, last: datetime, holes: Sequence[Hole]
    ) -> None:
        ends = [hole.after for hole in holes], [hole.before for hole in holes]
        await self._rows(_CLOSED, stream, first, last, *ends)
        if holes:
            await self._rows(_GAPS, stream, *ends)

    async def gaps(self, streams: Collection[int], rest: timedelta) -> Mapping[int, Sequence[Gap]]:
        found: dict[int, list[Gap]] = {}
        for row in await self._rows(_OPEN, list(streams), rest.total_seconds()):
            gap = Gap(hole=Hole(row["after"], row["before"]), asked=row["asked"])
            found.setdefault(row["stream_id"], []).append(gap)
        return found

    async def answered(self, stream: int, gap: Gap) -> None:
        state: GapState = gap.state
        await self._rows(_ANSWERED, stream, gap.hole.after, gap.asked, str(state))

    async def retire(self, keep: timedelta, least: int, limit: int) -> int:
        rows = await self._rows(_RETIRE, keep.total_seconds(), least, limit)
        return int(rows[0]["count"])


def _window(before: Window, rows: Sequence[dict[str, Any]]) -> Window:
    """A window with what was learnt since; the rows' newest comes first."""
    if not rows:
        return before
    known = [row.pop("learnt_at") for row in rows]
    learnt_at = max(known if before.learnt_at is None else [*known, before.learnt_at])
    new = [Candle(**row) for row in reversed(rows)]
    if before.candles and new[0].time <= before.candles[-1].time:
        found = {candle.time: candle for candle in (*before.candles, *new)}
        candles = [found[time] for time in sorted(found)]
    else:
        candles = [*before.candles, *new]
    return Window(before.count, tuple(candles[-before.count :]), learnt_at)


def _differs(candle: Candle, row: Mapping[str, Any]) -> bool:
    return (candle.open, candle.high, candle.low, candle.close, candle.volume) != (
        row["open"], row["high"], row["low"], row["close"], row["volume"]
    )  # fmt: skip


def _texts(rows: Sequence[tuple[Candle, int]]) -> list[str]:
    """Columns: seconds since 1970, four prices, volume, revision."""
    told = [
        (int(c.time.timestamp()), c.open, c.high, c.low, c.close, c.volume, revision)
        for c, revision in rows
    ]
    return ["{" + ",".join(map(str, column)) + "}" for column in zip(*told, strict=True)]
