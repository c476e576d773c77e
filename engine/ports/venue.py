"""Where orders go, and where a simulated venue keeps its books."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

from engine.domain.account import Account, Position
from engine.domain.order import ClosedTrade, Fill, Order
from engine.domain.position_orders import PositionChange


@dataclass(frozen=True, slots=True)
class Found:
    """The venue holds, or held, the order."""

    fill: Fill


@dataclass(frozen=True, slots=True)
class NotFound:
    """Every place that could hold the order answered that it does not.

    ``proven`` is True only when the venue also guarantees that it can never appear later.
    """

    proven: bool


class Books(Protocol):
    """What can be read of a venue's account."""

    @property
    def account_id(self) -> str:
        """The account."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether real money moves."""
        ...

    async def account(self) -> Account:
        """Money; raises ``BrokerSilent``."""
        ...

    async def positions(self) -> tuple[Position, ...]:
        """Open trades; raises ``BrokerSilent``."""
        ...


class Broker(Protocol):
    """A venue where orders go."""

    @property
    def account_id(self) -> str:
        """The account orders are for."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether real money moves; everything else says "paper" on every message."""
        ...

    async def submit(self, order: Order) -> Fill:
        """Send a market order, once. Raises ``BrokerRefused`` when the venue proves that it did
        not take it, ``BrokerSilent`` for everything that leaves the outcome open.
        """
        ...

    async def look_up(self, client_id: str) -> Found | NotFound:
        """What became of an order; raises ``BrokerSilent`` when the venue does not answer."""
        ...

    async def close(
        self, position_id: str, *, volume_left: Decimal, client_id: str
    ) -> PositionChange:
        """Close an open trade at the market, down to ``volume_left`` lots; zero is all of it.

        Tried once. Raises ``BrokerRefused`` when the venue proves that it did nothing, also when
        the trade is not open or no larger than that, and ``BrokerSilent`` for everything that
        leaves the outcome open.
        """
        ...

    async def modify(
        self,
        position_id: str,
        *,
        stop_loss: Decimal | None = None,
        take_profit: tuple[Decimal, ...] = (),
        client_id: str,
    ) -> PositionChange:
        """Give an open trade another stop, or other targets, the nearest first. What is not named
        stays as it is. Tried once; raises as :meth:`close` does.
        """
        ...

    async def look_up_change(self, client_id: str) -> PositionChange | NotFound:
        """What became of a close or a modification; raises ``BrokerSilent``. A venue that keeps no
        such ids answers ``NotFound(proven=False)``: the position itself then says what was done.
        """
        ...

    async def account(self) -> Account:
        """Money now; raises ``BrokerSilent``."""
        ...

    async def positions(self) -> tuple[Position, ...]:
        """Open trades now; raises ``BrokerSilent``. Only an empty answer means flat."""
        ...

    async def closed_since(self, after: datetime) -> tuple[ClosedTrade, ...]:
        """Trades closed after an instant of market time, oldest first."""
        ...


@runtime_checkable
class ManyLookUps(Protocol):
    """A venue whose books answer for many orders as fast as for one."""

    async def look_up_many(self, client_ids: Sequence[str]) -> Mapping[str, Found | NotFound]:
        """As :meth:`Broker.look_up` of each would answer."""
        ...


class VenueLedger(Protocol):
    """Where a simulated venue keeps its own books, apart from ours."""

    def open(self, name: str) -> AbstractAsyncContextManager[dict[str, Any]]:
        """A document, locked; what it holds at the end of the block is saved."""
        ...

    async def read(self, name: str) -> dict[str, Any]:
        """A document as it is, not locked; empty when there is none."""
        ...
