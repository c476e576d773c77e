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


_BUTTONS = {"pstop": (Typing.stop, Deed.STOP), "ptargets": (Typing.targets, Deed.TARGETS)}


def build() -> Router:
    """The router."""
    router = Router(name="position prices")
    for button in _BUTTONS:
        router.callback_query.register(ask, F.data.startswith(callbacks.pack(button, "")))
    router.message.register(stop, StateFilter(Typing.stop), F.text)
    router.message.register(targets, StateFilter(Typing.targets), F.text)
    return router


async def ask(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    read_positions: ReadPositions,
) -> Screen:
    """Move stop, or Set target: wait for the prices."""
    person.must_be(Role.TRADER)
    data = query.data or ""
    button = str(callbacks.action(data))
    trade = tapped(await read_positions(person.id), data, button)
    waiting, deed = _BUTTONS[button]
    await state.set_state(waiting)
    await state.set_data({"position": callbacks.handle(trade.position.id)})
    return views.type_price(words, trade, deed)


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
