"""Outbound webhooks: who is told of events, and what became of it. For admins only."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, WithJsonSchema

from bot.api.fields import Flag, Given, Instant, Text, Told, Whole
from bot.api.routing import Call, Routes
from bot.hooks import Hooks
from engine.domain.person import Role
from engine.domain.webhook_events import EventType
from engine.domain.webhooks import Endpoint, Off
from engine.errors import IllegalMove

routes = Routes("webhooks")

Id = Annotated[int, Field(ge=1, le=2**53)]
Url = Annotated[
    Text, Field(min_length=8, max_length=500, examples=["https://example.org/hooks/ai-trader"])
]
Description = Annotated[Text, Field(max_length=200)]
_TYPES = [str(kind) for kind in EventType if kind is not EventType.TEST]
Wanted = Annotated[EventType, WithJsonSchema({"type": "string", "enum": _TYPES})]
Types = Annotated[list[Wanted], Field(max_length=50, json_schema_extra={"uniqueItems": True})]


class WebhookWanted(Given):
    """An endpoint to be added. Without types it is told of every event."""

    url: Url
    description: Description = ""
    types: Types = Field(default_factory=list)


class WebhookChange(Given):
    """What is to be another way; what is not named stays. No types are all of them."""

    url: Url | None = None
    description: Description | None = None
    types: Types | None = None
    enabled: Flag | None = None


class Rotation(Given):
    """For how many hours the secret of now signs too."""

    overlap_hours: Annotated[Whole, Field(ge=0, le=168)] = 24


class Webhook(Told):
    """An endpoint. ``url`` is shortened to its host: what follows may hold a token, and is told to
    nobody. ``off`` says why nothing is sent to it; ``waiting`` counts what waits.
    """

    id: int
    url: str
    description: str
    types: list[EventType]
    enabled: bool
    off: Off | None
    waiting: int
    failures: int
    failing_since: Instant | None
    old_secret_until: Instant | None
    from_settings: bool
    created_by: str
    created_at: Instant


class NewSecret(Told):
    """An endpoint and its secret, which is shown this once."""

    webhook: Webhook
    secret: str


class Removed(Told):
    """What was forgotten."""

    id: int


class Tried(Told):
    """What became of a test."""

    delivery_id: int
    taken: bool
    status: int | None
    reason: str
    milliseconds: int
    said: str


@routes.get("/v1/webhooks", role=Role.ADMIN, statuses=(409,))
async def webhooks(call: Call) -> list[Webhook]:
    """Every endpoint, the oldest first."""
    found = await hooks_of(call).read(call.person_id)
    return [_webhook(endpoint, waiting) for endpoint, waiting in found]


@routes.post("/v1/webhooks", role=Role.ADMIN, status=201, statuses=(409,))
async def add(call: Call, body: WebhookWanted) -> NewSecret:
    """Add an endpoint; its secret is told this once."""
    endpoint, secret = await hooks_of(call).add(
        call.person_id, body.url, description=body.description, types=body.types
    )
    return NewSecret(webhook=_webhook(endpoint, 0), secret=secret)


@routes.get("/v1/webhooks/{webhook_id}", role=Role.ADMIN, statuses=(409,))
async def webhook(call: Call, webhook_id: Id) -> Webhook:
    """One endpoint."""
    return _webhook(*await hooks_of(call).read.one(call.person_id, webhook_id))


@routes.patch("/v1/webhooks/{webhook_id}", role=Role.ADMIN, statuses=(409,))
async def change(call: Call, webhook_id: Id, body: WebhookChange) -> Webhook:
    """Change an endpoint. Off takes back what waits; on begins with what happens from then on."""
    hooks = hooks_of(call)
    await hooks.change(
        call.person_id,
        webhook_id,
        url=body.url,
        description=body.description,
        types=body.types,
        is_on=body.enabled,
    )
    return _webhook(*await hooks.read.one(call.person_id, webhook_id))


@routes.delete("/v1/webhooks/{webhook_id}", role=Role.ADMIN, statuses=(409,))
async def remove(call: Call, webhook_id: Id) -> Removed:
    """Forget an endpoint, and everything that was sent to it."""
    endpoint = await hooks_of(call).remove(call.person_id, webhook_id)
    return Removed(id=endpoint.id)


@routes.post("/v1/webhooks/{webhook_id}/test", role=Role.ADMIN, statuses=(409,))
async def test(call: Call, webhook_id: Id) -> Tried:
    """Send a test, once and now, whether the endpoint is on or off."""
    delivery, reply = await hooks_of(call).test(call.person_id, webhook_id)
    return Tried(
        delivery_id=delivery.id,
        taken=reply.is_taken,
        status=reply.status,
        reason=reply.reason,
        milliseconds=reply.took // timedelta(milliseconds=1),
        said=reply.said,
    )


@routes.post("/v1/webhooks/{webhook_id}/rotate", role=Role.ADMIN, statuses=(409,))
async def rotate(call: Call, webhook_id: Id, body: Rotation) -> NewSecret:
    """Give an endpoint another secret; it is told this once."""
    hooks = hooks_of(call)
    overlap = timedelta(hours=body.overlap_hours)
    endpoint, secret = await hooks.rotate(call.person_id, webhook_id, overlap)
    _, waiting = await hooks.read.one(call.person_id, webhook_id)
    return NewSecret(webhook=_webhook(endpoint, waiting), secret=secret)


def hooks_of(call: Call) -> Hooks:
    """What handles webhooks; raises :class:`IllegalMove` where they are not set up."""
    if call.uses.hooks is None:
        raise IllegalMove("webhooks are not set up: WEBHOOK_SECRET is not set")
    return call.uses.hooks


def _webhook(endpoint: Endpoint, waiting: int) -> Webhook:
    return Webhook(
        id=endpoint.id,
        url=endpoint.shown,
        description=endpoint.description,
        types=list(endpoint.types),
        enabled=endpoint.is_on,
        off=endpoint.off,
        waiting=waiting,
        failures=endpoint.failures,
        failing_since=endpoint.failing_since,
        old_secret_until=endpoint.old_until,
        from_settings=endpoint.from_settings,
        created_by=endpoint.created_by,
        created_at=endpoint.created_at,
    )
