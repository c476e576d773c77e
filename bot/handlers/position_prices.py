"""A stop or targets that are typed: asked by a button, answered by a message, then confirmed."""

from aiogram import F, Router
from aiogram.filters import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.handlers.positions import held, tapped
from bot.handlers.prices import price
from bot.i18n import Words
from bot.screen import Screen
from bot.views import position_orders as views
from engine.domain.person import Person, Role
from engine.domain.position_orders import Deed
from engine.flow.positions import AskPosition
from engine.flow.trades import ReadPositions


class Typing(StatesGroup):
    """Which price is waited for. Another one may be typed until a question is answered."""

    stop = State()
    targets = State()


def build() -> Router:
    """The router."""
    router = Router(name="position prices")
    router.callback_query.register(ask_stop, F.data.startswith(callbacks.pack("pstop", "")))
    router.callback_query.register(ask_targets, F.data.startswith(callbacks.pack("ptargets", "")))
    router.message.register(stop, StateFilter(Typing.stop), F.text)
    router.message.register(targets, StateFilter(Typing.targets), F.text)
    return router


async def ask_stop(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    read_positions: ReadPositions,
) -> Screen:
    """Move stop: wait for a price."""
    person.must_be(Role.TRADER)
    trade = tapped(await read_positions(person.id), query.data or "", "pstop")
    await state.set_state(Typing.stop)
    await state.set_data({"position": callbacks.handle(trade.position.id)})
    return views.type_price(words, trade, Deed.STOP)


async def ask_targets(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    read_positions: ReadPositions,
) -> Screen:
    """Set target: wait for one price or several."""
    person.must_be(Role.TRADER)
    trade = tapped(await read_positions(person.id), query.data or "", "ptargets")
    await state.set_state(Typing.targets)
    await state.set_data({"position": callbacks.handle(trade.position.id)})
    return views.type_price(words, trade, Deed.TARGETS)


async def stop(
    message: Message,
    person: Person,
    words: Words,
    state: FSMContext,
    read_positions: ReadPositions,
    ask_position: AskPosition,
    is_live: bool,
) -> Screen:
    """A typed stop is shown back with its effect."""
    wanted = price((message.text or "").strip(), words, "1.0850")
    trade = held(await read_positions(person.id), (await state.get_data())["position"])
    asked = await ask_position.stop(person.id, trade.position.id, wanted)
    return views.question(words, asked, is_live=is_live)


async def targets(
    message: Message,
    person: Person,
    words: Words,
    state: FSMContext,
    read_positions: ReadPositions,
    ask_position: AskPosition,
    is_live: bool,
) -> Screen:
    """Typed targets are shown back."""
    wanted = [price(text, words, "1.0900 1.0950") for text in (message.text or "").split()]
    trade = held(await read_positions(person.id), (await state.get_data())["position"])
    asked = await ask_position.targets(person.id, trade.position.id, wanted)
    return views.question(words, asked, is_live=is_live)
