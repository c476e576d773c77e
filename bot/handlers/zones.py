"""The time zone, by buttons or typed."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import callbacks, zones
from bot.i18n import Words
from bot.screen import Screen
from bot.views import zones as views
from engine.domain.person import Person
from engine.errors import InvalidInput
from engine.flow.people import ChangeZone
from engine.ports import Clock


def build() -> Router:
    """The router."""
    router = Router(name="zones")
    router.message.register(timezone, Command("timezone"))
    router.callback_query.register(regions, F.data == callbacks.pack("regions"))
    router.callback_query.register(cities, F.data.startswith(callbacks.pack("cities", "")))
    router.callback_query.register(choose, F.data.startswith(callbacks.pack("zone", "")))
    return router


async def timezone(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    change_zone: ChangeZone,
    clock: Clock,
) -> Screen:
    """/timezone, /timezone Europe/Madrid or /timezone madrid."""
    typed = (command.args or "").strip()
    if not typed:
        return views.regions(words, clock())
    found, is_sure = zones.search(typed, words.language)
    if not is_sure:
        return views.which(words, found, typed)
    changed = await change_zone(person.id, found[0])
    return views.changed(words, changed.timezone, clock())


async def regions(query: CallbackQuery, words: Words, clock: Clock) -> Screen:
    """Where in the world."""
    return views.regions(words, clock(), edit=True)


async def cities(query: CallbackQuery, words: Words) -> Screen:
    """A page of a region's cities."""
    region, number = callbacks.parts(query.data or "", "cities", 2)
    page = callbacks.whole(number)
    if region not in zones.REGIONS or page is None:
        raise InvalidInput("this button names no region")
    return views.cities(words, region, page)


async def choose(
    query: CallbackQuery, person: Person, words: Words, change_zone: ChangeZone, clock: Clock
) -> Screen:
    """Read times of this zone from now on."""
    (zone,) = callbacks.parts(query.data or "", "zone", 1)
    changed = await change_zone(person.id, zone)
    return views.changed(words, changed.timezone, clock(), edit=True)
