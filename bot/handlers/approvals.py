"""The answers to an idea: by button, and by text for when a button is too old."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.handlers.numbers import number
from bot.i18n import Html, Words
from bot.screen import Screen
from bot.views import card as card_views
from bot.views.facts import reason
from engine.domain.approval import Ending
from engine.domain.person import Person
from engine.flow.approvals import Choice, Decided, DecideIdea
from engine.flow.overview import ReadIdea

_BUTTONS = {"ok": Choice.APPROVE, "no": Choice.REJECT, "half": Choice.HALF}


def build() -> Router:
    """The router."""
    router = Router(name="approvals")
    for action in _BUTTONS:
        router.callback_query.register(tap, F.data.startswith(callbacks.pack(action, "")))
    router.message.register(by_text, Command("approve", "reject"))
    return router


async def tap(
    query: CallbackQuery, person: Person, words: Words, decide_idea: DecideIdea
) -> Screen:
    """A tap on Approve, Reject or half size."""
    action = (query.data or "").split(":")[1]
    idea_id = callbacks.id_in(query.data or "", action)
    decided = await decide_idea(
        idea_id, _BUTTONS[action], person_id=person.id, chat_id=person.chat_id
    )
    good = decided.mine and decided.approval.ending in (Ending.APPROVED, Ending.REJECTED)
    return Screen(toast=said(words, decided), alert=not good)


async def by_text(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    decide_idea: DecideIdea,
    read_idea: ReadIdea,
) -> Screen:
    """/approve 12 and /reject 12."""
    found = await read_idea(person.id, number(command, words))
    choice = Choice(command.command)
    decided = await decide_idea(found.idea.id, choice, person_id=person.id, chat_id=person.chat_id)
    return Screen(text=said(words, decided))


def said(words: Words, decided: Decided) -> Html:
    """What a person is told about their own answer: that it counts, or who was first."""
    approval = decided.approval
    if decided.mine or approval.ending is Ending.EXPIRED:
        detail = reason(words, approval.detail) if approval.detail else ""
        return words(f"toast.{approval.ending}", detail=detail)
    return words("toast.already", ending=card_views.ending(words, approval))
