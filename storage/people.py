"""People: who may talk to the bot, and how they want it."""

from collections.abc import Sequence

from engine.domain.person import Knock, Person, Role
from engine.snapshot.canonical import plain, restore
from storage import mapping
from storage.locks import Lock
from storage.models import KnockRow, PersonRow
from storage.table import Table

_SEEN = """
UPDATE person SET last_seen = date_trunc('minute', clock_timestamp())
WHERE id = $1 AND (last_seen IS NULL OR last_seen < date_trunc('minute', clock_timestamp()))
"""

_KNOCK = """
INSERT INTO knock (person_id, document, updated_at) VALUES ($1, $2, clock_timestamp())
ON CONFLICT (person_id) DO UPDATE SET document = $2, updated_at = clock_timestamp()
"""

_SPEND = """
INSERT INTO spent_code (digest, person_id, spent_at) VALUES ($1, $2, clock_timestamp())
ON CONFLICT DO NOTHING RETURNING digest
"""


class PersonTable(Table):
    """The port ``People`` in one transaction."""

    async def alone(self) -> None:
        await self._lock(Lock.PEOPLE)

    async def get(self, user_id: int) -> Person | None:
        row = await PersonRow.filter(id=user_id).using_db(self._connection).get_or_none()
        return None if row is None else mapping.person_of(row)

    async def role(self, user_id: int) -> Role | None:
        query = "SELECT role FROM person WHERE id = $1"
        rows = (await self._connection.execute_query(query, [user_id]))[1]
        return Role(rows[0][0]) if rows else None

    async def save(self, person: Person) -> None:
        columns = mapping.person_columns(person)
        await PersonRow.update_or_create(using_db=self._connection, id=person.id, defaults=columns)

    async def list(self) -> Sequence[Person]:
        rows = await PersonRow.all().using_db(self._connection).order_by("id")
        return [mapping.person_of(row) for row in rows]

    async def seen(self, user_id: int) -> None:
        await self._connection.execute_query(_SEEN, [user_id])

    async def forget_question(self, user_id: int) -> None:
        await self._connection.execute_query("DELETE FROM dialogue WHERE person_id = $1", [user_id])

    async def knock(self, user_id: int) -> Knock:
        row = await KnockRow.filter(person_id=user_id).using_db(self._connection).get_or_none()
        return Knock(person_id=user_id) if row is None else restore(Knock, row.document)

    async def save_knock(self, knock: Knock) -> None:
        document = mapping.json_text(plain(knock))
        await self._connection.execute_query(_KNOCK, [knock.person_id, document])

    async def spend(self, digest: str, user_id: int) -> bool:
        rows = await self._rows(_SPEND, digest, user_id)
        return len(rows) == 1
