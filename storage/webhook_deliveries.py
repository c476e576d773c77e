"""Events on their way to endpoints: one attempt at a time, in their order, each written down."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.domain.webhook_events import EventType
from engine.domain.webhooks import Attempt, Delivery, DeliveryState, Endpoint, Event, Reply
from engine.errors import NotFound
from storage.table import Table

_REASON, _SAID = 200, 300

_FACTS = """id, endpoint_id, event_id, type, body, state, attempts, forgiven, created_at,
finished_at, reason"""

_QUEUE = f"""
INSERT INTO webhook_delivery (endpoint_id, event_id, type, body) VALUES ($1, $2, $3, $4)
ON CONFLICT (endpoint_id, event_id) DO NOTHING RETURNING {_FACTS}
"""  # noqa: S608

_BEGIN = f"""
WITH mine AS (
    SELECT id FROM webhook_endpoint WHERE id = $1 AND claim = $2 AND off IS NULL FOR UPDATE
), held AS (
    UPDATE webhook_endpoint SET leased_until = clock_timestamp() + make_interval(secs => $3)
    WHERE id IN (SELECT id FROM mine)
), first AS (
    SELECT id FROM webhook_delivery
    WHERE endpoint_id IN (SELECT id FROM mine) AND state = 'waiting'
    ORDER BY place LIMIT 1
)
UPDATE webhook_delivery SET attempts = attempts + 1
WHERE id IN (SELECT id FROM first) AND state = 'waiting' RETURNING {_FACTS}
"""  # noqa: S608

_COUNT = f"""
UPDATE webhook_delivery SET attempts = attempts + 1 WHERE id = $1 RETURNING {_FACTS}
"""  # noqa: S608

_TRY = """
INSERT INTO webhook_attempt (delivery_id, number) VALUES ($1, $2) RETURNING number, at
"""

_NOTE = """
UPDATE webhook_attempt SET status = $3, outcome = $4, took_ms = $5, said = $6
WHERE delivery_id = $1 AND number = $2
"""

_END = """
UPDATE webhook_delivery SET state = $2::text, reason = $3,
    finished_at = CASE WHEN $2::text = 'waiting' THEN NULL ELSE clock_timestamp() END
WHERE id = $1
"""

_AGAIN = """
UPDATE webhook_delivery SET state = 'waiting', reason = '', finished_at = NULL,
    forgiven = attempts, place = nextval('webhook_place')
WHERE id = $1
"""

_CANCEL = """
UPDATE webhook_delivery SET state = 'cancelled', reason = $2, finished_at = clock_timestamp()
WHERE endpoint_id = $1 AND state = 'waiting' RETURNING id
"""

_LOG = f"""
SELECT {_FACTS} FROM webhook_delivery
WHERE endpoint_id = $1 AND ($2::text IS NULL OR state = $2) AND ($3::bigint IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""  # noqa: S608

_RETIRE = """
DELETE FROM webhook_delivery WHERE id IN (
    SELECT id FROM webhook_delivery
    WHERE state <> 'waiting' AND finished_at < clock_timestamp() - make_interval(secs => $1)
    LIMIT $2)
RETURNING id
"""


class DeliveryTable(Table):
    """The port ``Deliveries`` in one transaction."""

    async def queue(self, endpoint_id: int, event: Event) -> Delivery | None:
        values = [endpoint_id, event.id, str(event.type), event.body]
        rows = await self._rows(_QUEUE, *values)
        return _delivery(rows[0]) if rows else None

    async def begin(self, endpoint: Endpoint, lease: timedelta) -> tuple[Delivery, Attempt] | None:
        values = [endpoint.id, endpoint.claim, lease.total_seconds()]
        rows = await self._rows(_BEGIN, *values)
        return await self._tried(rows)

    async def count(self, delivery_id: int) -> tuple[Delivery, Attempt] | None:
        return await self._tried(await self._rows(_COUNT, delivery_id))

    async def _tried(self, rows: Sequence[dict[str, Any]]) -> tuple[Delivery, Attempt] | None:
        if not rows:
            return None
        delivery = _delivery(rows[0])
        tried = await self._rows(_TRY, delivery.id, delivery.attempts)
        return delivery, Attempt(**tried[0])

    async def note(self, delivery_id: int, number: int, reply: Reply) -> None:
        outcome = reply.reason[:_REASON] or "delivered"
        took = reply.took // timedelta(milliseconds=1)
        values = [delivery_id, number, reply.status, outcome, took, reply.said[:_SAID]]
        await self._connection.execute_query(_NOTE, values)

    async def end(self, delivery_id: int, state: DeliveryState, reason: str) -> None:
        values = [delivery_id, str(state), reason[:_REASON]]
        await self._connection.execute_query(_END, values)

    async def again(self, delivery_id: int) -> None:
        await self._connection.execute_query(_AGAIN, [delivery_id])

    async def cancel(self, endpoint_id: int, reason: str) -> int:
        return len(await self._rows(_CANCEL, endpoint_id, reason))

    async def delivery(self, delivery_id: int) -> Delivery:
        query = f"SELECT {_FACTS} FROM webhook_delivery WHERE id = $1 FOR UPDATE"  # noqa: S608
        rows = await self._rows(query, delivery_id)
        if not rows:
            raise NotFound(f"there is no delivery {delivery_id}", number=delivery_id)
        return _delivery(rows[0])

    async def deliveries(
        self,
        endpoint_id: int,
        *,
        state: DeliveryState | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[Delivery]:
        values = [endpoint_id, None if state is None else str(state), before, limit]
        return [_delivery(row) for row in await self._rows(_LOG, *values)]

    async def attempts(self, delivery_id: int) -> Sequence[Attempt]:
        query = (
            "SELECT number, at, status, outcome, took_ms, said FROM webhook_attempt"
            " WHERE delivery_id = $1 ORDER BY number"
        )
        rows = await self._rows(query, delivery_id)
        return [_attempt(row) for row in rows]

    async def waiting(self, endpoint_id: int) -> int:
        query = (
            "SELECT count(*) AS count FROM webhook_delivery"
            " WHERE endpoint_id = $1 AND state = 'waiting'"
        )
        (row,) = await self._rows(query, endpoint_id)
        return int(row["count"])

    async def oldest(self, endpoint_id: int) -> datetime | None:
        query = (
            "SELECT min(created_at) AS oldest FROM webhook_delivery"
            " WHERE endpoint_id = $1 AND state = 'waiting'"
        )
        (row,) = await self._rows(query, endpoint_id)
        found: datetime | None = row["oldest"]
        return found

    async def retire(self, age: timedelta, limit: int) -> int:
        values = [age.total_seconds(), limit]
        return len(await self._rows(_RETIRE, *values))


def _delivery(row: dict[str, Any]) -> Delivery:
    event = Event(id=row["event_id"], type=EventType(row["type"]), body=row["body"])
    kept = ("id", "endpoint_id", "attempts", "forgiven", "created_at", "finished_at", "reason")
    facts = {name: row[name] for name in kept}
    return Delivery(event=event, state=DeliveryState(row["state"]), **facts)


def _attempt(row: dict[str, Any]) -> Attempt:
    took = row.pop("took_ms")
    return Attempt(**row, took=None if took is None else timedelta(milliseconds=took))
