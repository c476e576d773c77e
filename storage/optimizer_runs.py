"""The optimizer's searches: one at a time, claimed by one worker, ended once."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from engine.domain.optimizer_run import CANCELLED, OptimizerRun, RunResult, RunState, RunWish
from engine.errors import NotFound
from engine.snapshot.canonical import plain, restore
from storage.claiming import claim_statement
from storage.mapping import json_text
from storage.table import Table

_FACTS = (
    "id, wish::text AS wish, state, created_at, finished_at, result::text AS result, message_id,"
    " done, total, cancelled"
)
_ADD = f"""
INSERT INTO optimizer_run (wish, message_id) VALUES ($1, $2)
ON CONFLICT ((true)) WHERE state IN ('queued', 'running') DO NOTHING RETURNING {_FACTS}
"""  # noqa: S608
_OPEN = "SELECT id FROM optimizer_run WHERE state IN ('queued', 'running')"
_CLAIM = claim_statement("optimizer_run", _FACTS)
_FINISH = """
UPDATE optimizer_run SET state = $2, result = $3, finished_at = clock_timestamp()
WHERE id = $1 AND state = 'running' RETURNING id
"""


_CANCEL = """
UPDATE optimizer_run SET cancelled = TRUE,
    state = CASE state WHEN 'queued' THEN 'failed' ELSE state END,
    finished_at = CASE state WHEN 'queued' THEN clock_timestamp() END,
    result = CASE state WHEN 'queued' THEN $2::jsonb END
WHERE id = $1 AND state IN ('queued', 'running') RETURNING id
"""
_NOTE = """
UPDATE optimizer_run SET done = $2, total = $3,
    lease_until = statement_timestamp() + make_interval(secs => $4)
WHERE id = $1 AND state = 'running' RETURNING cancelled
"""


class OptimizerRunTable(Table):
    """The port ``OptimizerRuns`` in one transaction."""

    async def add(self, wish: RunWish, message_id: int | None = None) -> OptimizerRun | None:
        # Asked first: a conflict would use up a number each time.
        if await self._rows(_OPEN):
            return None
        return await self._one(_ADD, [json_text(plain(wish)), message_id])

    async def get(self, id_: int) -> OptimizerRun:
        query = f"SELECT {_FACTS} FROM optimizer_run WHERE id = $1"  # noqa: S608
        found = await self._one(query, [id_])
        if found is None:
            raise NotFound(f"there is no search {id_}")
        return found

    async def list(self, limit: int) -> Sequence[OptimizerRun]:
        query = f"SELECT {_FACTS} FROM optimizer_run ORDER BY id DESC LIMIT $1"  # noqa: S608
        rows = await self._rows(query, limit)
        return [_run(row) for row in rows]

    async def cancel(self, id_: int) -> bool:
        ended = json_text(plain(RunResult(reason=CANCELLED)))
        return bool(await self._rows(_CANCEL, id_, ended))

    async def note(self, id_: int, done: int, total: int, lease: timedelta) -> bool | None:
        values = [id_, done, total, lease.total_seconds()]
        rows = await self._rows(_NOTE, *values)
        return bool(rows[0]["cancelled"]) if rows else None

    async def claim(self, lease: timedelta) -> OptimizerRun | None:
        return await self._one(_CLAIM, [lease.total_seconds()])

    async def finish(self, id_: int, state: RunState, result: RunResult) -> bool:
        values = [id_, str(state), json_text(plain(result))]
        return bool(await self._rows(_FINISH, *values))

    async def last(self) -> OptimizerRun | None:
        found = await self.list(1)
        return found[0] if found else None

    async def _one(self, query: str, values: Sequence[Any]) -> OptimizerRun | None:
        rows = await self._rows(query, *values)
        return _run(rows[0]) if rows else None


def _run(row: dict[str, Any]) -> OptimizerRun:
    result = None if row["result"] is None else json.loads(row["result"])
    return restore(OptimizerRun, {**row, "wish": json.loads(row["wish"]), "result": result})
