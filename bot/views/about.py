"""Help, and what runs."""

from bot.commands import COMMANDS, Command, Family, commands_of
from bot.i18n import Html, Words
from bot.screen import Screen
from bot.views.facts import paper, span
from engine.domain.person import Role
from engine.flow.about import About


def help_(words: Words, role: Role) -> Screen:
    """Every command this person may use, under its heading, with what it does."""
    lines = [words("help.title")]
    for family in Family:
        found = [command for command in commands_of(role) if command.family is family]
        if found:
            lines += [Html(""), words(f"help.{family}")]
        for command in found:
            text = words(f"command.{command.name}")
            lines.append(words("help.line", command=command.name, text=text))
    example = next(command.example for command in COMMANDS if command.name == "help")
    lines += [Html(""), words("help.more", example=example)]
    return Screen(text=Html("\n".join(lines)))


def help_of(words: Words, name: str, role: Role) -> Screen:
    """One command: what it does, who may use it, how it is written, and an example."""
    command = next((one for one in commands_of(role) if one.name == name), None)
    if command is None:
        known = any(one.name == name for one in COMMANDS)
        key = "help.not_yours" if known else "error.unknown_command"
        return Screen(text=words(key, command=name))
    lines = [
        words("help.line", command=name, text=words(f"command.{name}")),
        words("help.needs", role=words(f"role.{command.role}")),
        words("help.usage", usage=_usage(words, command)),
    ]
    lines.append(words("help.example", example=command.example or f"/{name}"))
    return Screen(text=Html("\n".join(lines)))


def _usage(words: Words, command: Command) -> Html | str:
    """How a command is written; one that takes nothing is written as it is."""
    key = f"usage.{command.name}"
    return words(key) if words.has(key) else f"/{command.name}"


def version(words: Words, about: About, *, program: str, python: str, protocol: str) -> Screen:
    """What runs, since when, and whether its data is played back or comes from a market."""
    lines = [
        words("version.program", version=program, kind=paper(words, is_live=about.is_live)),
        words("version.uptime", span=span(words, about.uptime)),
        words("version.schema", schema=about.schema),
        words("version.runtime", python=python, protocol=protocol),
        words("version.recorded" if about.is_recorded else "version.market", feed=about.feed),
    ]
    return Screen(text=Html("\n".join(lines)))
