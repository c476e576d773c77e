"""Help and the version."""

from functools import cache
from importlib.metadata import version as installed
from platform import python_version

from aiogram import Router, __api_version__
from aiogram.filters import Command, CommandObject
from aiogram.types import Message

from bot.i18n import Words
from bot.screen import Screen
from bot.views import about as views
from engine.domain.person import Person
from engine.flow.about import ReadAbout


def build() -> Router:
    """The router."""
    router = Router(name="about")
    router.message.register(help_, Command("help"))
    router.message.register(version, Command("version"))
    return router


async def help_(message: Message, command: CommandObject, person: Person, words: Words) -> Screen:
    """/help, or /help history for one command."""
    name = (command.args or "").strip().removeprefix("/").lower()[:32]
    return views.help_of(words, name, person.role) if name else views.help_(words, person.role)


async def version(message: Message, person: Person, words: Words, read_about: ReadAbout) -> Screen:
    """What runs."""
    return views.version(
        words,
        await read_about(person.id),
        program=_program(),
        python=python_version(),
        protocol=__api_version__,
    )


@cache
def _program() -> str:
    return installed("ai-trader")
