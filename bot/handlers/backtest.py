"""A backtest in the chat: its form, started, watched, cancelled, started again."""

from uuid import NAMESPACE_OID, UUID, uuid5

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.handlers import trials
from bot.i18n import Words
from bot.screen import Screen
from bot.views import backtest_form as views
from engine.domain.backtest import BacktestRun, Wish
from engine.domain.person import Person
from engine.research.runs import CancelBacktest, ReadBacktests, StartBacktest


def build() -> Router:
    """The router."""
    router = Router(name="backtest")
    router.message.register(backtest, Command("backtest"))
    taps = router.callback_query
    taps.register(start, F.data.startswith(callbacks.pack("btgo", "")))
    taps.register(cancel, F.data.startswith(callbacks.pack("btcancel", "")))
    taps.register(again, F.data.startswith(callbacks.pack("btagain", "")))
    return router


async def backtest(
    message: Message,
    person: Person,
    words: Words,
    state: FSMContext,
    read_backtests: ReadBacktests,
) -> Screen:
    """/backtest: the form, or how far the run is that is under way."""
    _, run = await read_backtests.choice(person.id)
    if run is not None:
        return views.progress(words, run, edit=False)
    return await trials.opened(message, person, words, state, read_backtests, "backtest")


async def start(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    read_backtests: ReadBacktests,
    start_backtest: StartBacktest,
) -> Screen:
    """Put it down to be played; the message shows how far it is."""
    trial = await trials.pressed(query, state, "btgo", "backtest")
    if trial is None:
        return trials.outdated(words)
    wish = await trials.wish_of(await trials.desk_of(read_backtests, person), trial)
    return await _start(query, person, words, start_backtest, wish)


async def again(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_backtests: ReadBacktests,
    start_backtest: StartBacktest,
) -> Screen:
    """The same once more."""
    run = await read_backtests.one(person.id, callbacks.id_in(query.data or "", "btagain"))
    return await _start(query, person, words, start_backtest, run.wish)


async def cancel(
    query: CallbackQuery, person: Person, words: Words, cancel_backtest: CancelBacktest
) -> Screen:
    """Ask it to stop."""
    run = await cancel_backtest(person.id, callbacks.id_in(query.data or "", "btcancel"))
    return views.progress(words, run, edit=True)


async def _start(
    query: CallbackQuery, person: Person, words: Words, start_backtest: StartBacktest, wish: Wish
) -> Screen:
    # A tap that is handled twice starts one run: its id is made of the tap.
    id_ = uuid5(NAMESPACE_OID, f"backtest:{query.id}")
    message_id = None if query.message is None else query.message.message_id
    run, is_new = await start_backtest(person.id, id_, wish, message_id=message_id)
    return views.progress(words, run, edit=True, toast=_toast(words, run, is_new, id_))


def _toast(words: Words, run: BacktestRun, is_new: bool, id_: UUID) -> str | None:
    return None if is_new or run.id == id_ else words("backtest.busy")
