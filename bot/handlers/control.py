"""Stop and start: pause, resume, emergency stop, mode; two steps where a slip would cost money."""

import asyncio

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.handlers.questions import expiry, is_fresh
from bot.i18n import Words
from bot.screen import Screen
from bot.views import control as views
from bot.views import status as status_views
from engine.domain.person import Person, Role
from engine.domain.state import Mode
from engine.errors import InvalidInput, TraderError
from engine.flow.halts import ChangeControl, needs_admin
from engine.flow.overview import ReadStatus
from engine.ports import Clock

_PATIENCE_SECONDS = 3.0


def build() -> Router:
    """The router."""
    router = Router(name="control")
    router.message.register(pause, Command("pause"))
    router.message.register(stop, Command("stop"))
    router.message.register(resume, Command("resume"))
    router.message.register(mode, Command("mode"))
    router.callback_query.register(resume_tap, F.data == callbacks.pack("resume"))
    router.callback_query.register(confirm, F.data.startswith(callbacks.pack("go", "")))
    router.callback_query.register(switch, F.data.startswith(callbacks.pack("mode", "")))
    router.callback_query.register(cancel, F.data == callbacks.pack("cancel"))
    return router


async def pause(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    change_control: ChangeControl,
    read_status: ReadStatus,
) -> Screen:
    """/pause, or /pause EURUSD for one symbol."""
    if command.args:
        symbol = command.args.strip()
        control = await change_control.symbol(person.id, symbol, paused=True)
    else:
        control = await change_control.pause(person.id)
    return views.changed(words, control, open_trades=await _open_trades(read_status, person))


async def stop(
    message: Message,
    person: Person,
    words: Words,
    change_control: ChangeControl,
    read_status: ReadStatus,
) -> Screen:
    """Emergency stop: one step, at once; only leaving it takes two."""
    await change_control.stop(person.id)
    return views.stop_done(words, open_trades=await _open_trades(read_status, person))


async def _open_trades(read_status: ReadStatus, person: Person) -> int:
    """How many trades are open, as far as it can be told at once. Trading is stopped already: a
    venue that does not answer must not make it look as if it were not.
    """
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return len((await read_status(person.id)).positions)
    except (TraderError, OSError):
        return 0


async def resume(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    change_control: ChangeControl,
    read_status: ReadStatus,
    clock: Clock,
) -> Screen:
    """/resume, or /resume EURUSD for one symbol."""
    if command.args:
        symbol = command.args.strip()
        control = await change_control.symbol(person.id, symbol, paused=False)
        return views.changed(words, control)
    return await _resume(person, words, change_control, read_status, clock)


async def resume_tap(
    query: CallbackQuery,
    person: Person,
    words: Words,
    change_control: ChangeControl,
    read_status: ReadStatus,
    clock: Clock,
) -> Screen:
    """The Resume button under an alert."""
    return await _resume(person, words, change_control, read_status, clock)


async def _resume(
    person: Person,
    words: Words,
    change_control: ChangeControl,
    read_status: ReadStatus,
    clock: Clock,
) -> Screen:
    seen = await read_status(person.id)
    control = seen.control
    if views.needs_confirmation(control):
        # Said at once: the second step would only be refused.
        if needs_admin(control):
            person.must_be(Role.ADMIN)
        used = status_views.used(words, seen)
        return views.confirm_resume(words, control, expiry(clock), used)
    resumed = await change_control.resume(person.id, expected=control.version)
    return views.changed(words, resumed)


async def confirm(
    query: CallbackQuery,
    person: Person,
    words: Words,
    change_control: ChangeControl,
    clock: Clock,
) -> Screen:
    """The second step of /resume, for the state it was asked in."""
    version, expires = callbacks.parts(query.data or "", "go", 2)
    expected = _confirmed(clock, version, expires)
    if expected is None:
        return Screen(text=words("control.outdated"), edit=True)
    control = await change_control.resume(person.id, expected=expected)
    screen = views.changed(words, control)
    return Screen(text=screen.text, buttons=screen.buttons, edit=True)


async def mode(
    message: Message, person: Person, words: Words, read_status: ReadStatus, clock: Clock
) -> Screen:
    """The mode and the button to the other one."""
    control = (await read_status(person.id)).control
    return views.mode(words, control, expiry(clock), role=person.role)


async def switch(
    query: CallbackQuery,
    person: Person,
    words: Words,
    change_control: ChangeControl,
    clock: Clock,
) -> Screen:
    """Switch the mode, from the one it was asked in."""
    wanted, version, expires = callbacks.parts(query.data or "", "mode", 3)
    if wanted not in list(Mode):
        raise InvalidInput(f"there is no mode {wanted!r}")
    expected = _confirmed(clock, version, expires)
    if expected is None:
        return Screen(text=words("control.outdated"), edit=True)
    control = await change_control.mode(person.id, Mode(wanted), expected=expected)
    screen = views.changed(words, control)
    return Screen(text=screen.text, edit=True)


async def cancel(query: CallbackQuery, words: Words) -> Screen:
    """Leave everything as it is."""
    return Screen(text=words("control.cancelled"), edit=True)


def _confirmed(clock: Clock, version: str, expires: str) -> int | None:
    """The version of the control a confirmation was asked about, while it is fresh."""
    return callbacks.whole(version) if is_fresh(clock, callbacks.whole(expires)) else None
