"""People come in over HTTP: a login made with a code or by the operator, a session, its end."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from engine.domain.access import (
    INVITE_LIFE,
    SESSION_LIFE,
    TRIES,
    TRIES_OF_ADDRESS,
    TRIES_SPAN,
    Caller,
    Login,
    Means,
    Session,
    email_of,
    password_of,
)
from engine.domain.decision import Action, Entry
from engine.domain.person import Person, Role
from engine.errors import InvalidInput, NotKnown, TooManyTries
from engine.flow.people import actor, person_at_least
from engine.ports import Passwords, Store, Transaction

_WRONG = "address or password is wrong"
_NOT_NOW = "the password of now is wrong"


def digest(secret: str) -> str:
    """What is stored of a random secret: 128 bits and more need no salt."""
    return sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIn:
    """Open a session with address and password.

    Raises :class:`NotKnown`, alike and after the same time for an unknown address, a wrong password
    and somebody who has no access any more, and :class:`TooManyTries`. ``device`` names a browser
    that was let in before: its tries are counted apart, so that strangers' guesses never lock the
    owner out.
    """

    store: Store
    passwords: Passwords
    new_id: Callable[[], str]

    async def __call__(
        self, email: str, password: str, *, address: str, device: str | None
    ) -> tuple[Person, Session]:
        email = email.strip().lower()[:320]
        mine = f"login:{digest(email)}" if device is None else f"device:{device}"
        async with self.store.begin() as tx:
            # Committed by itself, so that a refusal does not take its count back.
            limits = {mine: TRIES, f"from:{address[:60]}": TRIES_OF_ADDRESS}
            until = await tx.access.count_try(limits, TRIES_SPAN)
            if until is not None:
                raise TooManyTries("too many tries; wait, or ask the bot for a code: /web", until)
            login = await tx.access.login_of(email)
        fits = await self.passwords.verify(_stored(login), password)
        if login is None or not fits:
            raise NotKnown(_WRONG)
        fresh = login.password_hash
        if self.passwords.is_old(fresh):
            fresh = await self.passwords.hash(password)
        async with self.store.begin() as tx:
            person = await tx.people.get(login.person_id)
            if person is None or not person.role.has_access:
                raise NotKnown(_WRONG)
            await _must_hold(tx, login, _WRONG)
            await tx.access.forget_tries([mine])
            if fresh != login.password_hash:
                await tx.access.save_login(replace(login, password_hash=fresh))
            now = await tx.now()
            session = Session(
                id=self.new_id(), person_id=person.id, created_at=now, expires_at=now + SESSION_LIFE
            )
            await tx.access.add_session(session)
        return person, session


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOut:
    """End the caller's session, or all of the person's."""

    store: Store

    async def __call__(self, caller: Caller, *, everywhere: bool = False) -> None:
        async with self.store.begin() as tx:
            if everywhere:
                await tx.access.end_sessions(caller.person.id)
            elif caller.means is Means.SESSION:
                await tx.access.end_session(caller.means_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindSession:
    """Who a session is of, as they are now; None when it has ended, or they were put out."""

    store: Store

    async def __call__(self, session_id: str) -> Caller | None:
        async with self.store.begin() as tx:
            session = await tx.access.session(session_id)
            if session is None or session.expires_at <= await tx.now():
                return None
            person = await tx.people.get(session.person_id)
        if person is None or not person.role.has_access:
            return None
        return Caller(person=person, means=Means.SESSION, means_id=session.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """A code with which a person sets an address and a password of their own, once and soon."""

    store: Store
    new_code: Callable[[], str]

    async def __call__(self, person_id: int) -> tuple[str, datetime]:
        """The code, which is shown this once, and until when it is good."""
        code = self.new_code()
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            until = await tx.access.invite(digest(code), person_id, INVITE_LIFE)
        return code, until


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLogin:
    """Give a person an address and a password; every session of theirs ends."""

    store: Store
    passwords: Passwords

    async def with_code(self, code: str, email: str, password: str, *, address: str) -> Person:
        """By the code that the bot gave them. Raises :class:`NotKnown` for one that is not good,
        and :class:`TooManyTries`.
        """
        async with self.store.begin() as tx:
            until = await tx.access.count_try({f"code:{address[:60]}": TRIES * 2}, TRIES_SPAN)
            if until is not None:
                raise TooManyTries("too many tries; wait a while", until)
        async with self.store.begin() as tx:
            person_id = await tx.access.accept(digest(code))
            if person_id is None:
                raise NotKnown("this code is not good any more; ask the bot for another: /web")
            # What is refused from here on leaves the code good: nothing of this is committed.
            email = email_of(email)
            hashed = await self._hashed(email, password)
            return await self._save(tx, person_id, email, hashed, by=person_id)

    async def by_operator(self, person_id: int, email: str, password: str) -> Person:
        """From the command line of this machine."""
        email = email_of(email)
        hashed = await self._hashed(email, password)
        async with self.store.begin() as tx:
            return await self._save(tx, person_id, email, hashed, by=None)

    async def anew(self, caller: Caller, old: str, password: str) -> None:
        """Another password, by who knows the one before; raises :class:`NotKnown`."""
        mine = f"anew:{caller.person.id}"
        async with self.store.begin() as tx:
            until = await tx.access.count_try({mine: TRIES}, TRIES_SPAN)
            if until is not None:
                raise TooManyTries("too many tries; wait a while", until)
            login = await tx.access.login_for(caller.person.id)
        if not await self.passwords.verify(_stored(login), old) or login is None:
            raise NotKnown(_NOT_NOW)
        hashed = await self._hashed(login.email, password)
        async with self.store.begin() as tx:
            await _must_hold(tx, login, _NOT_NOW)
            await self._save(tx, caller.person.id, login.email, hashed, by=caller.person.id)
            await tx.access.forget_tries([mine])

    async def _hashed(self, email: str, password: str) -> str:
        return await self.passwords.hash(password_of(password, email))

    async def _save(
        self, tx: Transaction, person_id: int, email: str, hashed: str, *, by: int | None
    ) -> Person:
        await tx.people.alone()
        person = await person_at_least(tx, person_id, Role.VIEWER)
        login = Login(person_id=person_id, email=email, password_hash=hashed)
        if not await tx.access.save_login(login):
            raise InvalidInput(f"{email} belongs to somebody else")
        await tx.access.end_sessions(person_id)
        await tx.access.forget_tries([f"login:{digest(email)}"])
        await tx.history.append(await access_entry(tx, "login_set", person, by, email=email))
        return person


def _stored(login: Login | None) -> str | None:
    return None if login is None else login.password_hash


async def _must_hold(tx: Transaction, login: Login, why: str) -> None:
    """Raise :class:`NotKnown` where the password was changed while it was looked at, which takes a
    while: what it opened is closed, and must not be opened behind that. Changes wait till this
    transaction ends.
    """
    await tx.people.alone()
    if await tx.access.login_for(login.person_id) != login:
        raise NotKnown(why)


async def access_entry(
    tx: Transaction, what: str, person: Person, by: int | None, **facts: str
) -> Entry:
    """The record of a change of who may come in; it names no secret."""
    told = ", ".join(f"{name} {value}" for name, value in facts.items())
    return Entry(
        action=Action.ACCESS_CHANGED,
        occurred_at=await tx.now(),
        actor=actor(by),
        rationale=f"{what} for {person.name} ({person.id}): {told}",
        human_override=True,
        detail={"what": what, "person": person.id, "name": person.name, **facts},
    )
