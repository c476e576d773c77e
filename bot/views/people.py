"""Joining, help, languages, and errors in words."""

from collections.abc import Mapping
from typing import Any

from bot import callbacks
from bot.commands import Family, commands_of
from bot.i18n import LANGUAGES, Html, Words, words_for
from bot.screen import Button, Screen
from bot.views.control import would_halt
from bot.views.facts import paper
from bot.views.settings import name_of
from engine.domain.person import Person, Role
from engine.errors import InvalidInput, NotAllowed, NotFound, TraderError, WouldHalt

#: A fact of an error, and the words that are made of it.
_TOLD = {
    "number": "error.no_number",
    "watched": "error.not_watched",
    "unknown": "error.no_setting",
    "timeframe": "error.no_candles",
    "span": "error.span",
}


def welcome(words: Words, person: Person, *, claimed: bool, is_live: bool) -> Screen:
    """The first answer: who they are to this bot, and what comes next."""
    if person.role is Role.PENDING:
        return Screen(text=words("start.pending", id=person.id))
    lines = [words("start.claimed")] if claimed else []
    lines.append(
        words(
            "start.welcome",
            name=person.name,
            kind=paper(words, is_live=is_live),
            role=words(f"role.{person.role}"),
        )
    )
    return Screen(text=Html("\n".join(lines)))


def help_(words: Words, role: Role) -> Screen:
    """Every command this person may use, under its heading, with what it does."""
    lines = [words("help.title")]
    for family in Family:
        found = [command for command in commands_of(role) if command.family is family]
        if found:
            lines += [Html(""), words(f"help.{family}")]
        for command in found:
            text = words(f"command.{command.name}")
            lines.append(words("help.line", command=Html(command.name), text=text))
    return Screen(text=Html("\n".join(lines)))


def whoami(words: Words, person: Person) -> Screen:
    """A person's own record."""
    return Screen(
        text=words(
            "whoami",
            name=person.name,
            id=person.id,
            role=words(f"role.{person.role}"),
            language=words("language.name"),
            zone=person.timezone,
        )
    )


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
    if isinstance(problem, (InvalidInput, NotFound)) and (told := _told(words, problem.details)):
        return told
    needs = problem.details.get("needs")
    if isinstance(problem, NotAllowed) and needs is None:
        return words("error.stranger", id=problem.details.get("person", "?"))
    role = words(f"role.{needs}") if needs is not None else ""
    return words(problem.key, message=str(problem), role=role)


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
