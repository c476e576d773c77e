"""The MetaTrader terminal: state, connect code, disconnect."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.i18n import Words
from bot.screen import Screen
from bot.views import ea as views
from engine.domain.person import Person
from engine.errors import InvalidInput, Outdated
from engine.flow.signal_status import ReadSignalQueue
from engine.flow.terminals import DisconnectTerminal, IssueCode, ReadTerminals


def build() -> Router:
    """The router."""
    router = Router(name="ea")
    router.message.register(ea, Command("ea"))
    router.callback_query.register(again, F.data == callbacks.pack("ea"))
    router.callback_query.register(code, F.data.startswith(callbacks.pack("ea-code", "")))
    router.callback_query.register(ask, F.data.startswith(callbacks.pack("ea-off", "")))
    router.callback_query.register(off, F.data.startswith(callbacks.pack("ea-off-yes", "")))
    return router


async def ea(
    message: Message,
    person: Person,
    words: Words,
    read_terminals: ReadTerminals,
    read_signal_queue: ReadSignalQueue,
    issue_code: IssueCode,
) -> Screen:
    """/ea."""
    found, queue = await read_terminals(person.id), await read_signal_queue(person.id)
    mark = await issue_code.mark()
    return views.overview(
        words, found, role=person.role, is_used=read_terminals.is_used, mark=mark, queue=queue
    )


async def again(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_terminals: ReadTerminals,
    read_signal_queue: ReadSignalQueue,
    issue_code: IssueCode,
) -> Screen:
    """The state of now, in place."""
    found, queue = await read_terminals(person.id), await read_signal_queue(person.id)
    mark, is_used = await issue_code.mark(), read_terminals.is_used
    return views.overview(
        words, found, role=person.role, is_used=is_used, mark=mark, queue=queue, edit=True
    )


async def code(query: CallbackQuery, person: Person, words: Words, issue_code: IssueCode) -> Screen:
    """A new connect code, one for each look; it makes the one before worthless."""
    (mark,) = callbacks.parts(query.data or "", "ea-code", 1)
    try:
        text, until = await issue_code(person.id, mark)
    except Outdated:
        return Screen(toast=words("ea.code_used"), alert=True)
    return views.code(words, text, until)


async def ask(
    query: CallbackQuery, person: Person, words: Words, read_terminals: ReadTerminals
) -> Screen:
    """Whether to disconnect."""
    (login,) = callbacks.parts(query.data or "", "ea-off", 1)
    for report in await read_terminals(person.id):
        if str(report.terminal.login) == login:
            return views.ask_disconnect(words, report)
    raise InvalidInput("this button names no terminal")


async def off(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_terminals: ReadTerminals,
    disconnect_terminal: DisconnectTerminal,
) -> Screen:
    """Disconnect, if it is still the terminal that was looked at."""
    login, mark = callbacks.parts(query.data or "", "ea-off-yes", 2)
    for report in await read_terminals(person.id):
        if views.is_same(report, login, mark):
            await disconnect_terminal(person.id, report.terminal.account_id)
            return Screen(text=words("ea.disconnected"), edit=True)
    return Screen(toast=words("control.outdated"), alert=True)
