"""An economic calendar from a CSV file: time, currency, impact, title and, if any, the figures."""

import csv
import logging
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from engine.domain.snapshot import CalendarEvent, CalendarView, Impact
from engine.domain.values import utc
from engine.errors import InvalidInput

log = logging.getLogger(__name__)


class CsvCalendar:
    """The port ``Calendar`` over a list of releases.

    It is trusted up to its last release and not a moment longer: after that nobody knows what is
    coming, and the gate closes.
    """

    def __init__(self, text: str) -> None:
        self._events = _parse(text)

    async def around(self, instant: datetime) -> CalendarView | None:
        """Releases from a day before the instant to a week after; None beyond the list."""
        whole = self.whole
        return None if whole is None else whole.around(instant)

    @property
    def whole(self) -> CalendarView | None:
        """All of it; None when it is empty."""
        if not self._events:
            return None
        return CalendarView(events=self._events, known_until=self._events[-1].time)


class FileCalendar:
    """The port ``Calendar`` over a file of one's own, read again when it has changed.

    Nothing is known while it cannot be read or a line of it is wrong; the log says which.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | str = "never read"
        self._read: CsvCalendar | None = None

    async def around(self, instant: datetime) -> CalendarView | None:
        calendar = self._current()
        return None if calendar is None else await calendar.around(instant)

    def _current(self) -> CsvCalendar | None:
        stamp: tuple[int, int] | str
        try:
            seen = self._path.stat()
            stamp = (seen.st_mtime_ns, seen.st_size)
        except OSError as error:
            stamp = str(error)
        if stamp != self._stamp:
            self._read = self._opened()
            self._stamp = stamp
        return self._read

    def _opened(self) -> CsvCalendar | None:
        try:
            return CsvCalendar(self._path.read_text("utf-8-sig"))
        except (OSError, ValueError, InvalidInput) as error:
            log.error("CALENDAR_FILE: nothing is known of the calendar: %s", error)
            return None


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
