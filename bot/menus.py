"""The command menus: what each person may use, in their language, as Telegram shows it to them.

A menu is a help to the eye and no protection: who may do what is asked when it is done.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramRetryAfter,
)
from aiogram.types import BotCommand, BotCommandScopeChat, BotCommandScopeDefault

from bot.commands import Command, commands_of
from bot.i18n import LANGUAGES, Words, words_for
from engine.domain.person import Person, Role
from engine.ports import Store

log = logging.getLogger(__name__)

#: What whoever has no access is shown.
_FOR_STRANGERS = ("start", "help")
_LOOK_SECONDS = 1.0

_Menu = tuple[Role, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Menus:
    """Set the menu of everyone whose role or language is not the one it was set for.

    People are looked at again and again, so that a change from anywhere shows, and an unreachable
    Telegram only delays it. What was set is known by this process alone; after a start all menus
    are set once more.
    """

    bot: Bot
    store: Store
    shown: dict[int, _Menu] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Work for ever."""
        while True:
            try:
                await self.refresh()
            except TelegramRetryAfter as error:
                await asyncio.sleep(error.retry_after)
            except (TelegramAPIError, OSError, TimeoutError) as error:
                log.warning("the command menus were not set: %s", error)
                await asyncio.sleep(_LOOK_SECONDS * 5)
            await asyncio.sleep(_LOOK_SECONDS)

    async def refresh(self) -> None:
        """Bring every menu up to date; raises what Telegram's client raises."""
        for language in LANGUAGES:
            if language not in self.strangers:
                await self._for_strangers(language)
                self.strangers.add(language)
        async with self.store.begin() as tx:
            people = await tx.people.list()
        for person in people:
            wanted = (person.role, person.language)
            # A bot cannot reach who never wrote to it; their menu is set when they have.
            if person.reachable and person.last_seen and self.shown.get(person.id) != wanted:
                await self._for_person(person)
                self.shown[person.id] = wanted

    async def _for_strangers(self, language: str) -> None:
        commands = [
            command for command in commands_of(Role.ADMIN) if command.name in _FOR_STRANGERS
        ]
        await self.bot.set_my_commands(
            _menu(words_for(language), commands),
            scope=BotCommandScopeDefault(),
            language_code=None if language == LANGUAGES[0] else language.split("-")[0],
        )

    async def _for_person(self, person: Person) -> None:
        scope = BotCommandScopeChat(chat_id=person.chat_id)
        try:
            if not person.role.has_access:
                await self.bot.delete_my_commands(scope=scope)
                return
            menu = _menu(words_for(person.language), commands_of(person.role))
            await self.bot.set_my_commands(menu, scope=scope)
        except (TelegramBadRequest, TelegramForbiddenError) as error:
            # Their chat is gone, which is no reason to leave the others without a menu.
            log.warning("the menu of person %s was not set: %s", person.id, error)


def _menu(words: Words, commands: Sequence[Command]) -> list[BotCommand]:
    return [
        BotCommand(command=command.name, description=words(f"command.{command.name}")[:256])
        for command in commands
    ]
