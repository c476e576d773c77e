"""Questions about the record: /ask, a reply to a card, and the buttons of an answer."""

from dataclasses import dataclass

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message, Update
from aiogram.types.message_generation_stopped import MessageGenerationStopped

from bot import callbacks
from bot.i18n import Words
from bot.screen import Screen
from bot.views import ask as views
from bot.views import history as history_views
from bot.views.asking import in_words as worded
from engine.domain.ask import Asked, Intent, asked_of
from engine.domain.person import Person
from engine.errors import SnapshotNotFound
from engine.flow.ask.answer import EXAMPLES, Ask, Told
from engine.flow.ask.inquiries import Wording
from engine.flow.replay import ReplayDecision


def build() -> Router:
    """The router."""
    router = Router(name="ask")
    router.message.register(ask_text, Command("ask"))
    router.callback_query.register(ask_again, F.data.startswith(callbacks.pack("ask", "")))
    router.callback_query.register(in_words, F.data.startswith(callbacks.pack("words", "")))
    router.callback_query.register(hush, F.data.startswith(callbacks.pack("hush", "")))
    router.stopped_message_generation.register(stopped)
    router.callback_query.register(record, F.data.startswith(callbacks.pack("record", "")))
    return router


def build_replies() -> Router:
    """The router of plain texts that answer to a card; it comes behind whoever waits for a text."""
    router = Router(name="replies")
    router.message.register(reply, F.reply_to_message, F.text, ~F.text.startswith("/"))
    return router


async def ask_text(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    ask: Ask,
    wording: Wording | None,
    event_update: Update,
) -> Screen | None:
    """/ask and a question; as a reply to a card it is about that idea."""
    if not command.args:
        return views.told(words, Told(choices=EXAMPLES))
    about = await _about(message, person, ask)
    question = Question(command.args, f"update:{event_update.update_id}", about)
    return await answered(question, person, words, ask, wording)


async def reply(
    message: Message,
    person: Person,
    words: Words,
    ask: Ask,
    wording: Wording | None,
    event_update: Update,
) -> Screen | None:
    """A plain text that replies to a card."""
    about = await _about(message, person, ask)
    if about is None:
        return Screen(text=words("error.unknown_command"))
    question = Question(message.text or "", f"update:{event_update.update_id}", about)
    return await answered(question, person, words, ask, wording)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, the update it came with, and the idea it is about."""

    text: str
    key: str
    about: int | None = None


async def answered(
    question: Question, person: Person, words: Words, ask: Ask, wording: Wording | None
) -> Screen | None:
    """The record's own answer; for what it does not understand the model is asked, where there is
    one, and its answer comes by itself.
    """
    told = await ask(person.id, question.text, language=words.language, about=question.about)
    if wording is None:
        return views.told(words, told)
    if wording.word.is_for(told):
        await wording.inquire(
            person.id, question.text, key=question.key, language=words.language,
            about=question.about,
        )  # fmt: skip
        return None
    screen = views.told(words, told)
    return screen if told.evidence is None else worded(words, screen, told.evidence.asked)


async def ask_again(
    query: CallbackQuery, person: Person, words: Words, ask: Ask, wording: Wording | None
) -> Screen:
    """A question from its button."""
    (code,) = callbacks.parts(query.data or "", "ask", 1)
    asked = asked_of(code)
    screen = views.told(words, await ask.again(person.id, asked))
    return screen if wording is None else worded(words, screen, asked)


async def in_words(
    query: CallbackQuery,
    person: Person,
    words: Words,
    ask: Ask,
    wording: Wording | None,
    event_update: Update,
) -> Screen:
    """An answer in the model's words too, by its button."""
    (code,) = callbacks.parts(query.data or "", "words", 1)
    asked = asked_of(code)
    if wording is None:
        return views.told(words, await ask.again(person.id, asked))
    await ask.admit(person.id)
    await wording.inquire(
        person.id, views.label(words, asked), key=f"update:{event_update.update_id}",
        language=words.language, code=asked.code(),
    )  # fmt: skip
    return Screen(toast=words("asking.wait"))


async def hush(
    query: CallbackQuery, person: Person, words: Words, wording: Wording | None
) -> Screen:
    """No more of an answer, by the button under it."""
    (text,) = callbacks.parts(query.data or "", "hush", 1)
    number = callbacks.whole(text)
    if wording is None or number is None or not await wording.stop(person.id, number):
        return Screen(toast=words("asking.over"))
    return Screen(toast=words("asking.stopping"))


async def stopped(event: MessageGenerationStopped, person: Person, wording: Wording | None) -> None:
    """The same by Telegram's own button beside a draft."""
    if wording is not None:
        await wording.stop(person.id, event.draft_id)


async def record(
    query: CallbackQuery,
    person: Person,
    words: Words,
    replay_decision: ReplayDecision,
    ask: Ask,
) -> Screen:
    """The record behind an answer: computed again, or as it stands when it rests on no market."""
    number = callbacks.number_in(query.data or "", "record")
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
