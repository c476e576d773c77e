"""Roles: admins let people in, change what they may do, and put them out; always on record."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Person, Role
from engine.errors import InvalidInput, LastAdmin, NotFound, Outdated, OwnRole
from engine.flow.people import actor, person_at_least
from engine.ports import Bell, Store, Transaction

#: What a request can be answered with; an admin is made in a second step.
ANSWERS = (Role.VIEWER, Role.TRADER, Role.REFUSED)

_CLI = "cli"
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPeople:
    """Everyone, for an admin: who waits first, then the most powerful; who was put out last.

    ``person_id`` None is the command line on this machine.
    """

    store: Store

    async def __call__(self, person_id: int | None) -> Sequence[Person]:
        async with self.store.begin() as tx:
            if person_id is not None:
                await person_at_least(tx, person_id, Role.ADMIN)
            people = await tx.people.list()
        return sorted(people, key=lambda one: (one.role is not Role.PENDING, -one.role.rank))


@dataclass(frozen=True, slots=True)
class Answered:
    """A request and its answer; ``mine`` is false when another admin was first."""

    person: Person
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRequest:
    """Let somebody in who waits, or refuse them. The first admin's answer counts; everyone else
    gets it to see, with ``mine`` false. The same answer of the same admin again is theirs.
    """

    store: Store
    bell: Bell

    async def __call__(self, admin_id: int, person_id: int, role: Role) -> Answered:
        if role not in ANSWERS:
            raise InvalidInput(f"a request is answered with one of: {', '.join(ANSWERS)}")
        async with self.store.begin() as tx:
            await tx.people.alone()
            admin = await person_at_least(tx, admin_id, Role.ADMIN)
            person = await _known(tx, person_id)
            if person.role is not Role.PENDING:
                again = person.role is role and person.decided_by == admin.name
                return Answered(person, mine=again)
            after = await _give(tx, person, role, admin)
        await self.bell.ring("deliver")
        return Answered(after, mine=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRole:
    """Give somebody another role; ``refused`` puts them out: no question to them waits any more,
    and nothing that was queued for them is sent.

    ``actor_id`` None is the command line on this machine. ``expected`` is the version of the person
    that was looked at; another one raises :class:`Outdated`. Raises :class:`NotAllowed` below an
    admin, :class:`OwnRole` for oneself and :class:`LastAdmin` where none would be left.
    """

    store: Store
    bell: Bell

    async def __call__(
        self, actor_id: int | None, person_id: int, role: Role, *, expected: int | None = None
    ) -> Person:
        if role is Role.PENDING:
            raise InvalidInput("nobody is made pending; choose viewer, trader or admin, or remove")
        async with self.store.begin() as tx:
            await tx.people.alone()
            admin = None
            if actor_id is not None:
                admin = await person_at_least(tx, actor_id, Role.ADMIN)
            person = await _known(tx, person_id)
            if actor_id == person_id:
                raise OwnRole("nobody changes their own role")
            if expected is not None and person.version != expected:
                if person.role is role and admin is not None and person.decided_by == admin.name:
                    return person
                raise Outdated("the person changed since they were shown", version=person.version)
            if person.role is role:
                return person
            await _must_leave_an_admin(tx, person)
            after = await _give(tx, person, role, admin)
        await self.bell.ring("deliver")
        return after


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPerson:
    """Let somebody in from the command line, by their numeric id, also the first admin."""

    store: Store
    bell: Bell

    async def __call__(self, person_id: int, name: str, role: Role, *, language: str) -> Person:
        """Raises :class:`InvalidInput` for an id no person has, for no name, and for who is known:
        their role is changed by :class:`ChangeRole`.
        """
        if not 0 < person_id < 2**52:
            raise InvalidInput("a person's id is a positive number; /whoami and /start show it")
        name = " ".join(name.split())[:_LONGEST_NAME]
        if not name or not name.isprintable() or not role.has_access:
            raise InvalidInput("give a name, and the role viewer, trader or admin")
        async with self.store.begin() as tx:
            await tx.people.alone()
            if await tx.people.get(person_id) is not None:
                raise InvalidInput(f"{person_id} is known; change the role instead")
            person = Person(
                id=person_id, name=name, role=Role.PENDING, language=language, chat_id=person_id
            )
            after = await _give(tx, person, role, None)
        await self.bell.ring("deliver")
        return after


async def _known(tx: Transaction, person_id: int) -> Person:
    person = await tx.people.get(person_id)
    if person is None:
        raise NotFound(f"there is no person {person_id}", nobody=person_id)
    return person


async def _must_leave_an_admin(tx: Transaction, person: Person) -> None:
    admins = [one for one in await tx.people.list() if one.role is Role.ADMIN]
    if person.role is Role.ADMIN and len(admins) <= 1:
        raise LastAdmin(f"{person.name} is the last admin: make somebody else an admin first")


async def _give(tx: Transaction, person: Person, role: Role, admin: Person | None) -> Person:
    """Give a role, tell whom it concerns, and write it down."""
    now = await tx.now()
    by = _CLI if admin is None else admin.name
    after = person.with_role(role, by=by, at=now)
    await tx.people.save(after)
    if role.rank < person.role.rank:
        await tx.people.forget_question(person.id)
    if not role.has_access:
        await tx.outbox.drop(person.id)
    await _tell(tx, person, after, admin)
    await tx.history.append(_entry(person, after, admin, now))
    return after


async def _tell(tx: Transaction, before: Person, after: Person, admin: Person | None) -> None:
    """The person hears of it, and the other admins; who is refused is not told by itself."""
    detail = {"id": after.id, "before": str(before.role), "role": str(after.role)}
    detail |= {"name": after.name, "by": after.decided_by}
    key = f"role:{after.id}:{after.version}"
    notice = Notice(kind=Kind.ROLE, key=key, priority=Priority.NORMAL, detail=detail)
    if before.role.has_access or after.role.has_access:
        await tx.outbox.tell(notice, Audience(person_id=after.id))
    others = Audience(at_least=Role.ADMIN, but=None if admin is None else admin.id)
    # Who is concerned has the notice of that key already, and is not told twice.
    await tx.outbox.tell(replace(notice, kind=Kind.ROLE_OF), others)


def _entry(before: Person, after: Person, admin: Person | None, now: datetime) -> Entry:
    return Entry(
        action=_action(before.role, after.role),
        occurred_at=now,
        actor=actor(None if admin is None else admin.id),
        rationale=f"{after.name} ({after.id}): {before.role} -> {after.role}",
        human_override=True,
        detail={
            "person": after.id,
            "name": after.name,
            "before": str(before.role),
            "role": str(after.role),
        },
    )


def _action(before: Role, after: Role) -> Action:
    if not after.has_access:
        return Action.PERSON_REMOVED if before.has_access else Action.PERSON_REFUSED
    return Action.ROLE_CHANGED if before.has_access else Action.PERSON_JOINED
