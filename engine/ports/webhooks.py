"""Outbound webhooks: the endpoints, what is on its way to them, the line, and the secrets."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from engine.domain.decision import Decision
from engine.domain.webhooks import (
    Attempt,
    Delivery,
    DeliveryState,
    Draft,
    Endpoint,
    Event,
    Reply,
)


class Endpoints(Protocol):
    """Where events are posted to, and up to where each looked at the history. All times are the
    database's.
    """

    async def alone(self) -> None:
        """Wait until nobody else adds or removes endpoints, and keep them out to the end."""
        ...

    async def add(self, draft: Draft, *, by: str, from_settings: bool = False) -> Endpoint:
        """A new endpoint, with a key of its own, that is told of what happens from now on."""
        ...

    async def get(self, endpoint_id: int) -> Endpoint:
        """One endpoint; raises ``NotFound``."""
        ...

    async def take(self, endpoint_id: int) -> Endpoint:
        """The same, locked for a change of one's own."""
        ...

    async def list(self) -> Sequence[Endpoint]:
        """All of them, the oldest first."""
        ...

    async def save(self, endpoint: Endpoint) -> None:
        """Write an endpoint that was taken; its cursor and its claim are not changed by this."""
        ...

    async def remove(self, endpoint_id: int) -> None:
        """Forget an endpoint and everything that was or is to be sent to it."""
        ...

    async def new_key(self, endpoint: Endpoint, until: datetime) -> Endpoint:
        """Give an endpoint that was taken another key; the one it had signs too until then."""
        ...

    async def behind(self) -> Sequence[Endpoint]:
        """Endpoints that are on and have not looked at the history's last record, locked; those
        that somebody else holds are left out.
        """
        ...

    async def since(self, cursor: int, limit: int) -> tuple[Sequence[Decision], int]:
        """The next records after ``cursor`` that endpoints may be told of, at most ``limit`` of
        them, and the number of the last record that was looked at.
        """
        ...

    async def move(self, endpoint_id: int, cursor: int | None) -> None:
        """Note up to where the history was looked at; None is its end."""
        ...

    async def claim(self, limit: int, lease: timedelta) -> Sequence[Endpoint]:
        """Hold endpoints for which something waits and that may be sent to now, for so long."""
        ...

    async def release(self, endpoint: Endpoint) -> None:
        """Let go of an endpoint that is held, if it still is by this claim."""
        ...


class Deliveries(Protocol):
    """Events on their way to endpoints. All times are the database's."""

    async def queue(self, endpoint_id: int, event: Event) -> Delivery | None:
        """Put an event behind the others; None when it was queued for this endpoint before."""
        ...

    async def begin(self, endpoint: Endpoint, lease: timedelta) -> tuple[Delivery, Attempt] | None:
        """Count an attempt of the first that waits for an endpoint that is held, and hold it for so
        long from now; None when nothing waits, it is off, or the claim was lost.
        """
        ...

    async def count(self, delivery_id: int) -> tuple[Delivery, Attempt] | None:
        """Count an attempt of this delivery, whoever holds its endpoint; None without it."""
        ...

    async def note(self, delivery_id: int, number: int, reply: Reply) -> None:
        """Write down what became of an attempt."""
        ...

    async def end(self, delivery_id: int, state: DeliveryState, reason: str) -> None:
        """Move a delivery to another state; WAITING leaves it at its place."""
        ...

    async def again(self, delivery_id: int) -> None:
        """Queue a delivery anew, behind the others."""
        ...

    async def cancel(self, endpoint_id: int, reason: str) -> int:
        """Take back what waits for an endpoint; how many."""
        ...

    async def delivery(self, delivery_id: int) -> Delivery:
        """One delivery, locked to the end; raises ``NotFound``."""
        ...

    async def deliveries(
        self,
        endpoint_id: int,
        *,
        state: DeliveryState | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[Delivery]:
        """Newest first; ``before`` an id is the next page."""
        ...

    async def attempts(self, delivery_id: int) -> Sequence[Attempt]:
        """What was tried, in its order."""
        ...

    async def waiting(self, endpoint_id: int) -> int:
        """How many wait for an endpoint."""
        ...

    async def oldest(self, endpoint_id: int) -> datetime | None:
        """Since when the oldest of those that wait for an endpoint has waited."""
        ...

    async def retire(self, age: timedelta, limit: int) -> int:
        """Remove deliveries, at most so many, that ended longer ago; how many."""
        ...


class Webhooks(Endpoints, Deliveries, Protocol):
    """Everything that is stored of webhooks."""


class WebhookLine(Protocol):
    """The way to endpoints."""

    @property
    def patience(self) -> timedelta:
        """How long an answer may take."""
        ...

    async def check(self, url: str) -> None:
        """Raise ``InvalidInput`` for an address that must not be posted to."""
        ...

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Post once. Raises nothing for what the endpoint or the way to it does."""
        ...


class WebhookSecrets(Protocol):
    """The secrets of endpoints, by the endpoint and by the key's name. The one place to change if
    they are to be kept elsewhere.
    """

    async def keys(self, endpoint_id: int, key: UUID) -> tuple[bytes, ...]:
        """What signs for a key, the newest first: that one is what a receiver is told."""
        ...
