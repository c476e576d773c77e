"""The unit of a figure in a text: the sign or word right beside it."""

import re
from decimal import Decimal

from engine.llm.figures import Seen, matches
from engine.llm.lexicon import CURRENCIES, MONEY, SCALES, TIMES, UNITS

#: A unit's name, the currencies its money may be of, and what a figure is multiplied by.
Read = tuple[str, frozenset[str], Decimal]

_NOTHING: Read = ("", frozenset(), Decimal(1))
#: Letters that are no unit.
_UNKNOWN: Read = ("?", frozenset(), Decimal(1))
_BEHIND = re.compile(r"\s?(per cent|por ciento|por cento|[%٪$€£¥₽]|[^\W\d_]+)")
_ARABIC_PERCENT = re.compile(r"\s?(?:في\s)?(ال?مئة|ال?مائة)")
_CODE_BEFORE = re.compile(r"(?<![^\W\d_])([A-Z]{3,4})\s?[+−-]?$")


def unit_of(seen: Seen, text: str) -> Read:
    """The unit beside a figure of a text; ``?`` for letters that touch it and are no unit."""
    if seen.after and seen.after.lower() not in TIMES:
        if seen.after in ("x", "X"):
            return _NOTHING
        return _named(seen.after) or _UNKNOWN
    head, tail = text[max(0, seen.start - 8) : seen.start], text[seen.end + len(seen.after) :][:40]
    sign = _sign_before(head)
    if sign is not None:
        return sign
    if _ARABIC_PERCENT.match(tail):
        return "percent", frozenset(), Decimal(1)
    behind, before = _BEHIND.match(tail), _CODE_BEFORE.search(head)
    if behind is not None and (unit := _named(behind[1])) is not None:
        return unit
    if before is not None and before[1] in CURRENCIES:
        return _money(before[1])
    return _NOTHING


def _sign_before(head: str) -> Read | None:
    bare = head.rstrip(" +-−").lower()
    for sign, codes in MONEY.items():
        if not sign[-1].isalpha() and bare.endswith(sign):
            return _money(codes)
    return None


def _named(word: str) -> Read | None:
    lower = word.lower()
    if lower in ("per cent", "por ciento", "por cento"):
        return "percent", frozenset(), Decimal(1)
    for unit, listed in UNITS.items():
        if matches(lower, listed):
            name, scale = SCALES.get(unit, (unit, Decimal(1)))
            return name, frozenset(), scale
    for listed, codes in MONEY.items():
        if matches(lower, listed):
            return _money(codes)
    return _money(word) if word in CURRENCIES else None


def _money(codes: str) -> Read:
    return "money", frozenset(codes.split()), Decimal(1)
