"""The queue of the operator's commands: given once, claimed by one worker, ended once."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.domain.operator_command import (
    IN_ORDER,
    CommandDraft,
    CommandStatus,
    CommandType,
    OperatorCommand,
)
from engine.snapshot.canonical import plain, restore
from storage.claiming import claim_statement
from storage.mapping import json_text
from storage.table import Table

_FACTS = """id, type, payload::text AS payload, status, actor, actor_name, person_id,
idempotency_key, control_version, created_at, claimed_at, claimed_by, claim, attempts, lease_until,
waits, finished_at, result::text AS result"""
_ADD = f"""
INSERT INTO commands (type, payload, actor, actor_name, person_id, idempotency_key, control_version)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (idempotency_key) DO NOTHING RETURNING {_FACTS}
"""  # noqa: S608
_IN_ORDER = ", ".join(f"'{kind}'" for kind in IN_ORDER)
_CLAIM = claim_statement(
    "commands",
    _FACTS,
    state="status",
    waiting="PENDING",
    running="RUNNING",
    only=f"""(type NOT IN ({_IN_ORDER}) OR NOT EXISTS (
        SELECT FROM commands AS earlier
        WHERE earlier.id < mine.id AND earlier.type IN ({_IN_ORDER})
          AND earlier.status IN ('PENDING', 'RUNNING')))""",
    also="claimed_by = $2, claim = claim + 1, attempts = attempts + 1,"
    " claimed_at = coalesce(claimed_at, statement_timestamp())",
)
_SAVE = """
UPDATE commands SET status = $2, attempts = $3, lease_until = $4, waits = $5, finished_at = $6,
    result = $7
WHERE id = $1
"""


class OperatorCommandTable(Table):
    """The port ``OperatorCommands`` in one transaction."""

    async def add(self, draft: CommandDraft) -> tuple[OperatorCommand, bool]:
        # Asked first: a conflict would use up a number each time.
        if known := await self._find("WHERE idempotency_key = $1", [draft.idempotency_key]):
            return known[0], False
        values = [
            str(draft.type), json_text(plain(draft.payload)), draft.actor, draft.actor_name,
            draft.person_id, draft.idempotency_key, draft.control_version,
        ]  # fmt: skip
        rows = await self._rows(_ADD, *values)
        if rows:
            return _command(rows[0]), True
        (first,) = await self._find("WHERE idempotency_key = $1", [draft.idempotency_key])
        return first, False

    async def get(self, id_: int) -> OperatorCommand | None:
        found = await self._find("WHERE id = $1", [id_])
        return found[0] if found else None

    async def latest(
        self, *, status: CommandStatus | None = None, limit: int
    ) -> Sequence[OperatorCommand]:
        where = "WHERE $1::text IS NULL OR status = $1 ORDER BY id DESC LIMIT $2"
        return await self._find(where, [None if status is None else str(status), limit])

    async def claim(self, worker: str, lease: timedelta) -> OperatorCommand | None:
        rows = await self._rows(_CLAIM, lease.total_seconds(), worker[:80])
        return _command(rows[0]) if rows else None

    async def take(self, id_: int) -> OperatorCommand | None:
        found = await self._find("WHERE id = $1 FOR UPDATE", [id_])
        return found[0] if found else None

    async def save(self, command: OperatorCommand) -> None:
        values = [
            command.id, str(command.status), command.attempts, command.lease_until, command.waits,
            command.finished_at, json_text(command.result),
        ]  # fmt: skip
        await self._connection.execute_query(_SAVE, values)

    async def ended_since(self, after: datetime) -> Sequence[OperatorCommand]:
        return await self._find("WHERE finished_at >= $1 ORDER BY finished_at, id", [after])

    async def last_done(self, kind: CommandType) -> OperatorCommand | None:
        where = (
            "WHERE type = $1 AND status = 'SUCCEEDED' ORDER BY finished_at DESC, id DESC LIMIT 1"
        )
        found = await self._find(where, [str(kind)])
        return found[0] if found else None

    async def _find(self, where: str, values: Sequence[Any]) -> list[OperatorCommand]:
        rows = await self._rows(f"SELECT {_FACTS} FROM commands {where}", *values)  # noqa: S608
        return [_command(row) for row in rows]


def _command(row: dict[str, Any]) -> OperatorCommand:
    documents = {name: json.loads(row[name]) for name in ("payload", "result")}
    return restore(OperatorCommand, {**row, **documents})
