"""The inbox of Telegram updates: stored before they are handled, in order for each person, kept."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tortoise import connections

from storage.mapping import json_text

#: An update that failed this often is set aside with its error; it must not block the others.
ATTEMPTS = 3
#: One that was only interrupted is rarely to blame: a crash or a restart must not cost a tap.
INTERRUPTIONS = 20
#: How many updates of one person may wait; more than that is a flood, and is set aside.
ROOM = 30
#: What is written beside an update that came when there was no room for it.
TOO_MANY = "too many at once"

_DUE = f"""
done_at IS NULL AND (attempts < {ATTEMPTS} OR (error IS NULL AND attempts < {INTERRUPTIONS}))
"""

# A repeat takes nobody's room, and what a person wants at once is counted by itself.
_PUT = f"""
WITH new AS (
    SELECT *, row_number() OVER (PARTITION BY person_id, urgent ORDER BY place) AS nth
    FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bool[])
         WITH ORDINALITY AS n (update_id, payload, person_id, urgent, place)
    WHERE NOT EXISTS (SELECT FROM telegram_inbox i WHERE i.update_id = n.update_id)
), held AS (
    SELECT person_id, urgent, count(*) AS waiting FROM telegram_inbox
    WHERE person_id = ANY ($3::bigint[]) AND {_DUE} GROUP BY person_id, urgent
), judged AS (
    SELECT new.*, coalesce(waiting, 0) + nth > $5 AS refused
    FROM new LEFT JOIN held USING (person_id, urgent) ORDER BY place
)
INSERT INTO telegram_inbox (update_id, payload, person_id, urgent, received_at, attempts,
                            done_at, error)
SELECT update_id, payload::jsonb, person_id, urgent, clock_timestamp(), 0,
       CASE WHEN refused THEN clock_timestamp() END, CASE WHEN refused THEN $6 END
FROM judged
ON CONFLICT DO NOTHING RETURNING update_id, done_at IS NOT NULL AS refused
"""  # noqa: S608

_WAITING = f"""
SELECT update_id, payload::text AS payload, person_id, urgent, received_at FROM (
    SELECT *, row_number() OVER (
        PARTITION BY person_id, urgent ORDER BY received_at, update_id
    ) AS place FROM telegram_inbox WHERE {_DUE}
) AS waiting WHERE place <= $1
ORDER BY NOT urgent, place, received_at, update_id LIMIT $2
"""  # noqa: S608

# Nobody waits for the disk here: what a crash of the database takes back is done once more.
_AT_ONCE = "set_config('synchronous_commit', 'off', true) = 'off'"

_BEGIN = f"""
UPDATE telegram_inbox AS mine SET attempts = attempts + 1
WHERE update_id = $1 AND done_at IS NULL AND {_AT_ONCE}
RETURNING attempts, told, EXISTS (
    SELECT FROM telegram_inbox AS later
    WHERE later.urgent AND later.person_id = mine.person_id
      AND (later.received_at, later.update_id) > (mine.received_at, mine.update_id)
) AS overtaken
"""  # noqa: S608

_DONE = f"""
UPDATE telegram_inbox SET done_at = clock_timestamp() WHERE update_id = $1 AND {_AT_ONCE}
"""  # noqa: S608

_TELLING = f"UPDATE telegram_inbox SET told = true WHERE update_id = $1 AND {_AT_ONCE}"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Waiting:
    """An update that is to be handled: whose it is, and whether it may wait."""

    update_id: int
    document: dict[str, Any]
    person_id: int | None
    urgent: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt: the first or a later one, and whether a halt of the same person, sent after this
    update, came first. ``told``: an earlier attempt came as far as showing a tap its words.
    """

    attempts: int
    overtaken: bool
    told: bool = False


class PostgresInbox:
    """Updates by their id; the database must be open."""

    async def put(self, update_id: int, payload: dict[str, Any], *, urgent: bool = False) -> bool:
        """Store an update; False when it came before."""
        stored = await self.put_all([(update_id, payload, urgent)])
        return update_id in stored

    async def put_all(self, updates: Sequence[tuple[int, dict[str, Any], bool]]) -> dict[int, bool]:
        """Store updates (id, document, urgent) in one transaction, in this order.

        The answer has the ids that are new, each with True when its sender had no room left: that
        one is kept and never handled.
        """
        rows = await connections.get("default").execute_query_dict(
            _PUT,
            [
                [update_id for update_id, _, _ in updates],
                [json_text(payload) for _, payload, _ in updates],
                [sender(payload) for _, payload, _ in updates],
                [urgent for _, _, urgent in updates],
                ROOM,
                TOO_MANY,
            ],
        )
        return {row["update_id"]: row["refused"] for row in rows}

    async def waiting(self, *, each: int = 10, limit: int = 200) -> Sequence[Waiting]:
        """Updates not handled yet: halts first, then everybody's first, everybody's second, so
        that nobody waits behind another's pile. Each person's are in the order they came.

        One that failed leaves after three attempts, one that was interrupted by our own end, which
        leaves no error, after twenty.
        """
        rows = await connections.get("default").execute_query_dict(_WAITING, [each, limit])
        return [
            Waiting(row["update_id"], json.loads(row["payload"]), row["person_id"], row["urgent"])
            for row in rows
        ]

    async def begin(self, update_id: int) -> Begun | None:
        """Count an attempt before it is made, so that an update that kills us stops coming; None
        when somebody else has handled it.
        """
        rows = await connections.get("default").execute_query_dict(_BEGIN, [update_id])
        return Begun(**rows[0]) if rows else None

    async def telling(self, update_id: int) -> None:
        """A tap's words are shown from now on; after a death nobody knows whether they were."""
        await connections.get("default").execute_query(_TELLING, [update_id])

    async def done(self, update_id: int) -> None:
        """The update is handled."""
        await connections.get("default").execute_query(_DONE, [update_id])

    async def failed(self, update_id: int, error: str) -> bool:
        """The attempt failed; True when it was the last one and the update is set aside."""
        rows = await connections.get("default").execute_query_dict(
            "UPDATE telegram_inbox SET error = $2 WHERE update_id = $1 RETURNING attempts",
            [update_id, error[:2000]],
        )
        return bool(rows) and rows[0]["attempts"] >= ATTEMPTS


def sender(update: dict[str, Any]) -> int | None:
    """The numeric id of who sent an update of any kind; None for what nobody sent."""
    for content in update.values():
        if isinstance(content, dict) and isinstance(content.get("from"), dict):
            id_ = content["from"].get("id")
            return id_ if isinstance(id_, int) and abs(id_) < 1 << 63 else None
    return None
