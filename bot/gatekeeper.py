"""The gatekeeper: every update passes here; who it is, what they may do, and errors in words."""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import MaybeInaccessibleMessage, Message, TelegramObject, Update, User
from aiogram.types.update import UpdateTypeLookupError

from bot import callbacks
from bot.commands import ACTIONS, command_role
from bot.i18n import Html, Words, words_for
from bot.screen import Screen
from bot.views import people as people_views
from engine.domain.person import Person, Role
from engine.errors import NotAllowed, TraderError
from engine.flow.door import TurnAway
from engine.flow.people import FindPerson
from engine.ports import Clock

log = logging.getLogger(__name__)

#: Commands that open risk; an old one may not be meant any more.
_STARTS_SOMETHING = frozenset(("resume", "approve", "mode"))
_FRESH = timedelta(seconds=120)

#: What says that a message is not its sender's own words to this bot.
_ON_BEHALF = (
    "sender_chat", "sender_business_bot", "business_connection_id", "via_bot", "guest_query_id",
    "guest_bot_caller_user", "guest_bot_caller_chat", "is_automatic_forward", "receiver_user",
)  # fmt: skip
_FORWARDED = ("forward_origin", "forward_date", "forward_from", "forward_from_chat",
              "forward_sender_name")  # fmt: skip

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class Gatekeeper(BaseMiddleware):
    """Deny by default: a numeric user id that is known, in their own private chat, with the role
    that the table asks for.

    Handlers get ``person`` and ``words``. What a person may do is asked again by each use case. A
    stranger reaches /start and nothing else; groups, channels and anonymous senders reach nothing.
    """

    def __init__(self, find_person: FindPerson, turn_away: TurnAway, clock: Clock) -> None:
        self._find_person = find_person
        self._turn_away = turn_away
        self._clock = clock

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        assert isinstance(event, Update)
        if event.stopped_message_generation is not None:
            return await self._stopped(handler, event, data)
        user = sender(event)
        if user is None:
            return None
        person = await self._find_person(user.id, uses=event.my_chat_member is None)
        words = words_of(person, user)
        if event.my_chat_member is not None:
            data.update(person=person, words=words)
            return await handler(event, data) if person is not None else None
        if person is None or not person.role.has_access:
            return await self._outside(handler, event, data, user, person)
        data.update(person=person, words=words)
        refusal = self._refusal(event, person, words)
        if refusal is not None:
            return refusal
        if data.get("raw_state") is not None and command_of(event.message) is not None:
            # What was asked before does not matter any more.
            await data["state"].clear()
            data["raw_state"] = None
        return await _guarded(handler, event, data, words)

    async def _stopped(self, handler: Handler, event: Update, data: dict[str, Any]) -> Any:
        """Somebody stops an answer that is being written. It names no sender: a private chat has
        the number of the one person in it.
        """
        stopped = event.stopped_message_generation
        if stopped is None or stopped.chat.type != "private":
            return None
        person = await self._find_person(stopped.chat.id)
        if person is None or not person.role.has_access:
            return None
        data.update(person=person, words=words_for(person.language, person.timezone))
        return await handler(event, data)

    async def _outside(
        self,
        handler: Handler,
        event: Update,
        data: dict[str, Any],
        user: User,
        known: Person | None,
    ) -> Any:
        """Somebody without access: they may knock, and everything else is turned away."""
        words = words_of(known, user)
        person = Person(
            id=user.id,
            name=plain_name(user.full_name),
            role=known.role if known is not None else Role.PENDING,
            language=words.language,
            chat_id=user.id,
        )
        if _is_start(event):
            data.update(person=person, words=words, raw_state=None)
            return await _guarded(handler, event, data, words)
        if not await self._turn_away(person, update_id=event.update_id):
            return None
        role = None if known is None else known.role
        text = people_views.turned_away(words, person.id, role)
        return _said(event, text)

    def _refusal(self, event: Update, person: Person, words: Words) -> Screen | None:
        """Why somebody with access may not do this; None when they may."""
        needs, message = Role.VIEWER, event.message
        if event.callback_query is not None:
            action = callbacks.action(event.callback_query.data or "")
            if action not in ACTIONS:
                return Screen(toast=words("toast.outdated"), alert=True)
            needs = ACTIONS[action]
        elif message is not None and any(getattr(message, name) for name in _FORWARDED):
            return Screen(text=words("door.forwarded"))
        elif (name := command_of(message)) is not None:
            found = command_role(name)
            if found is None:
                return Screen(text=words("error.unknown_command"))
            if self._too_late(message, name):
                return Screen(text=words("control.outdated"))
            needs = found
        if person.role.rank < needs.rank:
            problem = NotAllowed(f"this needs the role {needs}", needs=needs)
            return _said(event, people_views.error(words, problem))
        return None

    def _too_late(self, message: Message | None, name: str) -> bool:
        """Whether a command that starts something was typed long ago, while nobody listened.

        Telegram keeps messages for a day. Stopping and rejecting are always obeyed.
        """
        if message is None or name not in _STARTS_SOMETHING:
            return False
        fresh = self._clock() - message.date <= _FRESH
        return not fresh


