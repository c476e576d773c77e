"""Explanations of ideas: each attempt written once, and one attempt at a time."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.domain.explanation import Explanation, Fate
from storage.table import Table

# By number, which is indexed, from the newest down: what is due is among the last, or wanted.
_DUE = """
SELECT idea.id FROM (
    (SELECT id, number, status, created_at FROM trade_ideas ORDER BY number DESC LIMIT 500)
    UNION
    SELECT id, number, status, created_at FROM trade_ideas
    WHERE id IN (SELECT idea_id FROM explanation_turn WHERE is_wanted)
) idea LEFT JOIN explanation_turn turn ON turn.idea_id = idea.id
WHERE (idea.created_at > $1 OR turn.is_wanted)
  AND (EXISTS (SELECT FROM approval WHERE approval.idea_id = idea.id)
       OR idea.status = 'auto_executed')
  AND (turn.idea_id IS NULL
       OR (NOT turn.is_done AND turn.claimed_until <= clock_timestamp()
           AND (turn.next_at IS NULL OR turn.next_at <= clock_timestamp())))
ORDER BY COALESCE(turn.is_wanted, FALSE) DESC, idea.number DESC LIMIT $2
"""
_CLAIM = """
INSERT INTO explanation_turn AS turn (idea_id, claimed_until, tries)
VALUES ($1, clock_timestamp() + make_interval(secs => $2), 1)
ON CONFLICT (idea_id) DO UPDATE SET claimed_until = EXCLUDED.claimed_until, tries = turn.tries + 1
WHERE NOT turn.is_done AND turn.claimed_until <= clock_timestamp()
  AND (turn.next_at IS NULL OR turn.next_at <= clock_timestamp())
RETURNING tries
"""
# An attempt that took longer than its lease is no longer the last: what it says comes too late.
_DONE = """
UPDATE explanation_turn SET is_done = TRUE, is_wanted = FALSE
WHERE idea_id = $1 AND tries = $2 AND NOT is_done RETURNING idea_id
"""
_LATER = """
UPDATE explanation_turn SET claimed_until = clock_timestamp(), is_wanted = FALSE,
    next_at = clock_timestamp() + make_interval(secs => $3)
WHERE idea_id = $1 AND tries = $2 AND NOT is_done RETURNING idea_id
"""
_REOPEN = """
INSERT INTO explanation_turn AS turn (idea_id, claimed_until, is_wanted)
VALUES ($1, clock_timestamp(), TRUE)
ON CONFLICT (idea_id) DO UPDATE SET claimed_until = EXCLUDED.claimed_until,
    is_done = FALSE, is_wanted = TRUE, next_at = NULL
WHERE turn.is_done OR turn.claimed_until <= clock_timestamp() RETURNING idea_id
"""
_COLUMNS = [each.name for each in fields(Explanation)]
_ADD = (
    f"INSERT INTO idea_explanation ({', '.join(_COLUMNS)})"  # noqa: S608 - names of ours
    f" VALUES ({', '.join(f'${number}' for number in range(1, len(_COLUMNS) + 1))})"
    " ON CONFLICT DO NOTHING RETURNING idea_id"
)
_OF_IDEA = """
SELECT DISTINCT ON (language) * FROM idea_explanation WHERE idea_id = $1
ORDER BY language, attempt DESC
"""


class ExplanationTable(Table):
    """The port ``Explanations`` in one transaction."""

    async def due(self, since: datetime, limit: int) -> Sequence[UUID]:
        rows = await self._rows(_DUE, since, limit)
        return [UUID(str(row["id"])) for row in rows]

    async def claim(self, idea_id: UUID, lease: timedelta) -> int | None:
        asked = [idea_id, lease.total_seconds()]
        rows = await self._rows(_CLAIM, *asked)
        return int(rows[0]["tries"]) if rows else None

    async def done(self, idea_id: UUID, attempt: int) -> bool:
        return bool(await self._rows(_DONE, idea_id, attempt))

    async def later(self, idea_id: UUID, attempt: int, pause: timedelta) -> bool:
        asked = [idea_id, attempt, pause.total_seconds()]
        return bool(await self._rows(_LATER, *asked))

    async def reopen(self, idea_id: UUID) -> bool:
        return bool(await self._rows(_REOPEN, idea_id))

    async def add(self, explanation: Explanation) -> bool:
        values = [_stored(getattr(explanation, name)) for name in _COLUMNS]
        return bool(await self._rows(_ADD, *values))

    async def of_idea(self, idea_id: UUID) -> Sequence[Explanation]:
        rows = await self._rows(_OF_IDEA, idea_id)
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
