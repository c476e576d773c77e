"""Numbers and instants that may be trusted: parsed strictly, finite, bounded, in UTC."""

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from math import isfinite

from engine.errors import InvalidInput

# Plain decimal notation only. Decimal() itself also takes "1_000", "１２", " 1 " and "sNaN".
_PLAIN = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,12})?")

#: One unit of each number of places.
_STEPS = tuple(Decimal(1).scaleb(-places) for places in range(25))

#: No amount of money, price or volume in this product comes near it; a value beyond is a defect.
LIMIT = Decimal(10) ** 12


def decimal(text: str | int | Decimal, *, field: str = "value") -> Decimal:
    """Read a number written by a person or a machine.

    Floats are refused by type: money never was a binary fraction. Raises :class:`InvalidInput`
    with the field's name for anything but plain notation within ±1e12.
    """
    if isinstance(text, bool) or not isinstance(text, (str, int, Decimal)):
        raise InvalidInput(f"{field} must be a number written in digits", field=field)
    if isinstance(text, str) and not _PLAIN.fullmatch(text):
        raise InvalidInput(
            f"{field} must be a plain number such as 12 or 0.5, not {text[:40]!r}", field=field
        )
    return bounded(Decimal(text), field=field)


def bounded(number: Decimal, *, field: str = "value") -> Decimal:
    """The number itself, if it is finite and within ±1e12; NaN and infinities are refused."""
    if not (number.is_finite() and abs(number) <= LIMIT):
        raise InvalidInput(f"{field} must be finite and within ±{LIMIT:f}", field=field)
    return number


def quantize(number: Decimal, places: int) -> Decimal:
    """Round half to even to ``places`` digits after the point, keeping them all."""
    return number.quantize(_STEPS[places], rounding=ROUND_HALF_EVEN)


def from_float(number: float, places: int) -> Decimal:
    """A computed figure (an indicator) as Decimal, rounded where float noise begins.

    Raises :class:`InvalidInput` for NaN and infinities.
    """
    if not isfinite(number):
        raise InvalidInput(f"{number} is no figure")
    return quantize(Decimal(repr(float(number))), places)


def utc(instant: datetime, *, field: str = "instant") -> datetime:
    """The instant in UTC; a naive one is refused because nobody can say what it means."""
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise InvalidInput(
            f"{field} has no time zone; write it as 2026-01-31T09:00:00Z", field=field
        )
    return instant.astimezone(UTC)
