"""Questions about the record: /ask, a reply to a card, and the buttons of an answer."""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.i18n import Words
from bot.screen import Screen
from bot.views import ask as views
from bot.views import history as history_views
from engine.domain.ask import Asked, Intent, asked_of
from engine.domain.person import Person
from engine.errors import InvalidInput, SnapshotNotFound
from engine.flow.ask.answer import EXAMPLES, Ask, Told
from engine.flow.replay import ReplayDecision


def build() -> Router:
    """The router."""
    router = Router(name="ask")
    router.message.register(ask_text, Command("ask"))
    router.callback_query.register(ask_again, F.data.startswith(callbacks.pack("ask", "")))
    router.callback_query.register(record, F.data.startswith(callbacks.pack("record", "")))
    return router


def build_replies() -> Router:
    """The router of plain texts that answer to a card; it comes behind whoever waits for a text."""
    router = Router(name="replies")
    router.message.register(reply, F.reply_to_message, F.text, ~F.text.startswith("/"))
    return router


async def ask_text(
    message: Message, command: CommandObject, person: Person, words: Words, ask: Ask
) -> Screen:
    """/ask and a question; as a reply to a card it is about that idea."""
    if not command.args:
        return views.told(words, Told(choices=EXAMPLES))
    about = await _about(message, person, ask)
    answer = await ask(person.id, command.args, language=words.language, about=about)
    return views.told(words, answer)


async def reply(message: Message, person: Person, words: Words, ask: Ask) -> Screen:
    """A plain text that replies to a card."""
    about = await _about(message, person, ask)
    if about is None:
        return Screen(text=words("error.unknown_command"))
    answer = await ask(person.id, message.text or "", language=words.language, about=about)
    return views.told(words, answer)


async def ask_again(query: CallbackQuery, person: Person, words: Words, ask: Ask) -> Screen:
    """A question from its button."""
    (code,) = callbacks.parts(query.data or "", "ask", 1)
    return views.told(words, await ask.again(person.id, asked_of(code)))


async def record(
    query: CallbackQuery,
    person: Person,
    words: Words,
    replay_decision: ReplayDecision,
    ask: Ask,
) -> Screen:
    """The record behind an answer: computed again, or as it stands when it rests on no market."""
    (text,) = callbacks.parts(query.data or "", "record", 1)
    number = callbacks.whole(text)
    if number is None:
        raise InvalidInput("this button names no record")
    try:
        done = await replay_decision(number, person_id=person.id)
    except SnapshotNotFound:
        asked = Asked(intent=Intent.WHY, decision=number)
        return views.told(words, await ask.again(person.id, asked))
    return history_views.replay(words, done)


async def _about(message: Message, person: Person, ask: Ask) -> int | None:
    if message.reply_to_message is None:
        return None
    return await ask.idea_of_message(
        person.id, message.chat.id, message.reply_to_message.message_id
    )
