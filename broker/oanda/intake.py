"""Whether an order can be sent, and how OANDA is told: what is refused here never was there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from broker.oanda.client import Client
from broker.oanda.facts import opposite, understood
from broker.oanda.log import STOP, TARGET
from broker.oanda.market import OandaMarket
from broker.oanda.rules import Rules
from broker.oanda.symbols import Symbols
from engine.domain.account import Direction, Position
from engine.domain.market import Quote
from engine.domain.order import Order
from engine.errors import BrokerRefused, BrokerSilent, FeedError, NotFound

#: What is taken as a client's id here; OANDA takes more.
ID = re.compile(r"[a-zA-Z0-9_-]{1,60}")


@dataclass(frozen=True, kw_only=True)
class Intake:
    """``slippage_pips`` is how far from the price of now an order may still be dealt."""

    client: Client
    symbols: Symbols
    market: OandaMarket
    slippage_pips: Decimal

    async def checked(self, order: Order) -> tuple[Rules, Mapping[str, Any]]:
        """The symbol's rules, and the order as OANDA reads it, its levels to the safer side. Raises
        ``BrokerRefused``: nothing was sent.
        """
        try:
            rules = await self.symbols.needed(order.symbol)
            quote = await self.quote(order.symbol)
            nets = await self._nets(rules, order.direction)
        except BrokerSilent as error:
            raise BrokerRefused(f"nothing was sent: {error}") from error
        if not ID.fullmatch(order.client_id) or not order.take_profit:
            raise BrokerRefused("an order needs a target, and an id of up to 60 letters and digits")
        if quote is None:
            raise BrokerRefused(f"{order.symbol} is not traded now")
        if nets:
            raise BrokerRefused(
                f"{order.symbol} is held the other way, and this account keeps no two sides: the"
                " order would close that trade instead of opening one"
            )
        refusal = rules.refusal(order.volume)
        if refusal is not None:
            raise BrokerRefused(refusal)
        stop, target = safer(rules, order.direction, order.stop_loss, order.take_profit[0])
        check_levels(order.direction, quote, stop, target)
        return rules, self._body(order, rules, quote, stop, target)

    async def quote(self, symbol: str) -> Quote | None:
        """The best bid and ask; raises ``BrokerSilent``."""
        try:
            return await self.market.quote(symbol)
        except (FeedError, NotFound) as error:
            raise BrokerSilent(str(error)) from error

    async def _nets(self, rules: Rules, way: Direction) -> bool:
        """Whether the order would reduce what is open, as an account without hedging does."""
        told = await self.client.read(self.client.of_account("/summary"))
        shown = await self.client.read(self.client.of_account("/openTrades"))
        with understood():
            hedges = told["account"]["hedgingEnabled"] is True
            return not hedges and opposite(shown["trades"], rules.name, way)

    def _body(
        self, order: Order, rules: Rules, quote: Quote, stop: Decimal, target: Decimal
    ) -> Mapping[str, Any]:
        """A market order, all of it or nothing, that opens a trade and closes none."""
        sign, away = order.direction.sign, self.slippage_pips * rules.pip
        bound = rules.down(quote.ask + away) if sign > 0 else rules.up(quote.bid - away)
        name = {"id": order.client_id, "tag": order.strategy_id[:100]}
        return {
            "type": "MARKET",
            "instrument": rules.name,
            "units": rules.text(sign * rules.units(order.volume)),
            "timeInForce": "FOK",
            "priceBound": f"{bound:f}",
            "positionFill": "OPEN_ONLY",
            "clientExtensions": name,
            "tradeClientExtensions": name,
            "stopLossOnFill": {"price": f"{stop:f}", "timeInForce": "GTC"},
            "takeProfitOnFill": {"price": f"{target:f}", "timeInForce": "GTC"},
        }

    async def levels(
        self, held: Position, rules: Rules, stop: Decimal | None, targets: tuple[Decimal, ...],
        client_id: str,
    ) -> dict[str, Any]:  # fmt: skip
        """What a trade's stop and target shall be; the order of each carries the change's id. Where
        the price is not known it is OANDA that refuses. Raises ``BrokerRefused``.
        """
        try:
            quote = await self.quote(held.symbol)
        except BrokerSilent as error:
            raise BrokerRefused(f"nothing was sent: {error}") from error
        zero, wanted = Decimal(0), dict[str, Any]()
        near, far = safer(rules, held.direction, stop or zero, targets[0] if targets else zero)
        if stop is not None:
            wanted["stopLoss"] = _level(near, client_id + STOP)
        if targets:
            wanted["takeProfit"] = _level(far, client_id + TARGET)
        if not wanted:
            raise BrokerRefused("neither a stop nor a target was named")
        if quote is not None:
            check_levels(
                held.direction, quote, None if stop is None else near, far if targets else None
            )
        return wanted


def _level(price: Decimal, name: str) -> dict[str, Any]:
    return {"price": f"{price:f}", "timeInForce": "GTC", "clientExtensions": {"id": name}}


def safer(rules: Rules, way: Direction, stop: Decimal, target: Decimal) -> tuple[Decimal, Decimal]:
    """A stop and a target with the digits that OANDA takes, each nearer to the price."""
    if way is Direction.BUY:
        return rules.up(stop), rules.down(target)
    return rules.down(stop), rules.up(target)


def check_levels(
    way: Direction, quote: Quote, stop: Decimal | None, target: Decimal | None
) -> None:
    """Refuse what would be reached where it stands; raises ``BrokerRefused``."""
    price = quote.bid if way is Direction.BUY else quote.ask
    if stop is not None and not (stop > 0 and way.sign * (price - stop) > 0):
        raise BrokerRefused(f"the stop {stop} is beyond the price {price}")
    if target is not None and not way.sign * (target - price) > 0:
        raise BrokerRefused(f"the target {target} is beyond the price {price}")
