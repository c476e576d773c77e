"""The one way in: however updates come, they are in the inbox before Telegram forgets them."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from aiogram import Bot

from bot.courier import payload
from bot.i18n import words_for
from bot.screen import Screen, parcel_of
from bot.taps import send
from bot.urgency import is_urgent
from engine.domain.person import Role
from engine.flow.people import FindPerson
from engine.ports import Bell
from storage.inbox import ROOM, PostgresInbox, sender
from storage.outbox import PostgresDeliveries

log = logging.getLogger(__name__)

#: Whoever floods is told so once in this time.
_TOLD_SECONDS = 10.0

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Store updates. ``arrived`` wakes who handles them; what had no room goes to ``refused``."""

    inbox: PostgresInbox
    arrived: asyncio.Event
    refused: "asyncio.Queue[Document]" = field(default_factory=lambda: asyncio.Queue(maxsize=100))

    async def take(self, updates: Sequence[Document]) -> None:
        """Returns when they are committed; the same update may come any number of times."""
        if not updates:
            return
        stored = await self.inbox.put_all(
            [(update["update_id"], update, is_urgent(update)) for update in updates]
        )
        if not all(stored.values()):
            self.arrived.set()
        for update in updates:
            if stored.get(update["update_id"]) and not self.refused.full():
                self.refused.put_nowait(update)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuser:
    """Tell whoever sends more than can be handled, once in a while; strangers are told nothing."""

    bot: Bot
    find_person: FindPerson
    deliveries: PostgresDeliveries
    bell: Bell
    intake: Intake
    _told: dict[int, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Work for ever."""
        while True:
            update = await self.intake.refused.get()
            user_id = sender(update)
            if user_id is not None and self._is_due(user_id):
                await self._tell(update, user_id)

    def _is_due(self, user_id: int) -> bool:
        now = monotonic()
        if now - self._told.get(user_id, -_TOLD_SECONDS) < _TOLD_SECONDS:
            return False
        recent = {id_: at for id_, at in self._told.items() if now - at < _TOLD_SECONDS}
        self._told.clear()
        self._told.update({**recent, user_id: now})
        return True

    async def _tell(self, update: Document, user_id: int) -> None:
        person = await self.find_person(user_id)
        if person is None or person.role is Role.PENDING:
            return
        log.warning("person %s sends more than is handled; the rest is set aside", user_id)
        text = words_for(person.language, person.timezone)("error.too_fast", room=ROOM)
        query = update.get("callback_query")
        if query is not None:
            await send(self.bot, query["id"], text, alert=True)
            return
        key = f"answer:{update['update_id']}"
        parcel = payload(parcel_of(Screen(text=text)))
        await self.deliveries.answer(key, user_id, user_id, parcel)
        await self.bell.ring("deliver")
