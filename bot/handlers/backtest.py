"""A backtest by buttons: choose, start, watch, cancel, start again."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.i18n import Words
from bot.screen import Screen
from bot.views import backtest_form as views
from engine.domain.backtest import BacktestRun, Wish
from engine.domain.market import Timeframe
from engine.domain.person import Person
from engine.domain.strategy import Strategy
from engine.errors import InvalidInput
from engine.research.runs import CancelBacktest, ReadBacktests, StartBacktest


def build() -> Router:
    """The router."""
    router = Router(name="backtest")
    router.message.register(backtest, Command("backtest"))
    for handler, action in ((form, "btform"), (start, "btgo"), (cancel, "btcancel")):
        router.callback_query.register(handler, F.data.startswith(callbacks.pack(action, "")))
    router.callback_query.register(again, F.data.startswith(callbacks.pack("btagain", "")))
    return router


async def backtest(
    message: Message, person: Person, words: Words, read_backtests: ReadBacktests
) -> Screen:
    """/backtest: the form, or how far the run is that is under way."""
    strategies, run = await read_backtests.choice(person.id)
    if run is not None:
        return views.progress(words, run, edit=False)
    return views.form(words, strategies, _streams(read_backtests, strategies), place=0, days=0)


async def form(
    query: CallbackQuery, person: Person, words: Words, read_backtests: ReadBacktests
) -> Screen:
    """The form with another choice."""
    place, days = (callbacks.whole(p) for p in callbacks.parts(query.data or "", "btform", 2))
    strategies, _ = await read_backtests.choice(person.id)
    if place is None or days not in views.PERIODS:
        raise InvalidInput("this button is not of this version")
    place = place if place <= len(strategies) else 0
    streams = _streams(read_backtests, strategies)
    return views.form(words, strategies, streams, place=place, days=days, edit=True)


async def start(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_backtests: ReadBacktests,
    start_backtest: StartBacktest,
) -> Screen:
    """Put it down to be played; the message shows how far it is."""
    shown, name = callbacks.parts(query.data or "", "btgo", 2)
    days = callbacks.whole(shown)
    if days not in views.PERIODS:
        raise InvalidInput("this button is not of this version")
    strategies, _ = await read_backtests.choice(person.id)
    one = next((each for each in strategies if each.id.hex == name), None)
    if name and one is None:
        raise InvalidInput("this strategy cannot be tried any more; send /backtest again")
    symbol, timeframe = _streams(read_backtests, () if one is None else (one,))[-1]
    wish = Wish(symbol=symbol, timeframe=timeframe, strategy=None if one is None else one.name)
    wish = await read_backtests.last(wish, timedelta(days=days or 0))
    return await _start(query, person, words, start_backtest, wish)


async def again(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_backtests: ReadBacktests,
    start_backtest: StartBacktest,
) -> Screen:
    """The same once more."""
    run = await read_backtests.one(person.id, _id(query, "btagain"))
    return await _start(query, person, words, start_backtest, run.wish)


async def cancel(
    query: CallbackQuery, person: Person, words: Words, cancel_backtest: CancelBacktest
) -> Screen:
    """Ask it to stop."""
    run = await cancel_backtest(person.id, _id(query, "btcancel"))
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


def _id(query: CallbackQuery, action: str) -> UUID:
    (text,) = callbacks.parts(query.data or "", action, 1)
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidInput("this button is not of this version") from error


def _streams(read: ReadBacktests, strategies: Sequence[Strategy]) -> list[tuple[str, Timeframe]]:
    """What all strategies are tried on, then what each is."""
    return [read.symbols[0], *(read.stream(each) or read.symbols[0] for each in strategies)]
