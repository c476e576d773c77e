"""A sweep in the chat: its form, started, watched, cancelled."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.handlers import trials
from bot.i18n import Words
from bot.screen import Screen
from bot.views import sweep as views
from engine.domain.person import Person
from engine.research.runs import ReadBacktests
from engine.research.space import Axis
from engine.research.sweeping import AskSweep, CancelSweep, ReadSweep


def build() -> Router:
    """The router."""
    router = Router(name="sweep")
    router.message.register(sweep, Command("sweep"))
    taps = router.callback_query
    taps.register(new, F.data == callbacks.pack("swnew"))
    taps.register(start, F.data.startswith(callbacks.pack("sweepgo", "")))
    taps.register(show, F.data.startswith(callbacks.pack("swshow", "")))
    taps.register(cancel, F.data.startswith(callbacks.pack("swcancel", "")))
    return router


async def sweep(
    message: Message,
    person: Person,
    words: Words,
    state: FSMContext,
    read_backtests: ReadBacktests,
    read_sweep: ReadSweep,
) -> Screen:
    """/sweep: the form, or how far the person's own sweep is."""
    for each in await read_sweep.last(person.id):
        if each.person_id == person.id and not each.is_over:
            _, shards = await read_sweep(person.id, each.id)
            return views.progress(words, each, shards, edit=False)
    return await trials.opened(message, person, words, state, read_backtests, "sweep")


async def new(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    read_backtests: ReadBacktests,
) -> Screen:
    """A new form, behind what came of the last one."""
    return await trials.opened(query, person, words, state, read_backtests, "sweep")


async def start(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    read_backtests: ReadBacktests,
    ask_sweep: AskSweep,
    read_sweep: ReadSweep,
) -> Screen:
    """Put its runs down to be played; the message shows how far they are."""
    trial = await trials.pressed(query, state, "sweepgo", "sweep")
    if trial is None:
        return trials.outdated(words)
    wish = await trials.wish_of(await trials.desk_of(read_backtests, person), trial)
    axes = [Axis(path, values) for path, values in trial.axes]
    message_id = None if query.message is None else query.message.message_id
    made = await ask_sweep(person.id, wish, axes, most=trial.most, message_id=message_id)
    made, shards = await read_sweep(person.id, made.id)
    return views.progress(words, made, shards, edit=True)


async def show(query: CallbackQuery, person: Person, words: Words, read_sweep: ReadSweep) -> Screen:
    """How far it is now."""
    found, shards = await read_sweep(person.id, callbacks.id_in(query.data or "", "swshow"))
    return views.progress(words, found, shards, edit=True)


async def cancel(
    query: CallbackQuery,
    person: Person,
    words: Words,
    cancel_sweep: CancelSweep,
    read_sweep: ReadSweep,
) -> Screen:
    """Play nothing more of it."""
    made = await cancel_sweep(person.id, callbacks.id_in(query.data or "", "swcancel"))
    _, shards = await read_sweep(person.id, made.id)
    return views.progress(words, made, shards, edit=True)
