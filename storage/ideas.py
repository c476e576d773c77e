"""Ideas and their approvals."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from engine.domain.account import Direction
from engine.domain.approval import Approval, Ending
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.snapshot import PastIdea
from engine.errors import NotFound
from engine.snapshot.canonical import plain
from storage import mapping
from storage.models import ApprovalRow, IdeaRow, OutcomeRow
from storage.table import Table

# One caller's update finds the row still pending; everyone else's finds nothing. The database's
# clock decides which side of the expiry we are on, read when the row is reached, not when the
# transaction began.
_END = """
UPDATE approval
SET ending = $2, decided_by = $3, decided_at = $4, document = $5
WHERE idea_id = $1 AND ending = 'pending' AND (expires_at <= clock_timestamp()) = $6
"""

_ASKED = """
SELECT idea.id FROM approval JOIN trade_ideas AS idea ON idea.id = approval.idea_id
WHERE ($1::boolean IS NULL OR (approval.ending = 'pending') = $1)
  AND ($2::bigint IS NULL OR idea.number < $2)
ORDER BY idea.number DESC LIMIT $3
"""

# Refused ideas never reached anyone: no status of theirs is here, and they have no approval.
_RECENT = """
SELECT id, strategy_id, symbol, direction, market_time FROM trade_ideas AS idea
WHERE market_time > $1 AND market_time <= $2
  AND (status IN ('needs_approval', 'approved', 'auto_executed', 'expired')
       OR EXISTS (SELECT FROM approval WHERE approval.idea_id = idea.id))
ORDER BY market_time, number
"""


class IdeaTable(Table):
    """The port ``Ideas`` in one transaction."""

    async def add(self, idea: Idea) -> Idea:
        rows = await self._rows("SELECT nextval('trade_idea_number') AS number")
        numbered = replace(idea, number=rows[0]["number"])
        columns = mapping.idea_columns(numbered, rationale(numbered))
        await IdeaRow.create(using_db=self._connection, **columns)
        # What is to be followed is found among these rows: all ideas are too many to look through.
        await OutcomeRow.create(using_db=self._connection, idea_id=idea.id)
        return numbered

    async def get(self, idea_id: UUID) -> Idea:
        row = await IdeaRow.filter(id=idea_id).using_db(self._connection).get_or_none()
        if row is None:
            raise NotFound(f"there is no idea {idea_id}")
        return mapping.idea_of(row)

    async def by_number(self, number: int) -> Idea:
        row = await IdeaRow.filter(number=number).using_db(self._connection).get_or_none()
        if row is None:
            raise NotFound(f"there is no idea {number}", number=number)
        return mapping.idea_of(row)

    async def list(self, *, status: IdeaStatus | None, limit: int) -> Sequence[Idea]:
        query = IdeaRow.all().using_db(self._connection)
        if status is not None:
            query = query.filter(status=str(status))
        return [mapping.idea_of(row) for row in await query.order_by("-number").limit(limit)]

    async def swap(self, before: Idea, after: Idea) -> bool:
        changed = await (
            IdeaRow.filter(id=before.id, status=str(before.status))
            .using_db(self._connection)
            .update(status=str(after.status))
        )
        return changed == 1

    async def ask(self, approval: Approval) -> None:
        await ApprovalRow.create(
            using_db=self._connection,
            idea_id=approval.idea_id,
            ending=str(approval.ending),
            expires_at=approval.expires_at,
            document=plain(approval),
        )

    async def approval(self, idea_id: UUID) -> Approval | None:
        row = await ApprovalRow.filter(idea_id=idea_id).using_db(self._connection).get_or_none()
        return None if row is None else mapping.approval_of(row)

    async def end(self, approval: Approval, *, expired: bool = False) -> bool:
        changed, _ = await self._connection.execute_query(
            _END,
            [
                approval.idea_id,
                str(approval.ending),
                approval.decided_by,
                approval.decided_at,
                mapping.json_text(plain(approval)),
                expired,
            ],
        )
        return changed == 1

    async def overdue(self) -> Sequence[UUID]:
        rows = await self._rows(
            "SELECT idea_id FROM approval WHERE ending = 'pending'"
            " AND expires_at <= clock_timestamp() ORDER BY expires_at"
        )
        return [row["idea_id"] for row in rows]

    async def pending(self) -> Sequence[UUID]:
        rows = (
            await ApprovalRow.filter(ending=str(Ending.PENDING))
            .using_db(self._connection)
            .order_by("expires_at")
        )
        return [row.idea_id for row in rows]

    async def asked(
        self, *, pending: bool | None = None, before: int | None = None, limit: int
    ) -> Sequence[tuple[Idea, Approval]]:
        rows = await self._rows(_ASKED, pending, before, limit)
        ids = [row["id"] for row in rows]
        ideas = await IdeaRow.filter(id__in=ids).using_db(self._connection).order_by("-number")
        found = await ApprovalRow.filter(idea_id__in=ids).using_db(self._connection)
        approvals = {row.idea_id: mapping.approval_of(row) for row in found}
        return [(mapping.idea_of(row), approvals[row.id]) for row in ideas]

    async def recent(self, after: datetime, until: datetime) -> tuple[PastIdea, ...]:
        rows = await self._rows(_RECENT, after, until)
        return tuple(
            [
                PastIdea(
                    id=row["id"],
                    strategy_id=row["strategy_id"],
                    symbol=row["symbol"],
                    direction=Direction(row["direction"]),
                    at=row["market_time"],
                )
                for row in rows
            ]
        )


def rationale(idea: Idea) -> str:
    """The facts in one line for whoever reads the table; people read the card."""
    proposal = idea.proposal
    adjustments = ", ".join(f"{a.name} {a.points}" for a in idea.confidence.adjustments)
    return f"{idea.strategy_name} v{idea.strategy_version}: {proposal.direction}" + (
        f" ({adjustments})" if adjustments else ""
    )
