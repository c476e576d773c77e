"""The watch list: seen, and changed by button and by text; every change is confirmed."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.handlers.drafts import Draft, number_of, propose
from bot.i18n import Html, Words
from bot.screen import Screen
from bot.views import watchlist as views
from engine.domain.person import Person
from engine.domain.settings import must_agree, with_changes, written
from engine.errors import InvalidInput
from engine.flow.usage import ReadLimits
from engine.flow.watchlist import ReadWatchlist, with_symbol, without_symbol
from engine.ports import Clock

_CHANGES = {"add": with_symbol, "remove": without_symbol}
_BUTTONS = {"watchadd": "add", "watchdel": "remove"}


def build() -> Router:
    """The router."""
    router = Router(name="watchlist")
    router.message.register(watchlist, Command("watchlist"))
    router.callback_query.register(show, F.data == callbacks.pack("watch"))
    for button in _BUTTONS:
        router.callback_query.register(change, F.data.startswith(callbacks.pack(button, "")))
    return router


async def watchlist(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    state: FSMContext,
    read_watchlist: ReadWatchlist,
    read_limits: ReadLimits,
    clock: Clock,
) -> Screen:
    """/watchlist; /watchlist add GBPUSD; /watchlist remove GBPUSD."""
    parts = (command.args or "").split()
    if not parts:
        seen = await read_watchlist(person.id)
        return views.watchlist(words, seen, role=person.role)
    if len(parts) != 2 or parts[0].lower() not in _CHANGES:
        example = "/watchlist add GBPUSD"
        raise InvalidInput(words("error.usage", example=example))
    changing = Changing(person, words, state, read_watchlist, read_limits, clock)
    return await changing(message, parts[0].lower(), parts[1])


async def show(
    query: CallbackQuery, person: Person, words: Words, read_watchlist: ReadWatchlist
) -> Screen:
    """The list again, in place."""
    seen = await read_watchlist(person.id)
    return views.watchlist(words, seen, role=person.role, edit=True)


async def change(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    read_watchlist: ReadWatchlist,
    read_limits: ReadLimits,
    clock: Clock,
) -> Screen:
    """Ask whether a symbol shall be listed, or shall go."""
    data = query.data or ""
    button = str(callbacks.action(data))
    (symbol,) = callbacks.parts(data, button, 1)
    changing = Changing(person, words, state, read_watchlist, read_limits, clock)
    return await changing(query, _BUTTONS[button], symbol)


class Changing:
    """One change of the list for one person, up to the question whether it is meant."""

    def __init__(
        self,
        person: Person,
        words: Words,
        state: FSMContext,
        read_watchlist: ReadWatchlist,
        read_limits: ReadLimits,
        clock: Clock,
    ) -> None:
        self._person, self._words, self._state = person, words, state
        self._watchlist, self._limits, self._clock = read_watchlist, read_limits, clock

    async def __call__(self, event: Message | CallbackQuery, action: str, text: str) -> Screen:
        """Show the change. Raises :class:`InvalidInput` for a symbol that cannot be added, or is
        not there to be removed.
        """
        seen = await self._limits(self._person.id)
        symbol = await self._watchlist.spelled(seen.settings, text)
        symbols = _CHANGES[action](seen.settings, symbol)
        changes = {"watchlist": written(symbols)}
        after = with_changes(seen.settings, changes)
        must_agree(after)
        await self._watchlist.must_know(seen.settings, after)
        screen = await propose(
            Draft(number=number_of(event), changes=changes, back=("watch",)),
            person=self._person,
            words=self._words,
            state=self._state,
            seen=seen,
            clock=self._clock,
            edit=isinstance(event, CallbackQuery),
        )
        note = None
        if action == "remove":
            now = await self._watchlist(self._person.id)
            note = views.stays(self._words, now, symbol)
        text = screen.text or Html("")
        shown = text if note is None else Html(f"{text}\n{note}")
        return Screen(text=shown, buttons=screen.buttons, edit=screen.edit)
