"""The port ``Ideas``: stored, found, swapped once, and approvals that end once, on time."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from engine.domain.approval import Approval, Ending
from engine.domain.idea import Idea, IdeaStatus
from engine.errors import NotFound
from engine.flow.ideas import past_idea
from tests.builders import HOUR, IDEA_ID, NOW, approval, idea
from tests.contract.conftest import rolled_back


def other(number: int) -> UUID:
    return UUID(int=number)


async def add(store: Any, **values: Any) -> Idea:
    async with store.begin() as tx:
        return await tx.ideas.add(idea(**values))


async def ask(store: Any, *, left: timedelta = HOUR, idea_id: UUID = IDEA_ID) -> Approval:
    """A pending approval with so much time left; negative is past its expiry."""
    async with store.begin() as tx:
        asked = approval(idea_id=idea_id, expires_at=await tx.now() + left)
        await tx.ideas.ask(asked)
    return asked


async def end(store: Any, asked: Approval, ending: Ending, *, expired: bool = False) -> bool:
    async with store.begin() as tx:
        return await tx.ideas.end(asked.end(ending, at=await tx.now()), expired=expired)


async def test_an_idea_is_found_by_id_and_by_its_number(store: Any):
    stored = await add(store, number=0)
    async with store.begin() as tx:
        assert await tx.ideas.get(IDEA_ID) == stored
        assert await tx.ideas.by_number(stored.number) == stored


async def test_numbers_rise_and_a_rolled_back_one_is_not_given_again(store: Any):
    first = await add(store, id=other(1))
    async with rolled_back(store) as tx:
        lost = await tx.ideas.add(idea(id=other(2)))
    third = await add(store, id=other(3))
    assert first.number < lost.number < third.number
    async with store.begin() as tx:
        with pytest.raises(NotFound):
            await tx.ideas.get(other(2))


async def test_an_idea_that_is_not_there_is_not_found(store: Any):
    async with store.begin() as tx:
        with pytest.raises(NotFound):
            await tx.ideas.get(IDEA_ID)
        with pytest.raises(NotFound):
            await tx.ideas.by_number(1)
        assert await tx.ideas.approval(IDEA_ID) is None


async def test_the_same_idea_is_not_stored_twice(store: Any):
    await add(store)
    with pytest.raises(Exception, match=r"exists|duplicate"):
        await add(store)


async def test_ideas_are_listed_newest_first_by_status(store: Any):
    for number, status in enumerate((IdeaStatus.WAITING, IdeaStatus.EXPIRED, IdeaStatus.WAITING)):
        await add(store, id=other(number), status=status)
    async with store.begin() as tx:
        every = await tx.ideas.list(status=None, limit=9)
        waiting = await tx.ideas.list(status=IdeaStatus.WAITING, limit=9)
        assert [i.id.int for i in every] == [2, 1, 0]
        assert [i.id.int for i in waiting] == [2, 0]
        assert [i.id.int for i in await tx.ideas.list(status=None, limit=1)] == [2]


async def test_a_swap_compares_the_status_and_changes_nothing_else(store: Any):
    before = await add(store)
    after = before.move(IdeaStatus.APPROVED)
    async with store.begin() as tx:
        assert not await tx.ideas.swap(replace(before, status=IdeaStatus.WAITING), after)
        assert await tx.ideas.swap(before, replace(after, strategy_name="another"))
        assert not await tx.ideas.swap(before, after)
    async with store.begin() as tx:
        assert await tx.ideas.get(before.id) == after
        assert not await tx.ideas.swap(idea(id=other(9)), after)


async def test_a_swap_waits_for_the_one_before_it_and_then_finds_the_new_status(store: Any):
    before = await add(store)
    inside = asyncio.Event()

    async def first() -> bool:
        async with store.begin() as tx:
            won = await tx.ideas.swap(before, before.move(IdeaStatus.APPROVED))
            inside.set()
            await asyncio.sleep(0.05)
            return bool(won)

    async def second() -> bool:
        await inside.wait()
        async with store.begin() as tx:
            return bool(await tx.ideas.swap(before, before.move(IdeaStatus.REJECTED)))

    assert await asyncio.gather(first(), second()) == [True, False]
    async with store.begin() as tx:
        assert (await tx.ideas.get(before.id)).status is IdeaStatus.APPROVED


@pytest.mark.parametrize("ending", [Ending.APPROVED, Ending.REJECTED, Ending.GATE_CLOSED])
async def test_an_approval_ends_once_and_keeps_its_first_ending(store: Any, ending: Ending):
    asked = await ask(store)
    assert await end(store, asked, ending)
    assert not await end(store, asked, Ending.REJECTED)
    async with store.begin() as tx:
        kept = await tx.ideas.approval(IDEA_ID)
        assert kept is not None
        assert kept.ending is ending
        assert list(await tx.ideas.pending()) == []


async def test_an_approval_is_answered_before_its_expiry_and_expires_after_it(store: Any):
    open_ = await ask(store, idea_id=other(1))
    late = await ask(store, left=-HOUR, idea_id=other(2))
    assert not await end(store, open_, Ending.EXPIRED, expired=True)
    assert not await end(store, late, Ending.APPROVED)
    async with store.begin() as tx:
        assert list(await tx.ideas.overdue()) == [other(2)]
        assert list(await tx.ideas.pending()) == [other(2), other(1)]
    assert await end(store, late, Ending.EXPIRED, expired=True)
    assert await end(store, open_, Ending.APPROVED)
    async with store.begin() as tx:
        assert list(await tx.ideas.overdue()) == list(await tx.ideas.pending()) == []


async def test_the_instant_of_the_expiry_itself_is_too_late(store: Any):
    asked = await ask(store, left=timedelta(0))
    assert not await end(store, asked, Ending.APPROVED)
    assert await end(store, asked, Ending.EXPIRED, expired=True)


async def test_an_approval_nobody_asked_for_cannot_end(store: Any):
    assert not await end(store, approval(), Ending.APPROVED)


async def test_of_many_who_answer_at_once_one_wins(store: Any):
    asked = await ask(store)
    endings = (Ending.APPROVED, Ending.REJECTED) * 4
    won = await asyncio.gather(*(end(store, asked, ending) for ending in endings))
    assert sum(won) == 1
    async with store.begin() as tx:
        kept = await tx.ideas.approval(IDEA_ID)
        assert kept is not None
        assert kept.ending is endings[won.index(True)]


async def test_an_answer_that_is_rolled_back_leaves_the_question_open(store: Any):
    asked = await ask(store)
    async with rolled_back(store) as tx:
        assert await tx.ideas.end(asked.end(Ending.APPROVED, at=await tx.now()))
    assert await end(store, asked, Ending.REJECTED)


async def test_the_ideas_of_a_time_that_reached_somebody_are_recent(store: Any):
    statuses = {
        1: IdeaStatus.NEEDS_APPROVAL,
        2: IdeaStatus.AUTO_EXECUTED,
        3: IdeaStatus.APPROVED,
        4: IdeaStatus.EXPIRED,
        5: IdeaStatus.REJECTED,
        6: IdeaStatus.HALTED_BY_RISK,
        7: IdeaStatus.REJECTED,
    }
    for number, status in statuses.items():
        await add(store, id=other(number), status=status, market_time=NOW + (number % 2) * HOUR)
    await ask(store, idea_id=other(7))
    async with store.begin() as tx:
        found = await tx.ideas.recent(NOW - HOUR, NOW + HOUR)
        assert [past.id.int for past in found] == [2, 4, 1, 3, 7]
        assert found[0] == past_idea(await tx.ideas.get(other(2)))
        later = await tx.ideas.recent(NOW, NOW + HOUR)
        assert [past.id.int for past in later] == [1, 3, 7]
        assert await tx.ideas.recent(NOW + HOUR, NOW + 2 * HOUR) == ()


async def test_what_was_asked_is_listed_with_its_answer_newest_first(store: Any):
    for number in range(1, 5):
        await add(store, id=other(number))
    asked = [await ask(store, idea_id=other(number)) for number in (1, 3, 4)]
    await end(store, asked[1], Ending.REJECTED)

    async def listed(limit: int = 9, **which: Any) -> list[int]:
        async with store.begin() as tx:
            found = await tx.ideas.asked(limit=limit, **which)
        assert all(idea.id == approval.idea_id for idea, approval in found)
        return [idea.id.int for idea, _ in found]

    assert await listed() == [4, 3, 1]
    assert await listed(pending=True) == [4, 1]
    assert await listed(pending=False) == [3]
    assert await listed(limit=2) == [4, 3]
    async with store.begin() as tx:
        third = (await tx.ideas.get(other(3))).number
    assert await listed(before=third) == [1]
