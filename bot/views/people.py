"""At the door, the first steps, who one is, the language, and errors in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot import callbacks, sentences
from bot.i18n import LANGUAGES, Html, Words, words_for
from bot.screen import Button, Screen
from bot.views import mistakes
from bot.views.control import would_halt
from bot.views.facts import badge, paper
from bot.views.positions import refusal
from bot.views.settings import name_of
from engine.domain.person import Person, Role
from engine.domain.state import Control
from engine.errors import (
    InvalidInput,
    NotAllowed,
    NotFound,
    PositionRefused,
    TraderError,
    WouldHalt,
)
from engine.flow.about import About

#: A fact of an error, and the words that are made of it.
_TOLD = {
    "number": "error.no_number",
    "watched": "error.not_watched",
    "unknown": "error.no_setting",
    "zone": "error.no_zone",
    "nobody": "error.nobody",
    "timeframe": "error.no_candles",
    "span": "error.span",
}


def waits(words: Words, person: Person) -> Screen:
    """The answer to somebody who has just asked to be let in."""
    return Screen(text=words("start.pending", id=person.id))


def wrong_code(words: Words, tries_left: int) -> Screen:
    """The answer to a code that is not the one."""
    return Screen(text=words("door.wrong_code", count=tries_left))


def turned_away(words: Words, person_id: int, role: Role | None) -> Html:
    """What somebody without access is told, once a day; None is a stranger."""
    name = "stranger" if role is None else str(role)
    return words(f"door.{name}", id=person_id)


def tour(
    words: Words, person: Person, about: About, *, claimed: bool = False
) -> tuple[Screen, Screen, Screen]:
    """What this is, what will happen and the one thing to try, how to stop."""
    hand = "trader" if person.role.rank >= Role.TRADER.rank else "viewer"
    first = [words("start.claimed")] if claimed else []
    first.append(
        words(
            "start.welcome",
            name=person.name,
            kind=paper(words, is_live=about.is_live),
            role=words(f"role.{person.role}"),
        )
    )
    first.append(words("tour.live" if about.is_live else "tour.paper"))
    second = [words(f"tour.next_{hand}")]
    if not about.control.may_open:
        second.append(words("tour.paused", badge=badge(words, about.control)))
    second.append(words("tour.try"))
    return (
        Screen(text=Html("\n".join(first))),
        Screen(text=Html("\n".join(second)), buttons=_first_steps(words, person, about.control)),
        Screen(text=words(f"tour.stop_{hand}")),
    )


def _first_steps(words: Words, person: Person, control: Control) -> tuple[tuple[Button, ...], ...]:
    row = tuple(
        Button(words(f"button.{name}"), callbacks.pack("show", name))
        for name in ("status", "ideas", "help")
    )
    if control.may_open or person.role.rank < Role.TRADER.rank:
        return (row,)
    return (row, (Button(words("button.resume"), callbacks.pack("resume"), "success"),))


def whoami(words: Words, person: Person) -> Screen:
    """A person's own record."""
    lines = [
        words(
            "whoami",
            name=person.name,
            id=person.id,
            role=words(f"role.{person.role}"),
            language=words("language.name"),
            zone=person.timezone,
        ),
        words("whoami.chat", chat=person.chat_id),
    ]
    if person.decided_at is not None:
        when = words.moment(person.decided_at)
        lines.append(words("whoami.since", by=giver(words, person), time=when))
    return Screen(text=Html("\n".join(lines)))


def web_code(words: Words, code: str, until: datetime, api_at: str) -> Screen:
    """A code to log in with over HTTP, shown this once, and where it is good for."""
    told = words("web.code", code=code, time=words.moment(until))
    return Screen(text=Html(f"{told}\n{words('web.how', api=api_at)}"))


def giver(words: Words, person: Person) -> Html | str:
    """Who gave a person their role; empty where it was never given in the chat."""
    key = f"actor.{person.decided_by}"
    return words(key) if words.has(key) else person.decided_by


def choose_language(words: Words) -> Screen:
    """A button for each language, in its own name."""
    buttons = tuple(
        (Button(words_for(code)("language.name"), callbacks.pack("lang", code)),)
        for code in LANGUAGES
    )
    return Screen(text=words("language.ask"), buttons=buttons)


def error(words: Words, problem: TraderError) -> Html:
    """An error in words that say what to do."""
    if isinstance(problem, WouldHalt):
        return would_halt(words, problem)
    if isinstance(problem, PositionRefused):
        return refusal(words, problem)
    if (told := mistakes.told(words, problem.details)) is not None:
        return told
    if isinstance(problem, (InvalidInput, NotFound)) and (told := _told(words, problem.details)):
        return told
    needs = problem.details.get("needs")
    if isinstance(problem, NotAllowed) and needs is None:
        return words("error.stranger", id=problem.details.get("person", "?"))
    role = words(f"role.{needs}") if needs is not None else ""
    return words(problem.key, message=sentences.told(words, str(problem)), role=role)


def _told(words: Words, details: Mapping[str, Any]) -> Html | None:
    """A wrong value in the person's language, where the error's facts are enough for it."""
    for fact, key in _TOLD.items():
        if fact in details:
            return words(key, **details)
    if words.has(f"setting.{details.get('field')}"):
        return _setting(words, details)
    return None


def _setting(words: Words, details: Mapping[str, Any]) -> Html:
    """A setting that cannot have the value it was given."""
    field, name = details["field"], name_of(words, details["field"])
    if "low" not in details:
        return words("error.setting_value", field=field, name=name)
    low, high = (words.number(details[end]) for end in ("low", "high"))
    return words("error.setting_range", field=field, name=name, low=low, high=high)
