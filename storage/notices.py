"""The outbox as the engine sees it: what is to be told, to whom, how loudly, and what was told."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from engine.domain.notice import CAUSE_WINDOW, Audience, HaltSeen, Kind, Notice
from engine.domain.person import Person, Role
from engine.domain.preferences import Loudness
from engine.snapshot.canonical import plain
from storage import mapping
from storage.people import PersonTable
from storage.table import Table

# A row of a cause that is open joins the row that began it; what is resolved must have begun.
_QUEUE = """
WITH last AS (
    SELECT id, episode, is_resolved FROM outbox
    WHERE $7::boolean AND cause = $8::text AND person_id = $2 ORDER BY id DESC LIMIT 1
), opened AS (
    SELECT first.id FROM last JOIN outbox first ON first.id = coalesce(last.episode, last.id)
    WHERE NOT last.is_resolved
      AND ($9::boolean OR first.created_at > clock_timestamp() - make_interval(secs => $10))
)
INSERT INTO outbox (key, person_id, chat_id, priority, kind, payload, state, attempts, not_before,
                    created_at, cause, episode, is_resolved, is_silent)
SELECT $1, $2, $3, $4, $5, $6, $11, 0, clock_timestamp(), clock_timestamp(), $8,
       (SELECT id FROM opened), $9, $12
WHERE NOT $9::boolean OR EXISTS (SELECT FROM opened)
ON CONFLICT (key, person_id) DO NOTHING
"""

_KEPT_BACK = """
UPDATE outbox SET state = 'missed' WHERE person_id = $1 AND state IN ('queued', 'sending')
"""

_MISSED = """
WITH told AS (
    UPDATE outbox SET state = 'dropped' WHERE person_id = $1 AND state = 'missed' RETURNING kind
)
SELECT kind, count(*) AS count FROM told GROUP BY kind
"""

_TOLD = """
SELECT kind, count(*) AS count FROM outbox
WHERE person_id = $1 AND created_at >= $2 AND created_at < $3
  AND state IN ('queued', 'sending', 'sent') AND episode IS NULL GROUP BY kind
"""

_SEE = """
INSERT INTO halt_seen (version, person_id, at) VALUES ($1, $2, clock_timestamp())
ON CONFLICT DO NOTHING RETURNING version
"""

_SEEN = """
SELECT s.person_id, p.name, p.role, s.at FROM halt_seen s JOIN person p ON p.id = s.person_id
WHERE s.version = $1 ORDER BY s.at
"""

_LAST_HALT = """
SELECT key FROM outbox WHERE kind = 'halt' ORDER BY id DESC LIMIT 1
"""

_DROP = """
UPDATE outbox SET state = 'failed', error = 'the person lost access'
WHERE person_id = $1 AND state = 'queued'
"""


class OutboxTable(Table):
    """The port ``Outbox`` in one transaction: a row per person, each key once."""

    def __init__(self, connection: BaseDBAsyncClient, people: PersonTable) -> None:
        super().__init__(connection)
        self._people = people

    async def drop(self, person_id: int) -> None:
        await self._connection.execute_query(_DROP, [person_id])

    async def tell(self, notice: Notice, audience: Audience) -> None:
        await self.tell_all([(notice, audience)])

    async def tell_all(self, notices: Sequence[tuple[Notice, Audience]]) -> None:
        people = await self._people.list() if notices else ()
        rows = [
            _row(notice, person, payload, loudness)
            for notice, audience in notices
            for payload in [mapping.json_text(plain(notice))]
            for person in people
            if audience.holds(person)
            and (loudness := notice.loudness_for(person)) is not Loudness.OFF
        ]
        if rows:
            # One statement for each, sent together: a later one sees what the earlier ones queued.
            await self._connection.execute_many(_QUEUE, rows)

    async def keep_back(self, person_id: int) -> None:
        await self._connection.execute_query(_KEPT_BACK, [person_id])

    async def missed(self, person_id: int) -> Mapping[str, int]:
        return await self._counts(_MISSED, [person_id])

    async def told(self, person_id: int, since: datetime, until: datetime) -> Mapping[str, int]:
        return await self._counts(_TOLD, [person_id, since, until])

    async def last_halt(self) -> int | None:
        rows = await self._connection.execute_query_dict(_LAST_HALT)
        return int(rows[0]["key"].rpartition(":")[2]) if rows else None

    async def see_halt(self, version: int, person_id: int) -> bool:
        return bool(await self._connection.execute_query_dict(_SEE, [version, person_id]))

    async def halt_seen(self, version: int) -> Sequence[HaltSeen]:
        rows = await self._connection.execute_query_dict(_SEEN, [version])
        return [HaltSeen(**{**row, "role": Role(row["role"])}) for row in rows]

    async def _counts(self, query: str, values: list[Any]) -> Mapping[str, int]:
        rows = await self._connection.execute_query_dict(query, values)
        return {Kind(row["kind"]): row["count"] for row in rows if row["kind"] != "answer"}


def _row(notice: Notice, person: Person, payload: str, loudness: Loudness) -> list[Any]:
    return [
        notice.key,
        person.id,
        person.chat_id,
        notice.priority.rank,
        str(notice.kind),
        payload,
        notice.shares,
        notice.cause,
        notice.is_resolved,
        CAUSE_WINDOW.total_seconds(),
        "queued" if person.unreachable_since is None else "missed",
        loudness is Loudness.SILENT,
    ]
