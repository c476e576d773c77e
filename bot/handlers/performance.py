"""What it was worth: scores and answers against the market."""

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import Message

from bot.i18n import Words
from bot.screen import Screen
from bot.views import performance as views
from engine.domain.person import Person
from engine.flow.outcomes import ReadCalibration, ReadMirror


def build() -> Router:
    """The router."""
    router = Router(name="performance")
    router.message.register(performance, Command("performance"))
    return router


async def performance(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    read_calibration: ReadCalibration,
    read_mirror: ReadMirror,
    is_live: bool,
) -> Screen:
    """/performance me, /performance confidence [symbol or strategy]."""
    part, _, rest = (command.args or "").strip().partition(" ")
    if part.lower() == "me":
        return views.mirror(words, person, await read_mirror(person.id), is_live=is_live)
    if part.lower() == "confidence":
        of = rest.strip() or None
        seen = await read_calibration(person.id, of=of)
        return views.calibration(words, seen, of=of, is_live=is_live)
    return views.help_(words)
