"""Close trades whose time is up, at a venue that does not do it by itself.

Each becomes a close like one that a person asked for: written down, sent once, looked up.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from engine.domain.account import Position
from engine.domain.order import Order
from engine.domain.position_orders import OPEN, Deed, PositionOrder, PositionOrderState
from engine.domain.state import TradingState
from engine.errors import BrokerSilent, FeedError
from engine.flow.position_records import TIME_LIMIT, entry, position_client_id
from engine.ports import Bell, Broker, MarketData, Store, Transaction

#: A close that the venue refused is asked for again after so long.
_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseOnTime:
    """Ask for a close of every trade of ours that is open for longer than its strategy allows. In
    an emergency stop only a person closes.
    """

    store: Store
    broker: Broker
    market: MarketData
    bell: Bell

    async def __call__(self) -> tuple[PositionOrder, ...]:
        """The closes that were added; none while the venue or the market does not answer."""
        try:
            positions = await self.broker.positions()
            instant = await self.market.instant()
        except (BrokerSilent, FeedError):
            return ()
        added = []
        for position in positions:
            async with self.store.begin() as tx:
                order = await self._wanted(tx, position, instant)
                if order is None or not await tx.position_orders.add(order):
                    continue
                await tx.history.append(
                    entry(order, order.created_at, rationale="its time is up", market_time=instant)
                )
            added.append(order)
        for order in added:
            await self.bell.ring("send_position_order", order.client_id)
        return tuple(added)

    async def _wanted(
        self, tx: Transaction, position: Position, instant: datetime
    ) -> PositionOrder | None:
        """The close that a position needs now, if any."""
        if (await tx.controls.read()).state is TradingState.EMERGENCY_STOP:
            return None
        opening = await tx.orders.find(position.client_id) if position.client_id else None
        if opening is None or not _is_over(opening, position, instant):
            return None
        now = await tx.now()
        asked = await tx.position_orders.of_position(self.broker.account_id, position.id)
        closes = [order for order in asked if order.deed is Deed.CLOSE]
        if any(order.state in OPEN and order.closes_all for order in closes):
            return None
        mine = [order for order in closes if order.asked_name == TIME_LIMIT]
        if mine and not now - mine[0].created_at >= _PAUSE:
            return None
        idea = await tx.ideas.get(opening.idea_id)
        return PositionOrder(
            client_id=position_client_id(
                self.broker.account_id, position.id, TIME_LIMIT, len(mine)
            ),
            account_id=self.broker.account_id,
            position_id=position.id,
            symbol=position.symbol,
            deed=Deed.CLOSE,
            state=PositionOrderState.INTENT,
            asked_by=None,
            asked_name=TIME_LIMIT,
            created_at=now,
            # It waits for a venue that is away: late is better than never.
            valid_until=None,
            seen=position,
            idea_id=idea.id,
            number=idea.number,
            volume_left=Decimal(0),
        )


def _is_over(order: Order, position: Position, instant: datetime) -> bool:
    if order.time_limit_min is None:
        return False
    return instant >= position.opened_at + timedelta(minutes=order.time_limit_min)
