"""Joining, help and language."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.i18n import LANGUAGES, Words, words_for
from bot.screen import Screen
from bot.views import people as views
from engine.domain.person import Person
from engine.errors import InvalidInput
from engine.flow.people import ChangeLanguage, Join


def build() -> Router:
    """The router."""
    router = Router(name="people")
    router.message.register(start, Command("start"))
    router.message.register(show_help, Command("help"))
    router.message.register(whoami, Command("whoami"))
    router.message.register(language, Command("language"))
    router.callback_query.register(choose, F.data.startswith(callbacks.pack("lang")))
    return router


async def start(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    join: Join,
    is_live: bool,
) -> Screen:
    """Join, or claim a new bot with its code."""
    stored, claimed = await join(person, command.args.strip() if command.args else None)
    return views.welcome(words, stored, claimed=claimed, is_live=is_live)


async def show_help(message: Message, person: Person, words: Words) -> Screen:
    """What can be asked."""
    return views.help_(words, person.role)


async def whoami(message: Message, person: Person, words: Words) -> Screen:
    """A person's own record."""
    return views.whoami(words, person)


async def language(message: Message, words: Words) -> Screen:
    """Offer the languages."""
    return views.choose_language(words)


async def choose(query: CallbackQuery, person: Person, change_language: ChangeLanguage) -> Screen:
    """Speak another language from now on."""
    (code,) = callbacks.parts(query.data or "", "lang", 1)
    if code not in LANGUAGES:
        raise InvalidInput(f"there is no language {code!r}")
    changed = await change_language(person.id, code)
    words = words_for(changed.language, changed.timezone)
    return Screen(text=words("language.changed"), edit=True, toast=words("language.changed"))
