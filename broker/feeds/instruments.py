"""Specifications of symbols a recording can be played of, as a retail broker states them."""

from decimal import Decimal

from engine.domain.market import Instrument
from engine.errors import NotFound

_FX_CURRENCIES = frozenset(
    ("USD", "EUR", "GBP", "JPY", "CHF", "AUD", "NZD", "CAD", "SEK", "NOK", "ZAR", "MXN", "SGD")
)


def instrument(symbol: str) -> Instrument:
    """The usual specification of a symbol; raises :class:`NotFound` for one it does not know."""
    base, quote = symbol[:3], symbol[3:]
    if symbol == "XAUUSD":
        return _spec(symbol, "XAU", "USD", digits=2, pip="0.1", contract="100")
    if len(symbol) == 6 and {base, quote} <= _FX_CURRENCIES and base != quote:
        if quote == "JPY":
            return _spec(symbol, base, quote, digits=3, pip="0.01", contract="100000")
        return _spec(symbol, base, quote, digits=5, pip="0.0001", contract="100000")
    raise NotFound(f"no specification of {symbol}; known are currency pairs and XAUUSD")


def _spec(
    symbol: str, base: str, quote: str, *, digits: int, pip: str, contract: str
) -> Instrument:
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        digits=digits,
        pip=Decimal(pip),
        contract_size=Decimal(contract),
        volume_min=Decimal("0.01"),
        volume_max=Decimal(100),
        volume_step=Decimal("0.01"),
        stops_level=Decimal(0),
        margin_rate=Decimal("0.0333"),
    )
