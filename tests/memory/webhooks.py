"""Outbound webhooks in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from engine.domain.decision import Decision
from engine.domain.webhook_events import EVENTS
from engine.domain.webhooks import (
    Attempt,
    Delivery,
    DeliveryState,
    Draft,
    Endpoint,
    Event,
    Reply,
)
from engine.errors import NotFound
from engine.ports import Clock
from tests.memory.rows import View

_ENDPOINTS, _DELIVERIES, _ATTEMPTS = "webhook_endpoint", "webhook_delivery", "webhook_attempt"


@dataclass(frozen=True, slots=True)
class _Held:
    """An endpoint, and until when it is held."""

    endpoint: Endpoint
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Placed:
    """A delivery, and its place in the queue."""

    delivery: Delivery
    place: int


class MemoryWebhooks:
    """The port ``Webhooks`` in one transaction."""

    def __init__(self, view: View, clock: Clock, numbers: "count[int]") -> None:
        self._view, self._clock, self._numbers = view, clock, numbers

    async def alone(self) -> None:
        await self._view.lock("lock", "webhooks")

    async def add(self, draft: Draft, *, by: str, from_settings: bool = False) -> Endpoint:
        now, number = self._clock(), next(self._numbers)
        endpoint = Endpoint(
            id=number, url=draft.url, description=draft.description, types=draft.types,
            key=UUID(int=next(self._numbers)), created_by=by, created_at=now,
            cursor=self._head(), not_before=now, from_settings=from_settings,
        )  # fmt: skip
        await self._view.insert(_ENDPOINTS, number, _Held(endpoint))
        return endpoint

    async def get(self, endpoint_id: int) -> Endpoint:
        return self._held(endpoint_id).endpoint

    async def take(self, endpoint_id: int) -> Endpoint:
        await self._view.lock(_ENDPOINTS, endpoint_id)
        return self._held(endpoint_id).endpoint

    async def list(self) -> Sequence[Endpoint]:
        return [held.endpoint for held in self._all()]

    async def save(self, endpoint: Endpoint) -> None:
        stored = self._held(endpoint.id).endpoint
        kept = {name: getattr(stored, name) for name in ("key", "old_key", "old_until",
                                                         "cursor", "claim")}  # fmt: skip
        await self._write(endpoint.id, replace(endpoint, **kept))

    async def remove(self, endpoint_id: int) -> None:
        for placed in self._queue(endpoint_id):
            await self._view.put(_DELIVERIES, placed.delivery.id, None)
        await self._view.put(_ENDPOINTS, endpoint_id, None)

    async def new_key(self, endpoint: Endpoint, until: datetime) -> Endpoint:
        stored = self._held(endpoint.id).endpoint
        after = replace(
            stored, old_key=stored.key, old_until=until, key=UUID(int=next(self._numbers))
        )
        await self._write(endpoint.id, after)
        return after

    async def behind(self) -> Sequence[Endpoint]:
        found = []
        for held in self._all():
            one = held.endpoint
            if one.is_on and one.cursor < self._head():
                if self._view.is_held(_ENDPOINTS, one.id):
                    continue
                found.append(await self.take(one.id))
        return found

    async def since(self, cursor: int, limit: int) -> tuple[Sequence[Decision], int]:
        decisions = sorted(self._view.all("decision"), key=lambda decision: decision.seq)
        found = [d for d in decisions if d.seq > cursor and d.entry.action in EVENTS][:limit]
        return found, found[-1].seq if len(found) == limit else self._head()

    async def move(self, endpoint_id: int, cursor: int | None) -> None:
        await self._view.lock(_ENDPOINTS, endpoint_id)
        stored = self._held(endpoint_id).endpoint
        place = self._head() if cursor is None else cursor
        await self._write(endpoint_id, replace(stored, cursor=place))

    async def claim(self, limit: int, lease: timedelta) -> Sequence[Endpoint]:
        now = self._clock()
        free = [
            held.endpoint
            for held in self._all()
            if held.endpoint.is_on
            and held.endpoint.not_before <= now
            and (held.until is None or held.until <= now)
            and self._waiting(held.endpoint.id)
            and not self._view.is_held(_ENDPOINTS, held.endpoint.id)
        ]
        claimed = []
        for endpoint in sorted(free, key=lambda e: (e.not_before, e.id))[:limit]:
            mine = replace(endpoint, claim=UUID(int=next(self._numbers)))
            await self._view.put(_ENDPOINTS, mine.id, _Held(mine, now + lease))
            claimed.append(mine)
        return sorted(claimed, key=lambda endpoint: endpoint.id)

    async def release(self, endpoint: Endpoint) -> None:
        await self._view.lock(_ENDPOINTS, endpoint.id)
        held: _Held | None = self._view.get(_ENDPOINTS, endpoint.id)
        if held is not None and held.endpoint.claim == endpoint.claim:
            free = _Held(replace(held.endpoint, claim=None))
            await self._view.put(_ENDPOINTS, endpoint.id, free)

    async def queue(self, endpoint_id: int, event: Event) -> Delivery | None:
        known = (p.delivery.event.id for p in self._queue(endpoint_id))
        if event.id in known:
            return None
        number = next(self._numbers)
        delivery = Delivery(
            id=number, endpoint_id=endpoint_id, event=event, state=DeliveryState.WAITING,
            attempts=0, forgiven=0, created_at=self._clock(),
        )  # fmt: skip
        await self._view.insert(_DELIVERIES, number, _Placed(delivery, number))
        return delivery

    async def begin(self, endpoint: Endpoint, lease: timedelta) -> tuple[Delivery, Attempt] | None:
        await self._view.lock(_ENDPOINTS, endpoint.id)
        held: _Held | None = self._view.get(_ENDPOINTS, endpoint.id)
        if held is None or not held.endpoint.is_on or held.endpoint.claim != endpoint.claim:
            return None
        first = next(iter(self._waiting(endpoint.id)), None)
        if first is None:
            return None
        until = self._clock() + lease
        await self._view.put(_ENDPOINTS, endpoint.id, _Held(held.endpoint, until))
        return await self.count(first.delivery.id)

    async def count(self, delivery_id: int) -> tuple[Delivery, Attempt] | None:
        await self._view.lock(_DELIVERIES, delivery_id)
        placed: _Placed | None = self._view.get(_DELIVERIES, delivery_id)
        if placed is None:
            return None
        after = await self._change(delivery_id, attempts=placed.delivery.attempts + 1)
        attempt = Attempt(number=after.attempts, at=self._clock())
        await self._view.insert(_ATTEMPTS, (delivery_id, attempt.number), attempt)
        return after, attempt

    async def note(self, delivery_id: int, number: int, reply: Reply) -> None:
        before: Attempt = self._view.get(_ATTEMPTS, (delivery_id, number))
        whole = reply.took // timedelta(milliseconds=1)
        after = replace(
            before, status=reply.status, outcome=reply.reason or "delivered", said=reply.said,
            took=timedelta(milliseconds=whole),
        )  # fmt: skip
        await self._view.put(_ATTEMPTS, (delivery_id, number), after)

    async def end(self, delivery_id: int, state: DeliveryState, reason: str) -> None:
        over = None if state is DeliveryState.WAITING else self._clock()
        await self._change(delivery_id, state=state, reason=reason, finished_at=over)

    async def again(self, delivery_id: int) -> None:
        placed: _Placed = self._view.get(_DELIVERIES, delivery_id)
        after = replace(
            placed.delivery, state=DeliveryState.WAITING, reason="", finished_at=None,
            forgiven=placed.delivery.attempts,
        )  # fmt: skip
        await self._view.put(_DELIVERIES, delivery_id, _Placed(after, next(self._numbers)))

    async def cancel(self, endpoint_id: int, reason: str) -> int:
        waiting = self._waiting(endpoint_id)
        for placed in waiting:
            await self.end(placed.delivery.id, DeliveryState.CANCELLED, reason)
        return len(waiting)

    async def delivery(self, delivery_id: int) -> Delivery:
        await self._view.lock(_DELIVERIES, delivery_id)
        placed: _Placed | None = self._view.get(_DELIVERIES, delivery_id)
        if placed is None:
            raise NotFound(f"there is no delivery {delivery_id}")
        return placed.delivery

    async def deliveries(
        self,
        endpoint_id: int,
        *,
        state: DeliveryState | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[Delivery]:
        found = [
            p.delivery
            for p in self._queue(endpoint_id)
            if (state is None or p.delivery.state is state)
            and (before is None or p.delivery.id < before)
        ]
        return sorted(found, key=lambda delivery: -delivery.id)[:limit]

    async def attempts(self, delivery_id: int) -> Sequence[Attempt]:
        found = [one for (of, _), one in self._view.items(_ATTEMPTS) if of == delivery_id]
        return sorted(found, key=lambda attempt: attempt.number)

    async def waiting(self, endpoint_id: int) -> int:
        return len(self._waiting(endpoint_id))

    async def oldest(self, endpoint_id: int) -> datetime | None:
        return min((p.delivery.created_at for p in self._waiting(endpoint_id)), default=None)

    async def retire(self, age: timedelta, limit: int) -> int:
        until = self._clock() - age
        old = [
            placed.delivery.id
            for placed in self._view.all(_DELIVERIES)
            if placed is not None
            and placed.delivery.finished_at is not None
            and placed.delivery.finished_at < until
        ][:limit]
        for number in old:
            await self._view.put(_DELIVERIES, number, None)
        return len(old)

    def _head(self) -> int:
        head = self._view.get("head", 1)
        return 0 if head is None else int(head[0])

    def _held(self, endpoint_id: int) -> _Held:
        held: _Held | None = self._view.get(_ENDPOINTS, endpoint_id)
        if held is None:
            raise NotFound(f"there is no webhook {endpoint_id}")
        return held

    def _all(self) -> Sequence[_Held]:
        rows = [held for held in self._view.all(_ENDPOINTS) if held is not None]
        return sorted(rows, key=lambda held: held.endpoint.id)

    async def _write(self, endpoint_id: int, endpoint: Endpoint) -> None:
        until = self._held(endpoint_id).until
        await self._view.put(_ENDPOINTS, endpoint_id, _Held(endpoint, until))

    def _queue(self, endpoint_id: int) -> Sequence[_Placed]:
        rows = [p for p in self._view.all(_DELIVERIES) if p is not None]
        mine = [p for p in rows if p.delivery.endpoint_id == endpoint_id]
        return sorted(mine, key=lambda placed: placed.place)

    def _waiting(self, endpoint_id: int) -> Sequence[_Placed]:
        rows = self._queue(endpoint_id)
        return [p for p in rows if p.delivery.state is DeliveryState.WAITING]

    async def _change(self, delivery_id: int, **changes: Any) -> Delivery:
        placed: _Placed = self._view.get(_DELIVERIES, delivery_id)
        after = replace(placed.delivery, **changes)
        await self._view.put(_DELIVERIES, delivery_id, _Placed(after, placed.place))
        return after
