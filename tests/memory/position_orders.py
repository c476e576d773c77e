"""What people want of open trades, in memory."""

from collections.abc import Sequence
from datetime import timedelta

from engine.domain.position_orders import UNDER_WAY, PositionOrder, PositionOrderState
from engine.errors import NotFound
from engine.ports import Clock
from tests.memory.rows import View


class MemoryPositionOrders:
    """The port ``PositionOrders`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def add(self, order: PositionOrder) -> bool:
        return await self._view.insert("position order", order.client_id, order)

    async def get(self, client_id: str) -> PositionOrder:
        order: PositionOrder | None = self._view.get("position order", client_id)
        if order is None:
            raise NotFound(f"there is no position order {client_id}")
        return order

    async def swap(self, before: PositionOrder, after: PositionOrder) -> bool:
        await self._view.lock("position order", before.client_id)
        stored: PositionOrder | None = self._view.get("position order", before.client_id)
        if stored is None or stored.state is not before.state:
            return False
        await self._view.put("position order", before.client_id, after)
        return True

    async def in_state(self, state: PositionOrderState) -> Sequence[PositionOrder]:
        found = [order for order in self._view.all("position order") if order.state is state]
        return sorted(found, key=lambda order: (order.created_at, order.client_id))

    async def stuck(self, seconds: float) -> Sequence[PositionOrder]:
        before = self._clock() - timedelta(seconds=seconds)
        sent = [
            (order.sending_at, order)
            for order in await self.in_state(PositionOrderState.SENDING)
            if order.sending_at is not None and order.sending_at <= before
        ]
        return [order for _, order in sorted(sent, key=lambda pair: pair[0])]

    async def of_position(self, account_id: str, position_id: str) -> Sequence[PositionOrder]:
        found = [
            order
            for order in self._view.all("position order")
            if (order.account_id, order.position_id) == (account_id, position_id)
        ]
        return sorted(found, key=lambda order: (order.created_at, order.client_id), reverse=True)

    async def alone(self, order: PositionOrder) -> bool:
        others = await self.of_position(order.account_id, order.position_id)
        for known in sorted(others, key=lambda known: known.client_id):
            await self._view.lock("position order", known.client_id)
        return not any(
            known.state in UNDER_WAY and order.excludes(known)
            for known in await self.of_position(order.account_id, order.position_id)
        )
