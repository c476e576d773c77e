"""What OANDA lets be traded of an instrument, and its units in lots."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from broker.instruments import instrument as usual
from broker.numbers import number, tidy
from engine.domain.market import Instrument
from engine.errors import InvalidInput, NotFound

_ONE, _ZERO = Decimal(1), Decimal(0)
#: Units in a lot where no usual specification says it.
_LOT = Decimal(100_000)
_PLACES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """An instrument's facts; ``least`` and ``most`` of an order are in units of the base."""

    symbol: str
    name: str
    base: str
    quote: str
    digits: int
    pip: Decimal
    contract: Decimal
    unit: Decimal
    least: Decimal
    most: Decimal
    margin_rate: Decimal

    def units(self, volume: Decimal) -> Decimal:
        """Lots in units; raises :class:`InvalidInput` for what is no whole number of the smallest
        part that can be traded.
        """
        units = volume * self.contract
        if units % self.unit:
            raise InvalidInput(f"{volume} lots of {self.symbol} are no multiple of {self.unit}")
        return units

    def lots(self, units: Decimal) -> Decimal:
        """Units, of either sign, in lots."""
        return tidy(abs(units) / self.contract, 2)

    def text(self, units: Decimal) -> str:
        """Units as OANDA writes them."""
        return f"{units.quantize(self.unit):f}"

    def refusal(self, volume: Decimal) -> str | None:
        """Why so many lots cannot be ordered, or None."""
        units = volume * self.contract
        if units % self.unit:
            return f"{volume} lots are no multiple of {self.lots(self.unit)}"
        if not (self.least <= units <= self.most):
            return (
                f"{volume} lots are not within {self.lots(self.least)} and {self.lots(self.most)}"
            )
        return None

    def up(self, price: Decimal) -> Decimal:
        """A price up to the last digit that an order may have."""
        return price.quantize(_ONE.scaleb(-self.digits), rounding=ROUND_CEILING)

    def down(self, price: Decimal) -> Decimal:
        """The same, down."""
        return price.quantize(_ONE.scaleb(-self.digits), rounding=ROUND_FLOOR)

    def instrument(self) -> Instrument:
        """The product's specification. OANDA names no least distance of a stop from the price."""
        return Instrument(
            symbol=self.symbol,
            base=self.base,
            quote=self.quote,
            digits=self.digits,
            pip=self.pip,
            contract_size=self.contract,
            volume_min=self.lots(self.least),
            volume_max=self.lots(self.most),
            volume_step=self.lots(self.unit),
            stops_level=_ZERO,
            margin_rate=self.margin_rate,
        )


def rules_of(symbol: str, told: Mapping[str, Any]) -> Rules:
    """One of ``instruments`` of an account; ``symbol`` is our name of it. Raises what a wrong
    document raises.
    """
    name = str(told["name"])
    base, _, quote = name.rpartition("_")
    unit = _ONE.scaleb(-_places(told["tradeUnitsPrecision"]))
    most, least = number(told["maximumOrderUnits"]), number(told["minimumTradeSize"])
    pip, contract = _usual(symbol, told["type"], _ONE.scaleb(_exponent(told["pipLocation"])))
    return Rules(
        symbol=symbol,
        name=name,
        base=base,
        quote=quote,
        digits=_places(told["displayPrecision"]),
        pip=pip,
        contract=contract,
        unit=unit,
        least=max(least, unit),
        most=most,
        margin_rate=number(told["marginRate"]),
    )


def _usual(symbol: str, kind: Any, pip: Decimal) -> tuple[Decimal, Decimal]:
    """The pip and the units in a lot: the usual ones where there are some. Of everything else but
    currencies a lot is one unit.
    """
    try:
        known = usual(symbol)
    except NotFound:
        return pip, _LOT if kind == "CURRENCY" else _ONE
    return known.pip, known.contract_size


def _places(told: Any) -> int:
    if isinstance(told, bool) or not isinstance(told, int) or not 0 <= told <= _PLACES:
        raise InvalidInput(f"{told!r:.20} is no number of digits")
    return told


def _exponent(told: Any) -> int:
    if isinstance(told, bool) or not isinstance(told, int) or abs(told) > _PLACES:
        raise InvalidInput(f"{told!r:.20} is no place of a digit")
    return told
