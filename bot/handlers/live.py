"""Real money: the checklist, its confirmation in two steps, and its withdrawal in one."""

from contextlib import suppress

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.handlers.questions import expiry, is_fresh
from bot.i18n import Words
from bot.screen import Screen
from bot.views import live as views
from engine.domain.person import Person
from engine.errors import NotFound
from engine.flow.live import ConfirmLive, ReadLive
from engine.ports import Clock


def build() -> Router:
    """The router."""
    router = Router(name="live")
    router.message.register(live, Command("live"))
    router.callback_query.register(again, F.data == callbacks.pack("live"))
    router.callback_query.register(ask, F.data == callbacks.pack("live-ask"))
    router.callback_query.register(confirm, F.data.startswith(callbacks.pack("live-yes", "")))
    router.callback_query.register(withdraw, F.data == callbacks.pack("live-off"))
    return router


async def live(message: Message, person: Person, words: Words, read_live: ReadLive) -> Screen:
    """/live."""
    return views.checklist(words, await read_live(person.id), person.role)


async def again(query: CallbackQuery, person: Person, words: Words, read_live: ReadLive) -> Screen:
    """The list of now, in place."""
    return views.checklist(words, await read_live(person.id), person.role, edit=True)


async def ask(
    query: CallbackQuery, person: Person, words: Words, read_live: ReadLive, clock: Clock
) -> Screen:
    """The second step: which account, and what one says by confirming it."""
    seen = await read_live(person.id)
    if not seen.may_be_confirmed:
        return views.checklist(words, seen, person.role, edit=True)
    return views.question(words, seen, expiry(clock))


async def confirm(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_live: ReadLive,
    confirm_live: ConfirmLive,
    clock: Clock,
) -> Screen:
    """Confirm the account that was looked at, while the question is fresh."""
    mark, expires = callbacks.parts(query.data or "", "live-yes", 2)
    if not is_fresh(clock, callbacks.whole(expires)):
        return Screen(text=words("control.outdated"), edit=True)
    await confirm_live(person.id, mark)
    return views.checklist(words, await read_live(person.id), person.role, edit=True)


async def withdraw(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_live: ReadLive,
    confirm_live: ConfirmLive,
) -> Screen:
    """Shut real money out, in one step; a second tap finds it done."""
    with suppress(NotFound):
        await confirm_live.withdraw(person.id)
    return views.checklist(words, await read_live(person.id), person.role, edit=True)
