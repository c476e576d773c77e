"""One update from its first attempt to its end: handled, answered, and set down as done."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiogram import Bot, Dispatcher

from bot.courier import payload
from bot.i18n import Html, words_for
from bot.screen import Screen, parcel_of
from bot.taps import Taps
from engine.ports import Bell
from storage.inbox import Begun, PostgresInbox, Waiting
from storage.outbox import PostgresDeliveries

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """Each answer is queued once, however often an update is handled."""

    bot: Bot
    dispatcher: Dispatcher
    inbox: PostgresInbox
    deliveries: PostgresDeliveries
    bell: Bell
    taps: Taps

    async def __call__(self, update: Waiting) -> None:
        """Handle an update. Raises nothing: what cannot even be set down stays in the inbox."""
        try:
            begun = await self.inbox.begin(update.update_id)
            if begun is not None:
                await self._attempt(update, begun)
        except Exception:
            log.exception("update %s stays in the inbox", update.update_id)

    async def _attempt(self, update: Waiting, begun: Begun) -> None:
        try:
            made = await self.dispatcher.feed_raw_update(
                self.bot, update.document, overtaken=begun.overtaken
            )
            await self._answer(update, begun, _screens(made))
        except Exception as error:
            log.exception("update %s was not handled", update.update_id)
            if await self.inbox.failed(update.update_id, repr(error)):
                await self._apologise(update)
        else:
            await self.inbox.done(update.update_id)

    async def _answer(self, update: Waiting, begun: Begun, screens: Sequence[Screen]) -> None:
        """End the spinner of a tap and queue what is to be seen, side by side."""
        query = update.document.get("callback_query")
        if query is None:
            await self._queue(update, screens)
            return
        toast = Html(screens[0].toast or "") if screens else Html("")
        alert = bool(screens) and screens[0].alert
        if toast and self.taps.waits(query["id"]):
            await self.inbox.telling(update.update_id)
        async with asyncio.TaskGroup() as group:
            shown = group.create_task(self.taps.answer(query["id"], toast, alert=alert))
            group.create_task(self._queue(update, screens))
        # When a death came while words were shown, nobody knows more: say nothing twice.
        if toast and not shown.result() and not begun.told and not _shows(screens):
            await self._queue(update, [Screen(text=toast)])

    async def _queue(self, update: Waiting, screens: Sequence[Screen]) -> None:
        shown = [screen for screen in screens if screen.text is not None]
        for number, screen in enumerate(shown):
            key = f"answer:{update.update_id}:{number}" if number else f"answer:{update.update_id}"
            await self._send(update, key, screen)
        if shown:
            await self.bell.ring("deliver")

    async def _send(self, update: Waiting, key: str, screen: Screen) -> None:
        query = update.document.get("callback_query") or {}
        tapped = (query.get("message") or {}).get("message_id")
        parcel = parcel_of(screen, edit_message_id=tapped)
        assert update.person_id is not None, "the gatekeeper answers nobody without a number"
        await self.deliveries.answer(key, update.person_id, update.person_id, payload(parcel))

    async def _apologise(self, update: Waiting) -> None:
        """Nothing a person sends stays without an answer, even what we cannot handle."""
        source: dict[str, Any] = (
            update.document.get("callback_query") or update.document.get("message") or {}
        )
        if update.person_id is None or not source:
            return
        words = words_for(source["from"].get("language_code") or "en")
        await self._queue(update, [Screen(text=words("error.internal"))])
        query = update.document.get("callback_query")
        if query is not None:
            await self.taps.answer(query["id"])


def _screens(made: object) -> Sequence[Screen]:
    """What a handler made: a screen, several, or nothing that can be shown."""
    several = made if isinstance(made, tuple) else (made,)
    return [screen for screen in several if isinstance(screen, Screen)]


def _shows(screens: Sequence[Screen]) -> bool:
    return any(screen.text is not None for screen in screens)
