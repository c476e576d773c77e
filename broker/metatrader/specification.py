"""A symbol's specification as a terminal tells it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.domain.market import Instrument
from engine.errors import FeedError, InvalidInput

#: Metals and indices whose pip is no tenth of a point; for the rest a pip is ten points.
_PIPS = {"XAUUSD": "0.1", "XAGUSD": "0.01"}


def instrument_of(symbol: str, told: Mapping[str, Any], currency: str) -> Instrument:
    """A specification; ``symbol`` is our name of it, ``currency`` the account's.

    Raises :class:`FeedError` for one that cannot be dealt with.
    """
    point = Decimal(told["point"])
    try:
        return Instrument(
            symbol=symbol,
            base=told["base"] or symbol,
            quote=told["profit"] or currency,
            digits=told["digits"],
            pip=Decimal(_PIPS[symbol]) if symbol in _PIPS else _pip(point, told["digits"]),
            contract_size=Decimal(told["contract_size"]),
            volume_min=Decimal(told["volume_min"]),
            volume_max=Decimal(told["volume_max"]),
            volume_step=Decimal(told["volume_step"]),
            stops_level=point * told["stops_level"],
            freeze_level=point * told.get("freeze_level", 0),
            margin_rate=_margin_rate(told),
            is_tradable=_is_tradable(told),
        )
    except InvalidInput as error:
        raise FeedError(f"the terminal's specification of {symbol}: {error}") from error


def _is_tradable(told: Mapping[str, Any]) -> bool:
    """Whether trades can be opened: SYMBOL_TRADE_MODE is not disabled and not close only, and the
    terminal still shows the symbol.
    """
    return told.get("trade_mode", 4) not in (0, 3) and not told.get("gone", False)


def _pip(point: Decimal, digits: int) -> Decimal:
    """Prices with an odd number of digits have a tenth of a pip at their end."""
    return point * 10 if digits % 2 else point


def _margin_rate(told: Mapping[str, Any]) -> Decimal:
    """The margin as a part of a position's value.

    ``margin_per_lot`` is account currency for one lot; a lot is worth contract size × ask × account
    currency per unit of the quote currency, and that rate is tick value / (tick size × contract
    size). Where the terminal cannot say, the whole value is held.
    """
    per_lot, ask = Decimal(told["margin_per_lot"]), Decimal(told["ask"])
    tick, value = Decimal(told["tick_size"]), Decimal(told["tick_value"])
    if not (per_lot > 0 and ask > 0 and tick > 0 and value > 0):
        return Decimal(1)
    return min(Decimal(1), round(per_lot / (ask / tick * value), 6)) or Decimal(1)
