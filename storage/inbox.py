"""The inbox of Telegram updates: stored before they are handled, handled in order, kept."""

from collections.abc import Sequence
from typing import Any

from tortoise import connections
from tortoise.expressions import Q

from storage.mapping import json_text
from storage.models import InboxRow

#: An update that failed this often is set aside with its error; it must not block the others.
ATTEMPTS = 3
#: One that was only interrupted is rarely to blame: a crash or a restart must not cost a tap.
INTERRUPTIONS = 20


class PostgresInbox:
    """Updates by their id; the database must be open."""

    async def put(self, update_id: int, payload: dict[str, Any]) -> bool:
        """Store an update; False when it came before."""
        rows = await connections.get("default").execute_query_dict(
            "INSERT INTO telegram_inbox (update_id, payload, received_at, attempts)"
            " VALUES ($1, $2, clock_timestamp(), 0) ON CONFLICT DO NOTHING RETURNING update_id",
            [update_id, json_text(payload)],
        )
        return len(rows) == 1

    async def waiting(self, limit: int = 50) -> Sequence[tuple[int, dict[str, Any]]]:
        """Updates not handled yet, in the order they came.

        One that failed leaves after three attempts, one that was interrupted by our own end, which
        leaves no error, after twenty.
        """
        rows = (
            await InboxRow.filter(
                Q(attempts__lt=ATTEMPTS) | Q(error__isnull=True, attempts__lt=INTERRUPTIONS),
                done_at__isnull=True,
            )
            .order_by("received_at", "update_id")
            .limit(limit)
        )
        return [(row.update_id, row.payload) for row in rows]

    async def begin(self, update_id: int) -> None:
        """Count an attempt before it is made, so that an update that kills us stops coming."""
        await connections.get("default").execute_query(
            "UPDATE telegram_inbox SET attempts = attempts + 1 WHERE update_id = $1", [update_id]
        )

    async def done(self, update_id: int) -> None:
        """The update is handled."""
        await connections.get("default").execute_query(
            "UPDATE telegram_inbox SET done_at = clock_timestamp() WHERE update_id = $1",
            [update_id],
        )

    async def failed(self, update_id: int, error: str) -> bool:
        """The attempt failed; True when it was the last one and the update is set aside."""
        rows = await connections.get("default").execute_query_dict(
            "UPDATE telegram_inbox SET error = $2 WHERE update_id = $1 RETURNING attempts",
            [update_id, error[:2000]],
        )
        return bool(rows) and rows[0]["attempts"] >= ATTEMPTS
