"""Machines come in over HTTP: keys that act for a person, and never for more than they were given.

A key is shown once. Only its digest is stored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from engine.domain.access import MOST_KEYS, ApiKey, Caller, KeyDraft, Means, name_of
from engine.domain.person import Role
from engine.errors import IllegalMove, InvalidInput, NotAllowed, NotFound
from engine.flow.logins import access_entry, digest
from engine.flow.people import person_at_least
from engine.ports import Store

_MARK = "att_"
_PREFIX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueKey:
    """Make a key for a person; ``by`` None is the command line of this machine.

    Raises :class:`NotAllowed` where the key would do more than its person or its maker may.
    """

    store: Store
    new_secret: Callable[[], str]

    async def __call__(
        self,
        by: Caller | None,
        person_id: int,
        name: str,
        role: Role,
        *,
        life: timedelta | None,
    ) -> tuple[ApiKey, str]:
        """The key as it is kept, and its secret, which is shown this once."""
        if not role.has_access:
            raise InvalidInput("a key's role is one of: viewer, trader, admin")
        if by is not None and by.role.rank < role.rank:
            raise NotAllowed(f"a key of the role {role} is made by one; yours is {by.role}")
        secret = _MARK + self.new_secret()
        async with self.store.begin() as tx:
            # One after the other: those that come at once do not see each other's keys.
            await tx.people.alone()
            person = await person_at_least(tx, person_id, role)
            if len(await tx.access.keys(person_id)) >= MOST_KEYS:
                raise IllegalMove(f"{person.name} has {MOST_KEYS} keys; revoke one first")
            draft = KeyDraft(
                name=name_of(name),
                prefix=secret[: len(_MARK) + _PREFIX],
                digest=digest(secret),
                person_id=person_id,
                role=role,
                expires_at=None if life is None else await tx.now() + life,
            )
            key = await tx.access.add_key(draft)
            facts = {"key": key.prefix, "role": str(role), "called": key.name}
            actor_id = None if by is None else by.person.id
            await tx.history.append(await access_entry(tx, "key_made", person, actor_id, **facts))
        return key, secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadKeys:
    """One's own keys; an admin's are everybody's. None is the command line of this machine."""

    store: Store

    async def __call__(self, by: Caller | None) -> Sequence[ApiKey]:
        everybody = by is None or by.role is Role.ADMIN
        async with self.store.begin() as tx:
            return await tx.access.keys(None if everybody or by is None else by.person.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeKey:
    """A key opens nothing more. One's own, or anybody's for an admin; else it is not found."""

    store: Store

    async def __call__(self, by: Caller | None, key_id: int) -> None:
        async with self.store.begin() as tx:
            key = await tx.access.key(key_id)
            theirs = key is not None and by is not None and key.person_id == by.person.id
            if key is None or not (by is None or theirs or by.role is Role.ADMIN):
                raise NotFound(f"there is no key {key_id}")
            person = await tx.people.get(key.person_id)
            if key.revoked_at is not None or person is None:
                return
            await tx.access.revoke_key(key_id)
            actor_id = None if by is None else by.person.id
            facts = {"key": key.prefix, "called": key.name}
            await tx.history.append(
                await access_entry(tx, "key_revoked", person, actor_id, **facts)
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FindKey:
    """Who a key acts for, as they are now; None for one that opens nothing."""

    store: Store

    async def __call__(self, secret: str) -> Caller | None:
        async with self.store.begin() as tx:
            key = await tx.access.key_of(digest(secret))
            if key is None or key.revoked_at is not None:
                return None
            if key.expires_at is not None and key.expires_at <= await tx.now():
                return None
            person = await tx.people.get(key.person_id)
            if person is None or not person.role.has_access:
                return None
            await tx.access.used_key(key.id)
        return Caller(person=person, means=Means.KEY, means_id=str(key.id), most=key.role)
