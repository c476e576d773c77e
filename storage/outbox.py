"""The courier's side of the outbox: what is due, what is under way, what became of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise import connections

from engine.domain.notice import Priority
from storage.budget import Pace
from storage.mapping import json_text
from storage.models import OutboxRow

_ANSWER = """
INSERT INTO outbox (key, person_id, chat_id, priority, kind, payload, state, attempts,
                    not_before, created_at)
VALUES ($1, $2, $3, $4, 'answer', $5, 'queued', 0, clock_timestamp(), clock_timestamp())
ON CONFLICT (key, person_id) DO NOTHING
"""

_FACTS = """
id, key, person_id, chat_id, kind, payload::text AS payload, attempts, cause, episode, is_silent,
priority, steps::text AS steps
"""

# A chat whose budget has no room is not asked for its next row: something more urgent may come. One
# that was put off keeps its place: what was queued after it must not overtake it. One instant for
# all rows: a pause that ended while they were looked at would let a chat's later ones go first.
_DUE = f"""
SELECT id, key, person_id, chat_id, kind, payload, attempts, cause, episode, is_silent, priority,
       steps FROM (
    SELECT DISTINCT ON (chat_id) {_FACTS}, not_before FROM outbox o
    WHERE state = 'queued' AND NOT chat_id = ANY($1)
      AND NOT EXISTS (SELECT FROM outbox s WHERE s.chat_id = o.chat_id AND s.state = 'sending')
      AND NOT EXISTS (
        SELECT FROM flood_budget b WHERE
            b.scope = 0 AND b.held_until > statement_timestamp()
            OR b.scope = o.chat_id AND (b.held_until > statement_timestamp()
                OR b.due > statement_timestamp() + make_interval(secs =>
                    CASE WHEN o.chat_id < 0 THEN $3::float8 ELSE $2::float8 END)))
    ORDER BY chat_id, priority, id
) AS heads WHERE not_before <= statement_timestamp() ORDER BY priority, id LIMIT $4
"""  # noqa: S608

_LEFT = f"""
SELECT {_FACTS} FROM outbox o WHERE state = 'sending' AND NOT chat_id = ANY($1)
  AND sending_at <= statement_timestamp() - make_interval(secs => $2)
  AND NOT EXISTS (SELECT FROM flood_budget b
                  WHERE b.scope IN (0, o.chat_id) AND b.held_until > statement_timestamp())
ORDER BY priority, id LIMIT $3
"""  # noqa: S608

# When the next row may go: the time of the first of its chat, the pauses of that chat and of all,
# the room in the chat.
_NEXT = """
SELECT extract(epoch FROM min(at) - statement_timestamp())::float8 AS wait FROM (
    SELECT greatest(
        CASE o.state WHEN 'queued' THEN o.not_before
            ELSE o.sending_at + make_interval(secs => $3) END,
        b.held_until, a.held_until,
        CASE o.state WHEN 'queued' THEN b.due - make_interval(secs =>
            CASE WHEN o.chat_id < 0 THEN $2::float8 ELSE $1::float8 END) END) AS at
    FROM (
        SELECT DISTINCT ON (chat_id) * FROM outbox WHERE state IN ('queued', 'sending')
        ORDER BY chat_id, state DESC, priority, id
    ) AS o LEFT JOIN flood_budget b ON b.scope = o.chat_id
        LEFT JOIN flood_budget a ON a.scope = 0) AS waiting
"""

_BEGIN = """
UPDATE outbox SET state = 'sending', steps = $2, sending_at = clock_timestamp()
WHERE id = $1 AND state = 'queued' RETURNING id
"""

_NOTE = """
WITH done AS (
    UPDATE outbox SET steps = $2, sending_at = clock_timestamp() WHERE id = $1
)
INSERT INTO sent_message (chat_id, message_id, outbox_id, noted_at)
SELECT $3, $4, $1, clock_timestamp() WHERE $4::bigint IS NOT NULL ON CONFLICT DO NOTHING
"""

_SENT = """
WITH done AS (
    UPDATE outbox SET state = 'sent', sent_at = clock_timestamp(), message_id = $2, steps = NULL,
        error = NULL
    WHERE id = $1
)
INSERT INTO sent_message (chat_id, message_id, outbox_id, noted_at)
SELECT $3, $2, $1, clock_timestamp() WHERE $2::bigint IS NOT NULL ON CONFLICT DO NOTHING
"""


# Of the rows that share a message, the one that began it and what has come since.
_EPISODE = """
SELECT count(*) FILTER (WHERE NOT is_resolved) AS count,
       max(created_at) FILTER (WHERE NOT is_resolved) AS last,
       max(created_at) FILTER (WHERE is_resolved) AS resolved,
       (array_agg(message_id ORDER BY id))[1] AS message_id,
       (array_agg(state ORDER BY id))[1] AS state
FROM outbox WHERE id = $1 OR episode = $1
"""

# The halts a person was told of since trading was last resumed.
_HALTS = """
SELECT key, payload::text AS payload, message_id FROM outbox
WHERE person_id = $1 AND kind = 'halt' AND state = 'sent' AND message_id IS NOT NULL AND id < $2
  AND id > coalesce((SELECT max(id) FROM outbox WHERE person_id = $1 AND kind = 'halt_card'
                     AND cause = 'halt_over' AND id < $2), 0)
