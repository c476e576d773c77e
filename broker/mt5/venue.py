"""The port ``Broker`` over the connector: called once, never again, looked up when in doubt."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from broker.mt5.client import Connector, Json, place
from broker.mt5.names import Names
from engine.domain.account import Account, Direction, Position
from engine.domain.order import ClosedTrade, Fill, Order
from engine.domain.position_orders import PositionChange
from engine.errors import BrokerRefused, BrokerSilent, InvalidInput
from engine.ports import Found, NotFound, Store


@dataclass(frozen=True, kw_only=True)
class Mt5Broker:
    """A MetaTrader account behind the connector. No call is made inside a transaction; ``store``
    is asked afterwards, for the strategies that open trades came from.
    """

    connector: Connector
    names: Names
    store: Store
    account_id: str
    is_live: bool = False

    async def submit(self, order: Order) -> Fill:
        """Send the order under its own id as the key."""
        try:
            name = await self.names.of(order.symbol)
        except BrokerSilent as error:
            raise BrokerRefused(f"nothing was sent: {error}") from error
        if name is None:
            raise BrokerRefused(f"the broker's name of {order.symbol} is not known")
        body = {
            "symbol": name,
            "direction": str(order.direction),
            "lot_size": order.volume,
            "entry_type": "market",
            "stop_loss": order.stop_loss,
            "take_profit": list(order.take_profit),
        }
        until = order.valid_until.isoformat()
        told = await self.connector.write(
            "/mt5/order", body, order.client_id, **{"Valid-Until": until}
        )
        return _fill(order.client_id, told)

    async def look_up(self, client_id: str) -> Found | NotFound:
        """What the connector knows of the key; one that never came is struck off there."""
        told = await self._known(f"/mt5/orders/{place(client_id)}")
        return NotFound(proven=True) if told is None else Found(_fill(client_id, told))

    async def close(
        self, position_id: str, *, volume_left: Decimal, client_id: str
    ) -> PositionChange:
        """Close down to so many lots."""
        path = f"/mt5/positions/{place(position_id)}/close"
        told = await self.connector.write(path, {"volume_left": volume_left}, client_id)
        return _change(client_id, told)

    async def modify(
        self,
        position_id: str,
        *,
        stop_loss: Decimal | None = None,
        take_profit: tuple[Decimal, ...] = (),
        client_id: str,
    ) -> PositionChange:
        """Another stop, or another target: a position at MetaTrader has one."""
        body: dict[str, Any] = {"take_profit": list(take_profit)} if take_profit else {}
        if stop_loss is not None:
            body["stop_loss"] = stop_loss
        path = f"/mt5/positions/{place(position_id)}/modify"
        return _change(client_id, await self.connector.write(path, body, client_id))

    async def look_up_change(self, client_id: str) -> PositionChange | NotFound:
        """What the connector knows of the key; one that never came is struck off there."""
        told = await self._known(f"/mt5/changes/{place(client_id)}")
        return NotFound(proven=True) if told is None else _change(client_id, told)

    async def _known(self, path: str) -> Json | None:
        """What was done under a key; None when it is proven that nothing was or will be."""
        told = await self.connector.read(path)
        if told.get("status") == "ok":
            return told
        if told.get("status") in ("refused", "absent"):
            return None
        raise BrokerSilent("the connector is still looking for it")

    async def account(self) -> Account:
        told = await self._account()
        with _understood():
            return Account(
                id=self.account_id,
                currency=told["currency"],
                balance=Decimal(told["balance"]),
                equity=Decimal(told["equity"]),
                margin_used=Decimal(told["margin_used"]),
                margin_free=Decimal(told["margin_free"]),
                open_profit=Decimal(told["open_pl"]),
                captured_at=datetime.fromisoformat(told["captured_at"]),
            )

    async def positions(self) -> tuple[Position, ...]:
        told = await self._account()
        await self.names.settle()
        with _understood():
            keys = {each["key"] for each in told["open_positions"] if each["key"]}
        orders = await self._orders(keys)
        with _understood():
            return tuple(
                self._position(each, orders.get(each["key"])) for each in told["open_positions"]
            )

    async def closed_since(self, after: datetime) -> tuple[ClosedTrade, ...]:
        told = await self.connector.read("/mt5/history", ("since", after.isoformat()))
        await self.names.settle()
        with _understood():
            return tuple(self._trade(each) for each in told["trades"])

    async def _account(self) -> Json:
        told = await self.connector.read("/mt5/account", ("days", "0"))
        if told.get("trade_mode") not in ("demo", "contest") and not self.is_live:
            # Whatever is shown of it would be called paper.
            raise BrokerSilent("this is a real account, and LIVE_TRADING_ENABLED is not true")
        return told

    async def _orders(self, keys: Collection[str]) -> dict[str, Order]:
        async with self.store.begin() as tx:
            return {order.client_id: order for order in await tx.orders.many(keys)}

    def _position(self, told: Json, order: Order | None) -> Position:
        target = told["take_profit"]
        return Position(
            id=told["id"],
            symbol=self.names.ours(told["symbol"]),
            direction=Direction(told["direction"]),
            volume=Decimal(told["lot_size"]),
            entry_price=Decimal(told["entry_price"]),
            stop_loss=None if told["stop_loss"] is None else Decimal(told["stop_loss"]),
            take_profit=Decimal(target[0]) if target else None,
            opened_at=datetime.fromisoformat(told["opened_at"]),
            profit=Decimal(told["unrealized_pl"]),
            client_id=None if order is None else order.client_id,
            strategy_id=None if order is None else order.strategy_id,
        )

    def _trade(self, told: Json) -> ClosedTrade:
        return ClosedTrade(
            position_id=told["id"],
            client_id=told["key"],
            symbol=self.names.ours(told["symbol"]),
            direction=Direction(told["direction"]),
            volume=Decimal(told["lot_size"]),
            entry_price=Decimal(told["entry_price"]),
            exit_price=Decimal(told["exit_price"]),
            profit=Decimal(told["closed_pl"]),
            opened_at=datetime.fromisoformat(told["opened_at"]),
            closed_at=datetime.fromisoformat(told["closed_at"]),
            reason=told["reason"],
        )


@contextmanager
def _understood() -> Iterator[None]:
    """An answer that makes no sense is as good as none."""
    try:
        yield
    except (LookupError, TypeError, ValueError, ArithmeticError, InvalidInput) as error:
        raise BrokerSilent(f"the connector's answer makes no sense: {error!r}"[:200]) from error


@_understood()
def _fill(client_id: str, told: Json) -> Fill:
    return Fill(
        client_id=client_id,
        broker_id=str(told["positions"][0]),
        price=Decimal(told["filled_price"]),
        volume=Decimal(told["lot_size"]),
        time=datetime.fromisoformat(told["filled_at"]),
    )


@_understood()
def _change(client_id: str, told: Json) -> PositionChange:
    price = told.get("filled_price")
    return PositionChange(
        client_id=client_id,
        position_id=str(told["position"]),
        volume_left=Decimal(told["volume_left"]),
        time=datetime.fromisoformat(told.get("filled_at") or told["changed_at"]),
        price=None if price is None else Decimal(price),
        volume_closed=None if price is None else Decimal(told["lot_size"]),
    )
