"""What the exchange lets be traded of a symbol: its filters, by filters.md of its documents."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from broker.instruments import instrument as usual
from engine.domain.market import Instrument
from engine.errors import NotFound

_ZERO = Decimal(0)
_DIGITS, _COINS = 6, frozenset(("BTC", "ETH", "BNB"))
#: A stop is sold with less than it was counted with; so much more than the least notional is kept.
_ROOM = Decimal("1.1")
#: What is left at least of coins that were bought, when the fee is taken in them.
_AFTER_FEES = Decimal("0.99")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A symbol's facts. Volumes are in units of the base; a value of zero is a rule that is off."""

    symbol: str
    base: str
    quote: str
    is_trading: bool
    tick: Decimal
    step: Decimal
    least: Decimal
    most: Decimal
    least_notional: Decimal
    plain_stop: bool
    has_oco: bool

    @property
    def digits(self) -> int:
        """Digits after the point of a price."""
        return max(0, -int(self.tick.normalize().as_tuple().exponent))

    @property
    def is_kept(self) -> bool:
        """Whether its prices and results can be written down: prices have up to six digits after
        the point, money has two, which is nothing where money is counted in coins.
        """
        return self.digits <= _DIGITS and self.quote not in _COINS

    def whole(self, volume: Decimal) -> Decimal:
        """A volume down to the step."""
        return _to(volume, self.step, ROUND_FLOOR)

    def price_up(self, price: Decimal) -> Decimal:
        """A price up to the tick."""
        return _to(price, self.tick, ROUND_CEILING)

    def price_down(self, price: Decimal) -> Decimal:
        """A price down to the tick."""
        return _to(price, self.tick, ROUND_FLOOR)

    def least_at(self, price: Decimal) -> Decimal:
        """The least volume that can be sold at a price, with room for the price to be worse."""
        by_value = _to(self.least_notional * _ROOM / price, self.step, ROUND_CEILING)
        return max(self.least, by_value)

    def is_dust(self, volume: Decimal, price: Decimal) -> bool:
        """Whether a volume is too little to be sold at all."""
        return volume < self.least or volume * price < self.least_notional

    def refusal(self, volume: Decimal, price: Decimal, stop: Decimal) -> str | None:
        """Why a volume cannot be bought at about this price and sold at this stop, or None."""
        if volume != self.whole(volume):
            return f"{volume} is no multiple of {self.step}"
        if not (self.least <= volume <= self.most):
            return f"{volume} is not within {self.least} and {self.most}"
        if not volume * price >= self.least_notional:
            return f"{volume} is worth less than {self.least_notional} {self.quote}"
        if not self.whole(volume * _AFTER_FEES) >= self.least_at(stop):
            return f"{volume} would be too little to be sold at the stop"
        return None

    def instrument(self, price: Decimal) -> Instrument:
        """The product's specification: a lot is one unit of the base, paid in full. The least
        volume follows the price, because the exchange states it as a value.
        """
        return Instrument(
            symbol=self.symbol,
            base=self.base,
            quote=self.quote,
            digits=self.digits,
            pip=_pip(self.symbol, self.tick),
            contract_size=Decimal(1),
            volume_min=self.least_at(price),
            volume_max=self.most,
            volume_step=self.step,
            stops_level=_ZERO,
            margin_rate=Decimal(1),
            spot=True,
            is_tradable=self.is_trading,
        )


def rules_of(told: Mapping[str, Any]) -> Rules:
    """One of ``symbols`` of ``GET /api/v3/exchangeInfo``; raises what a wrong document raises."""
    filters = {each["filterType"]: each for each in told["filters"]}
    price, lot = filters["PRICE_FILTER"], filters["LOT_SIZE"]
    market = filters.get("MARKET_LOT_SIZE", {})
    value = filters.get("NOTIONAL", filters.get("MIN_NOTIONAL", {}))
    most = [Decimal(each["maxQty"]) for each in (lot, market) if each]
    step = max(Decimal(each["stepSize"]) for each in (lot, market) if each)
    tick = Decimal(price["tickSize"])
    if not (step > 0 and tick > 0):
        raise ValueError("a symbol without steps is not traded here")
    return Rules(
        symbol=str(told["symbol"]),
        base=str(told["baseAsset"]),
        quote=str(told["quoteAsset"]),
        is_trading=told["status"] == "TRADING",
        tick=tick,
        step=step,
        least=max(Decimal(each["minQty"]) for each in (lot, market) if each) or step,
        most=min(volume for volume in most if volume > 0),
        least_notional=Decimal(value.get("minNotional", "0")),
        plain_stop="STOP_LOSS" in told["orderTypes"],
        has_oco=bool(told.get("ocoAllowed", False)),
    )


def _to(number: Decimal, step: Decimal, rounding: str) -> Decimal:
    # The step as the exchange writes it has zeros at its end, which would stay in every number.
    return (number / step).to_integral_value(rounding) * step.normalize()


def _pip(symbol: str, tick: Decimal) -> Decimal:
    """The usual one where there is one, else ten ticks, as with currency pairs."""
    try:
        return max(usual(symbol).pip, tick)
    except NotFound:
        return tick * 10
