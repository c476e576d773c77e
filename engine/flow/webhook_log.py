"""What was sent to endpoints, and how an admin sends something again or tries one out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.domain.webhook_events import EventType
from engine.domain.webhooks import Attempt, Delivery, DeliveryState, Reply
from engine.errors import IllegalMove
from engine.flow.webhook_messages import test_event
from engine.flow.webhook_sending import signed
from engine.flow.webhooks import admin
from engine.ports import Store, Transaction, WebhookLine, WebhookSecrets


@dataclass(frozen=True, slots=True, kw_only=True)
class TestWebhook:
    """Send a message that says nothing, once and now, whether the endpoint is on or off."""

    # Not a test of ours, whatever its name begins with.
    __test__ = False

    store: Store
    line: WebhookLine
    secrets: WebhookSecrets

    async def __call__(self, person_id: int | None, endpoint_id: int) -> tuple[Delivery, Reply]:
        """What became of it; raises :class:`NotFound`."""
        async with self.store.begin() as tx:
            await admin(tx, person_id)
            endpoint = await tx.webhooks.get(endpoint_id)
            queued = await tx.webhooks.queue(endpoint_id, test_event(endpoint, await tx.now()))
            assert queued is not None
            # Nobody else may take it up; if we die before it is sent, this is how it ended.
            await tx.webhooks.end(queued.id, DeliveryState.CANCELLED, "it was cut off")
            begun = await tx.webhooks.count(queued.id)
        assert begun is not None
        delivery, attempt = begun
        carried = await signed(self.secrets, endpoint, delivery, attempt.at)
        reply = await self.line.post(endpoint.url, delivery.event.body.encode(), carried)
        state = DeliveryState.DELIVERED if reply.is_taken else DeliveryState.FAILED
        async with self.store.begin() as tx:
            await tx.webhooks.note(delivery.id, attempt.number, reply)
            await tx.webhooks.end(delivery.id, state, reply.reason)
        return replace(delivery, state=state, reason=reply.reason), reply


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDeliveries:
    """What was sent to an endpoint, newest first."""

    store: Store

    async def __call__(
        self,
        person_id: int | None,
        endpoint_id: int,
        *,
        state: DeliveryState | None = None,
        before: int | None = None,
        limit: int = 20,
    ) -> Sequence[Delivery]:
        """Raises :class:`NotFound` for an endpoint there is not."""
        async with self.store.begin() as tx:
            await admin(tx, person_id)
            await tx.webhooks.get(endpoint_id)
            return await tx.webhooks.deliveries(
                endpoint_id, state=state, before=before, limit=limit
            )

    async def one(
        self, person_id: int | None, delivery_id: int
    ) -> tuple[Delivery, Sequence[Attempt]]:
        """One delivery with its attempts; raises :class:`NotFound`."""
        async with self.store.begin() as tx:
            await admin(tx, person_id)
            found = await tx.webhooks.delivery(delivery_id)
            return found, await tx.webhooks.attempts(delivery_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeliver:
    """Send something again, with the same id, behind what waits."""

    store: Store

    async def __call__(self, person_id: int | None, delivery_id: int) -> Delivery:
        """Raises :class:`IllegalMove` for one that waits, a test, or an endpoint that is off."""
        async with self.store.begin() as tx:
            await admin(tx, person_id)
            found = await tx.webhooks.delivery(delivery_id)
            if found.state is DeliveryState.WAITING:
                raise IllegalMove(f"delivery {delivery_id} waits already")
            if found.event.type is EventType.TEST:
                raise IllegalMove("a test is not sent again: make another one")
            await self._must_be_on(tx, found.endpoint_id)
            await tx.webhooks.again(delivery_id)
        return found

    async def failed(self, person_id: int | None, endpoint_id: int) -> int:
        """Everything that FAILED at an endpoint, at most a thousand, the oldest first; how many."""
        async with self.store.begin() as tx:
            await admin(tx, person_id)
            await self._must_be_on(tx, endpoint_id)
            found = await tx.webhooks.deliveries(
                endpoint_id, state=DeliveryState.FAILED, limit=1_000
            )
            real = [each for each in found if each.event.type is not EventType.TEST]
            for each in reversed(real):
                await tx.webhooks.again(each.id)
        return len(real)

    async def _must_be_on(self, tx: Transaction, endpoint_id: int) -> None:
        if not (await tx.webhooks.get(endpoint_id)).is_on:
            raise IllegalMove(f"webhook {endpoint_id} is off; switch it on first")
