"""What it was worth: a span's figures, and scores and answers against the market."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.i18n import Words
from bot.screen import Screen
from bot.views import performance as views
from bot.views import report as report_views
from engine.domain.person import Person
from engine.flow.outcomes import ReadCalibration, ReadMirror
from engine.flow.performance import ReadPerformance


def build() -> Router:
    """The router."""
    router = Router(name="performance")
    router.message.register(performance, Command("performance"))
    router.callback_query.register(tap, F.data.startswith(callbacks.pack("perf", "")))
    router.callback_query.register(as_file, F.data.startswith(callbacks.pack("csv", "")))
    return router


async def performance(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    read_performance: ReadPerformance,
    read_calibration: ReadCalibration,
    read_mirror: ReadMirror,
    is_live: bool,
) -> Screen:
    """/performance [today, week, month, two dates], /performance me, /performance confidence [of],
    /performance help.
    """
    part, _, rest = (command.args or "").strip().partition(" ")
    match part.lower():
        case "help":
            return views.help_(words)
        case "me":
            return views.mirror(words, person, await read_mirror(person.id), is_live=is_live)
        case "confidence":
            of = rest.strip() or None
            seen = await read_calibration(person.id, of=of)
            return views.calibration(words, seen, of=of, is_live=is_live)
    found = await read_performance(person.id, (command.args or "").split())
    return report_views.report(words, found, is_live=is_live)


async def tap(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_performance: ReadPerformance,
    read_calibration: ReadCalibration,
    read_mirror: ReadMirror,
    is_live: bool,
) -> Screen:
    """Another span, or the views beside it."""
    (what,) = callbacks.parts(query.data or "", "perf", 1)
    if what == "me":
        return views.mirror(words, person, await read_mirror(person.id), is_live=is_live)
    if what == "confidence":
        seen = await read_calibration(person.id, of=None)
        return views.calibration(words, seen, of=None, is_live=is_live)
    found = await read_performance(person.id, [what])
    return report_views.report(words, found, is_live=is_live)


async def as_file(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_performance: ReadPerformance,
    is_live: bool,
) -> Screen:
    """The trades of two days and all between them, as CSV."""
    days = callbacks.parts(query.data or "", "csv", 2)
    found = await read_performance(person.id, days)
    return report_views.trades_file(words, found, is_live=is_live)
