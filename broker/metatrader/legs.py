"""A volume in whole steps for several targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.errors import BrokerRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """What a symbol's snapshot says: steps, limits and the prices of now."""

    name: str
    bid: Decimal
    ask: Decimal
    point: Decimal
    digits: int
    volume_min: Decimal
    volume_max: Decimal
    volume_step: Decimal

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Symbol":
        """A symbol as the terminal shows it."""
        figures = ("bid", "ask", "point", "volume_min", "volume_max", "volume_step")
        return cls(
            name=told["name"],
            digits=told["digits"],
            **{name: Decimal(told[name]) for name in figures},
        )


def legs(volume: Decimal, count: int, symbol: Symbol) -> tuple[Decimal, ...]:
    """A volume in whole steps for so many targets, the rest with the first; fewer where one would
    be below the minimum. Raises :class:`BrokerRefused` when there is too little for one.
    """
    step = symbol.volume_step
    whole = volume // step * step
    for number in range(count, 0, -1):
        share = whole / number // step * step
        first = whole - share * (number - 1)
        if share >= symbol.volume_min and first <= symbol.volume_max:
            return (first, *[share] * (number - 1))
    raise BrokerRefused(
        f"{volume} lots of {symbol.name} are not between {symbol.volume_min} and"
        f" {symbol.volume_max}"
    )
