"""Candles of terminals: a snapshot's streams replace what they overlap and what is stored after
them, because they end with the newest candle there is; in two statements for all.

What is stored as it is sent is not written again. Columns travel as texts of arrays, which the
server reads several times faster than a client makes its binary numbers.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from engine.domain.market import Timeframe
from engine.ports import Streamed

#: Opening instant, open, high, low, close and volume.
Row = tuple[Any, ...]
Stream = tuple[str, Timeframe]

# OFFSET 0: stream by stream over the key, never over all candles of the account.
_OVERLAPPED = """
SELECT stream.number, old.*
FROM unnest($2::text[], $3::text[], $4::timestamptz[])
    WITH ORDINALITY AS stream (name, timeframe, first, number)
CROSS JOIN LATERAL (
    SELECT time, open, high, low, close, volume FROM ea_candle
    WHERE account_id = $1 AND name = stream.name AND timeframe = stream.timeframe
      AND time >= stream.first OFFSET 0) AS old
"""
_GONE = """
DELETE FROM ea_candle
WHERE account_id = $1 AND name = $2 AND timeframe = $3 AND time = ANY($4::timestamptz[])
"""
_SAVE = """
INSERT INTO ea_candle (account_id, name, timeframe, time, open, high, low, close, volume)
SELECT $1, name, timeframe, to_timestamp(epoch), open, high, low, close, volume
FROM unnest($4::text::int[], $5::text::bigint[], $6::text::numeric[], $7::text::numeric[],
            $8::text::numeric[], $9::text::numeric[], $10::text::bigint[])
    AS told (number, epoch, open, high, low, close, volume)
JOIN unnest($2::text[], $3::text[]) WITH ORDINALITY AS stream (name, timeframe, number)
    USING (number)
ON CONFLICT (account_id, name, timeframe, time) DO UPDATE
SET open = EXCLUDED.open, high = EXCLUDED.high, low = EXCLUDED.low, close = EXCLUDED.close,
    volume = EXCLUDED.volume
"""
_LATEST = """
SELECT stream.number, (
    SELECT time FROM ea_candle
    WHERE account_id = $1 AND name = stream.name AND timeframe = stream.timeframe
    ORDER BY time DESC LIMIT 1) AS time
FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS stream (name, timeframe, number)
"""


async def latest(
    connection: BaseDBAsyncClient, account_id: str, streams: Collection[Stream]
) -> Mapping[Stream, datetime]:
    """The last stored candle's opening of each stream that has one."""
    keys = list(streams)
    rows = await connection.execute_query_dict(_LATEST, [account_id, *_columns(keys)])
    found = ((keys[row["number"] - 1], row["time"]) for row in rows)
    return {key: time for key, time in found if time is not None}


async def save(connection: BaseDBAsyncClient, account_id: str, streams: Sequence[Streamed]) -> None:
    """Store candles; each stream replaces what is stored from its first candle on, an earlier one
    of the same too.
    """
    for told in _rounds(streams):
        await _save(connection, account_id, told)


def _rounds(streams: Sequence[Streamed]) -> Iterator[dict[Stream, dict[datetime, Row]]]:
    """Streams by their keys, their rows by their instants; one that comes twice is in two."""
    told: dict[Stream, dict[datetime, Row]] = {}
    for stream in streams:
        key = (stream.name, stream.timeframe)
        if key in told:
            yield told
            told = {}
        if stream.rows:
            told[key] = {row[0]: row for row in stream.rows}
    if told:
        yield told


async def _save(
    connection: BaseDBAsyncClient, account_id: str, told: Mapping[Stream, dict[datetime, Row]]
) -> None:
    keys, rows = list(told), list(told.values())
    firsts = [min(each) for each in rows]
    stored: list[dict[datetime, Row]] = [{} for _ in keys]
    for row in await connection.execute_query_dict(
        _OVERLAPPED, [account_id, *_columns(keys), firsts]
    ):
        number, *values = row.values()
        stored[number - 1][values[0]] = tuple(values)
    for key, before, after in zip(keys, stored, rows, strict=True):
        gone = sorted(before.keys() - after.keys())
        if gone:
            await connection.execute_query(_GONE, [account_id, key[0], str(key[1]), gone])
    new = [
        [row for time, row in after.items() if before.get(time) != row]
        if before
        else after.values()
        for before, after in zip(stored, rows, strict=True)
    ]
    if any(new):
        columns = _texts(new)
        await connection.execute_query(_SAVE, [account_id, *_columns(keys), *columns])


def _columns(keys: Sequence[Stream]) -> tuple[list[str], list[str]]:
    return [name for name, _ in keys], [str(timeframe) for _, timeframe in keys]


def _texts(streams: Sequence[Collection[Row]]) -> list[str]:
    """Columns of all streams' rows: number of the stream, seconds since 1970, prices, volume."""
    numbers = [str(number) for number, rows in enumerate(streams, 1) for _ in rows]
    times, *rest = zip(*(row for rows in streams for row in rows), strict=True)
    seconds = {time: str(int(time.timestamp())) for time in set(times)}
    columns: list[Iterable[str]] = [numbers, (seconds[time] for time in times)]
    return ["{" + ",".join(column) + "}" for column in (*columns, *(map(str, c) for c in rest))]
