"""What is wrong with the calendar and the news, as findings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from engine.domain.diagnosis import Finding, Level
from engine.domain.feed import CalendarKind, FeedState
from engine.domain.snapshot import CalendarView
from engine.ports import Store

#: A list that ends sooner than this is about to close the gate; a feed goes on by itself.
_AHEAD = timedelta(days=2)
_MISSING = {
    CalendarKind.RECORDED: "no_calendar",
    CalendarKind.TERMINAL: "calendar_terminal",
    CalendarKind.FILE: "calendar_file",
    CalendarKind.UNSET: "calendar_unset",
}
_ENDS = {CalendarKind.RECORDED: "calendar_ends", CalendarKind.FILE: "calendar_file_ends"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FindFeedFaults:
    """Why the calendar is not known, or soon will not be, and which feeds fail.

    ``calendar`` is the address it is fetched from, None for a kind that is not fetched; ``news``
    are those of the news.
    """

    store: Store
    kind: CalendarKind
    calendar: str | None
    news: tuple[str, ...]

    async def __call__(self, view: CalendarView | None, instant: datetime) -> Sequence[Finding]:
        async with self.store.begin() as tx:
            now = await tx.now()
            fetched = None if self.calendar is None else await tx.feeds.state(self.calendar)
            states = [await tx.feeds.state(name) for name in self.news]
        found = []
        if fetched is not None:
            found += [] if view is not None else [_untrusted(fetched, now)]
            states.insert(0, fetched)
        elif view is None:
            found.append(Finding(code=_MISSING[self.kind], level=Level.FAULT))
        elif self.kind in _ENDS and view.known_until < instant + _AHEAD:
            found.append(Finding(code=_ENDS[self.kind], level=Level.WARNING))
        for state in states:
            if state.trouble is not None:
                facts = _named(state)
                code = f"feed_{state.trouble}"
                found.append(Finding(code=code, level=Level.WARNING, facts=facts))
        return found


def _named(state: FeedState) -> dict[str, str | int]:
    # The rest of an address may hold a token.
    return {"server": urlsplit(state.name).hostname or ""}


def _untrusted(state: FeedState, now: datetime) -> Finding:
    facts = _named(state)
    if state.good_at is None:
        return Finding(code="calendar_never", level=Level.FAULT, facts=facts)
    facts["minutes"] = int((now - state.good_at).total_seconds()) // 60
    return Finding(code="calendar_old", level=Level.FAULT, facts=facts)
