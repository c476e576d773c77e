"""What a market shows: candles, quotes and the facts of a symbol."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from engine.domain.values import bounded, utc
from engine.errors import InvalidInput


class Timeframe(StrEnum):
    """The length of a candle, by MetaTrader's names."""

    M1 = "M1"
    M5 = "M5"
    M15 = "M15"
    M30 = "M30"
    H1 = "H1"
    H4 = "H4"
    D1 = "D1"

    @property
    def length(self) -> timedelta:
        """How long one candle lasts."""
        return _LENGTHS[self]


_LENGTHS = {
    Timeframe.M1: timedelta(minutes=1),
    Timeframe.M5: timedelta(minutes=5),
    Timeframe.M15: timedelta(minutes=15),
    Timeframe.M30: timedelta(minutes=30),
    Timeframe.H1: timedelta(hours=1),
    Timeframe.H4: timedelta(hours=4),
    Timeframe.D1: timedelta(days=1),
}


@dataclass(frozen=True, slots=True)
class Candle:
    """One closed candle; ``time`` is when it opened. Prices are bids."""

    time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int

    def __post_init__(self) -> None:
        utc(self.time, field="candle time")
        for name in ("open", "high", "low", "close"):
            price = bounded(getattr(self, name), field=name)
            if not price > 0:
                raise InvalidInput(f"{name} must be above zero, is {price}", field=name)
        if not self.high >= max(self.open, self.close, self.low):
            raise InvalidInput(
                f"high {self.high} is below another price of the candle", field="high"
            )
        if not self.low <= min(self.open, self.close):
            raise InvalidInput(f"low {self.low} is above another price of the candle", field="low")
        if not 0 <= self.volume < 2**63:
            raise InvalidInput(f"volume must not be negative, is {self.volume}", field="volume")


@dataclass(frozen=True, slots=True)
class Quote:
    """The prices one can deal at, and when they were seen."""

    bid: Decimal
    ask: Decimal
    time: datetime

    def __post_init__(self) -> None:
        utc(self.time, field="quote time")
        if not 0 < bounded(self.bid, field="bid") <= bounded(self.ask, field="ask"):
            raise InvalidInput(
                f"bid {self.bid} and ask {self.ask} do not make a quote", field="bid"
            )

    @property
    def spread(self) -> Decimal:
        """Ask minus bid, in price."""
        return self.ask - self.bid


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A symbol's specification, as its venue states it.

    ``pip`` is the price step a trader counts in (0.0001 for EURUSD), ``contract_size`` the units of
    the base in one lot, ``margin_rate`` the part of a position's value held as margin. ``spot``
    means that what is bought is owned: nothing can be sold that is not held.
    ``commission_per_lot`` (account currency) and ``fee_percent`` (of the value) are what the venue
    is known to take at each side of a trade; zero where it does not say. A trade one of whose
    levels the price is no farther from than ``freeze_level`` cannot be given others.
    """

    symbol: str
    base: str
    quote: str
    digits: int
    pip: Decimal
    contract_size: Decimal
    volume_min: Decimal
    volume_max: Decimal
    volume_step: Decimal
    stops_level: Decimal
    margin_rate: Decimal
    spot: bool = False
    #: What the venue calls it, where that is another name.
    venue_name: str = ""
    #: Seconds by which the venue's clock is ahead of UTC, where its times have to be turned.
    clock_offset: int | None = None
    #: Whether it can be dealt in at all now.
    is_tradable: bool = True
    commission_per_lot: Decimal = Decimal(0)
    fee_percent: Decimal = Decimal(0)
    freeze_level: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        if not self.symbol or not self.base or not self.quote:
            raise InvalidInput("an instrument needs a symbol, a base and a quote currency")
        positive = (
            "pip",
            "contract_size",
            "volume_min",
            "volume_max",
            "volume_step",
            "margin_rate",
        )
        for name in positive:
            if not bounded(getattr(self, name), field=name) > 0:
                raise InvalidInput(f"{name} of {self.symbol} must be above zero", field=name)
        for name in ("commission_per_lot", "fee_percent", "freeze_level"):
            if not bounded(getattr(self, name), field=name) >= 0:
                raise InvalidInput(f"{name} of {self.symbol} must not be negative", field=name)
        if not 0 <= self.digits <= 8:
            raise InvalidInput(f"digits of {self.symbol} must be 0 to 8", field="digits")

    @property
    def currencies(self) -> frozenset[str]:
        """Whose news moves this symbol."""
        return frozenset((self.base, self.quote))

    def freezes(self, level: Decimal | None, price: Decimal) -> bool:
        """Whether a level holds a trade fast while the market stands at a price."""
        if level is None or not self.freeze_level:
            return False
        return not abs(price - level) > self.freeze_level

    def pips(self, distance: Decimal) -> Decimal:
        """A distance in price, in pips."""
        return distance / self.pip


@dataclass(frozen=True, slots=True, kw_only=True)
class RateStep:
    """One pair on the way to the account currency: its price, multiplied by or divided by."""

    symbol: str
    price: Decimal
    divide: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """Account currency for one unit of a symbol's quote currency, and the prices it came from.

    An empty path means that both are the same currency.
    """

    rate: Decimal
    path: tuple[RateStep, ...] = ()

    def __post_init__(self) -> None:
        if not bounded(self.rate, field="rate") > 0:
            raise InvalidInput(f"a rate must be above zero, is {self.rate}", field="rate")
