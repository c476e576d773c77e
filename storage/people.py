"""People, and the outbox of what they are to be told."""

from collections.abc import Sequence

from tortoise.backends.base.client import BaseDBAsyncClient

from engine.domain.notice import Audience, Notice
from engine.domain.person import Person
from engine.snapshot.canonical import plain
from storage import mapping
from storage.models import PersonRow

_QUEUE = """
INSERT INTO outbox (key, person_id, chat_id, priority, kind, payload, state, attempts,
                    not_before, created_at)
VALUES ($1, $2, $3, $4, $5, $6, 'queued', 0, clock_timestamp(), clock_timestamp())
ON CONFLICT (key, person_id) DO NOTHING
"""


class PersonTable:
    """The port ``People`` in one transaction."""

    def __init__(self, connection: BaseDBAsyncClient) -> None:
        self._connection = connection

    async def get(self, user_id: int) -> Person | None:
        row = await PersonRow.filter(id=user_id).using_db(self._connection).get_or_none()
        return None if row is None else mapping.person_of(row)

    async def save(self, person: Person) -> None:
        columns = plain(person)
        id_ = columns.pop("id")
        await PersonRow.update_or_create(using_db=self._connection, id=id_, defaults=columns)

    async def list(self) -> Sequence[Person]:
        rows = await PersonRow.all().using_db(self._connection).order_by("id")
        return [mapping.person_of(row) for row in rows]


class OutboxTable:
    """The port ``Outbox`` in one transaction: a row per person, each key once."""

    def __init__(self, connection: BaseDBAsyncClient, people: PersonTable) -> None:
        self._connection = connection
        self._people = people

    async def tell(self, notice: Notice, audience: Audience) -> None:
        payload = mapping.json_text(plain(notice))
        for person in await self._people.list():
            if not _hears(person, audience):
                continue
            await self._connection.execute_query(
                _QUEUE,
                [
                    notice.key,
                    person.id,
                    person.chat_id,
                    notice.priority.rank,
                    str(notice.kind),
                    payload,
                ],
            )


def _hears(person: Person, audience: Audience) -> bool:
    if audience.person_id is not None:
        return person.id == audience.person_id
    return person.role.rank >= audience.at_least.rank and person.id != audience.but
