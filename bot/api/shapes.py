"""What the paths that read have in common: names, bounds, pages, and words of the documents."""

from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from bot.api.fields import Exact, Instant, Told
from bot.api.routing import Call
from engine.domain.snapshot import CalendarEvent, Impact, Indicators

#: A thing by its id, or by the number people say.
Wanted = UUID | Annotated[int, Field(ge=1, le=2**53)]
#: Nothing is traded for less than a billionth; a number may not be smaller than can be written out.
Price = Annotated[Exact, Field(ge=Decimal("1e-9"), le=1_000_000_000)]
#: So many at most.
Limit = Annotated[int, Field(ge=1, le=500)]
#: What comes behind the thing with this number.
Before = Annotated[int, Field(ge=1, le=2**53)]


def next_page(call: Call, full: bool, before: object) -> dict[str, str]:
    """The header that leads to the next page; none behind a page that is not full."""
    if not full:
        return {}
    url = call.request.rel_url.update_query(before=str(before))
    return {"Link": f'<{url}>; rel="next"'}


class Release(Told):
    """An economic release (source 004 §6.5), then what the calendar prints of it."""

    event_time: Instant
    currency: str
    impact_level: Impact
    title: str
    minutes_until_release: int
    previous: str
    forecast: str
    actual: str


def release(event: CalendarEvent, instant: datetime) -> Release:
    """A release seen from an instant; below zero minutes it is out."""
    return Release(
        event_time=event.time,
        currency=event.currency,
        impact_level=event.impact,
        title=event.title,
        minutes_until_release=int((event.time - instant).total_seconds() // 60),
        previous=event.previous,
        forecast=event.forecast,
        actual=event.actual,
    )


def figures(indicators: Indicators) -> dict[str, Decimal | None]:
    """Indicators by name; the average true range has source 004's name."""
    names = (field.name for field in fields(indicators))
    found = {name: getattr(indicators, name) for name in names}
    return {"rsi_14": found.pop("rsi_14"), "atr": found.pop("atr_14"), **found}
