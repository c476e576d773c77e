"""Proposals to change the configuration: looked at, approved, rejected, and asked for."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.i18n import Words
from bot.screen import Screen
from bot.views import proposals as views
from engine.domain.person import Person
from engine.flow.change_answers import AnswerChange
from engine.flow.change_proposals import ReadChanges
from engine.research.advisor import Advise


def build() -> Router:
    """The router."""
    router = Router(name="changes")
    router.message.register(approvals, Command("approvals"))
    router.callback_query.register(page, F.data.startswith(callbacks.pack("props", "")))
    router.callback_query.register(one, F.data.startswith(callbacks.pack("prop", "")))
    router.callback_query.register(approve, F.data.startswith(callbacks.pack("prop-ok", "")))
    router.callback_query.register(reject, F.data.startswith(callbacks.pack("prop-no", "")))
    router.callback_query.register(ask, F.data == callbacks.pack("prop-new"))
    return router


async def approvals(
    message: Message, person: Person, words: Words, read_changes: ReadChanges
) -> Screen:
    """/approvals: what waits; a single one in full."""
    found = await read_changes(person.id, pending=True, limit=views.PAGE)
    if len(found) == 1:
        return views.card(words, found[0], role=person.role)
    return views.listing(words, found, person.role, past=False)


async def page(
    query: CallbackQuery, person: Person, words: Words, read_changes: ReadChanges
) -> Screen:
    """What waits, or what has ended, in place."""
    (what,) = callbacks.parts(query.data or "", "props", 1)
    past = what == "past"
    found = await read_changes(person.id, pending=not past, limit=views.PAGE)
    return views.listing(words, found, person.role, past=past, edit=True)


async def one(
    query: CallbackQuery, person: Person, words: Words, read_changes: ReadChanges
) -> Screen:
    """One proposal, in place."""
    found = await read_changes.one(person.id, callbacks.number_in(query.data or "", "prop"))
    return views.card(words, found, role=person.role, edit=True)


async def approve(
    query: CallbackQuery, person: Person, words: Words, answer_change: AnswerChange
) -> Screen:
    """Put it in force."""
    settled = await answer_change.approve(
        person.id, callbacks.number_in(query.data or "", "prop-ok")
    )
    mine = settled.mine or settled.proposal.decided_by == person.id
    return views.answered(words, settled.proposal, mine=mine, role=person.role)


async def reject(
    query: CallbackQuery, person: Person, words: Words, answer_change: AnswerChange
) -> Screen:
    """Leave everything as it is."""
    settled = await answer_change.reject(
        person.id, callbacks.number_in(query.data or "", "prop-no")
    )
    mine = settled.mine or settled.proposal.decided_by == person.id
    return views.answered(words, settled.proposal, mine=mine, role=person.role)


async def ask(query: CallbackQuery, person: Person, words: Words, advise: Advise) -> Screen:
    """The advisor's rules, now."""
    return views.advised(words, await advise(person.id), person.role)
