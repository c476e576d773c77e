"""Endpoints of webhooks, whose turn it is, and up to where each looked at the history."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.domain.decision import Decision
from engine.domain.webhook_events import EVENTS
from engine.domain.webhooks import Draft, Endpoint
from engine.errors import NotFound
from engine.snapshot.canonical import restore
from storage import mapping
from storage.locks import Lock
from storage.table import Table

FACTS = """id, url, description, types::text AS types, key, old_key, old_until, off, from_settings,
created_by, created_at, cursor, failures, failing_since, not_before, claim"""
_HEAD = "(SELECT seq FROM history_head WHERE id = 1)"

_ADD = f"""
INSERT INTO webhook_endpoint (url, description, types, created_by, from_settings, cursor)
VALUES ($1, $2, $3, $4, $5, {_HEAD}) RETURNING {FACTS}
"""  # noqa: S608

_SAVE = """
UPDATE webhook_endpoint SET url = $2, description = $3, types = $4, off = $5, failures = $6,
    failing_since = $7, not_before = $8
WHERE id = $1
"""

_NEW_KEY = f"""
UPDATE webhook_endpoint SET old_key = key, old_until = $2, key = gen_random_uuid()
WHERE id = $1 RETURNING {FACTS}
"""  # noqa: S608

_BEHIND = f"""
SELECT {FACTS} FROM webhook_endpoint WHERE off IS NULL AND cursor < {_HEAD}
ORDER BY id FOR UPDATE SKIP LOCKED
"""  # noqa: S608

# Records become visible in the order of their numbers, because whoever appends holds the head to
# the end: what is seen here has no gaps, and nothing comes in before it later.
_SINCE = """
SELECT seq, hash, previous_hash, body FROM decision_history
WHERE seq > $1 AND seq <= $2 AND action = ANY($3::text[]) ORDER BY seq LIMIT $4
"""

_CLAIM = f"""
UPDATE webhook_endpoint SET claim = gen_random_uuid(),
    leased_until = clock_timestamp() + make_interval(secs => $2)
WHERE id IN (
    SELECT id FROM webhook_endpoint e
    WHERE off IS NULL AND not_before <= clock_timestamp()
      AND (leased_until IS NULL OR leased_until <= clock_timestamp())
      AND EXISTS (SELECT FROM webhook_delivery d
                  WHERE d.endpoint_id = e.id AND d.state = 'waiting')
    ORDER BY not_before, id LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING {FACTS}
"""  # noqa: S608

_RELEASE = """
UPDATE webhook_endpoint SET claim = NULL, leased_until = NULL WHERE id = $1 AND claim = $2
"""


class EndpointTable(Table):
    """The port ``Endpoints`` in one transaction."""

    async def alone(self) -> None:
        await self._lock(Lock.WEBHOOKS)

    async def add(self, draft: Draft, *, by: str, from_settings: bool = False) -> Endpoint:
        types = mapping.json_text(list(draft.types))
        values = [draft.url, draft.description, types, by, from_settings]
        (row,) = await self._rows(_ADD, *values)
        return endpoint_of(row)

    async def get(self, endpoint_id: int) -> Endpoint:
        return await self._one(endpoint_id, "")

    async def take(self, endpoint_id: int) -> Endpoint:
        return await self._one(endpoint_id, " FOR UPDATE")

    async def _one(self, endpoint_id: int, how: str) -> Endpoint:
        query = f"SELECT {FACTS} FROM webhook_endpoint WHERE id = $1{how}"  # noqa: S608
        rows = await self._rows(query, endpoint_id)
        if not rows:
            raise NotFound(f"there is no webhook {endpoint_id}", number=endpoint_id)
        return endpoint_of(rows[0])

    async def list(self) -> Sequence[Endpoint]:
        query = f"SELECT {FACTS} FROM webhook_endpoint ORDER BY id"  # noqa: S608
        return [endpoint_of(row) for row in await self._rows(query)]

    async def save(self, endpoint: Endpoint) -> None:
        values = [
            endpoint.id, endpoint.url, endpoint.description,
            mapping.json_text(list(endpoint.types)), endpoint.off, endpoint.failures,
            endpoint.failing_since, endpoint.not_before,
        ]  # fmt: skip
        await self._connection.execute_query(_SAVE, values)

    async def remove(self, endpoint_id: int) -> None:
        query = "DELETE FROM webhook_endpoint WHERE id = $1"
        await self._connection.execute_query(query, [endpoint_id])

    async def new_key(self, endpoint: Endpoint, until: datetime) -> Endpoint:
        (row,) = await self._rows(_NEW_KEY, endpoint.id, until)
        return endpoint_of(row)

    async def behind(self) -> Sequence[Endpoint]:
        return [endpoint_of(row) for row in await self._rows(_BEHIND)]

    async def since(self, cursor: int, limit: int) -> tuple[Sequence[Decision], int]:
        (head,) = await self._rows(f"SELECT {_HEAD} AS seq")
        names = [str(action) for action in EVENTS]
        rows = await self._rows(_SINCE, cursor, head["seq"], names, limit)
        found = [mapping.decision_of(**row) for row in rows]
        return found, found[-1].seq if len(found) == limit else head["seq"]

    async def move(self, endpoint_id: int, cursor: int | None) -> None:
        query = f"UPDATE webhook_endpoint SET cursor = coalesce($2, {_HEAD}) WHERE id = $1"  # noqa: S608
        await self._connection.execute_query(query, [endpoint_id, cursor])

    async def claim(self, limit: int, lease: timedelta) -> Sequence[Endpoint]:
        rows = await self._rows(_CLAIM, limit, lease.total_seconds())
        return sorted(map(endpoint_of, rows), key=lambda endpoint: endpoint.id)

    async def release(self, endpoint: Endpoint) -> None:
        await self._connection.execute_query(_RELEASE, [endpoint.id, endpoint.claim])


def endpoint_of(row: dict[str, Any]) -> Endpoint:
    """The endpoint of a row that holds :data:`FACTS`."""
    return restore(Endpoint, {**row, "types": json.loads(row["types"])})
