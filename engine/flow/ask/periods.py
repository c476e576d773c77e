"""Spans of time that questions name: the broker's days, as everywhere else that a day is counted.

A period is a code in a question (``today``, ``d7``, ``2026-01-02..2026-01-09``) and becomes
instants only when it is answered: "yesterday" in a button is yesterday of whoever taps it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from re import compile as pattern

from engine.errors import InvalidInput

_DAY = timedelta(days=1)
#: What a question means that names no period.
USUAL = "d30"
#: Since the record began.
ALL = "all"
_MOST_DAYS, _MOST_HOURS = 3_660, 24 * 366
_COUNTED = pattern(r"([dh])([1-9][0-9]{0,4})")
_DATES = pattern(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(\.\.[0-9]{4}-[0-9]{2}-[0-9]{2})?")


@dataclass(frozen=True, slots=True)
class Period:
    """``since`` is in it, ``until`` is not; ``first`` and ``last`` are its days, if it has any."""

    code: str
    since: datetime
    until: datetime
    first: date | None = None
    last: date | None = None


def days(first: date, last: date) -> str:
    """The code of some days, or of one."""
    return first.isoformat() if first == last else f"{first.isoformat()}..{last.isoformat()}"


def period_of(code: str | None, now: datetime, zone: tzinfo) -> Period:
    """A period's instants; raises :class:`InvalidInput` for a code that is none, and for days that
    cannot be.
    """
    code = code or USUAL
    if code == ALL:
        return Period(code, datetime(1970, 1, 1, tzinfo=UTC), now + timedelta(microseconds=1))
    today = now.astimezone(zone).date()
    counted = _COUNTED.fullmatch(code)
    if counted is not None:
        return _counted(code, counted[1], int(counted[2]), now, today, zone)
    first, last = _named(code, today) or _dates(code)
    return _period(code, first, last, zone)


def _counted(code: str, unit: str, many: int, now: datetime, today: date, zone: tzinfo) -> Period:
    if unit == "h" and many <= _MOST_HOURS:
        return Period(code, now - timedelta(hours=many), now + timedelta(microseconds=1))
    if unit == "d" and many <= _MOST_DAYS:
        return _period(code, today - (many - 1) * _DAY, today, zone)
    raise _unreadable(code)


def _named(code: str, today: date) -> tuple[date, date] | None:
    monday, first = today - today.weekday() * _DAY, today.replace(day=1)
    return {
        "today": (today, today),
        "yesterday": (today - _DAY, today - _DAY),
        "this_week": (monday, today),
        "last_week": (monday - 7 * _DAY, monday - _DAY),
        "this_month": (first, today),
        "last_month": ((first - _DAY).replace(day=1), first - _DAY),
    }.get(code)


def _dates(code: str) -> tuple[date, date]:
    begin, _, end = code.partition("..")
    try:
        if not _DATES.fullmatch(code):
            raise ValueError(code)
        first, last = date.fromisoformat(begin), date.fromisoformat(end or begin)
    except ValueError as error:
        raise _unreadable(code) from error
    if first > last or not date(1971, 1, 1) <= first <= last < date(9000, 1, 1):
        raise _unreadable(code)
    return first, last


def _period(code: str, first: date, last: date, zone: tzinfo) -> Period:
    since, until = (
        datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, last + _DAY)
    )
    return Period(code, since, until, first, last)


def _unreadable(code: str) -> InvalidInput:
    return InvalidInput(f"{code[:40]!r} is no period of days", span=code[:40])
