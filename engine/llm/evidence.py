"""What a text may rest on: figures with their units, instants, names and numbers of records."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum


class Unit(StrEnum):
    """What a figure counts. A FRACTION is a part of one, that may be said in percent; a PERIOD is
    the number in an indicator's name; a FIGURE has no unit.
    """

    PRICE = "price"
    MONEY = "money"
    PERCENT = "percent"
    FRACTION = "fraction"
    PIPS = "pips"
    LOTS = "lots"
    R = "r"
    SCORE = "score"
    COUNT = "count"
    MINUTES = "minutes"
    PERIOD = "period"
    FIGURE = "figure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number that is on record. ``name`` is what the model is told it is; ``labels`` are words
    (lower case, any language) which, right before a number, claim that it is this one.
    ``currency`` is that of money; ``places`` the digits behind the point that a price has.
    """

    name: str
    value: Decimal
    unit: Unit = Unit.FIGURE
    labels: tuple[str, ...] = ()
    currency: str | None = None
    places: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that may be said. ``instants`` are aware; ``zones`` those a time may be said in, the
    first where none is named; ``names`` are symbols, currencies, timeframes and the like; ``ids``
    numbers and hashes of records, as texts without ``#``; ``facts`` more lines for the model that
    supply no number; ``untrusted`` texts of others, fenced, that supply nothing at all.
    """

    figures: tuple[Figure, ...] = ()
    instants: tuple[datetime, ...] = ()
    names: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    facts: tuple[str, ...] = ()
    untrusted: tuple[str, ...] = ()
    zones: tuple[tzinfo, ...] = field(default=(UTC,))
