"""The bot process: updates into the inbox first, then handled one by one, answers to the outbox."""

import asyncio
import logging
from dataclasses import dataclass, fields
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramAPIError
from aiogram.methods import GetUpdates
from aiogram.types import Update

from bot.courier import payload
from bot.dialogues import DialogueStorage
from bot.gatekeeper import Gatekeeper, plain
from bot.handlers import routers
from bot.handlers.notify import BackAgain
from bot.i18n import words_for
from bot.screen import Screen, parcel_of
from bot.settings import Settings
from bot.talk import Talk
from engine.ports import Bell, Clock
from storage.dialogues import PostgresDialogues
from storage.heartbeats import beat
from storage.inbox import PostgresInbox
from storage.outbox import PostgresDeliveries

log = logging.getLogger(__name__)

#: What the bot wants to see; everything else is not even stored.
UPDATES = ["message", "callback_query", "my_chat_member"]
_POLL_SECONDS = 25
_PAUSE_SECONDS = 2.0


def telegram(settings: Settings) -> Bot:
    """Aiogram's client of Telegram, or of the local chat."""
    assert settings.telegram_bot_token is not None
    session = AiohttpSession(api=TelegramAPIServer.from_base(settings.telegram_api_url.rstrip("/")))
    return Bot(
        settings.telegram_bot_token.get_secret_value(),
        session=session,
        default=DefaultBotProperties(parse_mode="HTML"),
    )


def build_dispatcher(talk: Talk, *, clock: Clock, is_live: bool) -> Dispatcher:
    """The dispatcher: use cases by name for handlers, the gatekeeper before all of them."""
    use_cases = {field.name: getattr(talk, field.name) for field in fields(talk)}
    storage = DialogueStorage(PostgresDialogues())
    dispatcher = Dispatcher(storage=storage, **use_cases, clock=clock, is_live=is_live)
    dispatcher.update.outer_middleware(Gatekeeper(talk.find_person, talk.turn_away, clock))
    dispatcher.update.outer_middleware(BackAgain(talk.welcome_back))
    dispatcher.include_routers(*routers())
    return dispatcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Fetch updates and store them; Telegram may forget one only after it is stored."""

    bot: Bot
    inbox: PostgresInbox
    arrived: asyncio.Event

    async def run(self) -> None:
        """Poll for ever. An unreachable Telegram is waited for."""
        offset = None
        while True:
            try:
                updates = await self._fetch(offset)
            except (TelegramAPIError, OSError, TimeoutError) as error:
                log.warning("Telegram does not answer: %s", error)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            for update in updates:
                document = update.model_dump(mode="json", by_alias=True, exclude_none=True)
                await self.inbox.put(update.update_id, document)
                offset = update.update_id + 1
            if updates:
                self.arrived.set()

    async def _fetch(self, offset: int | None) -> list[Update]:
        poll = GetUpdates(offset=offset, timeout=_POLL_SECONDS, allowed_updates=UPDATES)
        return await self.bot(poll, request_timeout=_POLL_SECONDS + 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """Handle stored updates in their order; each answer is queued once, however often it runs."""

    bot: Bot
    dispatcher: Dispatcher
    inbox: PostgresInbox
    deliveries: PostgresDeliveries
    bell: Bell
    arrived: asyncio.Event

    async def run(self) -> None:
        """Work for ever: at once when something arrives, and by looking every second."""
        while True:
            await self.drain()
            await beat("bot")
            try:
                async with asyncio.timeout(1.0):
                    await self.arrived.wait()
            except TimeoutError:
                continue
            self.arrived.clear()

    async def drain(self) -> None:
        """Handle everything that waits."""
        for update_id, document in await self.inbox.waiting():
            await self.inbox.begin(update_id)
            try:
                await self._handle(update_id, document)
            except Exception as error:
                log.exception("update %s was not handled", update_id)
                if await self.inbox.failed(update_id, repr(error)):
                    await self._apologise(update_id, document)
            else:
                await self.inbox.done(update_id)

    async def _handle(self, update_id: int, document: dict[str, Any]) -> None:
        made = await self.dispatcher.feed_raw_update(self.bot, document)
        screens = [one for one in (made if isinstance(made, tuple) else (made,)) if _is_screen(one)]
        query = document.get("callback_query")
        if query is not None:
            await self._answer_tap(query["id"], screens[0] if screens else None)
        for number, screen in enumerate(one for one in screens if one.text is not None):
            source = query if query is not None else document["message"]
            user_id = source["from"]["id"]
            message = (query.get("message") if query is not None else None) or {}
            parcel = parcel_of(screen, edit_message_id=message.get("message_id"))
            key = f"answer:{update_id}:{number}" if number else f"answer:{update_id}"
            await self.deliveries.answer(key, user_id, user_id, payload(parcel))
            await self.bell.ring("deliver")

    async def _apologise(self, update_id: int, document: dict[str, Any]) -> None:
        """Nothing a person sends stays without an answer, even what we cannot handle."""
        user = (document.get("callback_query") or document.get("message") or {}).get("from")
        if user is None:
            return
        text = words_for(user.get("language_code") or "en")("error.internal")
        parcel = parcel_of(Screen(text=text))
        key = f"answer:{update_id}"
        await self.deliveries.answer(key, user["id"], user["id"], payload(parcel))
        await self.bell.ring("deliver")

    async def _answer_tap(self, query_id: str, screen: Screen | None) -> None:
        """Stop the button's spinner. Too late is no harm: what was decided is shown anyway."""
        text = plain(screen.toast or "") if screen is not None else ""
        alert = screen is not None and screen.alert
        try:
            await self.bot.answer_callback_query(query_id, text=text or None, show_alert=alert)
        except (TelegramAPIError, OSError, TimeoutError) as error:
            log.info("a tap was answered too late: %s", error)


def _is_screen(made: object) -> bool:
    """Whether a handler's answer is to be shown; most updates that are refused have none."""
    return isinstance(made, Screen)
