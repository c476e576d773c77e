"""The door: the first admin claims the bot with a code, everyone else waits for an admin.

Whoever has no access learns how to ask for it and nothing else, is answered rarely, and each is
announced to the admins once.
"""

import hmac
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import WRONG_CODES, Knock, Person, Role, Told
from engine.flow.people import actor
from engine.ports import Bell, Store, Transaction


@dataclass(frozen=True, slots=True)
class Joined:
    """What came of knocking: the person as stored, what they are told, and how many more wrong
    codes are answered before an hour of silence.
    """

    person: Person
    told: Told
    tries_left: int = WRONG_CODES


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Someone starts the bot, perhaps with the code it printed.

    While there is no admin the code makes one, once: a code that was used is worth nothing, also
    when the bot has lost its admins since. Five wrong codes of a person in an hour are answered and
    recorded; the next ones are neither looked at nor answered until the hour is over. Everyone
    else waits as pending until an admin lets them in; the admins are asked once.
    """

    store: Store
    bell: Bell
    claim_code: str

    async def __call__(self, person: Person, code: str | None, *, update_id: int) -> Joined:
        """``person`` is who they are to Telegram. A message that is handled twice, told by its
        ``update_id``, counts once and is answered alike.
        """
        async with self.store.begin() as tx:
            await tx.people.alone()
            known = await tx.people.get(person.id)
            knock = await tx.people.knock(person.id)
            if knock.update_id == update_id:
                return self._joined(known or person, knock, await tx.now())
            if known is not None:
                known = replace(known, name=person.name, chat_id=person.chat_id)
            joined, knock = await self._decide(tx, known or person, known is None, knock, code)
            await tx.people.save(joined)
            await tx.people.save_knock(replace(knock, update_id=update_id))
            now = await tx.now()
        await self.bell.ring("deliver")
        return self._joined(joined, knock, now)

    async def _decide(
        self, tx: Transaction, person: Person, is_new: bool, knock: Knock, code: str | None
    ) -> tuple[Person, Knock]:
        """The person and the knock as they are to be stored."""
        now = await tx.now()
        if is_new:
            person = replace(person, role=Role.PENDING)
        if person.role.has_access:
            return person, replace(knock, told=Told.WELCOME)
        if code is not None and await _is_unclaimed(tx):
            return await self._try_code(tx, person, knock, code, now)
        if is_new:
            await _ask(tx, person)
            return person, replace(knock, told=Told.ASKED, reported=True)
        return person, _turned_away(knock, now)

    async def _try_code(
        self, tx: Transaction, person: Person, knock: Knock, code: str, now: datetime
    ) -> tuple[Person, Knock]:
        if knock.wrong_lately(now) >= WRONG_CODES:
            return person, replace(knock, told=Told.NOTHING)
        digest = sha256(self.claim_code.encode()).hexdigest()
        is_right = hmac.compare_digest(code.encode(), self.claim_code.encode())
        if is_right and await tx.people.spend(digest, person.id):
            admin = person.with_role(Role.ADMIN, by=person.name, at=now)
            await tx.people.save(admin)
            for other in await tx.people.list():
                if other.role is Role.PENDING:
                    await _ask(tx, other)
            await _record(tx, Action.PERSON_JOINED, admin, "claimed the bot with its code", now)
            return admin, replace(knock, told=Told.CLAIMED)
        await _record(tx, Action.CODE_REFUSED, person, "a wrong code was tried", now)
        return person, replace(knock.with_wrong_code(now), told=Told.WRONG_CODE)

    def _joined(self, person: Person, knock: Knock, now: datetime) -> Joined:
        return Joined(person, knock.told, max(0, WRONG_CODES - knock.wrong_lately(now)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnAway:
    """Someone without access does anything but start the bot. The answer says whether they are told
    so: once a day. A stranger is announced to the admins, once for ever.
    """

    store: Store
    bell: Bell

    async def __call__(self, person: Person, *, update_id: int) -> bool:
        """``person`` is who they are to Telegram; nothing of them is stored but that they came."""
        async with self.store.begin() as tx:
            await tx.people.alone()
            knock = await tx.people.knock(person.id)
            if knock.update_id == update_id:
                return knock.told is Told.TURNED_AWAY
            announces = not knock.reported and await tx.people.get(person.id) is None
            if announces:
                await tx.outbox.tell(
                    Notice(
                        kind=Kind.STRANGER,
                        key=f"stranger:{person.id}",
                        priority=Priority.NORMAL,
                        detail={"id": person.id, "name": person.name},
                    ),
                    Audience(at_least=Role.ADMIN),
                )
            knock = _turned_away(knock, await tx.now())
            await tx.people.save_knock(replace(knock, update_id=update_id, reported=True))
        if announces:
            await self.bell.ring("deliver")
        return knock.told is Told.TURNED_AWAY


async def _is_unclaimed(tx: Transaction) -> bool:
    return not any(person.role is Role.ADMIN for person in await tx.people.list())


async def _ask(tx: Transaction, person: Person) -> None:
    """Ask the admins to let somebody in."""
    await tx.outbox.tell(
        Notice(
            kind=Kind.ASKS_TO_JOIN,
            key=f"join:{person.id}",
            priority=Priority.NORMAL,
            detail={"id": person.id},
        ),
        Audience(at_least=Role.ADMIN),
    )


def _turned_away(knock: Knock, now: datetime) -> Knock:
    if not knock.may_be_answered(now):
        return replace(knock, told=Told.NOTHING)
    return replace(knock, told=Told.TURNED_AWAY, answered_at=now)


async def _record(
    tx: Transaction, action: Action, person: Person, rationale: str, now: datetime
) -> None:
    await tx.history.append(
        Entry(
            action=action,
            occurred_at=now,
            actor=actor(person.id),
            rationale=rationale,
            human_override=True,
            detail={"person": person.id, "name": person.name, "role": str(person.role)},
        )
    )
