"""The optimizer's searches: one at a time, claimed by one worker, ended once."""

import json
from datetime import timedelta
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from engine.domain.optimizer_run import OptimizerRun, RunResult, RunState, RunWish
from engine.snapshot.canonical import plain, restore
from storage.mapping import json_text

_FACTS = "id, wish::text AS wish, state, created_at, finished_at, result::text AS result"
_ADD = f"""
INSERT INTO optimizer_run (wish) VALUES ($1)
ON CONFLICT ((true)) WHERE state IN ('queued', 'running') DO NOTHING RETURNING {_FACTS}
"""  # noqa: S608
_OPEN = "SELECT id FROM optimizer_run WHERE state IN ('queued', 'running')"
_CLAIM = f"""
WITH head AS (
    SELECT id FROM optimizer_run
    WHERE state = 'queued' OR (state = 'running' AND lease_until <= statement_timestamp())
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE optimizer_run SET state = 'running',
    lease_until = statement_timestamp() + make_interval(secs => $1)
WHERE id IN (SELECT id FROM head) RETURNING {_FACTS}
"""  # noqa: S608
_FINISH = """
UPDATE optimizer_run SET state = $2, result = $3, finished_at = clock_timestamp()
WHERE id = $1 AND state = 'running' RETURNING id
"""


class OptimizerRunTable:
    """The port ``OptimizerRuns`` in one transaction."""

    def __init__(self, connection: BaseDBAsyncClient) -> None:
        self._connection = connection

    async def add(self, wish: RunWish) -> OptimizerRun | None:
        # Asked first: a conflict would use up a number each time.
        if await self._connection.execute_query_dict(_OPEN):
            return None
        return await self._one(_ADD, [json_text(plain(wish))])

    async def claim(self, lease: timedelta) -> OptimizerRun | None:
        return await self._one(_CLAIM, [lease.total_seconds()])

    async def finish(self, id_: int, state: RunState, result: RunResult) -> bool:
        values = [id_, str(state), json_text(plain(result))]
        return bool(await self._connection.execute_query_dict(_FINISH, values))

    async def last(self) -> OptimizerRun | None:
        query = f"SELECT {_FACTS} FROM optimizer_run ORDER BY id DESC LIMIT 1"  # noqa: S608
        return await self._one(query, [])

    async def _one(self, query: str, values: list[Any]) -> OptimizerRun | None:
        rows = await self._connection.execute_query_dict(query, values)
        return _run(rows[0]) if rows else None


def _run(row: dict[str, Any]) -> OptimizerRun:
    result = None if row["result"] is None else json.loads(row["result"])
    return restore(OptimizerRun, {**row, "wish": json.loads(row["wish"]), "result": result})
