"""The decision history, bundles, people and what they are told, in memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.domain.decision import Action, Decision, Entry
from engine.domain.notice import CAUSE_WINDOW, Audience, HaltSeen, Kind, Notice
from engine.domain.person import Knock, Person, Role
from engine.domain.preferences import Loudness
from engine.domain.snapshot import Bundle
from engine.errors import HistoryBroken, NotFound, SnapshotNotFound
from engine.ports import Clock, Heartbeat
from engine.snapshot.canonical import canonical, digest, plain
from storage.chain import content, link
from storage.mapping import entry_columns, hashed
from tests.memory.rows import View


def chained(seq: int, hash_: str, entry: Entry) -> Decision:
    """The record behind the one with this number and hash."""
    body = canonical(plain(entry)).decode()
    said = content(hashed(entry_columns(entry)), body)
    linked = link(hash_, seq + 1, said)
    return Decision(seq=seq + 1, hash=linked, previous_hash=hash_, entry=entry)


class MemoryHistory:
    """The port ``History`` in one transaction: the real chain over the real canonical text."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def append(self, entry: Entry) -> Decision:
        (decision,) = await self.extend((entry,))
        return decision

    async def extend(self, entries: Sequence[Entry]) -> tuple[Decision, ...]:
        if not entries:
            return ()
        await self._view.lock("head", 1)
        head = self._view.get("head", 1)
        if head is None:
            raise HistoryBroken("the history's head is gone; nothing is written behind nothing")
        written = []
        for entry in entries:
            decision = chained(*head, entry)
            written.append(decision)
            head = (decision.seq, decision.hash)
            await self._view.put("decision", decision.seq, decision)
        await self._view.put("head", 1, head)
        return tuple(written)

    async def get(self, seq: int) -> Decision:
        decision: Decision | None = self._view.get("decision", seq)
        if decision is None:
            raise NotFound(f"there is no decision {seq}")
        return decision

    async def list(
        self,
        *,
        symbol: str | None = None,
        actions: Sequence[Action] = (),
        idea_id: UUID | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[Decision]:
        found = [
            decision
            for decision in self._view.all("decision")
            if (symbol is None or decision.entry.symbol == symbol)
            and (not actions or decision.entry.action in actions)
            and (idea_id is None or decision.entry.idea_id == idea_id)
            and (before is None or decision.seq < before)
        ]
        return sorted(found, key=lambda decision: -decision.seq)[:limit]

    async def count(self, actions: Sequence[Action], since: datetime) -> dict[str, int]:
        entries = [decision.entry for decision in self._view.all("decision")]
        return dict(
            Counter(
                entry.risk_check_result
                if entry.action is Action.RISK_REJECTED and entry.risk_check_result
                else str(entry.action)
                for entry in entries
                if entry.action in actions
                and entry.market_time is not None
                and entry.market_time >= since
            )
        )


class MemoryBundles:
    """The port ``Bundles`` in one transaction: kept as they are, named by a hash of their place."""

    def __init__(self, view: View, names: dict[Bundle, str]) -> None:
        self._view, self._names = view, names

    async def put(self, bundle: Bundle) -> str:
        hash_ = self._names.get(bundle)
        if hash_ is None:
            # Equal bundles have one name; a canonical text of each would cost more than the flow.
            hash_ = self._names[bundle] = digest(f"bundle {len(self._names)}".encode())
        if self._view.get("bundle", hash_) is None:
            await self._view.insert("bundle", hash_, bundle)
        return hash_

    async def put_all(self, bundles: Sequence[Bundle]) -> Sequence[str]:
        return [await self.put(bundle) for bundle in bundles]

    async def get(self, hash_: str) -> Bundle:
        bundle: Bundle | None = self._view.get("bundle", hash_)
        if bundle is None:
            raise SnapshotNotFound(f"bundle {hash_[:12]} is not in the store")
        return bundle


class MemoryPeople:
    """The port ``People`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def alone(self) -> None:
        await self._view.lock("people", 1)

    async def get(self, user_id: int) -> Person | None:
        person: Person | None = self._view.get("person", user_id)
        return person

    async def role(self, user_id: int) -> Role | None:
        person = await self.get(user_id)
        return None if person is None else person.role

    async def save(self, person: Person) -> None:
        known = await self.get(person.id)
        last_seen = known.last_seen if known else None
        await self._view.put("person", person.id, replace(person, last_seen=last_seen))

    async def list(self) -> Sequence[Person]:
        return sorted(self._view.all("person"), key=lambda person: person.id)

    async def seen(self, user_id: int) -> None:
        known = await self.get(user_id)
        if known is not None:
            minute = self._clock().replace(second=0, microsecond=0)
            await self._view.put("person", user_id, replace(known, last_seen=minute))

    async def forget_question(self, user_id: int) -> None:
        """Questions are the chat's; this store has none."""

    async def knock(self, user_id: int) -> Knock:
        knock: Knock | None = self._view.get("knock", user_id)
        return knock or Knock(person_id=user_id)

    async def save_knock(self, knock: Knock) -> None:
        await self._view.put("knock", knock.person_id, knock)

    async def spend(self, digest: str, user_id: int) -> bool:
        return await self._view.insert("spent code", digest, user_id)


@dataclass(frozen=True, slots=True)
class Told:
    """One notice for one person: at which place, when, how loudly, and what became of it."""

    notice: Notice
    person_id: int
    place: int = 0
    at: datetime | None = None
    episode: int | None = None
    is_silent: bool = False
    state: str = "queued"


class MemoryOutbox:
    """The port ``Outbox`` in one transaction: a row per person, each key once."""

    def __init__(self, view: View, people: MemoryPeople, clock: Clock) -> None:
        self._view, self._people, self._clock = view, people, clock

    async def tell_all(self, notices: Sequence[tuple[Notice, Audience]]) -> None:
        for notice, audience in notices:
            await self.tell(notice, audience)

    async def tell(self, notice: Notice, audience: Audience) -> None:
        for person in await self._people.list():
            loudness = notice.loudness_for(person)
            if not audience.holds(person) or loudness is Loudness.OFF:
                continue
            opened = self._opened(notice, person.id)
            if notice.is_resolved and opened is None:
                continue
            told = Told(
                notice,
                person.id,
                place=len(self._view.all("outbox")) + 1,
                at=self._clock(),
                episode=opened,
                is_silent=loudness is Loudness.SILENT,
                state="queued" if person.unreachable_since is None else "missed",
            )
            await self._view.insert("outbox", (notice.key, person.id), told)

    async def drop(self, person_id: int) -> None:
        for told in self._of(person_id):
            await self._move(told, "dropped")

    def _opened(self, notice: Notice, person_id: int) -> int | None:
        if not notice.shares:
            return None
        same = [
            told
            for told in self._of(person_id)
            if told.notice.cause == notice.cause and told.notice.shares
        ]
        if not same or same[-1].notice.is_resolved:
            return None
        first = next(t for t in same if t.place == (same[-1].episode or same[-1].place))
        assert first.at is not None
        recent = first.at > self._clock() - CAUSE_WINDOW
        return first.place if recent or notice.is_resolved else None

    def _of(self, person_id: int) -> list[Told]:
        found = [told for told in self._view.all("outbox") if told.person_id == person_id]
        return sorted(found, key=lambda told: told.place)

    async def keep_back(self, person_id: int) -> None:
        for told in self._of(person_id):
            if told.state == "queued":
                await self._move(told, "missed")

    async def missed(self, person_id: int) -> dict[str, int]:
        found = [told for told in self._of(person_id) if told.state == "missed"]
        for told in found:
            await self._move(told, "dropped")
        return dict(Counter(told.notice.kind for told in found))

    async def told(self, person_id: int, since: datetime, until: datetime) -> dict[str, int]:
        return dict(
            Counter(
                told.notice.kind
                for told in self._of(person_id)
                if told.at is not None
                and since <= told.at < until
                and told.state == "queued"
                and told.episode is None
            )
        )

    async def last_halt(self) -> int | None:
        halts = [t for t in self._view.all("outbox") if t.notice.kind is Kind.HALT]
        last = max(halts, key=lambda told: told.place, default=None)
        return None if last is None else int(last.notice.key.rpartition(":")[2])

    async def see_halt(self, version: int, person_id: int) -> bool:
        if self._view.get("halt_seen", (version, person_id)) is not None:
            return False
        await self._view.insert(
            "halt_seen", (version, person_id), (version, person_id, self._clock())
        )
        return True

    async def halt_seen(self, version: int) -> list[HaltSeen]:
        found = []
        for seen, person_id, at in self._view.all("halt_seen"):
            person = await self._people.get(person_id)
            if seen == version and person is not None:
                found.append(HaltSeen(person_id, person.name, person.role, at))
        return sorted(found, key=lambda seen: seen.at)

    async def _move(self, told: Told, state: str) -> None:
        key = (told.notice.key, told.person_id)
        await self._view.put("outbox", key, replace(told, state=state))


class MemoryHeartbeats:
    """The port ``Heartbeats`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def beat(self, name: str, detail: dict[str, Any] | None = None) -> None:
        await self._view.put("heartbeat", name, (name, Heartbeat(self._clock(), detail or {})))

    async def seen(self) -> dict[str, Heartbeat]:
        return dict(self._view.all("heartbeat"))
