"""People: who may do what, who joins, and who is the first admin."""

import hmac
from dataclasses import dataclass, replace

from engine.domain.person import Person, Role
from engine.errors import NotAllowed
from engine.ports import Store, Transaction


async def person_at_least(tx: Transaction, person_id: int, role: Role) -> Person:
    """The person, if they hold the role; raises :class:`NotAllowed` for everyone else.

    Asked by every use case itself: the workers and the command line pass no chat filter.
    """
    person = await tx.people.get(person_id)
    if person is None:
        raise NotAllowed("you are not known to this bot", person=person_id)
    person.must_be(role)
    return person


def actor(person_id: int | None) -> str:
    """Who acts, as the history names them; None is the command line on this machine."""
    return "cli" if person_id is None else f"person:{person_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Someone starts the bot, perhaps with the code it printed.

    The first admin claims the bot with the code; after that the code is worth nothing. Everyone
    else waits as pending, and learns nothing, until an admin lets them in.
    """

    store: Store
    claim_code: str

    async def __call__(self, person: Person, code: str | None) -> tuple[Person, bool]:
        """The person as stored, and whether they just became the admin."""
        async with self.store.begin() as tx:
            await tx.controls.take()  # two people with the code at once: one of them is first
            known = await tx.people.get(person.id)
            everyone = await tx.people.list()
            unclaimed = not any(other.role is Role.ADMIN for other in everyone)
            claims = (
                unclaimed
                and code is not None
                and hmac.compare_digest(code.encode(), self.claim_code.encode())
            )
            role = Role.ADMIN if claims else known.role if known else Role.PENDING
            if known is None:
                stored = replace(person, role=role)
            else:
                stored = replace(known, role=role, name=person.name, chat_id=person.chat_id)
            await tx.people.save(stored)
        return stored, claims


@dataclass(frozen=True, slots=True, kw_only=True)
class FindPerson:
    """A person by id, or None for a stranger."""

    store: Store

    async def __call__(self, person_id: int) -> Person | None:
        async with self.store.begin() as tx:
            return await tx.people.get(person_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLanguage:
    """A person reads another language from now on."""

    store: Store

    async def __call__(self, person_id: int, language: str) -> Person:
        async with self.store.begin() as tx:
            person = await person_at_least(tx, person_id, Role.VIEWER)
            person = replace(person, language=language)
            await tx.people.save(person)
        return person
