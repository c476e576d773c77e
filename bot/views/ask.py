"""An answer from the record: what was understood, what was found, and the records that prove it."""

from datetime import datetime
from decimal import Decimal
from html import unescape

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen, cut
from bot.views import ask_ideas, ask_results
from bot.views.facts import direction
from bot.views.history import why
from engine.domain.ask import Asked, Evidence, Intent, asked_of
from engine.errors import InvalidInput
from engine.flow.ask.answer import Told
from engine.flow.ask.periods import ALL
from engine.flow.ask.reading import Reading
from engine.flow.overview import Story

#: Buttons in a row, and of records in all.
_ROW, _MOST_RECORDS = 4, 4
_LABEL = 60


def told(words: Words, answer: Told) -> Screen:
    """Whatever came of a question."""
    if answer.evidence is not None:
        return answered(words, answer.evidence)
    if answer.reading is not None and answer.reading.choices:
        return _choose(words, [words("ask.choose")], answer.choices)
    lines = [words("ask.can")]
    if answer.reading is not None:
        lines = [_why_not(words, answer.reading), *lines]
    return _choose(words, lines, answer.choices)


def answered(words: Words, found: Evidence) -> Screen:
    """What the record says; a question about one idea is that idea's story."""
    if isinstance(found.subject, Story) and found.asked.intent is Intent.WHY:
        screen = why(words, found.subject)
        return Screen(text=screen.text, buttons=proofs(words, found))
    lines = [words("ask.title", title=title(words, found.asked), scope=_scope(words, found)), ""]
    if found.missing is not None:
        lines.append(missing(words, found))
    else:
        lines += body(words, found)
    return Screen(text=cut(lines), buttons=proofs(words, found))


def body(words: Words, found: Evidence) -> list[Html]:
    """The figures of an answer, line by line."""
    render = ask_results.BODIES.get(found.asked.intent) or ask_ideas.BODIES[found.asked.intent]
    return render(words, found)


def title(words: Words, asked: Asked) -> Html:
    """What is asked, in words."""
    return words(f"ask.title.{asked.intent}")


def label(words: Words, asked: Asked) -> str:
    """A question as a button says it."""
    parts = [unescape(title(words, asked))]
    if asked.what is not None and words.has(f"ask.what.{asked.what}"):
        parts.append(words(f"ask.what.{asked.what}"))
    parts += [f"#{asked.idea}"] if asked.idea is not None else []
    parts += [words("ask.record", number=str(asked.decision))] if asked.decision else []
    parts += [asked.symbol] if asked.symbol is not None else []
    if asked.period is not None and words.has(f"ask.period.{asked.period}"):
        parts.append(words(f"ask.period.{asked.period}"))
    elif asked.period is not None:
        parts.append(asked.period)
    return " · ".join(parts)[:_LABEL]


def missing(words: Words, found: Evidence) -> Html:
    """Why there is no answer, and what is recorded instead."""
    values = {name: value for name, value in found.figures.items() if isinstance(value, str | int)}
    moments = {
        name: words.time(value, "d MMM y")
        for name, value in found.figures.items()
        if isinstance(value, datetime)
    }
    return words(
        f"ask.missing.{found.missing}",
        **{"number": "", "symbol": found.asked.symbol or "", **_said(values), **moments},
    )


def _said(values: dict[str, str | int]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _scope(words: Words, found: Evidence) -> Html:
    """What narrows the answer; the time is said always, whoever asked for it."""
    asked = found.asked
    parts: list[str] = []
    if asked.what is not None and words.has(f"ask.what.{asked.what}"):
        parts.append(words(f"ask.what.{asked.what}"))
    parts += [asked.symbol] if asked.symbol is not None else []
    parts += [direction(words, asked.direction)] if asked.direction is not None else []
    parts += [asked.strategy] if asked.strategy is not None else []
    parts += [found.text("person")] if found.text("person") else []
    if found.since is not None and found.until is not None:
        parts.append(_time(words, asked.period, found.since, found.until))
    joined = "".join(words("ask.part", part=part) for part in parts)
    return Html(joined)


def _time(words: Words, code: str | None, since: datetime, until: datetime) -> str:
    """When a period begins and ends, by the person's clock."""
    if code == ALL:
        return words(f"ask.period.{ALL}")
    return f"{words.time(since, _INSTANT)} – {words.moment(until)}"


_INSTANT = "d MMM y HH:mm"


def proofs(words: Words, found: Evidence) -> tuple[tuple[Button, ...], ...]:
    """Buttons that open the records and ideas an answer rests on."""
    records = tuple(
        Button(words("ask.record", number=str(number)), callbacks.pack("record", number))
        for number in found.records[:_MOST_RECORDS]
    )
    ideas = tuple(
        Button(words("button.open_idea", number=number), callbacks.idea("card", id_))
        for number, id_ in found.ideas[:_ROW]
    )
    return tuple(row for row in (records, ideas) if row)


def _choose(words: Words, lines: list[Html], choices: tuple[Asked, ...]) -> Screen:
    """Questions to tap; one that a button cannot carry is left out."""
    return Screen(text=Html("\n".join(lines)), buttons=buttons_of(words, choices))


def buttons_of(words: Words, choices: tuple[Asked, ...]) -> tuple[tuple[Button, ...], ...]:
    """Questions as buttons, one a row."""
    rows = []
    for asked in choices:
        try:
            data = callbacks.pack("ask", asked_of(asked.code()).code())
        except InvalidInput:
            continue
        rows.append((Button(label(words, asked), data),))
    return tuple(rows)


def _why_not(words: Words, reading: Reading) -> Html:
    """Why a text is no question that can be answered."""
    said: str = reading.said
    if reading.why in ("two", "narrow"):
        said = words(f"ask.slot.{reading.said}")
    return words(f"ask.not.{reading.why}", said=said[:200])


def number(words: Words, value: Decimal | None, places: int = 0) -> str:
    """A figure, or a dash where it is not known."""
    return "–" if value is None else words.number(value, places)
