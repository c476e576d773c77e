"""What dealing and holding costs at the paper venue, what it lends, and how much it fills."""

from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum

from engine.domain.account import Direction
from engine.domain.market import Instrument

#: Nights that are charged when a day ends, Monday first: a deal is settled two working days later,
#: so Wednesday's night reaches over a weekend. A closed market charges nothing.
_NIGHTS = (1, 1, 3, 1, 1, 0, 0)
#: What makes a weekday of a date's ordinal: the first of all days is a Monday.
_FIRST = 6
_PLACES = Decimal("0.00000001")


class SwapUnit(StrEnum):
    """What a swap is counted in: account currency, or the symbol's smallest price steps."""

    MONEY = "money"
    POINTS = "points"


class TimeInForce(StrEnum):
    """What becomes of an order that a quote does not fill: its rest is cancelled, or all of it."""

    IOC = "ioc"
    FOK = "fok"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The venue's terms; each is zero where there is none.

    ``commission_per_lot`` (account currency) and ``fee_percent`` (of a deal's value) are taken at
    each side. ``swap_long`` and ``swap_short`` are credited for one lot and one night, below zero
    is a cost. ``leverage`` 30 lends all but a thirtieth, but for what is bought with its whole
    value. ``stop_out_percent`` is the margin level at which the worst trade is closed, and
    ``fill_lots`` the most that one quote fills of an order.
    """

    commission_per_lot: Decimal = Decimal(0)
    fee_percent: Decimal = Decimal(0)
    swap_long: Decimal = Decimal(0)
    swap_short: Decimal = Decimal(0)
    swap_unit: SwapUnit = SwapUnit.POINTS
    leverage: Decimal = Decimal(0)
    stop_out_percent: Decimal = Decimal(0)
    fill_lots: Decimal = Decimal(0)
    time_in_force: TimeInForce = TimeInForce.IOC

    def of(self, known: Instrument) -> Instrument:
        """The specification of a symbol at this venue, for whoever sizes a trade."""
        return replace(
            known,
            margin_rate=self.margin_rate(known),
            commission_per_lot=self.commission_per_lot,
            fee_percent=self.fee_percent,
        )

    def margin_rate(self, known: Instrument) -> Decimal:
        """The part of a trade's value that is held as margin."""
        if self.leverage and known.margin_rate < 1:
            return (1 / self.leverage).quantize(_PLACES, ROUND_CEILING)
        return known.margin_rate

    def swap(self, direction: Direction) -> Decimal:
        """For one lot and one night, in :attr:`swap_unit`."""
        return self.swap_long if direction is Direction.BUY else self.swap_short

    def filled(self, volume: Decimal, known: Instrument) -> Decimal:
        """How much of a volume one quote fills, in whole steps; zero when that is too little."""
        if not self.fill_lots or volume <= self.fill_lots:
            return volume
        if self.time_in_force is TimeInForce.FOK:
            return Decimal(0)
        part = self.fill_lots // known.volume_step * known.volume_step
        return part if part >= known.volume_min else Decimal(0)


#: A venue that takes nothing, lends the usual, and fills everything.
FREE = Terms()


def nights(after: datetime, until: datetime, zone: tzinfo) -> int:
    """Nights to be charged between two instants: each midnight of the broker in between is one,
    Wednesday's three, those of Saturday and Sunday none.
    """
    first, last = (instant.astimezone(zone).toordinal() for instant in (after, until))
    return sum(_NIGHTS[(day + _FIRST) % 7] for day in range(first, last))
