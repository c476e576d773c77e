"""The limits: all of them, one of them, and a new value by button or by text."""

from typing import Any

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.handlers.drafts import Draft, number_of, propose
from bot.handlers.numbers import plain_number
from bot.i18n import Words
from bot.screen import Screen
from bot.views import exposure as exposure_views
from bot.views import risk as views
from engine.domain.person import Person, Role
from engine.domain.settings import RiskSettings, must_agree, with_changes, written
from engine.errors import InvalidInput
from engine.flow.usage import Limits, ReadLimits
from engine.flow.watchlist import ReadWatchlist
from engine.ports import Clock

#: What people write for a switch.
_SWITCH = {"on": "true", "yes": "true", "1": "true", "off": "false", "no": "false", "0": "false"}


class Asking(StatesGroup):
    """A limit's new value is awaited."""

    value = State()


def build() -> Router:
    """The router."""
    router = Router(name="risk")
    router.message.register(risk, Command("risk"))
    router.message.register(typed, Asking.value, F.text)
    router.callback_query.register(exposure, F.data == callbacks.pack("exposure"))
    router.callback_query.register(overview, F.data == callbacks.pack("risk"))
    router.callback_query.register(group, F.data.startswith(callbacks.pack("risk", "")))
    router.callback_query.register(limit, F.data.startswith(callbacks.pack("limit", "")))
    router.callback_query.register(change, F.data.startswith(callbacks.pack("change", "")))
    return router


async def risk(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    state: FSMContext,
    read_limits: ReadLimits,
    read_watchlist: ReadWatchlist,
    clock: Clock,
    is_live: bool,
) -> Screen:
    """/risk; /risk NAME for one limit; /risk NAME VALUE because WHY for a change."""
    seen = await read_limits(person.id)
    name, _, rest = (command.args or "").strip().partition(" ")
    if not name:
        return views.overview(words, seen, is_live=is_live)
    if not rest.strip():
        with_changes(seen.settings, {} if hasattr(seen.settings, name) else {name: ""})
        return views.limit(words, seen, name, role=person.role, edit=False)
    value, _, why = rest.strip().partition(" ")
    draft = Draft(
        number=number_of(message),
        changes={name: _as_written(seen, name, value, words)},
        back=("limit", name),
        reason=why.strip().removeprefix("because ") or None,
    )
    await _must_know(read_watchlist, seen, draft)
    return await propose(draft, person=person, words=words, state=state, seen=seen, clock=clock)


async def _must_know(read_watchlist: ReadWatchlist, seen: Limits, draft: Draft) -> None:
    after = with_changes(seen.settings, draft.changes)
    must_agree(after)
    await read_watchlist.must_know(seen.settings, after)


async def overview(
    query: CallbackQuery, person: Person, words: Words, read_limits: ReadLimits, is_live: bool
) -> Screen:
    """Every limit, in place."""
    return views.overview(words, await read_limits(person.id), is_live=is_live, edit=True)


async def exposure(
    query: CallbackQuery, person: Person, words: Words, read_limits: ReadLimits, is_live: bool
) -> Screen:
    """What is open per currency and per symbol, with its picture."""
    return exposure_views.exposure(words, await read_limits(person.id), is_live=is_live)


async def group(
    query: CallbackQuery, person: Person, words: Words, read_limits: ReadLimits, is_live: bool
) -> Screen:
    """The limits of one heading."""
    (name,) = callbacks.parts(query.data or "", "risk", 1)
    if name not in views.GROUPS:
        raise InvalidInput("this button is not of this version")
    return views.group(words, await read_limits(person.id), name, is_live=is_live)


async def limit(
    query: CallbackQuery, person: Person, words: Words, read_limits: ReadLimits
) -> Screen:
    """One limit."""
    name = _name(query, "limit")
    return views.limit(words, await read_limits(person.id), name, role=person.role)


async def change(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    read_limits: ReadLimits,
    clock: Clock,
) -> Screen:
    """Ask for a new value; a switch is asked for the other one at once."""
    name = _name(query, "change")
    person.must_be(Role.ADMIN)
    seen = await read_limits(person.id)
    value = getattr(seen.settings, name)
    if isinstance(value, bool):
        draft = Draft(
            number=number_of(query), changes={name: written(not value)}, back=("limit", name)
        )
        return await propose(
            draft, person=person, words=words, state=state, seen=seen, clock=clock, edit=True
        )
    await state.set_data({"name": name, "back": ["limit", name]})
    await state.set_state(Asking.value)
    return views.ask(words, seen, name)


async def typed(
    message: Message,
    person: Person,
    words: Words,
    state: FSMContext,
    read_limits: ReadLimits,
    clock: Clock,
) -> Screen:
    """A typed value: checked at once, and shown before it takes effect."""
    data: dict[str, Any] = await state.get_data()
    seen = await read_limits(person.id)
    name = data["name"]
    draft = Draft(
        number=number_of(message),
        changes={name: _as_written(seen, name, (message.text or "").strip(), words)},
        back=("limit", name),
    )
    return await propose(draft, person=person, words=words, state=state, seen=seen, clock=clock)


def _name(query: CallbackQuery, action: str) -> str:
    (name,) = callbacks.parts(query.data or "", action, 1)
    if name not in RiskSettings.__dataclass_fields__:
        raise InvalidInput("this button is not of this version")
    return name


def _as_written(seen: Limits, name: str, text: str, words: Words) -> str:
    """What a person typed, as settings take it: their decimal sign, their word for a switch."""
    value = getattr(seen.settings, name, None)
    if isinstance(value, bool):
        own = {words(f"value.{known}").lower(): known for known in ("true", "false")}
        return (own | _SWITCH).get(text.lower(), text.lower())
    return text if isinstance(value, tuple) else plain_number(text, words)
