"""Whether an order can be sent: what is refused here was never at the exchange."""

import re
from decimal import Decimal
from typing import Any

from broker.binance.desk import Desk
from broker.binance.rules import Rules
from engine.domain.account import Direction
from engine.domain.order import Order
from engine.errors import BrokerRefused, BrokerSilent

#: What the exchange takes as a client's id; one of ours gets a number behind it.
ID = re.compile(r"[a-zA-Z0-9_-]{1,30}")


async def checked(desk: Desk, first: str, order: Order) -> tuple[Rules, dict[str, Any]]:
    """The symbol's rules and the order's levels by its tick, each to the safer side. ``first`` is a
    symbol quoted in the account's currency. Raises
    ``BrokerRefused``: nothing was sent.
    """
    try:
        rules = await desk.symbols.needed(order.symbol)
        own = await desk.symbols.needed(first)
        quote = await desk.quote(order.symbol)
    except BrokerSilent as error:
        raise BrokerRefused(f"nothing was sent: {error}") from error
    if order.direction is not Direction.BUY:
        raise BrokerRefused("on spot nothing can be sold that is not held")
    if not ID.fullmatch(order.client_id) or not order.take_profit:
        raise BrokerRefused("an order needs a target, and an id of up to 30 letters and digits")
    if rules.quote != own.quote or not rules.is_kept:
        raise BrokerRefused(f"{order.symbol} is not traded in {own.quote}, or in too many digits")
    if quote is None or not rules.has_oco:
        raise BrokerRefused(f"{order.symbol} is not traded, or knows no pairs of orders")
    stop = rules.price_up(order.stop_loss)
    targets = tuple(rules.price_down(target) for target in order.take_profit)
    refusal = wrong(stop, targets, quote.bid)
    refusal = refusal or rules.refusal(order.volume, quote.bid, stop)
    if refusal is not None:
        raise BrokerRefused(refusal)
    return rules, {"stop_loss": str(stop), "targets": [str(target) for target in targets]}


def wrong(stop: Decimal, targets: tuple[Decimal, ...], bid: Decimal) -> str | None:
    """Why these levels would be reached where they stand, or None."""
    if not 0 < stop < bid:
        return f"the stop {stop} is not below the price {bid}"
    if not all(target > bid for target in targets):
        return f"a target is not above the price {bid}"
    return None
