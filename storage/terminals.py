"""Connect codes, tokens by their digests, and the one terminal of each account."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from engine.domain.terminal import ConnectCode, Terminal, Wishes
from engine.snapshot.canonical import plain, restore
from storage.locks import Lock
from storage.mapping import json_text
from storage.table import Table

_COLUMNS = ("account_id", "login", "server", "magic_base", "last_seq", "token_digest")
#: What :func:`terminal_of` needs, and how it is asked for.
ROW = (*_COLUMNS, "wishes", "document")
TERMINAL_COLUMNS = """
account_id, login, server, magic_base, last_seq, coalesce(token_digest, '') AS token_digest,
wishes::text AS wishes, document::text AS document
"""
#: What is written whenever a terminal is heard.
_LIFE = ("heard_at", "token_used_at", "beat", "beat_at")
_TERMINAL = f"SELECT {TERMINAL_COLUMNS} FROM ea_terminal"  # noqa: S608 -- of constants
# What counts up elsewhere is never set back from here.
_SAVE = """
INSERT INTO ea_terminal (account_id, login, server, magic_base, last_seq, token_digest, document,
                         wishes)
VALUES ($1, $2, $3, $4, $5, nullif($6, ''), $7, $8)
ON CONFLICT (account_id) DO UPDATE
SET last_seq = greatest(ea_terminal.last_seq, EXCLUDED.last_seq),
    token_digest = EXCLUDED.token_digest, document = EXCLUDED.document, wishes = EXCLUDED.wishes
"""
_CODES = """
SELECT digest, account_id, issued_by, expires_at, used_at, used_by::text AS used_by FROM ea_code
"""
_CODE = f"{_CODES} WHERE digest = $1 FOR UPDATE"
_NEWEST = f"{_CODES} WHERE account_id = $1 ORDER BY expires_at DESC, digest LIMIT 1"
#: So many are kept of a key: whoever goes on and on must not fill the table.
_MOST_GUESSES = 100
_GUESS = """
INSERT INTO ea_guess (key) SELECT name FROM unnest($1::text[]) AS name
WHERE (SELECT count(*) FROM ea_guess WHERE key = name) < $2
"""
_GUESSES = """
SELECT coalesce(max(tries), 0) AS tries FROM (
    SELECT count(*) AS tries FROM ea_guess
    WHERE key = ANY($1::text[]) AND at > clock_timestamp() - make_interval(secs => $2) GROUP BY key
) AS found
"""


class TerminalTable(Table):
    """The port ``Terminals`` in one transaction."""

    async def add_code(self, code: ConnectCode) -> None:
        await self._connection.execute_query(
            "DELETE FROM ea_code WHERE account_id = $1 AND used_at IS NULL", [code.account_id]
        )
        await self._connection.execute_query(
            "INSERT INTO ea_code (digest, account_id, issued_by, expires_at)"
            " VALUES ($1, $2, $3, $4)",
            [code.digest, code.account_id, code.issued_by[:120], code.expires_at],
        )

    async def newest_code(self, account_id: str) -> ConnectCode | None:
        return await self._code(_NEWEST, account_id)

    async def take_code(self, digest: str) -> ConnectCode | None:
        return await self._code(_CODE, digest)

    async def _code(self, statement: str, key: str) -> ConnectCode | None:
        rows = await self._rows(statement, key)
        if not rows:
            return None
        used_by = rows[0]["used_by"]
        return restore(
            ConnectCode, {**rows[0], "used_by": None if used_by is None else json.loads(used_by)}
        )

    async def save_code(self, code: ConnectCode) -> None:
        await self._connection.execute_query(
            "UPDATE ea_code SET used_at = $2, used_by = $3 WHERE digest = $1",
            [code.digest, code.used_at, json_text(code.used_by)],
        )

    async def guess(self, keys: Collection[str], window: timedelta) -> int:
        names, seconds = sorted({key[:120] for key in keys}), window.total_seconds()
        # One after the other: those that come at once do not see each other.
        await self._connection.execute_query(
            "SELECT pg_advisory_xact_lock($1)", [Lock.TERMINAL_GUESSES]
        )
        await self._connection.execute_query(
            "DELETE FROM ea_guess WHERE at <= clock_timestamp() - make_interval(secs => $1)",
            [seconds],
        )
        await self._connection.execute_query(_GUESS, [names, _MOST_GUESSES])
        rows = await self._rows(_GUESSES, names, seconds)
        return int(rows[0]["tries"])

    async def of_token(self, digest: str, *, lock: bool = False) -> Terminal | None:
        where = "WHERE token_digest = $1"
        return await self._one(f"{where} FOR UPDATE" if lock else where, digest)

    async def take(self, account_id: str) -> Terminal | None:
        return await self._one("WHERE account_id = $1 FOR UPDATE", account_id)

    async def read(self, account_id: str) -> Terminal | None:
        return await self._one("WHERE account_id = $1", account_id)

    async def list(self) -> Sequence[Terminal]:
        rows = await self._rows(f"{_TERMINAL} ORDER BY account_id")
        return [terminal_of(row) for row in rows]

    async def save(self, terminal: Terminal) -> None:
        document = plain(terminal)
        columns = [document.pop(name) for name in _COLUMNS]
        wishes = json_text(document.pop("wishes"))
        await self._connection.execute_query(_SAVE, [*columns, json_text(document), wishes])

    async def remove(self, account_id: str) -> bool:
        count, _ = await self._connection.execute_query(
            "UPDATE ea_terminal SET token_digest = NULL"
            " WHERE account_id = $1 AND token_digest IS NOT NULL",
            [account_id],
        )
        return count == 1

    async def _one(self, where: str, value: str) -> Terminal | None:
        rows = await self._rows(f"{_TERMINAL} {where}", value)
        return terminal_of(rows[0]) if rows else None


def life_of(terminal: Terminal) -> str:
    """The parts of a terminal's document that say when it was heard, and what of itself."""
    return json_text({name: plain(getattr(terminal, name)) for name in _LIFE})


def terminal_of(row: Mapping[str, Any]) -> Terminal:
    """The terminal in a row that has :data:`ROW`."""
    parts = {name: row[name] for name in _COLUMNS}
    return restore(
        Terminal, {**json.loads(row["document"]), **parts, "wishes": _wishes(row["wishes"])}
    )


@lru_cache(maxsize=1024)
def _wishes(text: str) -> Wishes:
    """Read far more often than they change."""
    return restore(Wishes, json.loads(text))
