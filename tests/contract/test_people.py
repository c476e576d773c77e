"""The ports ``People`` and ``Outbox``: the door, who is reached, and what is dropped."""

import asyncio
from dataclasses import replace
from typing import Any

from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Knock, Told
from storage.models import OutboxRow
from tests.builders import NOW
from tests.contract.conftest import ANN, EVE, LUIS, rolled_back
from tests.memory import MemoryStore

NOTICE = Notice(kind=Kind.HALT, key="control:2", priority=Priority.SAFETY)


async def queued(store: Any) -> list[int]:
    """Who still gets something."""
    if isinstance(store, MemoryStore):
        return sorted(row.person_id for row in store.all("outbox") if row.state == "queued")
    rows = OutboxRow.filter(state="queued").order_by("person_id")
    return [int(row.person_id) for row in await rows]


async def test_everything_of_a_person_is_kept_but_when_they_were_seen(staffed: Any):
    changed = replace(
        EVE,
        timezone="Asia/Tokyo",
        version=4,
        decided_by="Ann",
        decided_at=NOW,
        unreachable_since=NOW,
    )
    async with staffed.begin() as tx:
        await tx.people.save(replace(changed, last_seen=NOW))
        await tx.people.save(replace(changed, id=77, last_seen=NOW))
    async with staffed.begin() as tx:
        assert await tx.people.get(EVE.id) == changed
        assert await tx.people.get(77) == replace(changed, id=77)


async def test_a_role_is_read_by_itself(staffed: Any):
    async with staffed.begin() as tx:
        for person in (ANN, LUIS, EVE):
            assert await tx.people.role(person.id) is person.role
        assert await tx.people.role(99) is None


async def test_who_uses_the_bot_is_seen_to_the_minute(staffed: Any):
    async with staffed.begin() as tx:
        await tx.people.seen(EVE.id)
        await tx.people.seen(99)
        now = await tx.now()
    async with staffed.begin() as tx:
        person = await tx.people.get(EVE.id)
        assert person.last_seen.second == person.last_seen.microsecond == 0
        assert 0 <= (now - person.last_seen).total_seconds() < 120
        assert await tx.people.get(99) is None
        await tx.people.save(replace(person, last_seen=None))
        assert (await tx.people.get(EVE.id)).last_seen == person.last_seen


async def test_a_knock_is_remembered_as_it_was(store: Any):
    knock = Knock(
        person_id=9, wrong_codes=2, first_wrong=NOW, answered_at=NOW, reported=True,
        update_id=2**40, told=Told.WRONG_CODE,
    )  # fmt: skip
    async with store.begin() as tx:
        assert await tx.people.knock(9) == Knock(person_id=9)
        await tx.people.save_knock(Knock(person_id=9))
        await tx.people.save_knock(knock)
    async with rolled_back(store) as tx:
        await tx.people.save_knock(Knock(person_id=9))
    async with store.begin() as tx:
        assert await tx.people.knock(9) == knock


async def test_a_code_is_spent_once_by_one(store: Any):
    async def spend(who: int) -> bool:
        async with store.begin() as tx:
            return bool(await tx.people.spend("ab" * 32, who))

    assert sorted(await asyncio.gather(*(spend(who) for who in range(5)))) == [False] * 4 + [True]
    async with store.begin() as tx:
        assert await tx.people.spend("cd" * 32, 1)


async def test_who_changes_people_is_alone(staffed: Any):
    async def promote() -> None:
        async with staffed.begin() as tx:
            await tx.people.alone()
            person = await tx.people.get(EVE.id)
            await tx.people.save(replace(person, version=person.version + 1))

    await asyncio.gather(*(promote() for _ in range(6)))
    async with staffed.begin() as tx:
        assert (await tx.people.get(EVE.id)).version == EVE.version + 6


async def test_nothing_is_queued_for_who_is_not_reached(staffed: Any):
    async with staffed.begin() as tx:
        await tx.people.save(replace(LUIS, unreachable_since=NOW))
        await tx.outbox.tell(NOTICE, Audience())
        await tx.outbox.tell(replace(NOTICE, key="x"), Audience(person_id=LUIS.id))
    assert await queued(staffed) == [ANN.id, EVE.id]


async def test_what_is_queued_for_one_person_can_be_dropped(staffed: Any):
    async with staffed.begin() as tx:
        await tx.outbox.tell(NOTICE, Audience())
    async with rolled_back(staffed) as tx:
        await tx.outbox.drop(ANN.id)
    async with staffed.begin() as tx:
        await tx.outbox.drop(LUIS.id)
        await tx.people.forget_question(LUIS.id)
        await tx.outbox.tell(replace(NOTICE, key="later"), Audience(person_id=LUIS.id))
    assert await queued(staffed) == [ANN.id, LUIS.id, EVE.id]
    async with staffed.begin() as tx:
        await tx.outbox.tell(NOTICE, Audience())
    assert await queued(staffed) == [ANN.id, LUIS.id, EVE.id]
