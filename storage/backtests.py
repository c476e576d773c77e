"""Backtests: wanted by people, played by workers, each by one of them at a time."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from engine.domain.backtest import BacktestRun, RunState, Wish
from engine.errors import NotFound
from engine.ports.backtests import RunFiles
from engine.snapshot.canonical import plain, restore
from storage.mapping import json_text
from storage.table import Table

_SHORT = (
    "id, person_id, message_id, wish::text AS wish, state, asked_at, changed_at, done, total,"
    " cancelled, problem"
)
_WHOLE = f"{_SHORT}, report::text AS report"
_NOW = "clock_timestamp()"
_ADD = """
INSERT INTO backtest_run (id, person_id, message_id, wish, state) VALUES ($1, $2, $3, $4, 'waiting')
ON CONFLICT DO NOTHING RETURNING id
"""
_GET = f"SELECT {_WHOLE} FROM backtest_run WHERE id = $1"  # noqa: S608 -- of constants
_LIST = f"""
SELECT {_SHORT} FROM backtest_run WHERE person_id IS NOT DISTINCT FROM $1
ORDER BY asked_at DESC, id LIMIT $2
"""  # noqa: S608 -- of constants
_UNDER_WAY = f"""
SELECT {_SHORT} FROM backtest_run
WHERE person_id IS NOT DISTINCT FROM $1 AND state IN ('waiting', 'running')
"""  # noqa: S608 -- of constants
_CANCEL = f"""
UPDATE backtest_run SET cancelled = TRUE, changed_at = {_NOW},
    state = CASE state WHEN 'waiting' THEN 'cancelled' ELSE state END
WHERE id = $1 AND state IN ('waiting', 'running') RETURNING id
"""  # noqa: S608 -- of constants
_TAKE = f"""
UPDATE backtest_run SET state = 'running', changed_at = {_NOW},
    leased_until = {_NOW} + make_interval(secs => $1)
WHERE id = (SELECT id FROM backtest_run WHERE state = 'waiting' ORDER BY asked_at, id LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING {_SHORT}
"""  # noqa: S608 -- of constants
_NOTE = f"""
UPDATE backtest_run SET done = $2, total = $3, changed_at = {_NOW},
    leased_until = {_NOW} + make_interval(secs => $4)
WHERE id = $1 AND state = 'running' RETURNING cancelled
"""  # noqa: S608 -- of constants
_FINISH = f"""
UPDATE backtest_run SET state = $2, report = $3, problem = $4, page = $5, picture = $6,
    changed_at = {_NOW}, leased_until = NULL
WHERE id = $1 AND state = 'running' RETURNING id
"""  # noqa: S608 -- of constants
_BREAK_OFF = f"""
UPDATE backtest_run SET state = 'broken_off', changed_at = {_NOW}, leased_until = NULL
WHERE state = 'running' AND leased_until < {_NOW} RETURNING {_SHORT}
"""  # noqa: S608 -- of constants
_FILES = "SELECT page, picture FROM backtest_run WHERE id = $1 AND page IS NOT NULL"
_LONGEST = 400


class BacktestTable(Table):
    """The port ``Backtests`` in one transaction."""

    async def add(
        self, id_: UUID, person_id: int | None, message_id: int | None, wish: Wish
    ) -> bool:
        return bool(await self._rows(_ADD, id_, person_id, message_id, json_text(plain(wish))))

    async def get(self, id_: UUID) -> BacktestRun:
        rows = await self._rows(_GET, id_)
        if not rows:
            raise NotFound(f"there is no backtest {id_}")
        return _run(rows[0])

    async def list(self, person_id: int | None, limit: int) -> Sequence[BacktestRun]:
        return [_run(row) for row in await self._rows(_LIST, person_id, limit)]

    async def under_way(self, person_id: int | None) -> BacktestRun | None:
        rows = await self._rows(_UNDER_WAY, person_id)
        return _run(rows[0]) if rows else None

    async def cancel(self, id_: UUID) -> bool:
        return bool(await self._rows(_CANCEL, id_))

    async def take(self, lease: float) -> BacktestRun | None:
        rows = await self._rows(_TAKE, lease)
        return _run(rows[0]) if rows else None

    async def note(self, id_: UUID, done: int, total: int, lease: float) -> bool | None:
        rows = await self._rows(_NOTE, id_, done, total, lease)
        return bool(rows[0]["cancelled"]) if rows else None

    async def finish(
        self,
        id_: UUID,
        state: RunState,
        *,
        report: dict[str, Any] | None = None,
        problem: str | None = None,
        files: RunFiles | None = None,
    ) -> bool:
        rows = await self._rows(
            _FINISH, id_, str(state), None if report is None else json_text(report),
            None if problem is None else problem[:_LONGEST],
            None if files is None else files.page, None if files is None else files.picture,
        )  # fmt: skip
        return bool(rows)

    async def break_off(self) -> Sequence[BacktestRun]:
        return [_run(row) for row in await self._rows(_BREAK_OFF)]

    async def files(self, id_: UUID) -> RunFiles:
        rows = await self._rows(_FILES, id_)
        if not rows:
            raise NotFound(f"there is no report of backtest {id_}")
        return RunFiles(page=bytes(rows[0]["page"]), picture=bytes(rows[0]["picture"]))


def _run(row: dict[str, Any]) -> BacktestRun:
    report = row.get("report")
    return BacktestRun(
        id=UUID(str(row["id"])),
        person_id=row["person_id"],
        message_id=row["message_id"],
        wish=restore(Wish, json.loads(row["wish"])),
        state=RunState(row["state"]),
        asked_at=row["asked_at"],
        changed_at=row["changed_at"],
        done=row["done"],
        total=row["total"],
        cancelled=row["cancelled"],
        report=None if report is None else json.loads(report),
        problem=row["problem"],
    )
