"""Usual specifications of symbols a recording can be played of; a venue's own may differ."""

from decimal import Decimal

from engine.domain.market import Instrument
from engine.errors import NotFound

_FX_CURRENCIES = frozenset(
    ("USD", "EUR", "GBP", "JPY", "CHF", "AUD", "NZD", "CAD", "SEK", "NOK", "ZAR", "MXN", "SGD")
)
#: Stock indices, one unit of the index in a lot, and the currency their points are counted in.
_INDICES = {
    "US500": "USD",
    "US30": "USD",
    "NAS100": "USD",
    "GER40": "EUR",
    "UK100": "GBP",
    "JP225": "JPY",
}
#: Spot coins against USDT, and the price step a trader counts in.
_COINS = {"BTC": "1", "ETH": "0.1"}


def instrument(symbol: str) -> Instrument:
    """The usual specification of a symbol; raises :class:`NotFound` for one it does not know."""
    base, quote = symbol[:3], symbol[3:]
    if symbol == "XAUUSD":
        return _lots(symbol, "XAU", "USD", digits=2, pip="0.1", contract="100")
    if symbol == "XAGUSD":
        return _lots(symbol, "XAG", "USD", digits=3, pip="0.01", contract="5000", margin="0.1")
    if symbol in _INDICES:
        return _index(symbol, _INDICES[symbol])
    if base in _COINS and quote == "USDT":
        return _coin(symbol, base, quote)
    if len(symbol) == 6 and {base, quote} <= _FX_CURRENCIES and base != quote:
        if quote == "JPY":
            return _lots(symbol, base, quote, digits=3, pip="0.01", contract="100000")
        return _lots(symbol, base, quote, digits=5, pip="0.0001", contract="100000")
    raise NotFound(
        f"no specification of {symbol}; known are currency pairs, XAUUSD, XAGUSD, "
        f"{', '.join(_INDICES)}, {', '.join(f'{coin}USDT' for coin in _COINS)}"
    )


def _lots(
    symbol: str,
    base: str,
    quote: str,
    *,
    digits: int,
    pip: str,
    contract: str,
    margin: str = "0.0333",
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
        margin_rate=Decimal(margin),
    )


def _index(symbol: str, quote: str) -> Instrument:
    """A contract for difference; the index itself is what one is long or short of."""
    return Instrument(
        symbol=symbol,
        base=symbol,
        quote=quote,
        digits=1,
        pip=Decimal(1),
        contract_size=Decimal(1),
        volume_min=Decimal("0.1"),
        volume_max=Decimal(250),
        volume_step=Decimal("0.1"),
        stops_level=Decimal(0),
        margin_rate=Decimal("0.05"),
    )


def _coin(symbol: str, base: str, quote: str) -> Instrument:
    """A spot pair: bought with the whole of its value."""
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        digits=2,
        pip=Decimal(_COINS[base]),
        contract_size=Decimal(1),
        volume_min=Decimal("0.00001"),
        volume_max=Decimal(9_000),
        volume_step=Decimal("0.00001"),
        stops_level=Decimal(0),
        margin_rate=Decimal(1),
    )
