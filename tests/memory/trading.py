"""Ideas, approvals, orders and trades in memory."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from engine.domain.account import Position
from engine.domain.approval import Approval, Ending
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.order import UNPROVEN, ClosedTrade, Order, OrderState
from engine.domain.snapshot import OpenOrder, PastIdea, open_order
from engine.errors import NotFound
from engine.flow.ideas import past_idea
from engine.ports import Clock
from tests.memory.rows import Duplicate, View

#: Statuses of ideas that reached a person or the venue.
_PUT_FORWARD = frozenset(
    (
        IdeaStatus.NEEDS_APPROVAL,
        IdeaStatus.APPROVED,
        IdeaStatus.AUTO_EXECUTED,
        IdeaStatus.EXPIRED,
    )
)


class MemoryIdeas:
    """The port ``Ideas`` in one transaction."""

    def __init__(self, view: View, clock: Clock, numbers: "count[int]") -> None:
        self._view, self._clock, self._numbers = view, clock, numbers

    async def add(self, idea: Idea) -> Idea:
        numbered = replace(idea, number=next(self._numbers))
        if not await self._view.insert("idea", idea.id, numbered):
            raise Duplicate(f"idea {idea.id} exists")
        return numbered

    async def get(self, idea_id: UUID) -> Idea:
        idea: Idea | None = self._view.get("idea", idea_id)
        if idea is None:
            raise NotFound(f"there is no idea {idea_id}")
        return idea

    async def by_number(self, number: int) -> Idea:
        for idea in self._view.all("idea"):
            if idea.number == number:
                found: Idea = idea
                return found
        raise NotFound(f"there is no idea {number}", number=number)

    async def list(self, *, status: IdeaStatus | None, limit: int) -> Sequence[Idea]:
        ideas = [i for i in self._view.all("idea") if status is None or i.status is status]
        return sorted(ideas, key=lambda idea: -idea.number)[:limit]

    async def swap(self, before: Idea, after: Idea) -> bool:
        await self._view.lock("idea", before.id)
        stored: Idea | None = self._view.get("idea", before.id)
        if stored is None or stored.status is not before.status:
            return False
        await self._view.put("idea", before.id, replace(stored, status=after.status))
        return True

    async def ask(self, approval: Approval) -> None:
        if not await self._view.insert("approval", approval.idea_id, approval):
            raise Duplicate(f"idea {approval.idea_id} asks already")

    async def approval(self, idea_id: UUID) -> Approval | None:
        approval: Approval | None = self._view.get("approval", idea_id)
        return approval

    async def end(self, approval: Approval, *, expired: bool = False) -> bool:
        await self._view.lock("approval", approval.idea_id)
        stored: Approval | None = self._view.get("approval", approval.idea_id)
        if stored is None or stored.ending is not Ending.PENDING:
            return False
        if (stored.expires_at <= self._clock()) is not expired:
            return False
        await self._view.put("approval", approval.idea_id, approval)
        return True

    async def overdue(self) -> Sequence[UUID]:
        now = self._clock()
        return [a.idea_id for a in self._pending() if a.expires_at <= now]

    async def asked(
        self, *, pending: bool | None = None, before: int | None = None, limit: int
    ) -> Sequence[tuple[Idea, Approval]]:
        found = [
            (idea, approval)
            for idea in sorted(self._view.all("idea"), key=lambda idea: -idea.number)
            if (approval := self._view.get("approval", idea.id)) is not None
            and (pending is None or (approval.ending is Ending.PENDING) is pending)
            and (before is None or idea.number < before)
        ]
        return found[:limit]

    async def recent(self, after: datetime, until: datetime) -> tuple[PastIdea, ...]:
        put = [
            idea
            for idea in self._view.all("idea")
            if after < idea.market_time <= until
            and (idea.status in _PUT_FORWARD or self._view.get("approval", idea.id) is not None)
        ]
        return tuple(past_idea(i) for i in sorted(put, key=lambda i: (i.market_time, i.number)))

    async def pending(self) -> Sequence[UUID]:
        return [approval.idea_id for approval in self._pending()]

    def _pending(self) -> Sequence[Approval]:
        open_ = [a for a in self._view.all("approval") if a.ending is Ending.PENDING]
        return sorted(open_, key=lambda approval: approval.expires_at)


class MemoryOrders:
    """The port ``Orders`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def add(self, order: Order) -> bool:
        if not await self._view.insert("order", order.client_id, order):
            return False
        if not await self._view.insert("order of idea", order.idea_id, order.client_id):
            raise Duplicate(f"idea {order.idea_id} has an order")
        return True

    async def get(self, client_id: str) -> Order:
        order = await self.find(client_id)
        if order is None:
            raise NotFound(f"there is no order {client_id}")
        return order

    async def find(self, client_id: str) -> Order | None:
        order: Order | None = self._view.get("order", client_id)
        return order

    async def many(self, client_ids: Collection[str]) -> Sequence[Order]:
        return [order for order in self._view.all("order") if order.client_id in set(client_ids)]

    async def of_idea(self, idea_id: UUID) -> Order | None:
        client_id = self._view.get("order of idea", idea_id)
        return None if client_id is None else await self.find(client_id)

    async def swap(self, before: Order, after: Order) -> bool:
        await self._view.lock("order", before.client_id)
        stored: Order | None = self._view.get("order", before.client_id)
        if stored is None or stored.state is not before.state:
            return False
        await self._view.put("order", before.client_id, after)
        return True

    async def in_state(self, state: OrderState) -> Sequence[Order]:
        return self._in({state})

    async def cancelled(self, reason: str) -> Sequence[Order]:
        return [order for order in self._in({OrderState.CANCELLED}) if order.reason == reason]

    async def stuck(self, seconds: float) -> Sequence[Order]:
        before = self._clock() - timedelta(seconds=seconds)
        sent = [
            (order.sending_at, order)
            for order in self._in({OrderState.SENDING})
            if order.sending_at is not None and order.sending_at <= before
        ]
        return [order for _, order in sorted(sent, key=lambda pair: pair[0])]

    async def unproven(self) -> tuple[OpenOrder, ...]:
        return tuple(open_order(order) for order in self._in(UNPROVEN))

    def _in(self, states: Collection[OrderState]) -> list[Order]:
        orders = [order for order in self._view.all("order") if order.state in states]
        return sorted(orders, key=lambda order: (order.created_at, order.client_id))

    async def save_positions(self, positions: Sequence[Position]) -> None:
        for position in sorted(positions, key=lambda position: position.id):
            await self._view.lock("position", position.id)
            if not isinstance(self._view.get("position", position.id), ClosedTrade):
                await self._view.put("position", position.id, position)

    async def close_position(self, trade: ClosedTrade) -> bool:
        await self._view.lock("position", trade.position_id)
        if isinstance(self._view.get("position", trade.position_id), ClosedTrade):
            return False
        await self._view.put("position", trade.position_id, trade)
        return True

    async def ended(self, position_ids: Collection[str]) -> frozenset[str]:
        stored = {id_: self._view.get("position", id_) for id_ in position_ids}
        return frozenset(id_ for id_, trade in stored.items() if isinstance(trade, ClosedTrade))

    async def trade_of(self, client_id: str) -> ClosedTrade | Position | None:
        for trade in self._view.all("position"):
            if trade.client_id == client_id and isinstance(trade, ClosedTrade | Position):
                found: ClosedTrade | Position = trade
                return found
        return None

    async def closed(self, *, since: datetime | None, limit: int) -> Sequence[ClosedTrade]:
        trades = [
            trade
            for trade in self._view.all("position")
            if isinstance(trade, ClosedTrade) and (since is None or trade.closed_at >= since)
        ]
        newest = sorted(trades, key=lambda t: (t.closed_at, t.position_id), reverse=True)
        return newest[:limit]
