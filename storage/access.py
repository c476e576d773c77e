"""Logins, sessions, keys and invitations; of every secret only what cannot be turned back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from engine.domain.access import ApiKey, KeyDraft, Login, Session
from engine.domain.person import Role
from storage.table import Table

_Found = TypeVar("_Found", Login, Session)

_LOGIN = "SELECT person_id, email, password_hash FROM web_login"
_SAVE_LOGIN = """
INSERT INTO web_login (person_id, email, password_hash) VALUES ($1, $2, $3)
ON CONFLICT (person_id) DO UPDATE
SET email = $2, password_hash = $3, changed_at = clock_timestamp()
"""
_TAKEN = "SELECT 1 FROM web_login WHERE email = $2 AND person_id <> $1"

# Every name is locked, in one order, so that two tries at once cannot both be the last one.
_SPAN = """
INSERT INTO web_try AS t (name, since, tries)
SELECT name, statement_timestamp(), 0 FROM unnest($1::text[]) AS name ORDER BY name
ON CONFLICT (name) DO UPDATE SET
    tries = CASE WHEN t.since <= excluded.since - make_interval(secs => $2) THEN 0 ELSE t.tries END,
    since = CASE WHEN t.since <= excluded.since - make_interval(secs => $2)
        THEN excluded.since ELSE t.since END
RETURNING name, since, tries
"""
_COUNT = "UPDATE web_try SET tries = tries + 1 WHERE name = ANY($1::text[])"
_FORGET_OLD = """
DELETE FROM web_try WHERE name IN (
    SELECT name FROM web_try WHERE since <= statement_timestamp() - make_interval(secs => $1)
    ORDER BY since LIMIT 100 FOR UPDATE SKIP LOCKED)
"""

_SESSION = "SELECT id, person_id, created_at, expires_at FROM web_session WHERE id = $1"
_ADD_SESSION = """
INSERT INTO web_session (id, person_id, created_at, expires_at) VALUES ($1, $2, $3, $4)
"""
_DROP_OLD = "DELETE FROM web_session WHERE expires_at <= clock_timestamp()"

_KEY = """SELECT id, name, prefix, digest, person_id, role, created_at, expires_at, used_at,
revoked_at FROM api_key"""
_ADD_KEY = """
INSERT INTO api_key (name, prefix, digest, person_id, role, expires_at)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING id, name, prefix, digest, person_id, role, created_at,
expires_at, used_at, revoked_at
"""
_USED = """
UPDATE api_key SET used_at = date_trunc('minute', clock_timestamp())
WHERE id = $1 AND (used_at IS NULL OR used_at < date_trunc('minute', clock_timestamp()))
"""
_INVITE = """
INSERT INTO web_invite (person_id, digest, expires_at)
VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (person_id) DO UPDATE SET digest = $2, expires_at = excluded.expires_at
RETURNING expires_at
"""
_ACCEPT = """
DELETE FROM web_invite WHERE digest = $1 RETURNING person_id, expires_at > clock_timestamp() AS good
"""


class AccessTable(Table):
    """The port ``AccessStore`` in one transaction."""

    async def login_of(self, email: str) -> Login | None:
        return _one(Login, await self._rows(f"{_LOGIN} WHERE email = $1", email))

    async def login_for(self, person_id: int) -> Login | None:
        return _one(Login, await self._rows(f"{_LOGIN} WHERE person_id = $1", person_id))

    async def save_login(self, login: Login) -> bool:
        if await self._rows(_TAKEN, login.person_id, login.email):
            return False
        await self._rows(_SAVE_LOGIN, login.person_id, login.email, login.password_hash)
        return True

    async def count_try(self, limits: Mapping[str, int], span: timedelta) -> datetime | None:
        seconds = span.total_seconds()
        await self._rows(_FORGET_OLD, seconds)
        names = sorted(name[:120] for name in limits)
        most = {name[:120]: limit for name, limit in limits.items()}
        rows = await self._rows(_SPAN, names, seconds)
        full = [row["since"] + span for row in rows if row["tries"] >= most[row["name"]]]
        if full:
            until: datetime = max(full)
            return until
        await self._rows(_COUNT, names)
        return None

    async def forget_tries(self, names: Sequence[str]) -> None:
        await self._rows("DELETE FROM web_try WHERE name = ANY($1::text[])", list(names))

    async def add_session(self, session: Session) -> None:
        await self._rows(_DROP_OLD)
        values = (session.id, session.person_id, session.created_at, session.expires_at)
        await self._rows(_ADD_SESSION, *values)

    async def session(self, id_: str) -> Session | None:
        return _one(Session, await self._rows(_SESSION, id_))

    async def end_session(self, id_: str) -> None:
        await self._rows("DELETE FROM web_session WHERE id = $1", id_)

    async def end_sessions(self, person_id: int) -> None:
        await self._rows("DELETE FROM web_session WHERE person_id = $1", person_id)

    async def add_key(self, draft: KeyDraft) -> ApiKey:
        who = (draft.person_id, str(draft.role), draft.expires_at)
        (row,) = await self._rows(_ADD_KEY, draft.name, draft.prefix, draft.digest, *who)
        return _key(row)

    async def key_of(self, digest: str) -> ApiKey | None:
        found = await self._keys("WHERE digest = $1", digest)
        return found[0] if found else None

    async def key(self, id_: int) -> ApiKey | None:
        found = await self._keys("WHERE id = $1", id_)
        return found[0] if found else None

    async def keys(self, person_id: int | None) -> Sequence[ApiKey]:
        where = "WHERE revoked_at IS NULL AND ($1::bigint IS NULL OR person_id = $1)"
        return await self._keys(f"{where} ORDER BY id DESC", person_id)

    async def revoke_key(self, id_: int) -> None:
        await self._rows(
            "UPDATE api_key SET revoked_at = clock_timestamp()"
            " WHERE id = $1 AND revoked_at IS NULL",
            id_,
        )

    async def used_key(self, id_: int) -> None:
        await self._rows(_USED, id_)

    async def invite(self, digest: str, person_id: int, life: timedelta) -> datetime:
        (row,) = await self._rows(_INVITE, person_id, digest, life.total_seconds())
        until: datetime = row["expires_at"]
        return until

    async def accept(self, digest: str) -> int | None:
        rows = await self._rows(_ACCEPT, digest)
        return int(rows[0]["person_id"]) if rows and rows[0]["good"] else None

    async def _keys(self, where: str, *values: Any) -> list[ApiKey]:
        return [_key(row) for row in await self._rows(f"{_KEY} {where}", *values)]


def _one(kind: type[_Found], rows: list[dict[str, Any]]) -> _Found | None:
    return kind(**rows[0]) if rows else None


def _key(row: dict[str, Any]) -> ApiKey:
    return ApiKey(**{**row, "role": Role(row["role"])})
