"""The door and the first steps: joining, the tour, who one is, the language."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message, Update

from bot import callbacks
from bot.i18n import LANGUAGES, Words, words_for
from bot.screen import Screen
from bot.views import about as about_views
from bot.views import history as history_views
from bot.views import people as views
from bot.views import status as status_views
from engine.domain.person import Person, Told
from engine.errors import InvalidInput
from engine.flow.about import ReadAbout
from engine.flow.door import Join
from engine.flow.logins import Invite
from engine.flow.overview import ListIdeas, ReadStatus
from engine.flow.people import ChangeLanguage


def build() -> Router:
    """The router."""
    router = Router(name="people")
    router.message.register(start, Command("start"))
    router.message.register(whoami, Command("whoami"))
    router.message.register(web, Command("web"))
    router.message.register(language, Command("language"))
    router.callback_query.register(choose, F.data.startswith(callbacks.pack("lang", "")))
    router.callback_query.register(tour, F.data == callbacks.pack("tour"))
    router.callback_query.register(show_status, F.data == callbacks.pack("show", "status"))
    router.callback_query.register(show_ideas, F.data == callbacks.pack("show", "ideas"))
    router.callback_query.register(show_help, F.data == callbacks.pack("show", "help"))
    return router


async def start(
    message: Message,
    command: CommandObject,
    event_update: Update,
    person: Person,
    words: Words,
    join: Join,
    read_about: ReadAbout,
) -> Screen | tuple[Screen, ...] | None:
    """Join, or claim a new bot with its code; who is in already takes the tour."""
    code = command.args.strip() if command.args else None
    joined = await join(person, code, update_id=event_update.update_id)
    match joined.told:
        case Told.CLAIMED | Told.WELCOME:
            about = await read_about(person.id)
            claimed = joined.told is Told.CLAIMED
            return views.tour(words, joined.person, about, claimed=claimed)
        case Told.ASKED:
            return views.waits(words, joined.person)
        case Told.WRONG_CODE:
            return views.wrong_code(words, joined.tries_left)
        case Told.TURNED_AWAY:
            return Screen(text=views.turned_away(words, person.id, joined.person.role))
        case Told.NOTHING:
            return None


async def tour(
    query: CallbackQuery, person: Person, words: Words, read_about: ReadAbout
) -> tuple[Screen, ...]:
    """The first steps, by the button of who was just let in."""
    return views.tour(words, person, await read_about(person.id))


async def show_status(
    query: CallbackQuery, person: Person, words: Words, read_status: ReadStatus, is_live: bool
) -> Screen:
    """The dashboard, as a message of its own."""
    return status_views.status(words, await read_status(person.id), is_live=is_live)


async def show_ideas(
    query: CallbackQuery, person: Person, words: Words, list_ideas: ListIdeas, is_live: bool
) -> Screen:
    """The ideas, as a message of their own."""
    waiting = await list_ideas(person.id, waiting=True)
    found = waiting or await list_ideas(person.id, waiting=False)
    return history_views.ideas(words, found, waiting=bool(waiting), is_live=is_live)


async def show_help(query: CallbackQuery, person: Person, words: Words) -> Screen:
    """What can be asked, as a message of its own."""
    return about_views.help_(words, person.role)


async def whoami(message: Message, person: Person, words: Words) -> Screen:
    """A person's own record."""
    return views.whoami(words, person)


async def web(
    message: Message, person: Person, words: Words, invite: Invite, api_at: str | None
) -> Screen:
    """A code to log in with over HTTP; it takes the place of the one before."""
    if api_at is None:
        return Screen(text=words("web.none"))
    code, until = await invite(person.id)
    return views.web_code(words, code, until, api_at)


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
