"""Orders and the trades that came of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from engine.domain.account import Position
from engine.domain.order import ClosedTrade, Order, OrderState
from engine.domain.snapshot import OpenOrder


class Orders(Protocol):
    """Orders and the trades that came of them."""

    async def add(self, order: Order) -> bool:
        """Store a new INTENT; False when the client id exists already."""
        ...

    async def get(self, client_id: str) -> Order:
        """One order; raises ``NotFound``."""
        ...

    async def find(self, client_id: str) -> Order | None:
        """One order, or None for an id that is not ours."""
        ...

    async def many(self, client_ids: Collection[str]) -> Sequence[Order]:
        """Those of these orders that are ours, in any order."""
        ...

    async def of_idea(self, idea_id: UUID) -> Order | None:
        """The order an idea led to."""
        ...

    async def swap(self, before: Order, after: Order) -> bool:
        """Save an order if its stored state is still ``before``'s; False when someone was first."""
        ...

    async def in_state(self, state: OrderState) -> Sequence[Order]:
        """Orders in a state, oldest first."""
        ...

    async def cancelled(self, reason: str) -> Sequence[Order]:
        """Orders cancelled for a reason, oldest first."""
        ...

    async def stuck(self, seconds: float) -> Sequence[Order]:
        """Orders SENDING for longer than this, by the database's clock."""
        ...

    async def unproven(self) -> tuple[OpenOrder, ...]:
        """Orders that may be, or become, trades and are not positions yet."""
        ...

    async def save_positions(self, positions: Sequence[Position]) -> None:
        """Store open positions as the venue reports them; one that has ended stays as it ended."""
        ...

    async def close_position(self, trade: ClosedTrade) -> bool:
        """Store a trade's end; False when it was stored before."""
        ...

    async def ended(self, position_ids: Collection[str]) -> frozenset[str]:
        """Those of these trades whose end is stored."""
        ...

    async def trade_of(self, client_id: str) -> ClosedTrade | Position | None:
        """What became of an order's trade."""
        ...

    async def closed(self, *, since: datetime | None, limit: int) -> Sequence[ClosedTrade]:
        """Closed trades, newest first."""
        ...
