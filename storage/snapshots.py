"""What terminals show: the raw text for a while, and its parts as last seen."""

import json
import zlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.domain.market import Timeframe
from engine.ports import Shown, Streamed
from storage import terminal_candles
from storage.mapping import json_text
from storage.table import Table

#: Removed with each one that comes, so that the table shrinks faster than it grows.
_REMOVE_AT_ONCE = 20
_QUICK = 1

_OLD = """
DELETE FROM ea_snapshot WHERE id IN (
    SELECT id FROM ea_snapshot
    WHERE received_at < clock_timestamp() - make_interval(secs => $1)
    ORDER BY received_at LIMIT $2)
"""
_SHOWN = """
INSERT INTO ea_shown (account_id, at, offset_seconds, document) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id) DO UPDATE
SET at = EXCLUDED.at, offset_seconds = EXCLUDED.offset_seconds, document = EXCLUDED.document
"""
_DEALS = """
INSERT INTO ea_deal (account_id, ticket, position, entry, at, document)
SELECT $1, (deal ->> 'ticket')::bigint, (deal ->> 'position')::bigint,
       (deal ->> 'entry')::smallint, (deal ->> 'at')::timestamptz, deal
FROM jsonb_array_elements($2::jsonb) AS deal
ON CONFLICT (account_id, ticket) DO NOTHING
"""
_DEALS_OF_CLOSED = """
SELECT document::text AS document FROM ea_deal WHERE account_id = $1 AND position IN (
    SELECT position FROM ea_deal WHERE account_id = $1 AND entry <> 0 AND at > $2)
ORDER BY at, ticket
"""
_SYMBOLS = """
INSERT INTO ea_symbol (account_id, name, document)
SELECT $1, symbol ->> 'name', symbol FROM jsonb_array_elements($2::jsonb) AS symbol
ON CONFLICT (account_id, name) DO UPDATE SET document = EXCLUDED.document
"""
_CANDLE = """
SELECT time, open, high, low, close, volume FROM ea_candle
WHERE account_id = $1 AND name = $2 AND timeframe = $3
"""
_CALENDAR = """
INSERT INTO ea_calendar (account_id, document) VALUES ($1, $2)
ON CONFLICT (account_id) DO UPDATE SET document = EXCLUDED.document
"""
_NAMES = """
INSERT INTO ea_names (account_id, names) VALUES ($1, $2)
ON CONFLICT (account_id) DO UPDATE SET names = EXCLUDED.names
"""
_MAP = """
INSERT INTO ea_symbol_map (account_id, symbol, name) VALUES ($1, $2, $3)
ON CONFLICT (account_id, symbol) DO UPDATE SET name = EXCLUDED.name
"""


class SnapshotTable(Table):
    """The port ``Snapshots`` in one transaction."""

    async def keep_raw(self, account_id: str, body: bytes, *, keep: timedelta) -> None:
        await self._connection.execute_query(
            "INSERT INTO ea_snapshot (account_id, body) VALUES ($1, $2)",
            [account_id, zlib.compress(body, _QUICK)],
        )
        await self._connection.execute_query(_OLD, [keep.total_seconds(), _REMOVE_AT_ONCE])

    async def save(self, account_id: str, shown: Shown) -> None:
        document = {
            "account": shown.account,
            "positions": shown.positions,
            "orders": shown.orders,
        }
        values = [account_id, shown.at, shown.offset_seconds, json_text(document)]
        await self._connection.execute_query(_SHOWN, values)

    async def last(self, account_id: str) -> Shown | None:
        rows = await self._rows(
            "SELECT at, offset_seconds, document::text AS document FROM ea_shown"
            " WHERE account_id = $1",
            account_id,
        )
        if not rows:
            return None
        return Shown(rows[0]["at"], rows[0]["offset_seconds"], **json.loads(rows[0]["document"]))

    async def add_deals(self, account_id: str, deals: Sequence[Mapping[str, Any]]) -> None:
        if deals:
            await self._connection.execute_query(_DEALS, [account_id, json_text(deals)])

    async def deals_of_closed(
        self, account_id: str, after: datetime
    ) -> Sequence[Mapping[str, Any]]:
        rows = await self._rows(_DEALS_OF_CLOSED, account_id, after)
        return [json.loads(row["document"]) for row in rows]

    async def save_symbols(self, account_id: str, symbols: Sequence[Mapping[str, Any]]) -> None:
        if symbols:
            await self._connection.execute_query(_SYMBOLS, [account_id, json_text(symbols)])

    async def symbols(self, account_id: str, names: Collection[str]) -> Mapping[str, Any]:
        rows = await self._rows(
            "SELECT name, document::text AS document FROM ea_symbol"
            " WHERE account_id = $1 AND name = ANY($2::text[])",
            account_id,
            list(names),
        )
        return {row["name"]: json.loads(row["document"]) for row in rows}

    async def save_candles(self, account_id: str, streams: Sequence[Streamed]) -> None:
        await terminal_candles.save(self._connection, account_id, streams)

    async def latest(
        self, account_id: str, streams: Collection[tuple[str, Timeframe]]
    ) -> Mapping[tuple[str, Timeframe], datetime]:
        if not streams:
            return {}
        return await terminal_candles.latest(self._connection, account_id, streams)

    async def candles(
        self,
        account_id: str,
        name: str,
        timeframe: Timeframe,
        *,
        count: int | None = None,
        after: datetime | None = None,
    ) -> Sequence[tuple[Any, ...]]:
        key = [account_id, name, str(timeframe)]
        if after is not None:
            query, values = f"{_CANDLE} AND time > $4 ORDER BY time", [*key, after]
        else:
            query, values = f"{_CANDLE} ORDER BY time DESC LIMIT $4", [*key, count]
        rows = [tuple(row.values()) for row in await self._rows(query, *values)]
        return rows if after is not None else rows[::-1]

    async def save_calendar(self, account_id: str, calendar: Mapping[str, Any]) -> None:
        await self._connection.execute_query(_CALENDAR, [account_id, json_text(calendar)])

    async def calendar(self, account_id: str) -> Mapping[str, Any] | None:
        rows = await self._rows(
            "SELECT document::text AS document FROM ea_calendar WHERE account_id = $1",
            account_id,
        )
        return json.loads(rows[0]["document"]) if rows else None

    async def save_names(self, account_id: str, names: Sequence[str]) -> None:
        await self._connection.execute_query(_NAMES, [account_id, json_text(names)])

    async def names(self, account_id: str) -> Sequence[str]:
        rows = await self._rows(
            "SELECT names::text AS names FROM ea_names WHERE account_id = $1", account_id
        )
        return json.loads(rows[0]["names"]) if rows else []

    async def map_symbol(self, account_id: str, symbol: str, name: str) -> None:
        await self._connection.execute_query(_MAP, [account_id, symbol, name])

    async def mapped(self, account_id: str) -> Mapping[str, str]:
        rows = await self._rows(
            "SELECT symbol, name FROM ea_symbol_map WHERE account_id = $1", account_id
        )
        return {row["symbol"]: row["name"] for row in rows}
