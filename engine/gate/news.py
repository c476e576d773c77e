"""How near the news is: one reading of the calendar, used by the gate and the confidence."""

from collections.abc import Collection

from engine.domain.snapshot import Bundle, Impact


def minutes_to_news(bundle: Bundle, currencies: Collection[str]) -> int | None:
    """Whole minutes between the instant and the nearest high-impact release, before or after.

    None when the calendar names none for these currencies; the caller decides what a missing
    calendar means.
    """
    if bundle.calendar is None:
        return None
    distances = [
        abs(int((event.time - bundle.instant).total_seconds())) // 60
        for event in bundle.calendar.events
        if event.impact is Impact.HIGH and event.concerns(currencies)
    ]
    return min(distances, default=None)
