"""What terminals ask again and again: one statement for all that ask at once."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import asyncpg

from engine.domain.state import Control
from engine.domain.terminal import Terminal
from engine.errors import NotFound
from engine.ports import Look
from engine.snapshot.canonical import restore
from storage.shared import Shared
from storage.terminal_commands import WAITING
from storage.terminals import ROW, TERMINAL_COLUMNS, life_of, terminal_of

_LOOK = f"""
SELECT {TERMINAL_COLUMNS}, xmin::text AS version, clock_timestamp() AS now,
       (SELECT document::text FROM control WHERE id = 1) AS control,
       EXISTS ({WAITING} AND ea_command.account_id = ea_terminal.account_id) AS waiting
FROM ea_terminal
"""  # noqa: S608 -- of constants
_LOOKS = f"{_LOOK} WHERE token_digest = ANY($1::text[])"
# For one key the server keeps a plan; for an array it would make one each time.
_LOOK_AT_ONE = f"{_LOOK} WHERE token_digest = $1"
# A note need not wait for the disk, and does not wait for whoever holds the terminal: that one
# writes it as well. Asynchronous is this commit alone.
_QUICKLY = "set_config('synchronous_commit', 'off', true) = 'off'"
_NOTES = f"""
WITH told AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::jsonb[]) AS told (account_id, version, news)
), held AS MATERIALIZED (
    SELECT ea_terminal.ctid, told.news FROM ea_terminal JOIN told USING (account_id)
    WHERE ea_terminal.xmin::text = told.version FOR UPDATE OF ea_terminal SKIP LOCKED
)
UPDATE ea_terminal SET document = document || held.news FROM held
WHERE ea_terminal.ctid = held.ctid AND {_QUICKLY} RETURNING ea_terminal.account_id
"""  # noqa: S608 -- of constants
_NOTE_ONE = f"""
WITH held AS MATERIALIZED (
    SELECT ctid FROM ea_terminal WHERE account_id = $1 AND xmin::text = $2 FOR UPDATE SKIP LOCKED
)
UPDATE ea_terminal SET document = document || $3::jsonb FROM held
WHERE ea_terminal.ctid = held.ctid AND {_QUICKLY} RETURNING account_id
"""  # noqa: S608 -- of constants


class PostgresPolls:
    """The port ``Polls``."""

    def __init__(self) -> None:
        self._look, self._note = Shared(_looks), Shared(_notes)

    async def look(self, token_digest: str) -> Look | None:
        # Read here and not with the statement: a row that cannot be is its own terminal's trouble.
        row = await self._look(token_digest)
        return None if row is None else _look_of(row)

    async def note(self, look: Look, terminal: Terminal) -> bool:
        return await self._note((terminal.account_id, look.version, life_of(terminal)))


async def _looks(
    connection: asyncpg.Connection, digests: Sequence[str]
) -> Sequence[asyncpg.Record | None]:
    if len(digests) == 1:
        rows = await connection.fetch(_LOOK_AT_ONE, *digests)
    else:
        rows = await connection.fetch(_LOOKS, digests)
    found = {row["token_digest"]: row for row in rows}
    return [found.get(digest) for digest in digests]


async def _notes(
    connection: asyncpg.Connection, told: Sequence[tuple[str, str, str]]
) -> Sequence[bool]:
    if len(told) == 1:
        rows = await connection.fetch(_NOTE_ONE, *told[0])
    else:
        rows = await connection.fetch(_NOTES, *zip(*told, strict=True))
    noted = {row["account_id"] for row in rows}
    return [account_id in noted for account_id, _, _ in told]


def _look_of(row: asyncpg.Record) -> Look:
    return Look(
        terminal=_terminal(*(row[name] for name in ROW)),
        now=row["now"],
        control=_control(row["control"]),
        is_waiting=row["waiting"],
        version=row["version"],
    )


@lru_cache(maxsize=1024)
def _terminal(*columns: Any) -> Terminal:
    """A terminal is looked at far more often than it changes."""
    return terminal_of(dict(zip(ROW, columns, strict=True)))


@lru_cache(maxsize=8)
def _control(document: str | None) -> Control:
    """The trading state: few texts, read by many."""
    if document is None:
        raise NotFound("the database is empty; run: ai-trader migrate")
    return restore(Control, json.loads(document))
