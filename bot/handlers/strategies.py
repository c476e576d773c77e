"""Strategies: seen, switched, their documents and versions; edits are in ``rule_edits``."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.handlers.questions import expiry, is_fresh
from bot.i18n import Words
from bot.screen import Screen
from bot.views import strategies as views
from engine.domain.person import Person, Role
from engine.domain.settings import NO_REASON
from engine.errors import InvalidInput, NotAllowed
from engine.flow.strategies import ReadVersions, SwitchStrategy, version_of
from engine.flow.strategy_book import ReadBook
from engine.flow.strategy_records import Changed
from engine.ports import Clock
from engine.strategies.changes import diff

#: What answers a button.
Handler = Callable[..., Awaitable[Screen]]


def build() -> Router:
    """The router."""
    router = Router(name="strategies")
    router.message.register(strategies, Command("strategies"))
    router.callback_query.register(first_page, F.data == callbacks.pack("rules"))
    actions: dict[str, Handler] = {
        "rules": page, "rule": strategy, "switch": switch, "swgo": switched, "file": file,
        "rulevs": versions, "rulev": version, "rulediff": compare,
    }  # fmt: skip
    for action, handler in actions.items():
        router.callback_query.register(handler, F.data.startswith(callbacks.pack(action, "")))
    return router


async def strategies(
    message: Message, person: Person, words: Words, read_book: ReadBook, is_live: bool
) -> Screen:
    """/strategies: the list."""
    return views.listing(words, await read_book(person.id), 0, is_live=is_live)


async def first_page(
    query: CallbackQuery, person: Person, words: Words, read_book: ReadBook, is_live: bool
) -> Screen:
    """The list from the hub."""
    return views.listing(words, await read_book(person.id), 0, is_live=is_live, edit=True)


async def page(
    query: CallbackQuery, person: Person, words: Words, read_book: ReadBook, is_live: bool
) -> Screen:
    """A page of the list."""
    (text,) = callbacks.parts(query.data or "", "rules", 1)
    book = await read_book(person.id)
    last = (len(book) - 1) // views.PAGE
    place = min(callbacks.whole(text) or 0, last)
    return views.listing(words, book, place, is_live=is_live, edit=True)


async def strategy(
    query: CallbackQuery, person: Person, words: Words, read_book: ReadBook
) -> Screen:
    """One strategy."""
    line = await read_book.one(person.id, callbacks.id_in(query.data or "", "rule"))
    return views.strategy(words, line, role=person.role)


async def switch(
    query: CallbackQuery, person: Person, words: Words, read_book: ReadBook, clock: Clock
) -> Screen:
    """Ask whether a strategy shall be turned on or off."""
    id_, (on,) = ids(query, "switch", 1)
    line = await read_book.one(person.id, id_)
    if not views.may_switch(line.strategy, person.role):
        raise NotAllowed("turning on takes more", needs=Role.ADMIN if on else Role.TRADER)
    until = expiry(clock)
    return views.switching(words, line, on=bool(on), until=until)


async def switched(
    query: CallbackQuery,
    person: Person,
    words: Words,
    switch_strategy: SwitchStrategy,
    read_versions: ReadVersions,
    clock: Clock,
) -> Screen:
    """The yes, for the version it was asked about."""
    id_, (on, asked, until) = ids(query, "swgo", 3)
    if not is_fresh(clock, until):
        return Screen(toast=words("drafts.outdated"), alert=True)
    found = await read_versions(person.id, id_)
    if found[0].strategy.version == asked + 1 and found[0].by == person.name[:60]:
        # Delivered again after it was done.
        before = version_of(found, asked).strategy
        if found[0].strategy.is_active is bool(on) is not before.is_active:
            changes = diff(before, found[0].strategy)
            made = Changed(before=before, after=found[0].strategy, changes=changes)
            return views.done(words, made, found[0].reason)
    made = await switch_strategy(person.id, id_, on=bool(on), reason=NO_REASON, expected=asked)
    return views.done(words, made, NO_REASON)


async def file(
    query: CallbackQuery, person: Person, words: Words, read_versions: ReadVersions
) -> Screen:
    """A version's document, as a file to keep or to edit."""
    id_, (wanted,) = ids(query, "file", 1)
    found = await read_versions(person.id, id_)
    return views.file(words, id_, version_of(found, wanted))


async def versions(
    query: CallbackQuery, person: Person, words: Words, read_versions: ReadVersions
) -> Screen:
    """A strategy's versions."""
    id_ = callbacks.id_in(query.data or "", "rulevs")
    return views.versions(words, await read_versions(person.id, id_))


async def version(
    query: CallbackQuery, person: Person, words: Words, read_versions: ReadVersions
) -> Screen:
    """One version, against the one before it."""
    id_, (wanted,) = ids(query, "rulev", 1)
    return await _between(person, words, read_versions, id_, wanted - 1, wanted)


async def compare(
    query: CallbackQuery, person: Person, words: Words, read_versions: ReadVersions
) -> Screen:
    """One version against any other."""
    id_, (other, wanted) = ids(query, "rulediff", 2)
    return await _between(person, words, read_versions, id_, other, wanted)


async def _between(
    person: Person,
    words: Words,
    read_versions: ReadVersions,
    id_: UUID,
    other: int,
    wanted: int,
) -> Screen:
    every = await read_versions(person.id, id_)
    found = version_of(every, wanted)
    before = version_of(every, other) if other else None
    changes = () if before is None else diff(before.strategy, found.strategy)
    return views.version(words, found, before, changes, every, role=person.role)


def ids(query: CallbackQuery, action: str, numbers: int) -> tuple[UUID, list[int]]:
    """A strategy's id and so many numbers behind an action; raises :class:`InvalidInput`."""
    text, *rest = callbacks.parts(query.data or "", action, numbers + 1)
    found = [callbacks.number(part) for part in rest]
    if any(number > 10**11 for number in found):
        raise InvalidInput("this button is not of this version")
    return callbacks.uuid(text), found
