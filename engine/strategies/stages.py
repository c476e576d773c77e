"""How an open trade is led, as a rule document says it: distances from the entry or the best price.

``1 R`` is the trade's first risk: from its entry to the stop it was opened with.
"""

import re
from decimal import Decimal

from engine.domain.market import Instrument
from engine.errors import InvalidInput

_DISTANCE = re.compile(
    r"(?P<number>[0-9]{1,6}(?:\.[0-9]{1,4})?)\s*(?P<unit>R|\*\s*atr|pips|points|cents)"
)
#: Where the nearest target was when the trade was opened.
FIRST_TARGET = "first_target"

DISTANCE_FORMS = "'1 R', '2 * atr' or '15 pips'"
FIXED_FORMS = "'0.5 R', '15 pips' or '50 cents'"
STAGE_FORMS = f"'1 R', '15 pips' or '{FIRST_TARGET}'"


def check_distance(text: str) -> None:
    """Raise :class:`InvalidInput` unless it is a distance above zero."""
    if not _above_zero(text):
        raise InvalidInput(f"cannot read {text!r} as a distance; write {DISTANCE_FORMS}")


def check_fixed(text: str) -> None:
    """The same for a distance that stays as it is while the trade is open."""
    if not _above_zero(text) or needs_atr(text):
        raise InvalidInput(f"cannot read {text!r} as a fixed distance; write {FIXED_FORMS}")


def check_stage(text: str) -> None:
    """The same for a distance, or the first target."""
    if text != FIRST_TARGET and not _above_zero(text):
        raise InvalidInput(f"cannot read {text!r} as a stage; write {STAGE_FORMS}")


def needs_atr(text: str) -> bool:
    """Whether it changes with the market's range."""
    return "atr" in text


def _above_zero(text: str) -> bool:
    match = _DISTANCE.fullmatch(text)
    return match is not None and Decimal(match["number"]) > 0


def measure(
    text: str, *, risk: Decimal, atr: Decimal | None, instrument: Instrument
) -> Decimal | None:
    """A distance in price; None where it needs an ATR that is not known."""
    match = _DISTANCE.fullmatch(text)
    if match is None:
        return None
    unit = {
        "R": risk,
        "pips": instrument.pip,
        "points": Decimal(1).scaleb(-instrument.digits),
        "cents": Decimal("0.01"),
    }.get(match["unit"], atr)
    return None if unit is None else unit * Decimal(match["number"])
