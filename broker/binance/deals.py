"""What an order of ours came to: volume, price and fees, from its fills or its trades."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from broker.binance.market import at
from broker.binance.rules import Rules
from broker.numbers import number, tidy
from engine.domain.values import quantize
from engine.errors import BrokerSilent, InvalidInput

#: States in which nothing more happens to an order.
DONE = frozenset(("FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"))
_NONSENSE = (InvalidInput, LookupError, TypeError, ValueError, ArithmeticError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An order as the exchange shows it. ``is_stopped`` says that a stop was triggered."""

    order_id: int
    client_id: str
    status: str
    executed: Decimal
    time: datetime
    is_working: bool

    @property
    def is_done(self) -> bool:
        """Whether nothing more happens to it."""
        return self.status in DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """``cost`` is in the quote currency without fees, ``fees`` by asset."""

    order_id: int
    volume: Decimal
    cost: Decimal
    fees: Mapping[str, Decimal]
    time: datetime

    def price(self, rules: Rules) -> Decimal:
        """The mean price, with more digits than the tick where it falls between."""
        mean = self.cost / self.volume
        return tidy(quantize(mean, min(8, rules.digits + 3)), rules.digits)


def told_of(document: Any) -> Told:
    """An order of ``GET /api/v3/order``, ``openOrders`` or an answer to one; raises
    ``BrokerSilent`` for what makes no sense.
    """
    try:
        return Told(
            order_id=int(document["orderId"]),
            client_id=str(document["clientOrderId"]),
            status=str(document["status"]),
            executed=number(document["executedQty"]),
            time=at(document.get("updateTime", document.get("transactTime"))),
            is_working=bool(document.get("isWorking", False)),
        )
    except _NONSENSE as error:
        raise BrokerSilent(f"an order makes no sense: {error!r}"[:200]) from error


def deal_of(told: Told, fills: Iterable[Mapping[str, Any]]) -> Deal:
    """An order's deal from ``fills`` of its answer or from ``myTrades``. Raises ``BrokerSilent``
    while they are not all there yet.
    """
    volume, cost, fees, last = Decimal(0), Decimal(0), dict[str, Decimal](), told.time
    try:
        for fill in fills:
            part = number(fill["qty"])
            volume += part
            cost += part * number(fill["price"])
            asset = str(fill["commissionAsset"])
            fees[asset] = fees.get(asset, Decimal(0)) + number(fill["commission"])
            last = at(fill["time"]) if "time" in fill else last
    except _NONSENSE as error:
        raise BrokerSilent(f"a fill makes no sense: {error!r}"[:200]) from error
    if volume != told.executed or not volume > 0:
        raise BrokerSilent("the exchange does not show every fill yet")
    return Deal(order_id=told.order_id, volume=volume, cost=cost, fees=fees, time=last)
