"""Two that fetch the updates of one bot: said in the log, and once to the admins."""

import logging
from dataclasses import dataclass, field
from datetime import datetime

from bot.courier import payload
from bot.i18n import words_for
from bot.screen import Screen, parcel_of
from engine.domain.person import Role
from engine.ports import Bell, Store
from storage.outbox import PostgresDeliveries

log = logging.getLogger(__name__)

_ADVICE = {
    "webhook": "A webhook is set for this bot by somebody else, so that nothing can be fetched."
    " Stop what set it and start this process again: it removes the webhook at its start.",
    "poller": "Another process fetches the updates of this bot, and each takes some away from the"
    " other. Stop the other one, or make a token of your own with BotFather.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarrel:
    """Report a conflict (HTTP 409) in words of what to do. ``since`` is when this process began."""

    store: Store
    deliveries: PostgresDeliveries
    bell: Bell
    since: datetime
    _told: set[str] = field(default_factory=set)

    async def report(self, description: str) -> None:
        """Log it each time it changes, and tell each admin once in the life of this process."""
        kind = "webhook" if "webhook" in description.lower() else "poller"
        if kind in self._told:
            return
        self._told.add(kind)
        log.error("%s Telegram says: %s", _ADVICE[kind], description)
        async with self.store.begin() as tx:
            people = await tx.people.list()
        for person in people:
            if person.role is not Role.ADMIN:
                continue
            words = words_for(person.language, person.timezone)
            parcel = payload(parcel_of(Screen(text=words(f"chat.conflict_{kind}"))))
            key = f"conflict:{kind}:{self.since.isoformat()}"
            await self.deliveries.answer(key, person.id, person.chat_id, parcel)
        await self.bell.ring("deliver")
