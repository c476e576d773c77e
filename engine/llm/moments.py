"""Dates and times in a text, and whether each is one of the instants that are on record."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from engine.llm.evidence import Evidence
from engine.llm.figures import matches
from engine.llm.lexicon import MONTHS

_ISO = re.compile(
    r"\b(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?"
    r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
)
_DATE = re.compile(r"(?<![\d.,])(\d{1,2})([./])(\d{1,2})\2(\d{4}|\d{2})(?![\d])")
_CLOCK = re.compile(
    r"(?<![\d.,:])(\d{1,2})[:h](\d{2})(?::(\d{2}))?(?![\d:])\s*(am\b|pm\b|a\.m\.|p\.m\.)?"
    r"\s*\(?(UTC|GMT|Z\b)?",
    re.I,
)
_DAY_MONTH = re.compile(
    r"(?<![\d.,:])(\d{1,2})(?:st|nd|rd|th|º|\.)?\s+(?:de\s+|of\s+)?([^\W\d_]{3,12})\.?"
    r"(?:,?\s+(?:de\s+|of\s+)?(\d{4})\b)?",
    re.I,
)
_MONTH_DAY = re.compile(
    r"\b([^\W\d_]{3,12})\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?![\d.,:]\d|\d|\s*%)(?:,?\s+(\d{4})\b)?",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or time of a text, and whether it is on record."""

    start: int
    end: int
    text: str
    is_known: bool


def moments(text: str, evidence: Evidence) -> Iterator[Moment]:
    """Every date and time of a normal text; a place is told of once."""
    taken: list[tuple[int, int]] = []
    for pattern, known in (
        (_ISO, _iso), (_DATE, _date), (_CLOCK, _clock), (_DAY_MONTH, _named), (_MONTH_DAY, _named),
    ):  # fmt: skip
        for found in pattern.finditer(text):
            start, end = found.span()
            if any(start < other and begun < end for begun, other in taken):
                continue
            answer = known(found, evidence)
            if answer is not None:
                taken.append((start, end))
                yield Moment(start, end, found[0].strip(), answer)


def _seen(evidence: Evidence, zones: tuple[tzinfo, ...] = ()) -> Iterator[datetime]:
    for instant in evidence.instants:
        for zone in zones or evidence.zones:
            yield instant.astimezone(zone)


def _iso(found: re.Match[str], evidence: Evidence) -> bool:
    year, month, day, hour, minute, second = (
        None if part is None else int(part) for part in found.groups()[:6]
    )
    # An offset other than UTC's is written by nobody here.
    if found[7] and found[7] not in ("Z", "UTC", "GMT", "+00:00", "+0000"):
        return False
    zones: tuple[tzinfo, ...] = (UTC,) if found[7] else ()
    return any(
        (at.year, at.month, at.day) == (year, month, day)
        and (hour is None or (at.hour, at.minute) == (hour, minute))
        and (second is None or at.second == second)
        for at in _seen(evidence, zones)
    )


def _date(found: re.Match[str], evidence: Evidence) -> bool:
    one, other, year = int(found[1]), int(found[3]), int(found[4])
    return any(
        (at.day, at.month) in ((one, other), (other, one)) and year in (at.year, at.year % 100)
        for at in _seen(evidence)
    )


def _clock(found: re.Match[str], evidence: Evidence) -> bool | None:
    hour, minute = int(found[1]), int(found[2])
    half = (found[4] or "").lower()[:1]
    if half:
        if not 1 <= hour <= 12:
            return False
        hour = hour % 12 + (12 if half == "p" else 0)
    zones: tuple[tzinfo, ...] = (UTC,) if found[5] else ()
    second = None if found[3] is None else int(found[3])
    return any(
        (at.hour, at.minute) == (hour, minute) and (second is None or at.second == second)
        for at in _seen(evidence, zones)
    )


def _named(found: re.Match[str], evidence: Evidence) -> bool | None:
    """A day beside the name of a month; None when the word is no month."""
    day, word, year = found[1], found[2], found[3]
    if not day.isdecimal():
        day, word = word, day
    if not 1 <= int(day) <= 31:
        return None
    month = _month(word)
    if month is None:
        return None
    return any(
        (at.day, at.month) == (int(day), month) and (year is None or at.year == int(year))
        for at in _seen(evidence)
    )


def _month(word: str) -> int | None:
    for number, names in enumerate(MONTHS, start=1):
        if matches(word, names) or matches(word.lower(), names):
            return number
    return None
