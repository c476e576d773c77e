"""Gather events for endpoints out of the history, and send what waits.

The transactions of trading know nothing of it: they write the history, and who sends reads it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.domain.webhooks import (
    GIVEN_UP,
    MOST,
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    Off,
    Reply,
    Retry,
    headers,
)
from engine.errors import NotFound
from engine.flow.webhook_messages import Mask, event_of, people_in
from engine.flow.webhook_records import delivery_failed, switch_off
from engine.ports import Store, Transaction, WebhookLine, WebhookSecrets

#: Records that are looked at together for one endpoint.
BATCH = 200
#: Deliveries after which an endpoint is let go of, so that others see it too.
TOGETHER = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherEvents:
    """Make a delivery of each new record for each endpoint that wants it.

    The deliveries and the place up to where the history was read are one transaction: a process
    that dies in between leaves neither, so that no event is lost and none is queued twice.
    """

    store: Store
    mask: Mask

    async def __call__(self) -> int:
        """How many were queued."""
        queued = 0
        async with self.store.begin() as tx:
            for endpoint in await tx.webhooks.behind():
                queued += await self._gather(tx, endpoint)
        return queued

    async def _gather(self, tx: Transaction, endpoint: Endpoint) -> int:
        found, cursor = await tx.webhooks.since(endpoint.cursor, BATCH)
        names = {}
        for number in people_in(found):
            person = await tx.people.get(number)
            if person is not None:
                names[number] = person.name
        events = [event_of(decision, names, self.mask) for decision in found]
        wanted = [event for event in events if endpoint.wants(event.type)]
        for event in wanted:
            await tx.webhooks.queue(endpoint.id, event)
        await tx.webhooks.move(endpoint.id, cursor)
        return len(wanted)


async def signed(
    secrets: WebhookSecrets, endpoint: Endpoint, delivery: Delivery, at: datetime
) -> dict[str, str]:
    """What a message carries at an instant."""
    keys = [secret for key in endpoint.keys(at) for secret in await secrets.keys(endpoint.id, key)]
    return headers(delivery.event, at, keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendDeliveries:
    """Send what waits for an endpoint, one after the other, in the order of the history.

    1. An endpoint is claimed: nobody else sends to it meanwhile.
    2. The attempt is counted and committed, then made. The id is the event's whenever it is sent;
       the timestamp and with it the signature are the attempt's.
    3. The answer is committed. A process that dies before leaves a lease that runs out: the message
       is sent again with the same id. What came to nothing makes the endpoint wait, each time
       longer, and what is behind it waits too, so that it arrives in order.
    4. After the last attempt the delivery FAILED: it is written into the history, the admins are
       told, and the next one's turn comes.
    """

    store: Store
    line: WebhookLine
    secrets: WebhookSecrets
    retry: Retry
    chance: Callable[[], float]
    slack: timedelta

    @property
    def _lease(self) -> timedelta:
        return self.line.patience + self.slack

    async def claim(self, limit: int = MOST) -> tuple[Endpoint, ...]:
        """Endpoints whose turn it is, at most so many; each is to be served."""
        if limit < 1:
            return ()
        async with self.store.begin() as tx:
            return tuple(await tx.webhooks.claim(limit, self._lease))

    async def __call__(self, endpoint: Endpoint) -> int:
        """Send to an endpoint that was claimed, until nothing waits or one came to nothing; how
        many it took.
        """
        taken = 0
        while taken < TOGETHER and await self._one(endpoint):
            taken += 1
        async with self.store.begin() as tx:
            await tx.webhooks.release(endpoint)
        return taken

    async def _one(self, endpoint: Endpoint) -> bool:
        async with self.store.begin() as tx:
            begun = await tx.webhooks.begin(endpoint, self._lease)
            # Its secrets may be others by now.
            fresh = await tx.webhooks.get(endpoint.id) if begun else endpoint
        if begun is None:
            return False
        delivery, attempt = begun
        carried = await signed(self.secrets, fresh, delivery, attempt.at)
        reply = await self.line.post(fresh.url, delivery.event.body.encode(), carried)
        await self.settle(endpoint, delivery, attempt, reply)
        return reply.is_taken

    async def settle(
        self, held: Endpoint, delivery: Delivery, attempt: Attempt, reply: Reply
    ) -> None:
        """Write down what became of an attempt."""
        async with self.store.begin() as tx:
            try:
                endpoint = await tx.webhooks.take(held.id)
            except NotFound:
                return
            await tx.webhooks.note(delivery.id, attempt.number, reply)
            now = await tx.now()
            if reply.is_taken:
                # The endpoint's word is proof, whoever holds it by now.
                await tx.webhooks.end(delivery.id, DeliveryState.DELIVERED, "")
                await tx.webhooks.save(endpoint.took())
                return
            stored = await tx.webhooks.delivery(delivery.id)
            if endpoint.claim != held.claim or stored.state is not DeliveryState.WAITING:
                return
            if reply.is_gone:
                await tx.webhooks.end(delivery.id, DeliveryState.FAILED, reply.reason)
                await switch_off(tx, endpoint, Off.GONE, now)
                return
            pause = self.retry.pause(endpoint.failures + 1, self.chance(), reply.wait)
            await self._came_to_nothing(tx, endpoint.failed(now, pause), stored, reply, now)

    async def _came_to_nothing(
        self, tx: Transaction, endpoint: Endpoint, delivery: Delivery, reply: Reply, now: datetime
    ) -> None:
        await tx.webhooks.save(endpoint)
        if delivery.tries <= self.retry.most:
            await tx.webhooks.end(delivery.id, DeliveryState.WAITING, reply.reason)
            return
        await tx.webhooks.end(delivery.id, DeliveryState.FAILED, reply.reason)
        assert endpoint.failing_since is not None
        if now - endpoint.failing_since >= GIVEN_UP:
            await switch_off(tx, endpoint, Off.FAILING, now)
        await delivery_failed(tx, endpoint, delivery, reply, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireDeliveries:
    """Remove deliveries that ended long ago."""

    store: Store
    age: timedelta = timedelta(days=30)

    async def __call__(self) -> int:
        """How many."""
        removed = 0
        while True:
            async with self.store.begin() as tx:
                batch = await tx.webhooks.retire(self.age, BATCH)
            removed += batch
            if batch < BATCH:
                return removed
