"""Proposals to change the configuration: made once, ended once."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from engine.domain.change_proposal import ChangeDraft, ChangeProposal
from engine.snapshot.canonical import plain, restore
from storage.mapping import json_text
from storage.table import Table

_FACTS = """id, draft::text AS draft, mark, state, created_at, expires_at, stops, decided_at,
decided_by, decided_name, applied"""
_ADD = f"""
INSERT INTO change_proposal (subject, mark, draft, expires_at, stops)
VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4), $5)
ON CONFLICT (subject) WHERE state = 'pending' DO NOTHING RETURNING {_FACTS}
"""  # noqa: S608
_SAVE = """
UPDATE change_proposal SET state = $2, decided_at = $3, decided_by = $4, decided_name = $5,
    applied = $6
WHERE id = $1
"""
_PAGE = """
WHERE ($1::boolean IS NULL OR (state = 'pending') = $1) AND ($2::bigint IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3
"""


class ChangeProposalTable(Table):
    """The port ``ChangeProposals`` in one transaction."""

    async def add(
        self, draft: ChangeDraft, mark: str, life: timedelta, *, stops: bool
    ) -> ChangeProposal | None:
        # Asked first: a conflict would use up a number each time.
        if await self._find("WHERE subject = $1 AND state = 'pending'", [draft.subject.text]):
            return None
        values = [draft.subject.text, mark, json_text(plain(draft)), life.total_seconds(), stops]
        rows = await self._rows(_ADD, *values)
        return _proposal(rows[0]) if rows else None

    async def get(self, id_: int) -> ChangeProposal | None:
        found = await self._find("WHERE id = $1", [id_])
        return found[0] if found else None

    async def take(self, id_: int) -> ChangeProposal | None:
        found = await self._find("WHERE id = $1 FOR UPDATE", [id_])
        return found[0] if found else None

    async def save(self, proposal: ChangeProposal) -> None:
        values = [
            proposal.id, str(proposal.state), proposal.decided_at, proposal.decided_by,
            proposal.decided_name, proposal.applied,
        ]  # fmt: skip
        await self._connection.execute_query(_SAVE, values)

    async def pending(self) -> Sequence[ChangeProposal]:
        return await self._find("WHERE state = 'pending' ORDER BY id", [])

    async def list(
        self, *, pending: bool | None = None, before: int | None = None, limit: int
    ) -> Sequence[ChangeProposal]:
        return await self._find(_PAGE, [pending, before, limit])

    async def last_of(self, mark: str) -> ChangeProposal | None:
        found = await self._find("WHERE mark = $1 ORDER BY id DESC LIMIT 1", [mark])
        return found[0] if found else None

    async def _find(self, where: str, values: Sequence[Any]) -> Sequence[ChangeProposal]:
        rows = await self._rows(f"SELECT {_FACTS} FROM change_proposal {where}", *values)  # noqa: S608
        return [_proposal(row) for row in rows]


def _proposal(row: dict[str, Any]) -> ChangeProposal:
    return restore(ChangeProposal, {**row, "draft": json.loads(row["draft"])})
