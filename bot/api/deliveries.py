"""What was sent to outbound webhooks, attempt by attempt, and sending it again. For admins only."""

import json
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from bot.api.fields import Instant, Told
from bot.api.routing import Call, Routes
from bot.api.webhooks import Id, hooks_of
from engine.domain.person import Role
from engine.domain.webhook_events import EventType
from engine.domain.webhooks import Attempt, Delivery, DeliveryState
from engine.errors import NotFound

#: Of the subject of webhooks: what is behind an endpoint's path.
routes = Routes("webhooks")

Limit = Annotated[int, Field(ge=1, le=100)]


class Sent(Told):
    """A delivery: an event on its way to an endpoint, and how it stands."""

    id: int
    event_id: str
    type: EventType
    state: DeliveryState
    attempts: int
    reason: str
    created_at: Instant
    finished_at: Instant | None


class Try(Told):
    """One attempt. No outcome is one that is under way, or was cut off."""

    number: int
    at: Instant
    status: int | None
    outcome: str | None
    milliseconds: int | None
    said: str


class SentInFull(Told):
    """A delivery with its attempts and what was sent."""

    delivery: Sent
    attempts: list[Try]
    body: dict[str, Any]


class Again(Told):
    """How many are sent again."""

    count: int


@routes.get("/v1/webhooks/{webhook_id}/deliveries", role=Role.ADMIN, statuses=(409,))
async def deliveries(
    call: Call,
    webhook_id: Id,
    state: DeliveryState | None = None,
    before: Id | None = None,
    limit: Limit = 20,
) -> list[Sent]:
    """What was sent to an endpoint, the newest first; ``before`` an id is the next page."""
    found = await hooks_of(call).deliveries(
        call.person_id, webhook_id, state=state, before=before, limit=limit
    )
    return [_sent(each) for each in found]


@routes.get("/v1/webhooks/{webhook_id}/deliveries/{delivery_id}", role=Role.ADMIN, statuses=(409,))
async def delivery(call: Call, webhook_id: Id, delivery_id: Id) -> SentInFull:
    """One delivery with its attempts and what was sent."""
    found, attempts = await _of(call, webhook_id, delivery_id)
    return SentInFull(
        delivery=_sent(found),
        attempts=[_try(each) for each in attempts],
        body=json.loads(found.event.body),
    )


@routes.post(
    "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
    role=Role.ADMIN,
    statuses=(409,),
)
async def redeliver(call: Call, webhook_id: Id, delivery_id: Id) -> Sent:
    """Send something again with the same id, behind what waits."""
    await _of(call, webhook_id, delivery_id)
    await hooks_of(call).redeliver(call.person_id, delivery_id)
    found, _ = await _of(call, webhook_id, delivery_id)
    return _sent(found)


@routes.post("/v1/webhooks/{webhook_id}/redeliver", role=Role.ADMIN, statuses=(409,))
async def redeliver_failed(call: Call, webhook_id: Id) -> Again:
    """Send everything again that failed, at most a thousand, the oldest first."""
    return Again(count=await hooks_of(call).redeliver.failed(call.person_id, webhook_id))


async def _of(call: Call, webhook_id: int, delivery_id: int) -> tuple[Delivery, list[Attempt]]:
    found, attempts = await hooks_of(call).deliveries.one(call.person_id, delivery_id)
    if found.endpoint_id != webhook_id:
        raise NotFound(f"webhook {webhook_id} has no delivery {delivery_id}")
    return found, list(attempts)


def _sent(delivery: Delivery) -> Sent:
    return Sent(
        id=delivery.id,
        event_id=delivery.event.id,
        type=delivery.event.type,
        state=delivery.state,
        attempts=delivery.attempts,
        reason=delivery.reason,
        created_at=delivery.created_at,
        finished_at=delivery.finished_at,
    )


def _try(attempt: Attempt) -> Try:
    took = attempt.took
    return Try(
        number=attempt.number, at=attempt.at, status=attempt.status, outcome=attempt.outcome,
        milliseconds=None if took is None else took // timedelta(milliseconds=1),
        said=attempt.said,
    )  # fmt: skip
