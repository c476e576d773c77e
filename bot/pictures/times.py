"""A time axis: round moments of the person's zone, days, weeks, months or years apart."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.i18n import Words

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
#: Steps by their length: so many hours, days (7 begin on Mondays) or months, and a label's pattern.
_STEPS = (
    *((hours * _HOUR, "hours", hours, "HH:mm") for hours in (1, 2, 3, 6, 12)),
    *((days * _DAY, "days", days, "d MMM") for days in (1, 2, 7, 14)),
    *((months * 30 * _DAY, "months", months, "MMM y") for months in (1, 2, 3, 6)),
    *((months * 30 * _DAY, "months", months, "y") for months in (12, 24, 60, 120, 600)),
)


def moments(start: datetime, end: datetime, words: Words, most: int) -> list[tuple[datetime, str]]:
    """Round moments from ``start`` to ``end`` with their labels, about ``most`` or fewer."""
    _, unit, every, pattern = next(
        (step for step in _STEPS if (end - start) / step[0] <= most), _STEPS[-1]
    )
    walk = {"hours": _hours, "days": _days, "months": _months}[unit]
    found = []
    for moment in walk(words.local(start), every):
        if moment > end:
            break
        if moment >= start:
            midnight = unit == "hours" and not (moment.hour or moment.minute)
            found.append((moment, words.time(moment, "d MMM" if midnight else pattern)))
    return found


def _hours(local: datetime, every: int) -> Iterator[datetime]:
    """By the wall clock: a day with summer time's change has an hour more or less between two."""
    moment = local.replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        yield moment
        moment += every * _HOUR


def _days(local: datetime, every: int) -> Iterator[datetime]:
    moment = local.replace(hour=0, minute=0, second=0, microsecond=0)
    # Counted from a Monday, so that the same days are named whatever the picture begins with.
    moment -= (moment.toordinal() - 1) % every * _DAY
    while True:
        yield moment
        moment += every * _DAY


def _months(local: datetime, every: int) -> Iterator[datetime]:
    count = (local.year * 12 + local.month - 1) // every * every
    while count < 9999 * 12:
        year, month = divmod(count, 12)
        if year > 0:
            yield local.replace(
                year=year, month=month + 1, day=1, hour=0, minute=0, second=0, microsecond=0
            )
        count += every
