"""How it stands: status and today."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.i18n import Words
from bot.screen import Screen
from bot.views import status as views
from engine.domain.person import Person
from engine.errors import InvalidInput
from engine.flow.overview import ReadStatus, ReadToday


def build() -> Router:
    """The router."""
    router = Router(name="status")
    router.message.register(status, Command("status"))
    router.message.register(today, Command("today"))
    router.callback_query.register(refresh, F.data == callbacks.pack("status"))
    return router


async def status(
    message: Message, person: Person, words: Words, read_status: ReadStatus, is_live: bool
) -> Screen:
    """The dashboard."""
    return views.status(words, await read_status(person.id), is_live=is_live)


async def refresh(
    query: CallbackQuery, person: Person, words: Words, read_status: ReadStatus, is_live: bool
) -> Screen:
    """The dashboard again, in place."""
    screen = views.status(words, await read_status(person.id), is_live=is_live, edit=True)
    return Screen(
        text=screen.text, buttons=screen.buttons, edit=True, toast=words("toast.refreshed")
    )


async def today(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    read_today: ReadToday,
    is_live: bool,
) -> Screen:
    """/today, or /today ACCOUNT: the day so far."""
    wanted = (command.args or "").strip()
    if wanted and wanted.casefold() != read_today.account_id.casefold():
        raise InvalidInput(words("error.usage", example=f"/today {read_today.account_id}"))
    return views.today(words, await read_today(person.id), is_live=is_live)
