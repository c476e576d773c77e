"""What people choose to be told, who cannot be reached, and halts until somebody has seen them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Person, Role
from engine.domain.preferences import Loudness, Preferences, Topic
from engine.domain.state import TradingState
from engine.errors import NotFound
from engine.flow.people import person_at_least
from engine.ports import Bell, Store

#: Quiet hours that ended longer ago are not summed up any more.
_DIGEST_WITHIN = timedelta(hours=1)
Change = Callable[[Preferences], Preferences]
_HALTS = (TradingState.HALTED, TradingState.EMERGENCY_STOP)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeNotify:
    """A person changes how they are told. Raises :class:`InvalidInput` for what cannot be chosen:
    halts are never off, and never silent.
    """

    store: Store

    async def choose(
        self, person_id: int, topic: Topic, reason: str | None, loudness: Loudness
    ) -> Person:
        """How a topic comes, or those of its events with a reason; "*" is every reason alike."""
        return await self._save(person_id, lambda now: now.choose(topic, reason, loudness))

    async def quiet(self, person_id: int, since: str, until: str) -> Person:
        """Quiet hours, in the person's own zone."""
        return await self._save(person_id, lambda now: now.quiet(since, until))

    async def loud(self, person_id: int) -> Person:
        """No quiet hours any more."""
        return await self._save(
            person_id, lambda now: replace(now, quiet_from=None, quiet_until=None)
        )

    async def brief(self, person_id: int, at: str) -> Person:
        """When the daily brief comes, in the person's own zone."""
        return await self._save(person_id, lambda now: now.brief(at))

    async def digest(self, person_id: int, *, wanted: bool) -> Person:
        """Whether one message sums up what came in the quiet hours."""
        return await self._save(person_id, lambda now: replace(now, digest=wanted))

    async def _save(self, person_id: int, change: Change) -> Person:
        async with self.store.begin() as tx:
            await tx.people.alone()
            person = await person_at_least(tx, person_id, Role.VIEWER)
            person = replace(person, notify=change(person.notify))
            await tx.people.save(person)
        return person


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkUnreachable:
    """Telegram does not let us write to a person: what waits for them is kept back, and the admins
    are told, once.
    """

    store: Store

    async def __call__(self, person_id: int, why: str) -> bool:
        """False when they are not known, or were marked before."""
        async with self.store.begin() as tx:
            await tx.people.alone()
            person = await tx.people.get(person_id)
            if person is None:
                return False
            await tx.outbox.keep_back(person_id)
            if person.unreachable_since is not None:
                return False
            now = await tx.now()
            await tx.people.save(replace(person, unreachable_since=now))
            await tx.outbox.tell(
                _unreachable(person, f"unreachable:{person_id}:{now.isoformat()}", why),
                Audience(at_least=Role.ADMIN, but=person_id),
            )
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class WelcomeBack:
    """A person who could not be reached is there again: they are told what they missed."""

    store: Store
    bell: Bell

    async def __call__(self, person_id: int) -> bool:
        """False when they were not away."""
        async with self.store.begin() as tx:
            await tx.people.alone()
            person = await tx.people.get(person_id)
            if person is None or person.unreachable_since is None:
                return False
            now = await tx.now()
            await tx.people.save(replace(person, unreachable_since=None))
            missed = await tx.outbox.missed(person_id)
            since = person.unreachable_since.isoformat()
            if missed:
                await tx.outbox.tell(
                    Notice(
                        kind=Kind.MISSED,
                        key=f"missed:{person_id}:{since}",
                        priority=Priority.ANSWER,
                        detail={"since": since, "counts": dict(missed)},
                    ),
                    Audience(person_id=person_id),
                )
            back = _unreachable(person, f"reachable:{person_id}:{now.isoformat()}", "")
            await tx.outbox.tell(
                replace(back, is_resolved=True), Audience(at_least=Role.ADMIN, but=person_id)
            )
        await self.bell.ring("deliver")
        return True


def _unreachable(person: Person, key: str, why: str) -> Notice:
    return Notice(
        kind=Kind.UNREACHABLE,
        key=key,
        priority=Priority.NORMAL,
        detail={"person_id": person.id, "name": person.name, "why": why[:200]},
        cause=f"unreachable:{person.id}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeHalt:
    """A person has seen a halt: it is unpinned in their chat, and everyone reads who saw it."""

    store: Store
    bell: Bell

    async def __call__(self, person_id: int, version: int) -> bool:
        """False when they had said so before; raises ``NotFound`` for a halt there was not."""
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            last = await tx.outbox.last_halt()
            if last is None or version > last:
                raise NotFound("there was no such halt", version=version)
            if not await tx.outbox.see_halt(version, person_id):
                return False
            await tx.outbox.tell(
                Notice(
                    kind=Kind.HALT_CARD,
                    key=f"halt_seen:{version}:{person_id}",
                    priority=Priority.SAFETY,
                    cause="halt",
                ),
                Audience(),
            )
        await self.bell.ring("deliver")
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class RemindOfHalt:
    """While trading is halted and no trader has seen it, say so again and again: each time once,
    however often it is asked and whichever process asks. Zero for ``every`` is never.
    """

    store: Store
    every: timedelta

    async def __call__(self) -> bool:
        """Whether there was something to be reminded of."""
        async with self.store.begin() as tx:
            control = await tx.controls.read()
            version = await tx.outbox.last_halt()
            if control.state not in _HALTS or version is None or not self.every:
                return False
            seen = await tx.outbox.halt_seen(version)
            if any(person.role.rank >= Role.TRADER.rank for person in seen):
                return False
            times = (await tx.now() - control.changed_at) // self.every
            if times < 1:
                return False
            await tx.outbox.tell(
                Notice(
                    kind=Kind.HALT_OPEN,
                    key=f"halt_open:{version}:{times}",
                    priority=Priority.SAFETY,
                    detail={"version": version, "since": control.changed_at.isoformat()},
                ),
                Audience(at_least=Role.TRADER),
            )
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SumUpQuietHours:
    """After a person's quiet hours, one message about what came in them."""

    store: Store

    async def __call__(self) -> None:
        async with self.store.begin() as tx:
            now = await tx.now()
            for person in await tx.people.list():
                quiet = person.notify.last_quiet(now, person.timezone)
                if quiet is None or not person.notify.digest or now - quiet[1] > _DIGEST_WITHIN:
                    continue
                told = await tx.outbox.told(person.id, *quiet)
                counts = {kind: count for kind, count in told.items() if Kind(kind).topic}
                if not counts:
                    continue
                since, until = (instant.isoformat() for instant in quiet)
                await tx.outbox.tell(
                    Notice(
                        kind=Kind.DIGEST,
                        key=f"digest:{until}",
                        priority=Priority.NORMAL,
                        detail={"since": since, "until": until, "counts": counts},
                    ),
                    Audience(person_id=person.id),
                )
