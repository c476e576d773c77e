"""The market on request: calendar, news, indicators, charts, one evaluation."""

from collections.abc import Sequence

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.i18n import Words
from bot.screen import Screen
from bot.views import market as views
from engine.domain.market import Timeframe
from engine.domain.person import Person
from engine.errors import InvalidInput
from engine.flow.market import ReadMarket


def build() -> Router:
    """The router."""
    router = Router(name="market")
    router.message.register(calendar, Command("calendar"))
    router.message.register(news, Command("news"))
    router.message.register(indicators, Command("indicators"))
    router.message.register(chart, Command("chart"))
    router.message.register(evaluate, Command("evaluate"))
    router.callback_query.register(calendar_tap, F.data.startswith(callbacks.pack("cal", "")))
    router.callback_query.register(indicators_tap, F.data.startswith(callbacks.pack("ind", "")))
    router.callback_query.register(chart_tap, F.data.startswith(callbacks.pack("chart", "")))
    router.callback_query.register(evaluate_tap, F.data.startswith(callbacks.pack("eval", "")))
    return router


async def calendar(
    message: Message, command: CommandObject, person: Person, words: Words, read_market: ReadMarket
) -> Screen:
    """/calendar, or /calendar all for the releases of every currency."""
    every = (command.args or "").strip().lower() == "all"
    return views.calendar(words, await read_market.calendar(person.id), every=every)


async def calendar_tap(
    query: CallbackQuery, person: Person, words: Words, read_market: ReadMarket
) -> Screen:
    """More or fewer releases, in place."""
    (which,) = callbacks.parts(query.data or "", "cal", 1)
    seen = await read_market.calendar(person.id)
    return views.calendar(words, seen, every=which == "all", edit=True)


async def news(
    message: Message, command: CommandObject, person: Person, words: Words, read_market: ReadMarket
) -> Screen:
    """/news [symbol]."""
    typed, _ = _looked_at((command.args or "").split(), words)
    symbol = None if typed is None else read_market.spelled(typed)
    return views.news(words, await read_market.news(person.id, symbol), symbol=symbol)


async def indicators(
    message: Message, command: CommandObject, person: Person, words: Words, read_market: ReadMarket
) -> Screen:
    """/indicators [symbol] [timeframe]."""
    symbol, timeframe = _looked_at((command.args or "").split(), words)
    return views.indicators(words, await read_market(person.id, symbol, timeframe))


async def indicators_tap(
    query: CallbackQuery, person: Person, words: Words, read_market: ReadMarket
) -> Screen:
    """The figures of now, under the message that asked."""
    symbol, timeframe = _looked_at(callbacks.parts(query.data or "", "ind", 2), words)
    return views.indicators(words, await read_market(person.id, symbol, timeframe))


async def chart(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    read_market: ReadMarket,
    is_live: bool,
) -> Screen:
    """/chart [symbol] [timeframe]."""
    symbol, timeframe = _looked_at((command.args or "").split(), words)
    return views.chart(words, await read_market(person.id, symbol, timeframe), is_live=is_live)


async def chart_tap(
    query: CallbackQuery, person: Person, words: Words, read_market: ReadMarket, is_live: bool
) -> Screen:
    """Another timeframe of the same symbol."""
    symbol, timeframe = _looked_at(callbacks.parts(query.data or "", "chart", 2), words)
    return views.chart(words, await read_market(person.id, symbol, timeframe), is_live=is_live)


async def evaluate(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    read_market: ReadMarket,
    is_live: bool,
) -> Screen:
    """/evaluate [symbol]."""
    symbol, _ = _looked_at((command.args or "").split(), words)
    bundle, answers = await read_market.evaluate(person.id, symbol)
    return views.evaluation(words, bundle, answers, is_live=is_live)


async def evaluate_tap(
    query: CallbackQuery, person: Person, words: Words, read_market: ReadMarket, is_live: bool
) -> Screen:
    """Every check of one strategy, asked again now."""
    symbol, number = callbacks.parts(query.data or "", "eval", 2)
    bundle, answers = await read_market.evaluate(person.id, symbol)
    place = callbacks.whole(number)
    if place is None or place >= len(answers):
        raise InvalidInput("this button names no strategy")
    strategy, outcome = answers[place]
    return views.evaluation_of(words, bundle, strategy, outcome, is_live=is_live)


def _looked_at(parts: Sequence[str], words: Words) -> tuple[str | None, Timeframe | None]:
    """A symbol and a timeframe in any order; raises :class:`InvalidInput` for more than that."""
    frames = [part.upper() for part in parts if part.upper() in list(Timeframe)]
    symbols = [part[:24] for part in parts if part.upper() not in list(Timeframe)]
    if len(frames) > 1 or len(symbols) > 1:
        raise InvalidInput(words("error.usage", example="/chart EURUSD H1"))
    return (symbols[0] if symbols else None), (Timeframe(frames[0]) if frames else None)
