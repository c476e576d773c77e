"""What the exchange is asked about our orders, and told of them, one call at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from broker.binance.client import RECV_WINDOW, Client
from broker.binance.deals import Deal, Told, deal_of, told_of
from broker.binance.market import BinanceMarket
from broker.binance.rules import Rules
from broker.binance.symbols import Symbols
from broker.numbers import number
from engine.domain.market import Quote
from engine.errors import BrokerRefused, BrokerSilent, FeedError, InvalidInput, NotFound

#: Where a stop becomes a limit order, its limit is so much below it, so that it is dealt.
_BELOW = Decimal("0.95")
_ROWS = 1_000
_MINUTE = 60_000


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Orders of ours at the exchange, by the ids that we gave them."""

    client: Client
    symbols: Symbols
    market: BinanceMarket

    async def shown(self, symbol: str, client_id: str) -> Told | None:
        """An order, or None where the exchange says that there is none, yet."""
        asked = {"symbol": symbol, "origClientOrderId": client_id}
        found = await self.client.find("/api/v3/order", asked, signed=True)
        return None if found is None else told_of(found)

    async def open_orders(self, symbol: str) -> dict[str, Told]:
        """The symbol's open orders by their ids, anybody's."""
        rows = await self.client.read("/api/v3/openOrders", {"symbol": symbol}, signed=True)
        if not isinstance(rows, list):
            raise BrokerSilent("the open orders make no sense")
        return {told.client_id: told for told in map(told_of, rows)}

    async def deal(self, symbol: str, told: Told) -> Deal:
        """What was dealt for an order."""
        asked = {"symbol": symbol, "orderId": told.order_id}
        rows = await self.client.read("/api/v3/myTrades", asked, signed=True)
        if not isinstance(rows, list):
            raise BrokerSilent("the trades make no sense")
        return deal_of(told, rows)

    async def is_absent(self, symbol: str, client_id: str, sent: int, settle: timedelta) -> bool:
        """Whether an order with this timestamp is not there and never will be.

        The exchange takes nothing whose timestamp is older than the window; ``settle`` is how
        long after that every place that could show it has had to do so. Asked after
        :meth:`shown` found nothing; the list of all orders of that minute must say the same.
        """
        until = sent + RECV_WINDOW + settle / timedelta(milliseconds=1)
        # The exchange has just answered a question signed with this clock: it is not ahead.
        if await self.client.time() <= until:
            return False
        asked = {
            "symbol": symbol, "startTime": sent - _MINUTE, "endTime": sent + _MINUTE,
            "limit": _ROWS,
        }  # fmt: skip
        rows = await self.client.read("/api/v3/allOrders", asked, signed=True)
        if not isinstance(rows, list) or len(rows) >= _ROWS:
            return False
        return all(told_of(row).client_id != client_id for row in rows)

    async def deal_at_market(
        self, rules: Rules, side: str, volume: Decimal, client_id: str, at: int, window: int
    ) -> Deal:
        """A market order, once; raises as ``Client.write``, and ``BrokerRefused`` when nothing of
        it was dealt.
        """
        params = {
            "symbol": rules.symbol, "side": side, "type": "MARKET", "quantity": f"{volume:f}",
            "newClientOrderId": client_id, "newOrderRespType": "FULL",
        }  # fmt: skip
        answer = await self.client.write("POST", "/api/v3/order", params, at=at, window=window)
        told = told_of(answer)
        if told.client_id != client_id or not told.is_done:
            raise BrokerSilent("the exchange has taken the order and not dealt it yet")
        if not told.executed:
            raise BrokerRefused(f"nothing was dealt: the order is {told.status}")
        fills = answer.get("fills")
        return deal_of(told, fills if isinstance(fills, list) else ())

    async def guard(
        self, rules: Rules, volume: Decimal, stop: Decimal, target: Decimal, name: str, at: int
    ) -> None:
        """Place a stop and a target of which one cancels the other, by the ids ``<name>s`` and
        ``<name>t``; raises as ``Client.write``.
        """
        below: dict[str, object] = {"belowType": "STOP_LOSS", "belowStopPrice": f"{stop:f}"}
        if not rules.plain_stop:
            limit = rules.price_down(stop * _BELOW)
            below |= {
                "belowType": "STOP_LOSS_LIMIT", "belowPrice": f"{limit:f}",
                "belowTimeInForce": "GTC",
            }  # fmt: skip
        params = {
            "symbol": rules.symbol, "side": "SELL", "quantity": f"{volume:f}",
            "aboveType": "LIMIT_MAKER", "abovePrice": f"{target:f}", **below,
            "listClientOrderId": name, "aboveClientOrderId": f"{name}t",
            "belowClientOrderId": f"{name}s",
        }  # fmt: skip
        await self.client.write("POST", "/api/v3/orderList/oco", params, at=at)

    async def unguard(self, symbol: str, name: str) -> bool:
        """Cancel such a pair; whether nothing of it had been dealt. Raises as ``Client.write``."""
        params = {"symbol": symbol, "listClientOrderId": name}
        at = await self.client.time()
        answer = await self.client.write("DELETE", "/api/v3/orderList", params, at=at)
        reports = answer.get("orderReports") if isinstance(answer, dict) else None
        if not isinstance(reports, list) or len(reports) != 2:
            return False
        try:
            return not any(number(report["executedQty"]) for report in reports)
        except (LookupError, TypeError, InvalidInput):
            return False

    async def cancel(self, symbol: str, client_id: str) -> None:
        """Cancel an order; what is over already is no error. Raises ``BrokerSilent``."""
        params = {"symbol": symbol, "origClientOrderId": client_id}
        at = await self.client.time()
        try:
            await self.client.write("DELETE", "/api/v3/order", params, at=at)
        except BrokerRefused as error:
            if error.details.get("code") != -2011:
                raise BrokerSilent(str(error)) from error

    async def quote(self, symbol: str) -> Quote | None:
        """The best bid and ask; raises ``BrokerSilent``."""
        try:
            return await self.market.quote(symbol)
        except (FeedError, NotFound) as error:
            raise BrokerSilent(str(error)) from error

    async def balances(self) -> Mapping[str, tuple[Decimal, Decimal]]:
        """Free and locked of every asset; raises ``BrokerSilent``."""
        told = await self.client.read("/api/v3/account", {"omitZeroBalances": "true"}, signed=True)
        try:
            return {
                str(each["asset"]): (number(each["free"]), number(each["locked"]))
                for each in told["balances"]
            }
        except (LookupError, TypeError, InvalidInput) as error:
            raise BrokerSilent(f"the balances make no sense: {error!r}"[:200]) from error

    async def worth(self, asset: str, amount: Decimal, rules: Rules) -> Decimal | None:
        """An amount of a third asset, such as a fee, in the symbol's quote currency."""
        try:
            rates: Mapping[str, Any] = await self.market.rates([asset + rules.quote])
        except FeedError as error:
            raise BrokerSilent(str(error)) from error
        quote = rates.get(asset + rules.quote)
        return None if quote is None else amount * quote.ask
