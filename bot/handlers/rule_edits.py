"""Edits of strategies: a file sent back or a typed line, shown as a diff, saved when confirmed."""

import re
from typing import Any
from uuid import UUID

from aiogram import Bot, F, Router
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.handlers.drafts import is_for, number_of
from bot.handlers.questions import expiry
from bot.handlers.strategies import Handler, ids
from bot.handlers.uploads import download
from bot.i18n import Words
from bot.screen import Screen
from bot.views import strategies as views
from bot.views.drafts import Question
from engine.domain.person import Person, Role
from engine.domain.settings import NO_REASON, back_to
from engine.domain.strategy import Strategy
from engine.errors import InvalidInput, Outdated
from engine.flow.settings import said
from engine.flow.strategies import (
    CheckEdit,
    EditStrategy,
    ReadVersions,
    named,
    version_of,
)
from engine.flow.strategy_book import ReadBook
from engine.flow.strategy_records import Changed
from engine.ports import Clock
from engine.strategies.changes import diff
from engine.strategies.documents import text as document_text
from engine.strategies.patch import patched

#: As :class:`bot.documents.Write` names a file; phones add a number to a second copy.
_FILE = re.compile(r"(?P<name>.{1,80})-v(?P<version>[0-9]{1,6})(?:[ _]?\([0-9]+\))?\.json")


class Editing(StatesGroup):
    """An edit is awaited, or is shown and what is typed now is its reason."""

    waiting = State()
    confirm = State()


def build() -> Router:
    """The router."""
    router = Router(name="rule_edits")
    router.message.register(sent, F.document)
    router.message.register(line, Editing.waiting, F.text)
    router.message.register(reason, Editing.confirm, F.text)
    actions: dict[str, Handler] = {"edit": edit, "keep": keep, "save": save, "rerule": restore}
    for action, handler in actions.items():
        router.callback_query.register(handler, F.data.startswith(callbacks.pack(action, "")))
    return router


class Edit:
    """One edit by one person, up to the question whether it is meant."""

    def __init__(
        self,
        person: Person,
        words: Words,
        state: FSMContext,
        check_edit: CheckEdit,
        read_book: ReadBook,
        clock: Clock,
    ) -> None:
        self._person, self._words, self._state = person, words, state
        self._check, self._book, self._clock = check_edit, read_book, clock

    async def __call__(
        self,
        number: int,
        seen: Strategy,
        text: str,
        *,
        reason: str | None = None,
        default: str = NO_REASON,
        edit: bool = False,
    ) -> Screen:
        """Show what a document changes of a version. Raises :class:`InvalidInput` for its mistakes
        and :class:`Outdated` where another version is in force; a question that waits goes on then.
        """
        wanted = await self._check(self._person.id, seen.id, text, expected=seen.version)
        reason = None if reason is None else said(reason)
        await self._state.set_data(
            {
                "draft": number,
                "strategy": seen.id.hex,
                "version": seen.version,
                "text": text,
                "reason": reason,
                "default": default,
            }
        )
        await self._state.set_state(Editing.confirm)
        asked = Question(draft=number, version=seen.version, until=expiry(self._clock))
        return views.confirm(
            self._words,
            wanted,
            asked,
            reason=reason,
            off_market=await self._book.off_market(wanted.after),
            edit=edit,
        )


async def edit(
    query: CallbackQuery, person: Person, words: Words, state: FSMContext, read_book: ReadBook
) -> Screen:
    """Ask for the edit."""
    person.must_be(Role.ADMIN)
    line = await read_book.one(person.id, callbacks.id_in(query.data or "", "edit"))
    await state.set_data({"strategy": line.strategy.id.hex, "version": line.strategy.version})
    await state.set_state(Editing.waiting)
    return views.editing(words, line.strategy)


async def keep(
    query: CallbackQuery, person: Person, words: Words, state: FSMContext, read_book: ReadBook
) -> Screen:
    """Leave the strategy as it is, and forget the question."""
    await state.clear()
    line = await read_book.one(person.id, callbacks.id_in(query.data or "", "keep"))
    screen = views.strategy(words, line, role=person.role)
    return Screen(
        text=screen.text, buttons=screen.buttons, edit=True, toast=words("control.cancelled")
    )


