"""The stand-in's documents, field by field as the exchange's documents print them."""

from decimal import Decimal
from typing import Any

from tests.binance.exchange import Exchange, Symbol

_EVERY = ("symbol", "orderId", "orderListId", "clientOrderId")


def text(value: Any) -> Any:
    """Numbers of money and volume are written as text with eight digits."""
    return f"{value:.8f}" if isinstance(value, Decimal) else value


def _picked(order: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: text(order[name]) for name in names}


_FACTS = (
    "price", "origQty", "executedQty", "cummulativeQuoteQty", "status", "timeInForce", "type",
    "side",
)  # fmt: skip


def order(made: dict[str, Any]) -> dict[str, Any]:
    """``GET /api/v3/order``."""
    return {
        **_picked(made, *_EVERY, *_FACTS, "stopPrice"),
        "icebergQty": "0.00000000",
        **_picked(made, "time", "updateTime", "isWorking"),
        "workingTime": made["time"] if made["isWorking"] else -1,
        "origQuoteOrderQty": "0.00000000",
        "selfTradePreventionMode": "NONE",
    }


def full(made: dict[str, Any]) -> dict[str, Any]:
    """``POST /api/v3/order`` with ``newOrderRespType=FULL``."""
    return {
        **_picked(made, *_EVERY),
        "transactTime": made["updateTime"],
        **_picked(made, *_FACTS),
        "workingTime": made["time"],
        "selfTradePreventionMode": "NONE",
        "fills": [{name: text(value) for name, value in fill.items()} for fill in made["fills"]],
    }


def report(made: dict[str, Any], *, cancelled: bool) -> dict[str, Any]:
    """One of ``orderReports``."""
    names = {"origClientOrderId": made["clientOrderId"], "clientOrderId": "c" * 22}
    when = {"workingTime": made["time"] if made["isWorking"] else -1}
    return {
        **_picked(made, *_EVERY),
        **(names if cancelled else {}),
        "transactTime": made["updateTime"],
        **_picked(made, *_FACTS),
        **({"stopPrice": text(made["stopPrice"])} if made["type"].startswith("STOP") else {}),
        **({} if cancelled else when),
        "selfTradePreventionMode": "NONE",
    }


def order_list(made: dict[str, Any]) -> dict[str, Any]:
    """``POST /api/v3/orderList/oco`` and ``DELETE /api/v3/orderList``."""
    return {
        "orderListId": made["orderListId"],
        "contingencyType": "OCO",
        "listStatusType": "EXEC_STARTED" if made["open"] else "ALL_DONE",
        "listOrderStatus": "EXECUTING" if made["open"] else "ALL_DONE",
        "listClientOrderId": made["listClientOrderId"],
        "transactionTime": made["time"],
        "symbol": made["symbol"],
        "orders": [_picked(leg, "symbol", "orderId", "clientOrderId") for leg in made["legs"]],
        "orderReports": [report(leg, cancelled=not made["open"]) for leg in made["legs"]],
    }


def trade(made: dict[str, Any]) -> dict[str, Any]:
    """One of ``GET /api/v3/myTrades``."""
    return {name: text(value) for name, value in made.items()}


def account(exchange: Exchange) -> dict[str, Any]:
    """``GET /api/v3/account``."""
    return {
        "makerCommission": 15, "takerCommission": 15, "buyerCommission": 0, "sellerCommission": 0,
        "commissionRates": {
            "maker": "0.00150000", "taker": "0.00150000", "buyer": "0.00000000",
            "seller": "0.00000000",
        },
        "canTrade": True, "canWithdraw": True, "canDeposit": True, "brokered": False,
        "requireSelfTradePrevention": False, "updateTime": 123456789, "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": text(free), "locked": text(locked)}
            for asset, (free, locked) in exchange.balances.items()
        ],
        "permissions": ["SPOT"],
    }  # fmt: skip


def exchange_info(shown: Symbol, now: int) -> dict[str, Any]:
    """``GET /api/v3/exchangeInfo?symbol=``."""
    lots = {"minQty": shown.least, "maxQty": shown.most, "stepSize": shown.step}
    return {
        "timezone": "UTC",
        "serverTime": now,
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1,
             "limit": 6000},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50},
        ],
        "exchangeFilters": [],
        "symbols": [
            {
                "symbol": shown.name, "status": shown.status,
                "baseAsset": shown.base, "baseAssetPrecision": 8,
                "quoteAsset": shown.quote, "quotePrecision": 8, "quoteAssetPrecision": 8,
                "orderTypes": list(shown.types),
                "icebergAllowed": True, "ocoAllowed": True, "isSpotTradingAllowed": True,
                "filters": [
                    {"filterType": "PRICE_FILTER", "minPrice": shown.tick,
                     "maxPrice": "1000000.00000000", "tickSize": shown.tick},
                    {"filterType": "LOT_SIZE", **lots},
                    {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000",
                     "maxQty": shown.most, "stepSize": "0.00000000"},
                    {"filterType": "NOTIONAL", "minNotional": shown.notional,
                     "applyMinToMarket": True, "maxNotional": "9000000.00000000",
                     "applyMaxToMarket": False, "avgPriceMins": 5},
                ],
                "permissions": ["SPOT"],
            }
        ],
    }  # fmt: skip
