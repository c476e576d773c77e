"""The optimizer's searches in the chat: asked for, watched, stopped."""

from aiogram import F, Router
from aiogram.types import CallbackQuery

from bot import callbacks
from bot.i18n import Words
from bot.screen import Screen
from bot.views import search as views
from engine.domain.optimizer_run import OptimizerRun, RunWish
from engine.domain.person import Person, Role
from engine.errors import IllegalMove
from engine.flow.strategy_book import ReadBook
from engine.research.optimizer import TrainOptimizer
from engine.research.runs import ReadBacktests


def build() -> Router:
    """The router."""
    router = Router(name="search")
    taps = router.callback_query
    taps.register(menu, F.data == callbacks.pack("searches"))
    taps.register(start, F.data.startswith(callbacks.pack("search", "")))
    taps.register(cancel, F.data.startswith(callbacks.pack("search-no", "")))
    return router


async def menu(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_book: ReadBook,
    read_backtests: ReadBacktests,
    train_optimizer: TrainOptimizer,
) -> Screen:
    """What can be searched on the candles there are, or how far the search is that is under way."""
    last = await train_optimizer.last(person.id)
    if last is not None and last.is_under_way:
        return await _shown(words, person, read_book, last, edit=False)
    strategies, _ = await read_backtests.choice(person.id)
    return views.menu(words, strategies, last)


async def start(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_book: ReadBook,
    train_optimizer: TrainOptimizer,
) -> Screen:
    """Ask for a search; the message shows how far it is."""
    person.must_be(Role.TRADER)
    name, mark = callbacks.parts(query.data or "", "search", 2)
    last = await train_optimizer.last(person.id)
    if last is not None and str(last.id) != mark:
        # Tapped before, or an old list.
        return await _shown(words, person, read_book, last, edit=True)
    wish = RunWish(strategy_id=callbacks.uuid(name), by=person.id)
    message_id = None if query.message is None else query.message.message_id
    try:
        run = await train_optimizer(person.id, wish, message_id=message_id)
    except IllegalMove:
        return Screen(toast=words("search.busy"), alert=True)
    return await _shown(words, person, read_book, run, edit=True)


async def cancel(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_book: ReadBook,
    train_optimizer: TrainOptimizer,
) -> Screen:
    """Stop it."""
    number = callbacks.number_in(query.data or "", "search-no")
    run = await train_optimizer.cancel(person.id, number)
    return await _shown(words, person, read_book, run, edit=True)


async def _shown(
    words: Words, person: Person, read_book: ReadBook, run: OptimizerRun, *, edit: bool
) -> Screen:
    book = await read_book(person.id)
    found = (line.strategy.name for line in book if line.strategy.id == run.wish.strategy_id)
    return views.progress(words, run, next(found, ""), edit=edit)