async def line(
    message: Message,
    person: Person,
    words: Words,
    state: FSMContext,
    check_edit: CheckEdit,
    read_book: ReadBook,
    read_versions: ReadVersions,
    clock: Clock,
) -> Screen:
    """A typed ``path = value``."""
    seen = await _looked_at(person, await state.get_data(), read_versions)
    editing = Edit(person, words, state, check_edit, read_book, clock)
    return await editing(number_of(message), seen, patched(seen, message.text or ""))


async def sent(
    message: Message,
    bot: Bot,
    person: Person,
    words: Words,
    state: FSMContext,
    check_edit: CheckEdit,
    read_book: ReadBook,
    read_versions: ReadVersions,
    clock: Clock,
) -> Screen:
    """A file: the document of the strategy that is asked for, or of the one its name tells."""
    assert message.document is not None
    person.must_be(Role.ADMIN)
    data = await state.get_data()
    if "strategy" in data:
        seen = await _looked_at(person, data, read_versions)
    else:
        seen = await _of_name(person, message.document.file_name or "", read_book, read_versions)
    written = await download(bot, message.document)
    editing = Edit(person, words, state, check_edit, read_book, clock)
    return await editing(number_of(message), seen, written)


async def reason(
    message: Message,
    person: Person,
    words: Words,
    state: FSMContext,
    check_edit: CheckEdit,
    read_book: ReadBook,
    read_versions: ReadVersions,
    clock: Clock,
) -> Screen:
    """A typed reason; the edit is shown again with it."""
    data = await state.get_data()
    seen = await _looked_at(person, data, read_versions)
    # The message that made the draft, delivered again, is no reason for it.
    again = message.message_id == data["draft"]
    editing = Edit(person, words, state, check_edit, read_book, clock)
    why = data["reason"] if again else message.text
    return await editing(data["draft"], seen, data["text"], reason=why, default=data["default"])


async def save(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    edit_strategy: EditStrategy,
    read_versions: ReadVersions,
    clock: Clock,
) -> Screen:
    """The yes, for the draft and the version it was asked about."""
    data = await state.get_data()
    if not is_for(query, "save", data, clock):
        return Screen(toast=words("drafts.outdated"), alert=True)
    id_, why = UUID(hex=data["strategy"]), data["reason"] or data["default"]
    try:
        made = await edit_strategy(
            person.id, id_, data["text"], reason=why, expected=data["version"]
        )
    except Outdated:
        # Delivered again after it was done: the version of this draft is the one in force.
        found = await read_versions(person.id, id_)
        mine = found[0].strategy.version == data["version"] + 1 and found[0].by == person.name[:60]
        if not mine or found[0].reason != why:
            await state.clear()
            raise
        before = version_of(found, data["version"]).strategy
        made = Changed(
            before=before,
            after=found[0].strategy,
            changes=diff(before, found[0].strategy),
        )
    await state.clear()
    return views.done(words, made, why)


async def restore(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    check_edit: CheckEdit,
    read_book: ReadBook,
    read_versions: ReadVersions,
    clock: Clock,
) -> Screen:
    """The rules of an old version as a new one: shown and confirmed like any other edit."""
    id_, (wanted,) = ids(query, "rerule", 1)
    found = await read_versions(person.id, id_)
    old, seen = version_of(found, wanted).strategy, found[0].strategy
    editing = Edit(person, words, state, check_edit, read_book, clock)
    return await editing(
        number_of(query), seen, document_text(old), default=back_to(wanted), edit=True
    )


async def _looked_at(person: Person, data: dict[str, Any], read_versions: ReadVersions) -> Strategy:
    """The version of a strategy that a person has before them."""
    found = await read_versions(person.id, UUID(hex=data["strategy"]))
    return version_of(found, data["version"]).strategy


async def _of_name(
    person: Person, name: str, read_book: ReadBook, read_versions: ReadVersions
) -> Strategy:
    """The version a file's name tells; raises :class:`InvalidInput` for another name."""
    parts = _FILE.fullmatch(name)
    if parts is None:
        raise InvalidInput("which strategy is this file of?", mistake="file_whose")
    book = await read_book(person.id)
    strategy = named([line.strategy for line in book], parts["name"])
    found = await read_versions(person.id, strategy.id)
    return version_of(found, int(parts["version"])).strategy
