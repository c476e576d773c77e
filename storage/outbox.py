"""The courier's side of the outbox: what is due, what became of it; and answers put into it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tortoise import connections

from engine.domain.notice import Priority
from storage.mapping import json_text
from storage.models import OutboxRow

_ANSWER = """
INSERT INTO outbox (key, person_id, chat_id, priority, kind, payload, state, attempts,
                    not_before, created_at)
VALUES ($1, $2, $3, $4, 'answer', $5, 'queued', 0, clock_timestamp(), clock_timestamp())
ON CONFLICT (key, person_id) DO NOTHING
"""

_DUE = """
SELECT DISTINCT ON (chat_id)
       id, key, person_id, chat_id, kind, payload::text AS payload, attempts FROM outbox
WHERE state = 'queued' AND not_before <= clock_timestamp()
ORDER BY chat_id, priority, id LIMIT $1
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to tell one person."""

    id: int
    key: str
    person_id: int
    chat_id: int
    kind: str
    payload: str
    attempts: int


class PostgresDeliveries:
    """The outbox, for its one courier; the database must be open."""

    async def answer(self, key: str, person_id: int, chat_id: int, payload: dict[str, Any]) -> None:
        """Queue an answer to a person's own message; the same key is queued once."""
        await connections.get("default").execute_query(
            _ANSWER, [key, person_id, chat_id, Priority.ANSWER.rank, json_text(payload)]
        )

    async def due(self, limit: int = 100) -> Sequence[Delivery]:
        """What may be sent now: the most urgent row of each chat."""
        rows = await connections.get("default").execute_query_dict(_DUE, [limit])
        return [Delivery(**row) for row in rows]

    async def sent(self, id_: int, message_id: int | None) -> None:
        """It is with Telegram, as this message."""
        await self._update(
            "state = 'sent', sent_at = clock_timestamp(), message_id = $2, error = NULL",
            id_,
            message_id,
        )

    async def failed(self, id_: int, error: str) -> None:
        """It will never be sent; the row says why."""
        await self._update(
            "state = 'failed', attempts = attempts + 1, error = $2", id_, error[:500]
        )

    async def later(self, id_: int, seconds: float, error: str) -> None:
        """It may be tried again in so many seconds."""
        await connections.get("default").execute_query(
            "UPDATE outbox SET attempts = attempts + 1, error = $2,"
            " not_before = clock_timestamp() + make_interval(secs => $3) WHERE id = $1",
            [id_, error[:500], float(seconds)],
        )

    async def hold_chat(self, chat_id: int, seconds: float) -> None:
        """Telegram asked for a pause in a chat; it outlives this process."""
        await connections.get("default").execute_query(
            "UPDATE outbox SET not_before = clock_timestamp() + make_interval(secs => $2)"
            " WHERE chat_id = $1 AND state = 'queued'",
            [chat_id, float(seconds)],
        )

    async def message_of(self, key: str, person_id: int) -> int | None:
        """The message an earlier row became, if it was sent."""
        row = await OutboxRow.filter(key=key, person_id=person_id, state="sent").get_or_none()
        return None if row is None else row.message_id

    async def _update(self, what: str, id_: int, value: object) -> None:
        await connections.get("default").execute_query(
            f"UPDATE outbox SET {what} WHERE id = $1",  # noqa: S608
            [id_, value],
        )
