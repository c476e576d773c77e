"""Emergency stop and flatten: the stop at once, the closing of everything after one question."""

import asyncio

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.handlers.questions import expiry, is_fresh
from bot.i18n import Words
from bot.screen import Screen
from bot.views import position_orders as views
from engine.domain.person import Person
from engine.errors import TraderError
from engine.flow.flatten import Flatten
from engine.flow.halts import ChangeControl
from engine.flow.trades import OpenTrades, ReadPositions
from engine.ports import Clock

#: The question must come, whether the broker and the feed answer or not.
_PATIENCE_SECONDS = 3.0


def build() -> Router:
    """The router."""
    router = Router(name="panic")
    router.message.register(panic, Command("panic"))
    router.callback_query.register(flat, F.data.startswith(callbacks.pack("flat", "")))
    return router


async def panic(
    message: Message,
    person: Person,
    words: Words,
    change_control: ChangeControl,
    read_positions: ReadPositions,
    clock: Clock,
    is_live: bool,
) -> Screen:
    """Stop now; then ask whether to close what is open."""
    control = await change_control.stop(person.id)
    seen = await _seen(read_positions, person.id)
    expires = expiry(clock)
    return views.panic(words, control, seen, expires, is_live=is_live)


async def _seen(read_positions: ReadPositions, person_id: int) -> OpenTrades | None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await read_positions(person_id)
    except (TraderError, OSError):
        return None


async def flat(
    query: CallbackQuery,
    person: Person,
    words: Words,
    flatten: Flatten,
    clock: Clock,
    is_live: bool,
) -> Screen:
    """Close everything that is open, in the stop it was asked in."""
    version, expires = callbacks.parts(query.data or "", "flat", 2)
    expected = callbacks.whole(version)
    if expected is None or not is_fresh(clock, callbacks.whole(expires)):
        return Screen(text=words("control.outdated"), edit=True)
    order = await flatten(person.id, expected=expected)
    return views.outcome(words, order, is_live=is_live, edit=True)
