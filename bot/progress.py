"""A message of the chat that shows how far long work is: changed in place, once for each state."""

from dataclasses import dataclass, field

from bot.courier import payload
from bot.i18n import Words, words_for
from bot.screen import Screen, parcel_of
from engine.ports import Store
from storage.outbox import PostgresDeliveries


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Sends for workers, which have no update to answer."""

    store: Store
    deliveries: PostgresDeliveries = field(default_factory=PostgresDeliveries)

    async def words(self, person_id: int | None) -> Words:
        """The words of whoever watches; English for the machine."""
        if person_id is None:
            return words_for("en")
        async with self.store.begin() as tx:
            person = await tx.people.get(person_id)
        return words_for("en") if person is None else words_for(person.language, person.timezone)

    async def show(
        self, key: str, person_id: int | None, message_id: int | None, screen: Screen
    ) -> None:
        """Put a screen into the message, or behind it; nothing where nobody watches. What has the
        same key is sent once, whoever sends it.
        """
        if person_id is None or message_id is None:
            return
        parcel = parcel_of(screen, edit_message_id=message_id)
        await self.deliveries.answer(key, person_id, person_id, payload(parcel))
