"""An account where nothing happens, for benchmarks of what comes before an order."""

from datetime import datetime
from decimal import Decimal

from engine.domain.account import Account, Position
from engine.domain.order import ClosedTrade, Fill, Order
from engine.domain.position_orders import PositionChange
from engine.ports import NotFound
from tests.tapes import Tapes


class StillBroker:
    """The port ``Broker`` of an account where nothing happens."""

    account_id = "bench-1"
    is_live = False

    def __init__(self, market: Tapes) -> None:
        self._market = market

    async def account(self) -> Account:
        money = Decimal("10000.00")
        return Account(
            id=self.account_id, currency="USD", balance=money, equity=money,
            margin_used=Decimal(0), margin_free=money, open_profit=Decimal(0),
            captured_at=await self._market.instant(),
        )  # fmt: skip

    async def positions(self) -> tuple[Position, ...]:
        return ()

    async def closed_since(self, after: datetime) -> tuple[ClosedTrade, ...]:
        return ()

    async def submit(self, order: Order) -> Fill:
        raise AssertionError("nothing is sent here")

    async def look_up(self, client_id: str) -> NotFound:
        return NotFound(proven=True)

    async def close(
        self, position_id: str, *, volume_left: Decimal, client_id: str
    ) -> PositionChange:
        raise AssertionError("nothing is sent here")

    async def modify(
        self,
        position_id: str,
        *,
        stop_loss: Decimal | None = None,
        take_profit: tuple[Decimal, ...] = (),
        client_id: str,
    ) -> PositionChange:
        raise AssertionError("nothing is sent here")

    async def look_up_change(self, client_id: str) -> NotFound:
        return NotFound(proven=True)
