"""Explanations of ideas: written once, and one attempt at a time."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from engine.domain.explanation import Explanation, Fate

# By number, which is indexed, from the newest down: what is due is among the last.
_DUE = """
SELECT idea.id FROM (
    SELECT id, number, status, created_at FROM trade_ideas ORDER BY number DESC LIMIT 500
) idea
WHERE idea.created_at > $1
  AND (EXISTS (SELECT FROM approval WHERE approval.idea_id = idea.id)
       OR idea.status = 'auto_executed')
  AND NOT EXISTS (
    SELECT FROM explanation_turn turn WHERE turn.idea_id = idea.id
    AND (turn.is_done OR turn.claimed_until > clock_timestamp())
  )
ORDER BY idea.number DESC LIMIT $2
"""
_CLAIM = """
INSERT INTO explanation_turn AS turn (idea_id, claimed_until)
VALUES ($1, clock_timestamp() + make_interval(secs => $2))
ON CONFLICT (idea_id) DO UPDATE SET claimed_until = EXCLUDED.claimed_until
WHERE NOT turn.is_done AND turn.claimed_until <= clock_timestamp()
RETURNING idea_id
"""
_DONE = """
INSERT INTO explanation_turn AS turn (idea_id, claimed_until, is_done)
VALUES ($1, clock_timestamp(), TRUE)
ON CONFLICT (idea_id) DO UPDATE SET is_done = TRUE WHERE NOT turn.is_done RETURNING idea_id
"""
_COLUMNS = [each.name for each in fields(Explanation)]
_ADD = (
    f"INSERT INTO idea_explanation ({', '.join(_COLUMNS)})"  # noqa: S608 - names of ours
    f" VALUES ({', '.join(f'${number}' for number in range(1, len(_COLUMNS) + 1))})"
    " ON CONFLICT DO NOTHING RETURNING idea_id"
)
_OF_IDEA = "SELECT * FROM idea_explanation WHERE idea_id = $1 ORDER BY language"


class ExplanationTable:
    """The port ``Explanations`` in one transaction."""

    def __init__(self, connection: BaseDBAsyncClient) -> None:
        self._connection = connection

    async def due(self, since: datetime, limit: int) -> Sequence[UUID]:
        rows = await self._connection.execute_query_dict(_DUE, [since, limit])
        return [UUID(str(row["id"])) for row in rows]

    async def claim(self, idea_id: UUID, lease: timedelta) -> bool:
        asked = [idea_id, lease.total_seconds()]
        return bool(await self._connection.execute_query_dict(_CLAIM, asked))

    async def done(self, idea_id: UUID) -> bool:
        return bool(await self._connection.execute_query_dict(_DONE, [idea_id]))

    async def add(self, explanation: Explanation) -> bool:
        values = [_stored(getattr(explanation, name)) for name in _COLUMNS]
        return bool(await self._connection.execute_query_dict(_ADD, values))

    async def of_idea(self, idea_id: UUID) -> Sequence[Explanation]:
        rows = await self._connection.execute_query_dict(_OF_IDEA, [idea_id])
        return [_read(row) for row in rows]


def _stored(value: Any) -> Any:
    """PostgreSQL takes no NUL and no half of a pair in a text, and a model may say either."""
    if not isinstance(value, str):
        return value
    return str(value).replace("\0", "�").encode("utf-8", "replace").decode("utf-8")


def _read(row: dict[str, Any]) -> Explanation:
    values = {name: row[name] for name in _COLUMNS}
    return Explanation(
        **{**values, "idea_id": UUID(str(row["idea_id"])), "fate": Fate(row["fate"])}
    )
