"""Numbers as venues write them: as text, filled up with zeros."""

from decimal import Decimal
from typing import Any

from engine.domain.values import decimal, quantize
from engine.errors import InvalidInput


def number(text: Any, digits: int = 0) -> Decimal:
    """A number that a venue wrote as text, with at least so many digits after the point instead of
    the zeros that it fills up with. Raises :class:`InvalidInput`.
    """
    if not isinstance(text, str):
        raise InvalidInput("a venue writes its numbers as text")
    return tidy(decimal(text), digits)


def tidy(value: Decimal, digits: int) -> Decimal:
    """A number without zeros at its end but for so many digits after the point."""
    short = quantize(value, digits)
    return short if short == value else value.normalize()
