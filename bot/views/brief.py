"""The daily brief and the weekly review."""

from dataclasses import replace

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen, cut
from bot.views import ask
from bot.views.facts import badge, coded, paper
from engine.domain.ask import Evidence, Intent
from engine.domain.notice import Kind
from engine.domain.person import Person
from engine.domain.snapshot import CalendarEvent
from engine.flow.briefs import Brief

#: Reasons that are told.
_REASONS = 3
_HOURS_A_ROW = 4


def brief(words: Words, seen: Brief, *, is_live: bool) -> Screen:
    """Decided, made, refused, open; then what is ahead and whether everything is well."""
    key = "brief.title" if seen.kind is Kind.BRIEF else "review.title"
    lines = [words(key, kind=paper(words, is_live=is_live)), badge(words, seen.control)]
    for part in seen.parts:
        lines += ["", words("brief.part", title=ask.title(words, part.asked))]  # type: ignore[list-item]
        lines += _part(words, part)
    lines += ["", *_ahead(words, seen.events), *_health(words, seen)]  # type: ignore[list-item]
    return Screen(text=cut(lines))


def _part(words: Words, part: Evidence) -> list[Html]:
    if part.missing is not None:
        return [ask.missing(words, part)]
    if part.asked.intent is Intent.REFUSED:
        failed = [row for row in part.rows if row["kind"] == "fail"][:_REASONS]
        held = [row for row in part.rows if row["kind"] != "fail"][:_REASONS]
        part = replace(part, rows=(*failed, *held))
    return ask.body(words, part)


def _ahead(words: Words, events: tuple[CalendarEvent, ...] | None) -> list[Html]:
    if events is None:
        return [words("news.unknown")]
    if not events:
        return [words("brief.no_events")]
    return [words("brief.events"), *(_event(words, event) for event in events)]


def _event(words: Words, event: CalendarEvent) -> Html:
    return words(
        "brief.event",
        time=words.time(event.time, "d MMM HH:mm"),
        currency=event.currency,
        title=event.title[:80],
    )


def _health(words: Words, seen: Brief) -> list[Html]:
    lines = []
    if seen.silent:
        names = Html(", ".join(coded(words, "part", name) for name in seen.silent))
        lines.append(words("brief.silent", names=names))
    if seen.unknown:
        lines.append(words("brief.unknown", number=words.number(seen.unknown)))
    return lines or [words("brief.well")]


def hours(words: Words, person: Person, *, edit: bool = True) -> Screen:
    """When the brief comes, and other hours to pick."""
    buttons = [Button(f"{hour:02}:00", callbacks.pack("nhs", f"{hour:02}00")) for hour in range(24)]
    rows = [
        tuple(buttons[start : start + _HOURS_A_ROW])
        for start in range(0, len(buttons), _HOURS_A_ROW)
    ]
    rows.append((Button(words("notify.button_back"), callbacks.pack("nb")),))
    text = words("brief.hours", time=person.notify.brief_at, zone=person.timezone)
    return Screen(text=text, buttons=tuple(rows), edit=edit)
