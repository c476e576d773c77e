"""aiogram put together: its client of Telegram, its dispatcher, the menu of commands."""

import logging
from dataclasses import fields

from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from bot.dialogues import DialogueStorage
from bot.gatekeeper import Gatekeeper
from bot.handlers import routers
from bot.handlers.notify import BackAgain
from bot.overtaken import Overtaken
from bot.settings import Settings
from bot.talk import Talk
from engine.ports import Clock
from storage.dialogues import PostgresDialogues

log = logging.getLogger(__name__)

#: What the bot wants to see; everything else is not even stored.
UPDATES = ["message", "callback_query", "my_chat_member", "stopped_message_generation"]


def telegram(settings: Settings) -> Bot:
    """Aiogram's client of Telegram, or of the local chat."""
    assert settings.telegram_bot_token is not None
    session = AiohttpSession(api=TelegramAPIServer.from_base(settings.telegram_api_url.rstrip("/")))
    return Bot(
        settings.telegram_bot_token.get_secret_value(),
        session=session,
        default=DefaultBotProperties(parse_mode="HTML"),
    )


def build_dispatcher(
    talk: Talk, *, clock: Clock, is_live: bool, api_at: str | None = None
) -> Dispatcher:
    """The dispatcher: use cases by name for handlers, the gatekeeper before all of them. ``api_at``
    is where a person finds the HTTP API; None where none is served.
    """
    use_cases = {field.name: getattr(talk, field.name) for field in fields(talk)}
    storage = DialogueStorage(PostgresDialogues())
    dispatcher = Dispatcher(
        storage=storage, **use_cases, clock=clock, is_live=is_live, api_at=api_at
    )
    dispatcher.update.outer_middleware(Gatekeeper(talk.find_person, talk.turn_away, clock))
    dispatcher.update.outer_middleware(BackAgain(talk.welcome_back))
    dispatcher.update.outer_middleware(Overtaken())
    dispatcher.include_routers(*routers())
    return dispatcher
