"""Open trades: look at them, close them, in whole or in part, and move their levels."""

from collections.abc import Sequence
from decimal import Decimal

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.handlers.prices import price
from bot.i18n import Words
from bot.screen import Screen
from bot.views import position_orders as order_views
from bot.views import positions as views
from engine.domain.person import Person, Role
from engine.domain.position_orders import PositionOrderState
from engine.errors import BrokerSilent, InvalidInput, PositionRefused
from engine.flow.positions import Asked, AskPosition, ConfirmPosition
from engine.flow.trades import OpenTrade, OpenTrades, ReadPositions

_HALF = "half"


def build() -> Router:
    """The router."""
    router = Router(name="positions")
    router.message.register(positions, Command("positions"))
    router.message.register(close, Command("close"))
    router.message.register(stop_loss, Command("stoploss"))
    router.message.register(target, Command("target"))
    router.message.register(break_even, Command("breakeven"))
    router.callback_query.register(refresh, F.data == callbacks.pack("positions"))
    router.callback_query.register(look, F.data.startswith(callbacks.pack("pos", "")))
    for action in ("pclose", "phalf", "peven"):
        router.callback_query.register(ask, F.data.startswith(callbacks.pack(action, "")))
    router.callback_query.register(confirm, F.data.startswith(callbacks.pack("pgo", "")))
    router.callback_query.register(decline, F.data.startswith(callbacks.pack("pno", "")))
    return router


async def positions(
    message: Message,
    person: Person,
    words: Words,
    glance_positions: ReadPositions,
    is_live: bool,
) -> Screen:
    """Every open trade."""
    return views.positions(words, await glance_positions(person.id), person, is_live=is_live)


async def refresh(
    query: CallbackQuery,
    person: Person,
    words: Words,
    glance_positions: ReadPositions,
    is_live: bool,
) -> Screen:
    """The same again, in place."""
    seen = await glance_positions(person.id)
    return views.positions(words, seen, person, is_live=is_live, edit=True)


async def look(
    query: CallbackQuery, person: Person, words: Words, read_positions: ReadPositions, is_live: bool
) -> Screen:
    """One open trade with its buttons, in place."""
    seen = await read_positions(person.id)
    trade = tapped(seen, query.data or "", "pos")
    return views.position(words, seen, trade, person, is_live=is_live)


async def ask(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_positions: ReadPositions,
    ask_position: AskPosition,
    is_live: bool,
) -> Screen:
    """Close, Half and Break-even: the question, not the deed."""
    action = (query.data or "").split(":")[1]
    trade = tapped(await read_positions(person.id), query.data or "", action)
    asks = {
        "pclose": ask_position.close, "phalf": ask_position.part, "peven": ask_position.break_even,
    }  # fmt: skip
    asked = await asks[action](person.id, trade.position.id)
    return order_views.question(words, asked, is_live=is_live)


async def confirm(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    confirm_position: ConfirmPosition,
    is_live: bool,
) -> Screen:
    """The second step; the button stands for what was asked, whatever happened since."""
    (client_id,) = callbacks.parts(query.data or "", "pgo", 1)
    order = await confirm_position(person.id, client_id)
    await state.clear()
    return order_views.outcome(words, order, is_live=is_live, edit=True)


async def decline(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    confirm_position: ConfirmPosition,
    is_live: bool,
) -> Screen:
    """Leave the trade as it is."""
    (client_id,) = callbacks.parts(query.data or "", "pno", 1)
    order = await confirm_position.decline(person.id, client_id)
    await state.clear()
    if order.state is PositionOrderState.CANCELLED and order.reason == "declined":
        return Screen(text=words("position.declined"), edit=True)
    return order_views.outcome(words, order, is_live=is_live, edit=True)


async def close(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    read_positions: ReadPositions,
    ask_position: AskPosition,
    is_live: bool,
) -> Screen:
    """/close, /close 3, /close EURUSD, /close 3 half, /close 3 0.05."""
    person.must_be(Role.TRADER)
    seen = await read_positions(person.id)
    wanted, *rest = (command.args or "").split() or [""]
    found = named(seen, wanted) if wanted else seen.trades
    if not found:
        return views.positions(words, seen, person, is_live=is_live)
    if not wanted or len(found) > 1:
        return views.pick(words, found, is_live=is_live)
    asked = await _close(person, ask_position, found[0], rest, words)
    return order_views.question(words, asked, is_live=is_live)


