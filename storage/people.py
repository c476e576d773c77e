"""People: who may talk to the bot, and how they want it."""

from collections.abc import Sequence

from tortoise.backends.base.client import BaseDBAsyncClient

from engine.domain.person import Person
from engine.snapshot.canonical import plain
from storage import mapping
from storage.models import PersonRow


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
        columns["unreachable_since"] = person.unreachable_since
        await PersonRow.update_or_create(using_db=self._connection, id=id_, defaults=columns)

    async def list(self) -> Sequence[Person]:
        rows = await PersonRow.all().using_db(self._connection).order_by("id")
        return [mapping.person_of(row) for row in rows]
