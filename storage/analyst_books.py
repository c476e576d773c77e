"""What the language model costs by day, and answers that are kept."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from engine.domain.analyst import Said
from engine.domain.explanation import Budget, Spent
from engine.snapshot.canonical import plain, restore
from storage.mapping import json_text
from storage.table import Table

_OPEN = "INSERT INTO analyst_day (day) VALUES ($1) ON CONFLICT DO NOTHING"
# The row is locked by the update, so that of many at once none goes over.
_RESERVE = """
UPDATE analyst_day SET tokens = tokens + $2, cost = cost + $3
WHERE day = $1 AND ($4::bigint IS NULL OR tokens + $2 <= $4)
  AND ($5::numeric IS NULL OR cost + $3 <= $5) RETURNING day
"""
_SETTLE = """
UPDATE analyst_day SET tokens = greatest(0, tokens + $2), cost = greatest(0, cost + $3),
       answered = answered + $4, failed = failed + $5 WHERE day = $1
"""
_COUNT = """
UPDATE analyst_day SET remembered = remembered + $2, unsupported = unsupported + $3 WHERE day = $1
"""
_DAY = "SELECT * FROM analyst_day WHERE day = $1"
_REMEMBERED = "SELECT document::text AS document FROM analyst_answer WHERE key = $1"
_REMEMBER = "INSERT INTO analyst_answer (key, document) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_FORGET = "DELETE FROM analyst_answer WHERE at < $1 RETURNING key"


class BookTable(Table):
    """The port ``AnalystBooks`` in one transaction."""

    async def reserve(self, day: date, tokens: int, cost: Decimal, budget: Budget) -> bool:
        await self._connection.execute_query(_OPEN, [day])
        asked = [day, tokens, cost, budget.tokens, budget.cost]
        return bool(await self._rows(_RESERVE, *asked))

    async def settle(self, day: date, tokens: int, cost: Decimal, *, answered: bool) -> None:
        await self._connection.execute_query(
            _SETTLE, [day, tokens, cost, int(answered), int(not answered)]
        )

    async def count(self, day: date, *, remembered: int = 0, unsupported: int = 0) -> None:
        await self._connection.execute_query(_OPEN, [day])
        await self._connection.execute_query(_COUNT, [day, remembered, unsupported])

    async def spent(self, day: date) -> Spent:
        rows: list[dict[str, Any]] = await self._rows(_DAY, day)
        return Spent(**rows[0]) if rows else Spent(day=day)

    async def remembered(self, key: str) -> Said | None:
        rows = await self._rows(_REMEMBERED, key)
        return restore(Said, json.loads(rows[0]["document"])) if rows else None

    async def remember(self, key: str, said: Said) -> None:
        await self._connection.execute_query(_REMEMBER, [key, json_text(plain(said))])

    async def forget(self, before: datetime) -> int:
        return len(await self._rows(_FORGET, before))