async def _close(
    person: Person, ask_position: AskPosition, trade: OpenTrade, rest: list[str], words: Words
) -> Asked:
    held = trade.position
    if not rest:
        return await ask_position.close(person.id, held.id)
    if rest == [_HALF]:
        return await ask_position.part(person.id, held.id)
    if len(rest) > 1:
        raise InvalidInput(words("error.usage", example=f"/close 3 {_HALF}"))
    volume = price(rest[0], words, f"/close 3 {held.volume}")
    if volume == held.volume:
        return await ask_position.close(person.id, held.id)
    return await ask_position.part(person.id, held.id, held.volume - volume)


async def stop_loss(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    read_positions: ReadPositions,
    ask_position: AskPosition,
    is_live: bool,
) -> Screen:
    """/stoploss 3 1.0850."""
    trade, prices = await _levels(command, person, words, read_positions, "1.0850", most=1)
    asked = await ask_position.stop(person.id, trade.position.id, prices[0])
    return order_views.question(words, asked, is_live=is_live)


async def target(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    read_positions: ReadPositions,
    ask_position: AskPosition,
    is_live: bool,
) -> Screen:
    """/target 3 1.0900 1.0950."""
    trade, prices = await _levels(command, person, words, read_positions, "1.0900 1.0950")
    asked = await ask_position.targets(person.id, trade.position.id, prices)
    return order_views.question(words, asked, is_live=is_live)


async def break_even(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    read_positions: ReadPositions,
    ask_position: AskPosition,
    is_live: bool,
) -> Screen:
    """/breakeven 3."""
    trade, _ = await _levels(command, person, words, read_positions, "", most=0)
    asked = await ask_position.break_even(person.id, trade.position.id)
    return order_views.question(words, asked, is_live=is_live)


async def _levels(
    command: CommandObject,
    person: Person,
    words: Words,
    read_positions: ReadPositions,
    example: str,
    *,
    most: int | None = None,
) -> tuple[OpenTrade, list[Decimal]]:
    """The one trade that a command names, and the prices behind it."""
    usage = f"/{command.command} 3 {example}".strip()
    wanted, *rest = (command.args or "").split() or [""]
    if not wanted or (not rest and most != 0) or (most is not None and len(rest) > most):
        raise InvalidInput(words("error.usage", example=usage))
    prices = [price(text, words, usage) for text in rest]
    person.must_be(Role.TRADER)
    found = named(await read_positions(person.id), wanted)
    if len(found) > 1:
        raise PositionRefused("several", wanted=wanted[:24])
    return found[0], prices


def named(seen: OpenTrades, wanted: str) -> Sequence[OpenTrade]:
    """The open trades of an idea's number or of a symbol; raises :class:`PositionRefused` when
    there is none, and :class:`BrokerSilent`.
    """
    _answered(seen)
    number = callbacks.whole(wanted.removeprefix("#"))
    found = [
        trade
        for trade in seen.trades
        if (number is not None and trade.number == number)
        or trade.position.symbol.upper() == wanted.upper()
    ]
    if not found:
        raise PositionRefused("no_such", wanted=wanted[:24])
    return found


def tapped(seen: OpenTrades, data: str, action: str) -> OpenTrade:
    """The open trade a button is about; raises :class:`PositionRefused` when it has ended."""
    (handle,) = callbacks.parts(data, action, 1)
    return held(seen, handle)


def held(seen: OpenTrades, handle: str) -> OpenTrade:
    """The open trade of a short name."""
    _answered(seen)
    for trade in seen.trades:
        if callbacks.handle(trade.position.id) == handle:
            return trade
    raise PositionRefused("gone")


def _answered(seen: OpenTrades) -> None:
    """Only an answer says that a trade is not open."""
    if seen.account is None:
        raise BrokerSilent("the broker does not answer")