async def _guarded(handler: Handler, event: Update, data: dict[str, Any], words: Words) -> Any:
    """Handle an update; an error on purpose becomes an answer."""
    try:
        return await handler(event, data)
    except TraderError as problem:
        return _said(event, people_views.error(words, problem))
    except Exception:
        log.exception("update %s failed", event.update_id)
        raise


def sender(update: Update) -> User | None:
    """Who sent this, if it is a person's own doing in their own private chat with the bot.

    Everything else is nobody's: groups and channels, bots, anonymous admins, businesses and guests,
    messages made by other bots, taps on messages elsewhere, and every kind of update not asked for.
    """
    if len(update.model_fields_set) != 2:
        return None  # its id and one thing that happened; no update of Telegram's has more
    try:
        kind = update.event_type
    except UpdateTypeLookupError:
        return None
    user, chat = None, None
    message: MaybeInaccessibleMessage | None = None
    if kind == "message" and update.message is not None:
        message = update.message
        user, chat = update.message.from_user, message.chat
    elif kind == "callback_query" and update.callback_query is not None:
        message = update.callback_query.message
        user, chat = update.callback_query.from_user, message.chat if message else None
    elif kind == "my_chat_member" and update.my_chat_member is not None:
        user, chat = update.my_chat_member.from_user, update.my_chat_member.chat
    if user is None or user.is_bot or chat is None:
        return None
    if any(getattr(message, name, None) for name in _ON_BEHALF):
        return None
    return user if chat.type == "private" and chat.id == user.id else None


def words_of(person: Person | None, user: User) -> Words:
    """A known person's own language; a stranger's as Telegram reports it."""
    if person is None:
        return words_for(user.language_code or "en")
    return words_for(person.language, person.timezone)


def command_of(message: Message | None) -> str | None:
    """The command a message begins with, under a picture as well; None when it is no command."""
    text = (message.text or message.caption) if message is not None else None
    first = (text or "").split(maxsplit=1)[:1]
    if not first or not first[0].startswith("/"):
        return None
    return first[0][1:].split("@", 1)[0]


def plain_name(name: str) -> str:
    """A name as it is kept and shown: without line ends and marks that turn a text around."""
    printable = "".join(letter for letter in name if letter.isprintable())
    return " ".join(printable.split())[:120] or "?"


def _is_start(update: Update) -> bool:
    text = update.message.text if update.message is not None else None
    if text is None or any(getattr(update.message, name) for name in _FORWARDED):
        return False
    return text.split(maxsplit=1)[:1] == ["/start"]


def _said(event: Update, text: Html) -> Screen:
    """An answer in the form of what it answers: over the chat to a tap, else as a message."""
    if event.callback_query is not None:
        return Screen(toast=text, alert=True)
    return Screen(text=text)
