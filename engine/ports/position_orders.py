"""What people want of open trades."""

from collections.abc import Sequence
from typing import Protocol

from engine.domain.position_orders import PositionOrder, PositionOrderState


class PositionOrders(Protocol):
    """Closes, stops and targets that were asked for, and what became of them."""

    async def add(self, order: PositionOrder) -> bool:
        """Store a new one; False when the client id exists already."""
        ...

    async def get(self, client_id: str) -> PositionOrder:
        """One of them; raises ``NotFound``."""
        ...

    async def swap(self, before: PositionOrder, after: PositionOrder) -> bool:
        """Save one if its stored state is still ``before``'s; False when someone was first."""
        ...

    async def in_state(self, state: PositionOrderState) -> Sequence[PositionOrder]:
        """Those in a state, oldest first."""
        ...

    async def stuck(self, seconds: float) -> Sequence[PositionOrder]:
        """Those SENDING for longer than this, by the database's clock."""
        ...

    async def of_position(self, account_id: str, position_id: str) -> Sequence[PositionOrder]:
        """Everything that was asked of a position, newest first."""
        ...

    async def alone(self, order: PositionOrder) -> bool:
        """Whether nothing that it excludes is SENDING or UNKNOWN.

        From then to the end of the transaction nobody else is told so for this position.
        """
        ...
