"""Questions that a language model is asked, and what came of them."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any

from engine.domain.wording import Inquiry, Reply, Verdict
from storage.table import Table

_ADD = """
INSERT INTO model_inquiry (key, person_id, language, question, about, code)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (key) DO NOTHING RETURNING id
"""
_FREE = "NOT is_done AND (claimed_until IS NULL OR claimed_until <= clock_timestamp())"
_DUE = f"SELECT id FROM model_inquiry WHERE {_FREE} ORDER BY id LIMIT $1"  # noqa: S608
_CLAIM = f"""
UPDATE model_inquiry SET tries = tries + 1,
       claimed_until = clock_timestamp() + make_interval(secs => $2)
WHERE id = $1 AND {_FREE}
RETURNING id, key, person_id, language, question, about, code, tries
"""  # noqa: S608
_STOP = """
UPDATE model_inquiry SET is_stopped = TRUE
WHERE id = $1 AND person_id = $2 AND NOT is_done RETURNING id
"""
_WATCH = """
UPDATE model_inquiry SET claimed_until = clock_timestamp() + make_interval(secs => $2)
WHERE id = $1 AND NOT is_done RETURNING is_stopped
"""
_DONE = "UPDATE model_inquiry SET is_done = TRUE WHERE id = $1 AND NOT is_done RETURNING id"
_COLUMNS = [each.name for each in fields(Reply)]
_KEEP = (
    f"INSERT INTO model_reply ({', '.join(_COLUMNS)})"  # noqa: S608 - names of ours
    f" VALUES ({', '.join(f'${number}' for number in range(1, len(_COLUMNS) + 1))})"
)
_REPLIES = f"SELECT {', '.join(_COLUMNS)} FROM model_reply ORDER BY id DESC LIMIT $1"  # noqa: S608
_OLD = "at < clock_timestamp() - make_interval(secs => $1)"
_RETIRE = f"""
WITH gone AS (
    DELETE FROM model_reply WHERE id IN (
        SELECT id FROM model_reply WHERE {_OLD} ORDER BY id LIMIT $2)
    RETURNING id
), asked AS (
    DELETE FROM model_inquiry WHERE id IN (
        SELECT id FROM model_inquiry
        WHERE {_OLD} AND (is_done OR claimed_until IS NULL OR claimed_until <= clock_timestamp())
        ORDER BY id LIMIT $2)
    RETURNING id
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM asked) AS count
"""  # noqa: S608


class InquiryTable(Table):
    """The port ``Inquiries`` in one transaction."""

    async def add(self, inquiry: Inquiry) -> bool:
        values = [
            inquiry.key, inquiry.person_id, inquiry.language, inquiry.question, inquiry.about,
            inquiry.code,
        ]  # fmt: skip
        return bool(await self._rows(_ADD, *values))

    async def due(self, limit: int) -> Sequence[int]:
        rows = await self._rows(_DUE, limit)
        return [row["id"] for row in rows]

    async def claim(self, inquiry_id: int, lease: timedelta) -> Inquiry | None:
        rows: list[dict[str, Any]] = await self._rows(_CLAIM, inquiry_id, lease.total_seconds())
        return Inquiry(**rows[0]) if rows else None

    async def stop(self, person_id: int, inquiry_id: int) -> bool:
        return bool(await self._rows(_STOP, inquiry_id, person_id))

    async def watch(self, inquiry_id: int, lease: timedelta) -> bool:
        values = [inquiry_id, lease.total_seconds()]
        rows = await self._rows(_WATCH, *values)
        return bool(rows) and bool(rows[0]["is_stopped"])

    async def done(self, inquiry_id: int) -> bool:
        return bool(await self._rows(_DONE, inquiry_id))

    async def keep(self, reply: Reply) -> None:
        values = [getattr(reply, name) for name in _COLUMNS]
        values[_COLUMNS.index("verdict")] = str(reply.verdict)
        values[_COLUMNS.index("looked_up")] = list(reply.looked_up)
        await self._connection.execute_query(_KEEP, values)

    async def replies(self, limit: int) -> Sequence[Reply]:
        rows: list[dict[str, Any]] = await self._rows(_REPLIES, limit)
        return [
            Reply(**{**row, "verdict": Verdict(row["verdict"]),
                     "looked_up": tuple(row["looked_up"])})
            for row in rows
        ]  # fmt: skip

    async def retire(self, keep: timedelta, limit: int) -> int:
        values = [keep.total_seconds(), limit]
        rows = await self._connection.execute_query_dict(_RETIRE, values)
        return int(rows[0]["count"])
