"""Sweeps: their shards are claimed by skipping what somebody else has; nobody waits."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from engine.domain.sweep import Shard, ShardFigures, ShardState, Sweep
from engine.errors import NotFound
from engine.snapshot.canonical import plain, restore
from storage.mapping import json_text
from storage.table import Table

_ADD = """
INSERT INTO sweep (id, title, source) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id
"""
_SHARDS = """
INSERT INTO sweep_shard (sweep_id, number, point, plan)
SELECT $1, number, point::jsonb, plan::jsonb
FROM unnest($2::int[], $3::text[], $4::text[]) AS told (number, point, plan)
"""
_SWEEP = """
SELECT id, title, source, created_at, cancelled, person_id, message_id,
    (SELECT count(*) FROM sweep_shard WHERE sweep_id = id)::int AS total,
    (SELECT count(*) FROM sweep_shard WHERE sweep_id = id AND state = 'done')::int AS done,
    (SELECT count(*) FROM sweep_shard WHERE sweep_id = id AND state = 'failed')::int AS failed
FROM sweep
"""
_SHARD = (
    "sweep_id, number, point::text AS point, plan::text AS plan, state, claim,"
    " figures::text AS figures, problem"
)
# The oldest sweep first: two that are asked for one after the other end one after the other.
_TAKE = f"""
WITH head AS MATERIALIZED (
    SELECT sweep_id, number FROM sweep_shard JOIN sweep ON sweep.id = sweep_id
    WHERE (state = 'waiting' OR (state = 'running' AND leased_until <= statement_timestamp()))
      AND NOT cancelled AND ($2::uuid IS NULL OR sweep_id = $2)
    ORDER BY created_at, sweep_id, number LIMIT 1 FOR UPDATE OF sweep_shard SKIP LOCKED
)
UPDATE sweep_shard SET state = 'running', claim = claim + 1,
    leased_until = statement_timestamp() + make_interval(secs => $1)
WHERE (sweep_id, number) IN (SELECT sweep_id, number FROM head) RETURNING {_SHARD}
"""  # noqa: S608 -- of constants
_MINE = "sweep_id = $1 AND number = $2 AND claim = $3 AND state = 'running'"
_RENEW = f"""
UPDATE sweep_shard SET leased_until = statement_timestamp() + make_interval(secs => $4)
WHERE {_MINE} AND NOT (SELECT cancelled FROM sweep WHERE id = $1) RETURNING number
"""  # noqa: S608 -- of constants
_FINISH = f"""
UPDATE sweep_shard SET state = $4, figures = $5, problem = $6, leased_until = NULL
WHERE {_MINE} RETURNING number
"""  # noqa: S608 -- of constants
_WANT = """
UPDATE sweep SET cancelled = FALSE, person_id = COALESCE($2, person_id),
    message_id = COALESCE($3, message_id)
WHERE id = $1 RETURNING id
"""
_CANCEL = """
UPDATE sweep SET cancelled = TRUE
WHERE id = $1 AND NOT cancelled
  AND EXISTS (SELECT FROM sweep_shard WHERE sweep_id = $1 AND state IN ('waiting', 'running'))
RETURNING id
"""
_LONGEST = 400


class SweepTable(Table):
    """The port ``Sweeps`` in one transaction."""

    async def add(self, id_: UUID, title: str, source: str, shards: Sequence[Shard]) -> bool:
        if not await self._rows(_ADD, id_, title, source):
            return False
        await self._rows(
            _SHARDS,
            id_,
            [shard.number for shard in shards],
            [json_text(shard.point) for shard in shards],
            [json_text(shard.plan) for shard in shards],
        )
        return True

    async def want(self, id_: UUID, person_id: int | None, message_id: int | None) -> None:
        await self._rows(_WANT, id_, person_id, message_id)

    async def get(self, id_: UUID) -> Sweep:
        rows = await self._rows(f"{_SWEEP} WHERE id = $1", id_)
        if not rows:
            raise NotFound(f"there is no sweep {id_}")
        return Sweep(**rows[0])

    async def last(self, limit: int) -> Sequence[Sweep]:
        rows = await self._rows(f"{_SWEEP} ORDER BY created_at DESC, id LIMIT $1", limit)
        return [Sweep(**row) for row in rows]

    async def shards(self, id_: UUID) -> Sequence[Shard]:
        query = f"SELECT {_SHARD} FROM sweep_shard WHERE sweep_id = $1 ORDER BY number"  # noqa: S608
        return [_shard(row) for row in await self._rows(query, id_)]

    async def take(self, lease: timedelta, *, of: UUID | None = None) -> Shard | None:
        rows = await self._rows(_TAKE, lease.total_seconds(), of)
        return _shard(rows[0]) if rows else None

    async def renew(self, shard: Shard, lease: timedelta) -> bool:
        return bool(await self._rows(_RENEW, *_name(shard), lease.total_seconds()))

    async def finish(
        self, shard: Shard, figures: ShardFigures | None, problem: str | None = None
    ) -> bool:
        state = ShardState.FAILED if figures is None else ShardState.DONE
        told = None if figures is None else json_text(plain(figures))
        cut = None if problem is None else problem[:_LONGEST]
        return bool(await self._rows(_FINISH, *_name(shard), str(state), told, cut))

    async def cancel(self, id_: UUID) -> bool:
        return bool(await self._rows(_CANCEL, id_))


def _name(shard: Shard) -> tuple[UUID, int, int]:
    return shard.sweep_id, shard.number, shard.claim


def _shard(row: dict[str, Any]) -> Shard:
    told = row["figures"]
    return Shard(
        sweep_id=row["sweep_id"],
        number=row["number"],
        point=tuple((path, value) for path, value in json.loads(row["point"])),
        plan=json.loads(row["plan"]),
        state=ShardState(row["state"]),
        claim=row["claim"],
        figures=None if told is None else restore(ShardFigures, json.loads(told)),
        problem=row["problem"],
    )
