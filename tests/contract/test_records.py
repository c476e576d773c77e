"""The ports ``History``, ``Bundles``, ``People`` and ``Outbox``."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Role
from engine.errors import NotFound, SnapshotNotFound
from storage.audit import PostgresAuditor
from storage.chain import GENESIS
from storage.models import OutboxRow
from tests.builders import HOUR, IDEA_ID, NOW, bundle, decision, quote
from tests.contract.conftest import ANN, EVE, LUIS, rolled_back
from tests.memory import MemoryAuditor, MemoryStore


def entry(**values: Any) -> Entry:
    return decision(**({"bundle_hash": None} | values)).entry


async def write(store: Any, *entries: Entry) -> None:
    async with store.begin() as tx:
        await tx.history.extend(entries)


async def told(store: Any) -> list[tuple[str, int]]:
    """The keys in the outbox and who reads them."""
    if isinstance(store, MemoryStore):
        return sorted((row.notice.key, row.person_id) for row in store.all("outbox"))
    rows = await OutboxRow.all().values_list("key", "person_id")
    return sorted((str(key), int(person)) for key, person in rows)


async def faults(store: Any) -> tuple[int, tuple[Any, ...]]:
    memory = isinstance(store, MemoryStore)
    return await (MemoryAuditor(store) if memory else PostgresAuditor()).verify()


async def test_records_are_numbered_and_tied_to_the_one_before(store: Any):
    async with store.begin() as tx:
        first = await tx.history.append(entry())
        second = await tx.history.append(entry(detail={"levels": [1, "2", None, {"a": True}]}))
    assert [first.seq, second.seq] == [1, 2]
    assert [first.previous_hash, second.previous_hash] == [GENESIS, first.hash]
    async with store.begin() as tx:
        assert await tx.history.get(1) == first
        assert await tx.history.get(2) == second
        with pytest.raises(NotFound):
            await tx.history.get(3)
    assert await faults(store) == (2, ())


async def test_the_same_record_has_the_same_hash_in_every_store(store: Any):
    assert await _hash_in(store) == await _hash_in(MemoryStore(lambda: NOW))


async def _hash_in(store: Any) -> str:
    async with store.begin() as tx:
        return str((await tx.history.append(entry())).hash)


async def test_writers_queue_up_and_the_chain_does_not_fork(store: Any):
    await asyncio.gather(*(write(store, entry(seq=n), entry()) for n in range(6)))
    async with store.begin() as tx:
        records = list(reversed(await tx.history.list(limit=100)))
    assert [record.seq for record in records] == list(range(1, 13))
    assert [r.previous_hash for r in records] == [GENESIS, *(r.hash for r in records[:-1])]
    assert await faults(store) == (12, ())


async def test_a_record_that_is_rolled_back_leaves_no_gap(store: Any):
    await write(store, entry())
    async with rolled_back(store) as tx:
        await tx.history.append(entry())
    await write(store, entry())
    assert await faults(store) == (2, ())


async def test_the_history_is_read_newest_first_filtered_and_in_pages(store: Any):
    await write(
        store,
        entry(symbol="EURUSD", action=Action.NO_TRADE),
        entry(symbol="XAUUSD", action=Action.AI_PROPOSED, idea_id=IDEA_ID),
        entry(symbol="EURUSD", action=Action.ORDER_SENDING, idea_id=IDEA_ID),
        entry(symbol=None, action=Action.AI_HALTED, idea_id=UUID(int=1)),
    )

    async def seqs(**asked: Any) -> list[int]:
        async with store.begin() as tx:
            return [d.seq for d in await tx.history.list(**({"limit": 99} | asked))]

    assert await seqs() == [4, 3, 2, 1]
    assert await seqs(limit=2) == [4, 3]
    assert await seqs(before=3) == [2, 1]
    assert await seqs(symbol="EURUSD") == [3, 1]
    assert await seqs(actions=(Action.AI_HALTED, Action.NO_TRADE)) == [4, 1]
    assert await seqs(idea_id=IDEA_ID) == [3, 2]
    assert await seqs(idea_id=IDEA_ID, symbol="XAUUSD", actions=(Action.AI_PROPOSED,)) == [2]
    assert await seqs(symbol="GBPUSD") == []


async def test_records_are_counted_by_action_and_refusals_by_reason(store: Any):
    refused = {"action": Action.RISK_REJECTED, "risk_check_result": "fail:spread"}
    await write(
        store,
        entry(**refused),
        entry(**refused),
        entry(**refused, market_time=NOW - HOUR),
        entry(**refused, market_time=None),
        entry(action=Action.RISK_REJECTED),
        entry(action=Action.NO_TRADE, risk_check_result="none:condition"),
        entry(action=Action.AI_HALTED),
    )
    async with store.begin() as tx:
        asked = (Action.RISK_REJECTED, Action.NO_TRADE)
        assert await tx.history.count(asked, NOW) == {
            "fail:spread": 2,
            "risk_rejected": 1,
            "no_trade": 1,
        }
        assert await tx.history.count(asked, NOW + HOUR) == {}


async def test_a_bundle_is_stored_once_under_its_hash(store: Any):
    async with store.begin() as tx:
        name = await tx.bundles.put(bundle())
        assert await tx.bundles.put(bundle()) == name
        other = await tx.bundles.put(bundle(quote=quote("1.20000", "1.20010")))
        assert other != name
    async with store.begin() as tx:
        assert await tx.bundles.get(name) == bundle()
        assert await tx.bundles.put(bundle()) == name
        with pytest.raises(SnapshotNotFound):
            await tx.bundles.get("ab" * 32)


async def test_two_who_saw_the_same_picture_store_it_once(store: Any):
    async def put() -> str:
        async with store.begin() as tx:
            return str(await tx.bundles.put(bundle()))

    assert len(set(await asyncio.gather(*(put() for _ in range(4))))) == 1


async def test_people_are_found_changed_and_listed_by_id(staffed: Any):
    async with staffed.begin() as tx:
        assert await tx.people.get(99) is None
        await tx.people.save(replace(EVE, role=Role.TRADER, language="es"))
    async with staffed.begin() as tx:
        assert await tx.people.get(EVE.id) == replace(EVE, role=Role.TRADER, language="es")
        assert [person.id for person in await tx.people.list()] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("audience", "hearers"),
    [
        (Audience(), [1, 2, 3]),
        (Audience(at_least=Role.TRADER), [1, 2]),
        (Audience(but=ANN.id), [2, 3]),
        (Audience(person_id=LUIS.id), [2]),
        (Audience(at_least=Role.PENDING), [1, 2, 3, 4]),
    ],
)
async def test_a_notice_is_told_once_to_everyone_it_concerns(
    staffed: Any, audience: Audience, hearers: list[int]
):
    notice = Notice(kind=Kind.HALT, key="control:2", priority=Priority.SAFETY)
    for _ in range(2):
        async with staffed.begin() as tx:
            await tx.outbox.tell(notice, audience)
            await tx.outbox.tell(notice, audience)
    assert await told(staffed) == [("control:2", person) for person in hearers]


async def test_a_notice_of_a_change_that_did_not_happen_is_not_told(staffed: Any):
    async with rolled_back(staffed) as tx:
        notice = Notice(kind=Kind.HALT, key="control:2", priority=Priority.SAFETY)
        await tx.outbox.tell(notice, Audience())
    assert await told(staffed) == []


async def test_who_is_alive_is_known_by_the_stores_clock(store: Any):
    async with store.begin() as tx:
        assert await tx.heartbeats.seen() == {}
        before = await tx.now()
        await tx.heartbeats.beat("bot")
        await tx.heartbeats.beat("worker:a", {"jobs": 3})
        await tx.heartbeats.beat("bot", {"chats": 1})
        after = await tx.now()
    async with rolled_back(store) as tx:
        await tx.heartbeats.beat("worker:b")
    async with store.begin() as tx:
        seen = await tx.heartbeats.seen()
    assert {name: beat.detail for name, beat in seen.items()} == {
        "bot": {"chats": 1},
        "worker:a": {"jobs": 3},
    }
    assert all(before < beat.at < after for beat in seen.values())
