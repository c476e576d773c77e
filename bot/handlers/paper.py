"""The paper account: how it stands, and its logs."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.i18n import Words
from bot.screen import Screen
from bot.views import paper as views
from engine.domain.person import Person
from engine.errors import InvalidInput
from engine.flow.paper import ReadPaper


def build() -> Router:
    """The router."""
    router = Router(name="paper")
    router.message.register(paper, Command("paper"))
    router.callback_query.register(again, F.data == callbacks.pack("paper"))
    router.callback_query.register(log, F.data.startswith(callbacks.pack("paperlog", "")))
    return router


async def paper(message: Message, person: Person, words: Words, read_paper: ReadPaper) -> Screen:
    """/paper: how the account stands."""
    return views.state(words, await read_paper(person.id))


async def again(
    query: CallbackQuery, person: Person, words: Words, read_paper: ReadPaper
) -> Screen:
    """The same of now, in place."""
    return views.state(words, await read_paper(person.id), edit=True)


async def log(query: CallbackQuery, words: Words) -> Screen:
    """The log of signals, or of trades, as a file."""
    (name,) = callbacks.parts(query.data or "", "paperlog", 1)
    if name not in views.LOGS:
        raise InvalidInput("this button is not of this version")
    return views.log(words, name)
