"""/notify: what comes, how loudly, and when it is quiet; and the button under a halt: seen."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware, F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message, TelegramObject, Update

from bot import callbacks
from bot.i18n import Words
from bot.screen import Screen
from bot.views import brief as brief_views
from bot.views import notify as views
from engine.domain.person import Person
from engine.domain.preferences import Loudness, Topic
from engine.errors import InvalidInput
from engine.flow.notices import AcknowledgeHalt, ChangeNotify, WelcomeBack

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class BackAgain(BaseMiddleware):
    """Whoever writes or taps can be reached again, whatever became of it before."""

    def __init__(self, welcome_back: WelcomeBack) -> None:
        self._welcome_back = welcome_back

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        person: Person | None = data.get("person")
        blocks = isinstance(event, Update) and event.my_chat_member is not None
        if person is not None and not person.reachable and not blocks:
            await self._welcome_back(person.id)
        return await handler(event, data)


def build() -> Router:
    """The router."""
    router = Router(name="notify")
    router.message.register(notify, Command("notify"))
    router.callback_query.register(choose, F.data.startswith(callbacks.pack("nt", "")))
    router.callback_query.register(show_reasons, F.data.startswith(callbacks.pack("nr", "")))
    router.callback_query.register(show_quiet, F.data == callbacks.pack("nq"))
    router.callback_query.register(pick_quiet, F.data.startswith(callbacks.pack("nqs", "")))
    router.callback_query.register(no_quiet, F.data == callbacks.pack("nql"))
    router.callback_query.register(digest, F.data.startswith(callbacks.pack("nd", "")))
    router.callback_query.register(show_hours, F.data == callbacks.pack("nh"))
    router.callback_query.register(pick_hour, F.data.startswith(callbacks.pack("nhs", "")))
    router.callback_query.register(back, F.data == callbacks.pack("nb"))
    router.callback_query.register(seen, F.data.startswith(callbacks.pack("seen", "")))
    return router


async def notify(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
) -> Screen:
    """/notify, or /notify 21:30-06:15 for quiet hours."""
    asked = (command.args or "").strip().replace("–", "-")
    if not asked:
        return views.choices(words, person)
    since, dash, until = asked.partition("-")
    if not dash:
        raise InvalidInput(words("error.usage", example="/notify 21:30-06:15"))
    return views.confirm_quiet(words, person, since, until)


async def choose(
    query: CallbackQuery, person: Person, words: Words, change_notify: ChangeNotify
) -> Screen:
    """A topic, or one of its reasons, comes another way from now on."""
    name, code, wanted = callbacks.parts(query.data or "", "nt", 3)
    topic = _topic(name)
    if wanted not in list(Loudness):
        raise InvalidInput("this button is not of this version")
    changed = await change_notify.choose(person.id, topic, code or None, Loudness(wanted))
    return (
        views.reasons(words, changed, topic) if code else views.choices(words, changed, edit=True)
    )


async def show_reasons(query: CallbackQuery, person: Person, words: Words) -> Screen:
    """The reasons of a topic."""
    (name,) = callbacks.parts(query.data or "", "nr", 1)
    return views.reasons(words, person, _topic(name))


async def show_quiet(query: CallbackQuery, person: Person, words: Words) -> Screen:
    """The quiet hours."""
    return views.quiet(words, person)


async def pick_quiet(
    query: CallbackQuery, person: Person, words: Words, change_notify: ChangeNotify
) -> Screen:
    """Quiet hours that were picked, or typed and confirmed."""
    since, until = callbacks.parts(query.data or "", "nqs", 2)
    times = (f"{text[:2]}:{text[2:]}" for text in (since, until))
    changed = await change_notify.quiet(person.id, *times)
    return views.quiet(words, changed)


async def no_quiet(
    query: CallbackQuery, person: Person, words: Words, change_notify: ChangeNotify
) -> Screen:
    """No quiet hours."""
    return views.quiet(words, await change_notify.loud(person.id))


async def digest(
    query: CallbackQuery, person: Person, words: Words, change_notify: ChangeNotify
) -> Screen:
    """With a digest after quiet hours, or without."""
    (wanted,) = callbacks.parts(query.data or "", "nd", 1)
    if wanted not in ("0", "1"):
        raise InvalidInput("this button is not of this version")
    return views.quiet(words, await change_notify.digest(person.id, wanted=wanted == "1"))


async def show_hours(query: CallbackQuery, person: Person, words: Words) -> Screen:
    """When the brief comes."""
    return brief_views.hours(words, person)


async def pick_hour(
    query: CallbackQuery, person: Person, words: Words, change_notify: ChangeNotify
) -> Screen:
    """The brief comes at another hour."""
    (text,) = callbacks.parts(query.data or "", "nhs", 1)
    changed = await change_notify.brief(person.id, f"{text[:2]}:{text[2:]}")
    return brief_views.hours(words, changed)


async def back(query: CallbackQuery, person: Person, words: Words) -> Screen:
    """Every topic again."""
    return views.choices(words, person, edit=True)


async def seen(
    query: CallbackQuery, person: Person, words: Words, acknowledge_halt: AcknowledgeHalt
) -> Screen:
    """A halt was seen."""
    version = callbacks.number_in(query.data or "", "seen")
    await acknowledge_halt(person.id, version)
    return Screen(toast=words("halt.noted"))


def _topic(name: str) -> Topic:
    if name not in list(Topic):
        raise InvalidInput(f"there is no topic {name[:24]!r}")
    return Topic(name)
