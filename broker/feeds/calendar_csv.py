"""An economic calendar from a CSV file: time, currency, impact, title and, if any, the figures."""

import csv
from datetime import datetime, timedelta
from importlib.resources import files

from engine.domain.snapshot import CalendarEvent, CalendarView, Impact
from engine.domain.values import utc
from engine.errors import InvalidInput

_BEFORE, _AFTER = timedelta(days=1), timedelta(days=7)


class CsvCalendar:
    """The port ``Calendar`` over a list of releases.

    It is trusted up to its last release and not a moment longer: after that nobody knows what is
    coming, and the gate closes.
    """

    def __init__(self, text: str) -> None:
        self._events = _parse(text)

    async def around(self, instant: datetime) -> CalendarView | None:
        """Releases from a day before the instant to a week after; None beyond the list."""
        if not self._events or instant > self._events[-1].time:
            return None
        near = tuple(e for e in self._events if -_BEFORE <= e.time - instant <= _AFTER)
        return CalendarView(events=near, known_until=self._events[-1].time)


def shipped_calendar() -> CsvCalendar:
    """The releases that belong to the shipped recording."""
    return CsvCalendar((files("broker.feeds.data") / "calendar-2017.csv").read_text("utf-8"))


def _filled(row: dict[str, str], name: str) -> str:
    if not row.get(name):
        raise InvalidInput(f"{name} is missing")
    return row[name]


def _parse(text: str) -> tuple[CalendarEvent, ...]:
    events = []
    for line, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        try:
            events.append(
                CalendarEvent(
                    time=utc(datetime.fromisoformat(row["time"])),
                    currency=row["currency"],
                    impact=Impact(row["impact"]),
                    title=_filled(row, "title"),
                    previous=row.get("previous") or "",
                    forecast=row.get("forecast") or "",
                    actual=row.get("actual") or "",
                )
            )
        except (KeyError, ValueError, InvalidInput) as error:
            raise InvalidInput(f"calendar line {line}: {error}") from error
    return tuple(sorted(events, key=lambda event: event.time))
