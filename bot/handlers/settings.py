"""The hub of the settings, its short sections, and the versions of the risk settings."""

from collections.abc import Awaitable, Callable

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.commands import COMMANDS
from bot.handlers.drafts import Draft, changed, number_of, propose
from bot.handlers.questions import expiry
from bot.i18n import Words
from bot.screen import Screen
from bot.views import connection as connection_views
from bot.views import control as control_views
from bot.views import hub as views
from bot.views import people as people_views
from engine.domain.person import Person
from engine.domain.settings import SettingsVersion, back_to
from engine.errors import InvalidInput
from engine.flow.connection import ReadConnection
from engine.flow.overview import ReadStatus
from engine.flow.provider import CheckProvider, ReadProvider
from engine.flow.settings import ReadSettings
from engine.flow.usage import ReadLimits
from engine.ports import Clock

#: What answers a button.
Handler = Callable[..., Awaitable[Screen]]

_PAGE = 8
_NAMES = frozenset(command.name for command in COMMANDS)


def build() -> Router:
    """The router."""
    router = Router(name="settings")
    router.message.register(settings, Command("settings"))
    router.message.register(broker, Command("broker"))
    sections: dict[str, Handler] = {
        "hub": hub, "broker": broker_section, "ai": ai, "aitest": try_ai, "hubmode": mode,
        "hublang": language, "hubzone": zone, "notices": notices,
    }  # fmt: skip
    for action, section in sections.items():
        router.callback_query.register(section, F.data == callbacks.pack(action))
    router.callback_query.register(versions, F.data.startswith(callbacks.pack("versions", "")))
    router.callback_query.register(version, F.data.startswith(callbacks.pack("version", "")))
    router.callback_query.register(restore, F.data.startswith(callbacks.pack("restore", "")))
    return router


async def settings(
    message: Message,
    person: Person,
    words: Words,
    read_status: ReadStatus,
    read_settings: ReadSettings,
    is_live: bool,
) -> Screen:
    """/settings: the hub."""
    (current,) = await read_settings(person.id)
    control = (await read_status(person.id)).control
    return views.hub(words, control, person, current, is_live=is_live)


async def hub(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_status: ReadStatus,
    read_settings: ReadSettings,
    is_live: bool,
) -> Screen:
    """The hub again, in place."""
    (current,) = await read_settings(person.id)
    control = (await read_status(person.id)).control
    return views.hub(words, control, person, current, is_live=is_live, edit=True)


async def broker(
    message: Message, person: Person, words: Words, read_connection: ReadConnection
) -> Screen:
    """/broker: the venue now."""
    return connection_views.connection(words, await read_connection(person.id))


async def broker_section(
    query: CallbackQuery, person: Person, words: Words, read_connection: ReadConnection
) -> Screen:
    """The venue asked again, in place."""
    return connection_views.connection(words, await read_connection(person.id), edit=True)


async def ai(
    query: CallbackQuery, person: Person, words: Words, read_provider: ReadProvider
) -> Screen:
    """Which model there is, and how its provider is connected."""
    return views.ai(words, await read_provider(person.id), person.role)


async def try_ai(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_provider: ReadProvider,
    check_provider: CheckProvider,
) -> Screen:
    """Ask the provider whether it is there and takes the credential."""
    offer = await check_provider(person.id)
    return views.ai(words, await read_provider(person.id), person.role, offer)


async def mode(
    query: CallbackQuery, person: Person, words: Words, read_status: ReadStatus, clock: Clock
) -> Screen:
    """The mode; whoever may change it gets the button that /mode has."""
    control = (await read_status(person.id)).control
    screen = control_views.mode(words, control, expiry(clock), role=person.role)
    return views.within(words, screen)


async def language(query: CallbackQuery, words: Words) -> Screen:
    """The languages."""
    return views.within(words, people_views.choose_language(words))


async def zone(query: CallbackQuery, person: Person, words: Words, clock: Clock) -> Screen:
    """A person's time zone."""
    return views.zone(words, person, clock(), command="timezone" in _NAMES)


async def notices(query: CallbackQuery, words: Words) -> Screen:
    """What a person is told of."""
    return views.notices(words, command="notify" in _NAMES)


async def versions(
    query: CallbackQuery, person: Person, words: Words, read_settings: ReadSettings
) -> Screen:
    """A page of the versions."""
    page = _number(query, "versions")
    found = await read_settings(person.id, limit=(page + 1) * _PAGE + 1)
    return views.versions(words, found[page * _PAGE :], page, size=_PAGE)


async def version(
    query: CallbackQuery, person: Person, words: Words, read_settings: ReadSettings
) -> Screen:
    """One version, beside the one before it and the one in force."""
    found, before, now = await _version(person, read_settings, _number(query, "version"))
    return views.version(words, found, before, now, role=person.role)


async def restore(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    read_settings: ReadSettings,
    read_limits: ReadLimits,
    clock: Clock,
) -> Screen:
    """The values of an old version as a new one: shown and confirmed like any other change."""
    found, _, _ = await _version(person, read_settings, _number(query, "restore"))
    seen = await read_limits(person.id)
    draft = Draft(
        number=number_of(query),
        changes=changed(seen.settings, found.settings),
        back=("version", str(found.version)),
        default=back_to(found.version),
    )
    return await propose(
        draft, person=person, words=words, state=state, seen=seen, clock=clock, edit=True
    )


def _number(query: CallbackQuery, action: str) -> int:
    number = callbacks.number_in(query.data or "", action)
    if number > 10**6:
        raise InvalidInput("this button is not of this version")
    return number


async def _version(
    person: Person, read_settings: ReadSettings, wanted: int
) -> tuple[SettingsVersion, SettingsVersion | None, SettingsVersion]:
    """A version, the one before it, and the one in force."""
    (now,) = await read_settings(person.id)
    found = await read_settings(person.id, limit=max(1, now.version - wanted + 2))
    for place, one in enumerate(found):
        if one.version == wanted:
            return one, found[place + 1] if place + 1 < len(found) else None, found[0]
    raise InvalidInput("this button is not of this version")
