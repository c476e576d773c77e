"""The registry of models and the queue of trainings, in one transaction."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from asyncpg.exceptions import UniqueViolationError
from tortoise.exceptions import IntegrityError

from engine.domain.market import Timeframe
from engine.domain.model import (
    Approved,
    Model,
    ModelStatus,
    Report,
    Training,
    TrainingState,
    Wish,
    model_name,
)
from engine.errors import IllegalMove
from engine.snapshot.canonical import plain, restore
from storage.claiming import claim_statement
from storage.mapping import json_text
from storage.table import Table

_MODEL = """id, version, status, hash, report::text AS report, trained_by, trained_at, decided_by,
decided_at"""
# Two trainings of one symbol and timeframe are never open at once, so that no version is wanted
# twice; if one is, the second transaction fails.
_ADD = f"""
INSERT INTO model (symbol, timeframe, version, hash, data_hash, report, body, trained_by)
SELECT $1::text, $2::text, coalesce(max(version), 0) + 1, $3::text, $4::text, $5::json, $6::bytea,
    $7::text
FROM model WHERE symbol = $1 AND timeframe = $2 RETURNING {_MODEL}
"""  # noqa: S608
_LIST = f"""
SELECT {_MODEL} FROM model WHERE ($1::text IS NULL OR symbol = $1)
    AND ($2::text IS NULL OR timeframe = $2) AND ($3::bigint IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""  # noqa: S608
_APPROVED = """
SELECT id, symbol, timeframe, version, hash, (report #>> '{wish,horizon}')::int AS horizon
FROM model WHERE status = 'approved'
"""
_MOVE = f"""
UPDATE model SET status = $3, decided_by = $4, decided_at = clock_timestamp()
WHERE id = $1 AND status = $2 RETURNING {_MODEL}
"""  # noqa: S608

_TRAINING = """id, wish::text AS wish, state, by, person_id, created_at, percent, attempts, claim,
model_id, reason, finished_at"""
_QUEUE = f"""
INSERT INTO training (symbol, timeframe, wish, by, person_id) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (symbol, timeframe) WHERE state IN ('queued', 'running') DO NOTHING
RETURNING {_TRAINING}
"""  # noqa: S608
_OPEN = "WHERE symbol = $1 AND timeframe = $2 AND state IN ('queued', 'running')"
_CLAIM = claim_statement(
    "training",
    _TRAINING,
    only="($2::bigint IS NULL OR id = $2)",
    also="claim = claim + 1, attempts = attempts + 1, percent = 0",
)
_BEAT = """
UPDATE training SET percent = $3,
    lease_until = clock_timestamp() + make_interval(secs => $4)
WHERE id = $1 AND claim = $2 AND state = 'running' RETURNING id
"""
_CANCEL = """
UPDATE training SET state = 'cancelled', lease_until = NULL, finished_at = clock_timestamp()
WHERE id = $1 AND state IN ('queued', 'running') RETURNING id
"""
_FINISH = """
UPDATE training SET state = $3::text, model_id = $4, reason = $5, lease_until = NULL,
    finished_at = clock_timestamp(), percent = CASE $3::text WHEN 'done' THEN 100 ELSE percent END
WHERE id = $1 AND claim = $2 AND state = 'running' RETURNING id
"""


class ModelTable(Table):
    """The port ``Models`` in one transaction."""

    async def add(self, report: Report, body: bytes, hash_: str, by: str) -> Model:
        wish = report.wish
        values = [
            wish.symbol, str(wish.timeframe), hash_, report.data_hash,
            json_text(plain(report)), body, by[:80],
        ]  # fmt: skip
        (row,) = await self._rows(_ADD, *values)
        return _model(row)

    async def get(self, id_: int) -> Model | None:
        rows = await self._rows(f"SELECT {_MODEL} FROM model WHERE id = $1", id_)  # noqa: S608
        return _model(rows[0]) if rows else None

    async def list(
        self,
        *,
        symbol: str | None = None,
        timeframe: Timeframe | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[Model]:
        wanted = None if timeframe is None else str(timeframe)
        rows = await self._rows(_LIST, symbol, wanted, before, limit)
        return [_model(row) for row in rows]

    async def body(self, id_: int) -> bytes | None:
        rows = await self._rows("SELECT body FROM model WHERE id = $1", id_)
        return bytes(rows[0]["body"]) if rows else None

    async def approved(self) -> Mapping[tuple[str, Timeframe], Approved]:
        rows = await self._rows(_APPROVED)
        found = {}
        for row in rows:
            timeframe = Timeframe(row["timeframe"])
            name = model_name(timeframe, row["version"])
            asked = Approved(row["id"], name, row["hash"], row["horizon"])
            found[row["symbol"], timeframe] = asked
        return found

    async def move(self, model: Model, to: ModelStatus, by: str) -> Model | None:
        try:
            rows = await self._rows(_MOVE, model.id, str(model.status), str(to), by[:80])
        except (IntegrityError, UniqueViolationError) as error:
            raise IllegalMove(f"another model of {model.symbol} is approved") from error
        return _model(rows[0]) if rows else None


class TrainingTable(Table):
    """The port ``Trainings`` in one transaction."""

    async def add(self, wish: Wish, by: str, person_id: int | None) -> tuple[Training, bool]:
        stream = [wish.symbol, str(wish.timeframe)]
        # Asked first: a conflict would use up a number each time.
        found = await self._find(_OPEN, stream)
        if found:
            return found[0], False
        rows = await self._rows(_QUEUE, *stream, json_text(plain(wish)), by[:80], person_id)
        if rows:
            return _training(rows[0]), True
        (first,) = await self._find(_OPEN, stream)
        return first, False

    async def get(self, id_: int) -> Training | None:
        found = await self._find("WHERE id = $1", [id_])
        return found[0] if found else None

    async def list(self, limit: int) -> Sequence[Training]:
        return await self._find("ORDER BY id DESC LIMIT $1", [limit])

    async def claim(self, lease: timedelta, *, id_: int | None = None) -> Training | None:
        rows = await self._rows(_CLAIM, lease.total_seconds(), id_)
        return _training(rows[0]) if rows else None

    async def beat(self, training: Training, percent: int, lease: timedelta) -> bool:
        rows = await self._rows(_BEAT, training.id, training.claim, percent, lease.total_seconds())
        return bool(rows)

    async def cancel(self, id_: int) -> bool:
        return bool(await self._rows(_CANCEL, id_))

    async def finish(
        self,
        training: Training,
        state: TrainingState,
        *,
        model_id: int | None = None,
        reason: str | None = None,
    ) -> bool:
        why = None if reason is None else reason[:500]
        rows = await self._rows(_FINISH, training.id, training.claim, str(state), model_id, why)
        return bool(rows)

    async def _find(self, where: str, values: Sequence[Any]) -> Sequence[Training]:
        rows = await self._rows(f"SELECT {_TRAINING} FROM training {where}", *values)  # noqa: S608
        return [_training(row) for row in rows]


def _model(row: dict[str, Any]) -> Model:
    return restore(Model, {**row, "report": json.loads(row["report"])})


def _training(row: dict[str, Any]) -> Training:
    return restore(Training, {**row, "wish": json.loads(row["wish"])})