ORDER BY id
"""

_MOVED = """
WITH moved AS (UPDATE person SET chat_id = $2 WHERE chat_id = $1)
UPDATE outbox SET chat_id = $2, state = 'queued', steps = NULL
WHERE chat_id = $1 AND state IN ('queued', 'sending')
"""


@dataclass(frozen=True, slots=True)
class Episode:
    """A message that several rows share: how often, when last, when it was over. ``state`` and
    ``message_id`` are those of the row that began it.
    """

    count: int
    last: datetime
    resolved: datetime | None
    message_id: int | None
    state: str


@dataclass(frozen=True, slots=True)
class SentHalt:
    """The alert of a halt as it is in a person's chat."""

    key: str
    payload: str
    message_id: int

    @property
    def version(self) -> int:
        """The version of the control it began with."""
        return int(self.key.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to tell one person. ``steps`` are there when it is under way."""

    id: int
    key: str
    person_id: int
    chat_id: int
    kind: str
    payload: str
    attempts: int
    cause: str | None = None
    episode: int | None = None
    is_silent: bool = False
    steps: str | None = None
    priority: int = 0

    @property
    def is_safety(self) -> bool:
        """Whether it goes before everything else, and is never quiet."""
        return self.priority == Priority.SAFETY.rank


class PostgresDeliveries:
    """The outbox, for its one courier; the database must be open."""

    async def answer(self, key: str, person_id: int, chat_id: int, payload: dict[str, Any]) -> None:
        """Queue an answer to a person's own message; the same key is queued once."""
        await connections.get("default").execute_query(
            _ANSWER, [key, person_id, chat_id, Priority.ANSWER.rank, json_text(payload)]
        )

    async def due(
        self, busy: Collection[int], chat: Pace, group: Pace, limit: int
    ) -> Sequence[Delivery]:
        """The most urgent row of each chat that may be sent to now, the most urgent first.

        A chat with a row under way comes after that row is settled.
        """
        rows = await connections.get("default").execute_query_dict(
            _DUE, [list(busy), chat.slack, group.slack, limit]
        )
        return [Delivery(**row) for row in rows]

    async def left(
        self, busy: Collection[int], *, older_than: float, limit: int
    ) -> Sequence[Delivery]:
        """Rows under way for so many seconds that nobody is at work on: a courier died, or its
        call was cut off.
        """
        rows = await connections.get("default").execute_query_dict(
            _LEFT, [list(busy), older_than, limit]
        )
        return [Delivery(**row) for row in rows]

    async def next_in(self, chat: Pace, group: Pace, older_than: float) -> float | None:
        """Seconds until the next row may be taken up; None when none waits."""
        (row,) = await connections.get("default").execute_query_dict(
            _NEXT, [chat.slack, group.slack, older_than]
        )
        return None if row["wait"] is None else float(row["wait"])

    async def begin(self, id_: int, steps: Sequence[dict[str, Any]]) -> bool:
        """Write down the calls a row becomes, before the first is made; False when it is not
        waiting any more.
        """
        rows = await connections.get("default").execute_query_dict(
            _BEGIN, [id_, json_text(list(steps))]
        )
        return len(rows) == 1

    async def note(
        self, row: Delivery, steps: Sequence[dict[str, Any]], message_id: int | None = None
    ) -> None:
        """What became of a row's calls so far, and the message one of them made."""
        await connections.get("default").execute_query(
            _NOTE, [row.id, json_text(list(steps)), row.chat_id, message_id]
        )

    async def sent(self, row: Delivery, message_id: int | None) -> None:
        """It is with Telegram, as this message."""
        await connections.get("default").execute_query(_SENT, [row.id, message_id, row.chat_id])

    async def failed(self, id_: int, error: str) -> None:
        """It will never be sent; the row says why."""
        await connections.get("default").execute_query(
            "UPDATE outbox SET state = 'failed', attempts = attempts + 1, error = $2, steps = NULL"
            " WHERE id = $1 AND state IN ('queued', 'sending')",
            [id_, error[:500]],
        )

    async def again(self, id_: int, error: str, *, seconds: float = 0.0) -> None:
        """Telegram does not have it: it waits once more, for so many seconds at least."""
        await connections.get("default").execute_query(
            "UPDATE outbox SET state = 'queued', steps = NULL, attempts = attempts + 1, error = $2,"
            " not_before = clock_timestamp() + make_interval(secs => $3) WHERE id = $1",
            [id_, error[:500], float(seconds)],
        )

    async def tried(self, id_: int, error: str) -> None:
        """Nobody knows whether Telegram has it: it stays under way."""
        await connections.get("default").execute_query(
            "UPDATE outbox SET attempts = attempts + 1, error = $2 WHERE id = $1",
            [id_, error[:500]],
        )

    async def merge(self, row: Delivery) -> None:
        """Other waiting rows that would draw the same again are settled by this one."""
        await connections.get("default").execute_query(
            "UPDATE outbox SET state = 'merged' WHERE state = 'queued' AND id <> $1"
            " AND person_id = $2 AND cause = $3 AND kind = $4 AND episode IS NOT DISTINCT FROM $5",
            [row.id, row.person_id, row.cause, row.kind, row.episode],
        )

    async def episode(self, id_: int) -> Episode:
        """What shares its message with the row that began it."""
        (row,) = await connections.get("default").execute_query_dict(_EPISODE, [id_])
        return Episode(**row)

    async def halts(self, row: Delivery) -> Sequence[SentHalt]:
        """The alerts of halts that a row about them is to change."""
        rows = await connections.get("default").execute_query_dict(_HALTS, [row.person_id, row.id])
        return [SentHalt(**found) for found in rows]

    async def moved(self, chat_id: int, to: int) -> None:
        """A chat has another number; what waits for it, or was just refused, goes there."""
        await connections.get("default").execute_query(_MOVED, [chat_id, to])

    async def message_of(self, key: str, person_id: int) -> int | None:
        """The message an earlier row became, if it was sent."""
        row = await OutboxRow.filter(key=key, person_id=person_id, state="sent").get_or_none()
        return None if row is None else row.message_id
