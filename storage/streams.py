"""Streams: whose turn it is to read one, by skipping what somebody else has; nobody waits."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.domain.account import Account
from engine.domain.market import Timeframe
from engine.domain.stream import StreamKey, StreamState, StreamTrouble
from storage.table import Table

_STATE = (
    "source, symbol, timeframe, id AS number, due_at, claim, checked_at, good_at, failures,"
    " trouble, latest, filled_from, filled_to, filled_until"
)
_WANTED = "SELECT * FROM unnest($2::text[], $3::text[]) AS wanted (symbol, timeframe)"
_IS_DUE = """
source = $1 AND due_at <= clock_timestamp()
AND (leased_until IS NULL OR leased_until <= clock_timestamp())
"""

# Asked for what is missing first: a conflict would use up a number each time.
_ENLIST = f"""
INSERT INTO candle_stream (source, symbol, timeframe)
SELECT $1::varchar, symbol, timeframe FROM ({_WANTED}) AS wanted
WHERE NOT EXISTS (SELECT FROM candle_stream AS known
    WHERE known.source = $1::varchar AND known.symbol = wanted.symbol
      AND known.timeframe = wanted.timeframe)
ON CONFLICT DO NOTHING
"""  # noqa: S608 -- of constants
_DUE = f"""
SELECT count(*) AS due FROM candle_stream JOIN ({_WANTED}) AS wanted USING (symbol, timeframe)
WHERE {_IS_DUE}
"""  # noqa: S608 -- of constants
_TAKE = f"""
WITH taken AS MATERIALIZED (
    SELECT id FROM candle_stream JOIN ({_WANTED}) AS wanted USING (symbol, timeframe)
    WHERE {_IS_DUE} ORDER BY due_at, id LIMIT $4 FOR UPDATE OF candle_stream SKIP LOCKED
)
UPDATE candle_stream SET claim = claim + 1, holder = $6,
    leased_until = clock_timestamp() + make_interval(secs => $5)
FROM taken WHERE candle_stream.id = taken.id RETURNING {_STATE.replace("id AS", "taken.id AS")}
"""  # noqa: S608 -- of constants
_HOLD = """
UPDATE candle_stream SET leased_until = clock_timestamp() + make_interval(secs => $3)
WHERE id = $1 AND claim = $2 AND leased_until IS NOT NULL RETURNING id
"""
_SETTLE = """
UPDATE candle_stream SET checked_at = $3, good_at = $4, failures = $5, trouble = $6, latest = $7,
    filled_from = $8, filled_to = $9, filled_until = $10, leased_until = NULL, holder = NULL,
    due_at = $11
WHERE id = $1 AND claim = $2
"""
_STATES = f"""
SELECT {_STATE} FROM candle_stream JOIN ({_WANTED}) AS wanted USING (symbol, timeframe)
WHERE source = $1 ORDER BY symbol COLLATE "C", timeframe COLLATE "C"
"""  # noqa: S608 -- of constants
_ACCOUNT = """
INSERT INTO snapshot_account (account_id, balance, equity, margin_used, margin_free, open_pl,
    open_positions, captured_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


class StreamTable(Table):
    """The port ``Streams`` in one transaction."""

    async def enlist(self, source: str, keys: Collection[StreamKey]) -> None:
        await self._rows(_ENLIST, source, *columns(keys))

    async def due(self, source: str, keys: Collection[StreamKey]) -> int:
        return int((await self._rows(_DUE, source, *columns(keys)))[0]["due"])

    async def take(
        self,
        source: str,
        keys: Collection[StreamKey],
        *,
        most: int,
        lease: timedelta,
        holder: str,
    ) -> Sequence[StreamState]:
        seconds = lease.total_seconds()
        rows = await self._rows(_TAKE, source, *columns(keys), most, seconds, holder)
        return [_state(row) for row in rows]

    async def hold(self, state: StreamState, lease: timedelta) -> bool:
        return bool(await self._rows(_HOLD, state.number, state.claim, lease.total_seconds()))

    async def settle(self, state: StreamState) -> None:
        await self._rows(
            _SETTLE, state.number, state.claim, state.checked_at, state.good_at, state.failures,
            state.trouble and str(state.trouble), state.latest, state.filled_from,
            state.filled_to, state.filled_until, state.due_at,
        )  # fmt: skip

    async def states(self, source: str, keys: Collection[StreamKey]) -> Sequence[StreamState]:
        return [_state(row) for row in await self._rows(_STATES, source, *columns(keys))]

    async def keep_account(self, account: Account, positions: int, at: datetime) -> None:
        await self._rows(
            _ACCOUNT, account.id, account.balance, account.equity, account.margin_used,
            account.margin_free, account.open_profit, positions, at,
        )  # fmt: skip


def columns(keys: Collection[StreamKey]) -> tuple[list[str], list[str]]:
    """Keys as two arrays; an account's has no timeframe."""
    return [symbol for symbol, _ in keys], [str(timeframe or "") for _, timeframe in keys]


def key_of(row: dict[str, Any]) -> StreamKey:
    """The key in a row."""
    return row["symbol"], Timeframe(row["timeframe"]) if row["timeframe"] else None


def _state(row: dict[str, Any]) -> StreamState:
    trouble = row["trouble"] and StreamTrouble(row["trouble"])
    return StreamState(**{**row, "timeframe": key_of(row)[1], "trouble": trouble})
