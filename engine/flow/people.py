"""People: who may do what, who they are, how they read, and whether the bot reaches them."""

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.domain.person import Person, Role
from engine.errors import InvalidInput, NotAllowed
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


async def must_be(tx: Transaction, person_id: int, role: Role) -> None:
    """The same for who needs nothing of the person but their role: one column is read."""
    held = await tx.people.role(person_id)
    if held is None or held.rank < role.rank:
        await person_at_least(tx, person_id, role)


def actor(person_id: int | None) -> str:
    """Who acts, as the history names them; None is the command line on this machine."""
    return "cli" if person_id is None else f"person:{person_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindPerson:
    """A person by id, or None for a stranger; ``uses`` notes that they use the bot now."""

    store: Store

    async def __call__(self, person_id: int, *, uses: bool = False) -> Person | None:
        async with self.store.begin() as tx:
            person = await tx.people.get(person_id)
            if person is not None and uses:
                await tx.people.seen(person_id)
            return person


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLanguage:
    """A person reads another language from now on."""

    store: Store

    async def __call__(self, person_id: int, language: str) -> Person:
        async with self.store.begin() as tx:
            await tx.people.alone()
            person = await person_at_least(tx, person_id, Role.VIEWER)
            person = replace(person, language=language)
            await tx.people.save(person)
        return person


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeZone:
    """A person reads times of another zone from now on; raises :class:`InvalidInput` for a zone
    that the tz database does not have.
    """

    store: Store

    async def __call__(self, person_id: int, zone: str) -> Person:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise InvalidInput(f"there is no time zone {zone[:40]!r}", zone=zone[:40]) from error
        async with self.store.begin() as tx:
            await tx.people.alone()
            person = await person_at_least(tx, person_id, Role.VIEWER)
            person = replace(person, timezone=zone)
            await tx.people.save(person)
        return person
