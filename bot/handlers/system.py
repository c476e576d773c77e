"""The machine itself: what is wrong with it, and what happened beside trading."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.i18n import Words
from bot.screen import Screen
from bot.views import doctor as views
from engine.domain.person import Person
from engine.flow.diagnosis import Diagnose


def build() -> Router:
    """The router."""
    router = Router(name="system")
    router.message.register(doctor, Command("doctor"))
    router.callback_query.register(again, F.data == callbacks.pack("doctor"))
    return router


async def doctor(message: Message, person: Person, words: Words, diagnose: Diagnose) -> Screen:
    """Look at everything trading needs."""
    return views.doctor(words, await diagnose(person.id))


async def again(query: CallbackQuery, person: Person, words: Words, diagnose: Diagnose) -> Screen:
    """Look again, in place."""
    return views.doctor(words, await diagnose(person.id), edit=True)
