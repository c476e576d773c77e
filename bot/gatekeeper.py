"""The gatekeeper: every update passes here; who it is, in which words, and errors made readable."""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import Chat, TelegramObject, Update, User

from bot.i18n import Words, words_for
from bot.screen import Screen
from bot.views import people as people_views
from engine.domain.person import Person, Role
from engine.errors import TraderError
from engine.flow.people import FindPerson
from engine.ports import Clock

log = logging.getLogger(__name__)

#: Commands that open risk; an old one may not be meant any more.
_STARTS_SOMETHING = frozenset(("/resume", "/approve", "/mode"))
_FRESH = timedelta(seconds=120)

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class Gatekeeper(BaseMiddleware):
    """Deny by default: a numeric user id that is known, in their own private chat.

    Handlers get ``person`` and ``words``. What a person may do is asked again by each use case. A
    stranger reaches /start and nothing else; groups, channels and anonymous senders reach nothing.
    """

    def __init__(self, find_person: FindPerson, clock: Clock) -> None:
        self._find_person = find_person
        self._clock = clock

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        user: User | None = data.get("event_from_user")
        chat: Chat | None = data.get("event_chat")
        assert isinstance(event, Update)
        if user is None or user.is_bot or chat is None or _on_behalf(event):
            return None
        if chat.type != "private" or chat.id != user.id:
            return None
        person = await self._find_person(user.id)
        words = words_of(person, user)
        if person is None or person.role is Role.PENDING:
            if not _is_start(event):
                return Screen(text=words("error.stranger", id=user.id))
            person = Person(
                id=user.id,
                name=user.full_name[:120],
                role=Role.PENDING,
                language=words.language,
                chat_id=chat.id,
            )
        if self._too_late(event):
            return Screen(text=words("control.outdated"))
        if data.get("raw_state") is not None and _is_command(event):
            # What was asked before does not matter any more.
            await data["state"].clear()
            data["raw_state"] = None
        data.update(person=person, words=words)
        try:
            return await handler(event, data)
        except TraderError as problem:
            text = people_views.error(words, problem)
            if event.callback_query is not None:
                return Screen(toast=text, alert=True)
            return Screen(text=text)
        except Exception:
            log.exception("update %s failed", event.update_id)
            raise

    def _too_late(self, update: Update) -> bool:
        """Whether a command that starts something was typed long ago, while nobody listened.

        Telegram keeps messages for a day. Stopping and rejecting are always obeyed.
        """
        message = update.message
        if message is None or message.text is None:
            return False
        command = message.text.split(maxsplit=1)[0].split("@")[0]
        age = self._clock() - message.date
        return command in _STARTS_SOMETHING and age > _FRESH


def words_of(person: Person | None, user: User) -> Words:
    """A known person's own language; a stranger's as Telegram reports it."""
    if person is None:
        return words_for(user.language_code or "en")
    return words_for(person.language, person.timezone)


def _on_behalf(update: Update) -> bool:
    """Messages sent for a channel or by an anonymous admin carry nobody's id."""
    message = update.message
    return message is not None and (
        message.sender_chat is not None or message.forward_origin is not None
    )


def _is_start(update: Update) -> bool:
    text = update.message.text if update.message is not None else None
    return text is not None and text.split(maxsplit=1)[:1] == ["/start"]


def _is_command(update: Update) -> bool:
    text = update.message.text if update.message is not None else None
    return text is not None and text.startswith("/")
