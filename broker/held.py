"""A position that the paper broker holds, and how parts of it are taken out."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from engine.domain.account import Direction
from engine.domain.values import quantize


@dataclass(eq=False, slots=True, kw_only=True)
class Held:
    """An open position in the paper broker's books; amounts in account currency.

    ``shares`` are the lots that each of the ``targets`` takes, the nearest first. ``seen`` is when
    the last candle opened that worked on it, ``rolled`` until when its nights are charged, and
    ``taken`` how many parts of it were closed. ``commission`` is what was paid, ``swap`` what was
    earned. A trade that was not ours to open has no ``client_id``.
    """

    id: str
    client_id: str | None
    strategy_id: str | None
    symbol: str
    direction: Direction
    volume: Decimal
    entry_price: Decimal
    stop_loss: Decimal
    targets: tuple[Decimal, ...]
    shares: tuple[Decimal, ...]
    time_limit_min: int | None = None
    opened_at: datetime
    seen: datetime
    rolled: datetime | None = None
    commission: Decimal = Decimal(0)
    swap: Decimal = Decimal(0)
    taken: int = 0

    @property
    def leaving(self) -> Direction:
        """The direction of the deal that closes it."""
        return Direction.SELL if self.direction is Direction.BUY else Direction.BUY


def shares(volume: Decimal, count: int, *, step: Decimal, least: Decimal) -> tuple[Decimal, ...]:
    """A volume in equal shares for so many targets, the first ones rounded down to the step.

    When there is too little of it for every target, the farthest ones get none.
    """
    for number in range(count, 1, -1):
        share = volume / number // step * step
        if share >= least:
            return (*[share] * (number - 1), volume - share * (number - 1))
    return (volume,)


def split_off(held: Held) -> Held:
    """The part that the nearest target takes, by a number of its own; the rest stays held."""
    volume, *held_shares = held.shares
    held.shares, held.targets = tuple(held_shares), held.targets[1:]
    return carve(held, volume)


def carve(held: Held, volume: Decimal) -> Held:
    """Take a volume out of a position, by a number of its own and with its share of what the
    position has paid and earned so far, in cents; the rest keeps the rest of it.
    """
    whole = held.volume
    held.taken += 1
    part = replace(
        held,
        id=f"{held.id}/{held.taken}",
        volume=volume,
        commission=quantize(held.commission * volume / whole, 2),
        swap=quantize(held.swap * volume / whole, 2),
    )
    held.commission -= part.commission
    held.swap -= part.swap
    held.volume = whole - volume
    return part
