"""What the market did after each idea: how far it was followed, how it ended, and the counts."""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.domain.approval import Ending
from engine.domain.market import Timeframe
from engine.domain.outcome import Answered, Outcome, Progress, Result, Tally
from engine.snapshot.canonical import plain, restore
from storage.mapping import json_text
from storage.models import OutcomeRow
from storage.table import Table

_DUE = """
SELECT idea.id, followed.document::text AS document
FROM idea_outcome followed JOIN trade_ideas idea ON idea.id = followed.idea_id
WHERE followed.result IS NULL AND (followed.seen IS NULL OR followed.seen < $3)
  AND idea.symbol = $1 AND idea.timeframe = $2
ORDER BY followed.seen NULLS FIRST, idea.number LIMIT $4
"""

# The condition makes it safe to run twice: a worker that is behind changes nothing.
_SAVE = """
INSERT INTO idea_outcome AS kept (idea_id, result, r, seen, document)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (idea_id) DO UPDATE
SET result = EXCLUDED.result, r = EXCLUDED.r, seen = EXCLUDED.seen, document = EXCLUDED.document
WHERE kept.result IS NULL AND (kept.seen IS NULL OR kept.seen <= EXCLUDED.seen)
"""

_TALLIES = """
SELECT least(floor(idea.confidence_score / 10)::int, 9) AS bucket,
       idea.document ->> 'strategy_name' AS strategy, idea.symbol, followed.result,
       count(*) AS ideas, coalesce(sum(followed.r), 0) AS total_r
FROM trade_ideas idea LEFT JOIN idea_outcome followed ON followed.idea_id = idea.id
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""

_ANSWERED = """
SELECT approval.ending, followed.r AS followed_r,
       (idea.document -> 'sizing' ->> 'risk_money')::numeric AS risk_money,
       (idea.document -> 'sizing' ->> 'volume')::numeric AS volume,
       coalesce(trade.volume, 0) AS traded, trade.profit
FROM approval
JOIN trade_ideas idea ON idea.id = approval.idea_id
LEFT JOIN idea_outcome followed ON followed.idea_id = idea.id
LEFT JOIN trade_order ON trade_order.idea_id = idea.id
LEFT JOIN LATERAL (
    SELECT sum((document ->> 'volume')::numeric) AS volume,
           CASE WHEN bool_or(closed_at IS NULL) THEN NULL ELSE sum(profit) END AS profit
    FROM trade_position WHERE trade_position.client_id = trade_order.client_id
) trade ON TRUE
WHERE approval.decided_by = $1 OR approval.ending = 'expired'
"""


class OutcomeTable(Table):
    """The port ``Outcomes`` in one transaction."""

    async def due(
        self, symbol: str, timeframe: Timeframe, *, before: datetime, limit: int
    ) -> Sequence[tuple[UUID, Progress | None]]:
        rows = await self._rows(_DUE, symbol, str(timeframe), before, limit)
        # One statement: between two, another worker may have brought an idea to its end.
        return [
            (row["id"], row["document"] and restore(Progress, json.loads(row["document"])))
            for row in rows
        ]

    async def save(self, idea_id: UUID, step: Progress | Outcome) -> None:
        document = json_text(plain(step))
        values: list[Any] = [None, None, step.seen] if isinstance(step, Progress) else [
            str(step.result), step.r, step.at
        ]  # fmt: skip
        await self._connection.execute_query(_SAVE, [idea_id, *values, document])

    async def of_idea(self, idea_id: UUID) -> Progress | Outcome | None:
        row = await OutcomeRow.filter(idea_id=idea_id).using_db(self._connection).get_or_none()
        if row is None or row.document is None:
            return None
        if row.result is None:
            return restore(Progress, row.document)
        return restore(Outcome, row.document)

    async def tallies(self) -> Sequence[Tally]:
        rows = await self._rows(_TALLIES)
        return [
            Tally(
                bucket=row["bucket"],
                strategy=row["strategy"],
                symbol=row["symbol"],
                result=None if row["result"] is None else Result(row["result"]),
                ideas=row["ideas"],
                total_r=Decimal(row["total_r"]),
            )
            for row in rows
        ]

    async def answered(self, person_id: int) -> Sequence[Answered]:
        rows = await self._rows(_ANSWERED, person_id)
        return [Answered(**{**row, "ending": Ending(row["ending"])}) for row in rows]
