"""Why OANDA did not do something: its codes, and what they mean in words."""

from typing import Any

#: The id is in use by an order or a trade of ours: it may be this very one, which proves nothing.
TAKEN = frozenset(("CLIENT_ORDER_ID_ALREADY_EXISTS", "CLIENT_TRADE_ID_ALREADY_EXISTS"))

#: The usual ones of TransactionRejectReason and OrderCancelReason.
_MEANS = {
    "ACCOUNT_LOCKED": "the account is locked",
    "ACCOUNT_NEW_POSITIONS_LOCKED": "the account may open nothing new",
    "BOUNDS_VIOLATION": "the price moved further than OANDA_MAX_SLIPPAGE_PIPS lets it",
    "CLOSE_TRADE_UNITS_EXCEED_TRADE_SIZE": "the trade is smaller than that",
    "FIFO_VIOLATION": "the account must close its oldest trade first",
    "FIFO_VIOLATION_SAFEGUARD_VIOLATION": "the account must close its oldest trade first",
    "INSTRUMENT_NOT_TRADEABLE": "the instrument is not traded in this account",
    "INSUFFICIENT_LIQUIDITY": "nobody deals so much now",
    "INSUFFICIENT_MARGIN": "there is not enough free margin",
    "MARKET_HALTED": "the market is halted",
    "MARKET_ORDER_REJECT": "the order was not taken",
    "PRICE_PRECISION_EXCEEDED": "a price has too many digits",
    "STOP_LOSS_ON_FILL_LOSS": "the stop would be hit at once",
    "TAKE_PROFIT_ON_FILL_LOSS": "the target would be hit at once",
    "TRADE_DOESNT_EXIST": "there is no such trade",
    "UNITS_LIMIT_EXCEEDED": "it is more than one order may be for",
    "UNITS_MINIMUM_NOT_MET": "it is less than the smallest order",
    "UNITS_PRECISION_EXCEEDED": "the units have too many digits",
}


def code_of(document: Any) -> str | None:
    """The code in an answer: of its rejecting transaction, or its own."""
    if not isinstance(document, dict):
        return None
    rejected = [document[name] for name in document if name.endswith("RejectTransaction")]
    reasons = [each.get("rejectReason") for each in rejected if isinstance(each, dict)]
    codes = (*reasons, document.get("errorCode"))
    return next((code for code in codes if isinstance(code, str)), None)


def words_of(document: Any) -> str | None:
    """OANDA's own words in an answer; None where it is no document of OANDA's."""
    words = document.get("errorMessage") if isinstance(document, dict) else None
    return words if isinstance(words, str) else None


def meant(code: str) -> str:
    """A code with its meaning, where it is a usual one."""
    return f"{code[:60]} ({_MEANS[code]})" if code in _MEANS else code[:60]


def told(document: Any, status: int) -> str:
    """An answer that is no success, for people: the code with its meaning, or OANDA's words."""
    words, code = words_of(document), code_of(document)
    if words is None:
        return f"OANDA answered {status}"
    if code in _MEANS:
        return f"OANDA refused it: {meant(code)}"
    return f"OANDA answered {code or status}: {words[:150]}"
