"""What a language model said and cost: the same in PostgreSQL and in memory."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from engine.domain.analyst import Said, ToolCall, Usage
from engine.domain.explanation import Budget, Explanation, Fate, Spent
from engine.domain.idea import IdeaStatus
from tests.builders import NOW, approval, idea
from tests.conftest import Database

DAY = NOW.date()
LEASE = timedelta(minutes=1)
NONE = timedelta(0)
OLD = NOW - timedelta(days=3650)
SAID = Said(
    text="RSI is 62.41.",
    usage=Usage(asked=100, said=20),
    model="gpt-4o",
    calls=(ToolCall(id="c1", name="look", arguments="{}"),),
)


def explanation(idea_id: UUID, **values: Any) -> Explanation:
    fields: dict[str, Any] = {
        "idea_id": idea_id, "language": "en", "fate": Fate.SHOWN, "evidence_hash": "e" * 64,
        "prompt": "p", "answer": "a", "text": "t", "model": "gpt-4o", "at": NOW,
        "asked_tokens": 10, "said_tokens": 2,
    }  # fmt: skip
    return Explanation(**(fields | values))


async def _ideas(store: Any) -> list[UUID]:
    """One that waits for a person, one that was executed, one that the gate refused."""
    made = []
    async with store.begin() as tx:
        for number, status in enumerate(
            (IdeaStatus.NEEDS_APPROVAL, IdeaStatus.AUTO_EXECUTED, IdeaStatus.REJECTED), start=1
        ):
            new = idea(id=UUID(int=number), status=IdeaStatus.WAITING, created_at=await tx.now())
            kept = await tx.ideas.add(new)
            await tx.ideas.swap(kept, kept.move(status))
            made.append(kept.id)
        await tx.ideas.ask(approval(idea_id=made[0]))
    return made


async def test_what_was_put_forward_is_due_until_somebody_explains_it(store: Any) -> None:
    asked, executed, _refused = await _ideas(store)
    async with store.begin() as tx:
        assert await tx.explanations.due(OLD, 10) == [executed, asked]
        assert await tx.explanations.due(OLD, 1) == [executed]
        assert await tx.explanations.due(await tx.now(), 10) == []
        assert await tx.explanations.claim(executed, LEASE)
        assert not await tx.explanations.claim(executed, LEASE)
        assert await tx.explanations.due(OLD, 10) == [asked]
        # A claim that ran out is free again.
        assert await tx.explanations.claim(asked, NONE) == 1
        assert await tx.explanations.due(OLD, 10) == [asked]
        assert await tx.explanations.claim(asked, NONE) == 2
        # Whoever had it before comes too late.
        assert not await tx.explanations.done(asked, 1)
        assert not await tx.explanations.later(asked, 1, NONE)
        assert await tx.explanations.done(asked, 2)
        assert not await tx.explanations.done(asked, 2)
        assert not await tx.explanations.later(asked, 2, NONE)
        assert not await tx.explanations.claim(asked, LEASE)
        assert await tx.explanations.due(OLD, 10) == []


async def test_an_attempt_that_failed_is_followed_by_another_after_its_pause(store: Any) -> None:
    asked, executed, _refused = await _ideas(store)
    async with store.begin() as tx:
        assert await tx.explanations.claim(executed, LEASE) == 1
        assert await tx.explanations.later(executed, 1, NONE)
        assert await tx.explanations.due(OLD, 10) == [executed, asked]
        # Before its pause is over nobody takes it, however free it is.
        assert await tx.explanations.claim(executed, LEASE) == 2
        assert await tx.explanations.later(executed, 2, LEASE)
        assert await tx.explanations.due(OLD, 10) == [asked]
        assert await tx.explanations.claim(executed, LEASE) is None


async def test_what_a_person_wants_is_due_however_old_it_is(store: Any) -> None:
    asked, executed, refused = await _ideas(store)
    async with store.begin() as tx:
        new = await tx.now() + LEASE
        assert await tx.explanations.due(new, 10) == []
        assert await tx.explanations.reopen(asked)
        assert await tx.explanations.due(new, 10) == [asked]
        # It is before what is newer, and a second wish changes nothing.
        assert await tx.explanations.reopen(asked)
        assert await tx.explanations.due(OLD, 10) == [asked, executed]
        assert await tx.explanations.claim(asked, LEASE) == 1
        assert not await tx.explanations.reopen(asked)
        assert await tx.explanations.done(asked, 1)
        assert await tx.explanations.due(new, 10) == []
        # What was done, and what is to be left alone for now, may be wanted again.
        assert await tx.explanations.reopen(asked)
        assert await tx.explanations.claim(asked, LEASE) == 2
        assert await tx.explanations.later(asked, 2, LEASE)
        assert await tx.explanations.due(new, 10) == []
        assert await tx.explanations.reopen(asked)
        assert await tx.explanations.due(new, 10) == [asked]
        # What nobody was shown is explained to nobody.
        assert await tx.explanations.reopen(refused)
        assert await tx.explanations.due(new, 10) == [asked]


async def test_an_explanation_is_kept_once_for_a_language(store: Any) -> None:
    id_ = UUID(int=1)
    shown = explanation(id_)
    held = explanation(
        id_, language="de", fate=Fate.UNSUPPORTED, text="", reason="99", answer="\ud800 nul \0"
    )
    async with store.begin() as tx:
        assert await tx.explanations.add(shown)
        assert await tx.explanations.add(held)
        assert not await tx.explanations.add(replace(shown, text="another"))
        assert await tx.explanations.add(replace(held, attempt=2, reason="again"))
        assert await tx.explanations.add(replace(held, attempt=3, reason="77"))
    async with store.begin() as tx:
        german, english = await tx.explanations.of_idea(id_)
        assert english == shown
        assert (german.fate, german.reason, german.attempt) == (Fate.UNSUPPORTED, "77", 3)
        assert await tx.explanations.of_idea(UUID(int=9)) == []


async def test_nobody_changes_what_was_said(database: Database, opened: Any) -> None:
    from storage.transaction import PostgresStore

    async with PostgresStore().begin() as tx:
        await tx.explanations.add(explanation(UUID(int=1)))
    connection = await asyncpg.connect(database.url)
    try:
        for attack in (
            "UPDATE idea_explanation SET text = 'x'",
            "DELETE FROM idea_explanation",
            "TRUNCATE idea_explanation",
        ):
            with pytest.raises(asyncpg.PostgresError):
                await connection.execute(attack)
    finally:
        await connection.close()


async def test_a_day_never_costs_more_than_it_may(store: Any) -> None:
    budget = Budget(tokens=100, cost=Decimal("1"))
    async with store.begin() as tx:
        books = tx.analyst_books
        assert await books.spent(DAY) == Spent(day=DAY)
        assert await books.reserve(DAY, 60, Decimal("0.5"), budget)
        assert not await books.reserve(DAY, 41, Decimal(0), budget)
        assert not await books.reserve(DAY, 1, Decimal("0.6"), budget)
        await books.settle(DAY, -20, Decimal("-0.25"), answered=True)
        assert await books.reserve(DAY, 60, Decimal("0.75"), budget)
        await books.settle(DAY, 0, Decimal(0), answered=False)
        await books.count(DAY, remembered=2, unsupported=1)
        assert await books.reserve(DAY, 10**9, Decimal(10**6), Budget())
        spent = await books.spent(DAY)
        assert await books.spent(DAY - timedelta(days=1)) == Spent(day=DAY - timedelta(days=1))
    assert (spent.tokens, spent.cost) == (100 + 10**9, Decimal("1000001"))
    assert (spent.answered, spent.failed, spent.remembered, spent.unsupported) == (1, 1, 2, 1)


async def test_an_answer_is_kept_until_it_is_forgotten(store: Any) -> None:
    async with store.begin() as tx:
        books = tx.analyst_books
        assert await books.remembered("k") is None
        await books.remember("k", SAID)
        await books.remember("k", replace(SAID, text="another"))
        assert await books.remembered("k") == SAID
        assert await books.forget(OLD) == 0
        assert await books.forget(await tx.now() + LEASE) == 1
        assert await books.remembered("k") is None
