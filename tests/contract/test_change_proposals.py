"""Proposals to change the configuration wait once and end once, in both stores."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.change_proposal import (
    ChangeDraft,
    ChangeProposal,
    FieldChange,
    Figure,
    FoldFigures,
    Ground,
    ProposalState,
    Source,
    Subject,
    Target,
)
from engine.errors import IllegalMove
from tests.contract.conftest import rolled_back

LIFE, START = timedelta(hours=1), datetime(2026, 1, 5, tzinfo=UTC)
S = ProposalState


def draft(subject: Subject | None = None, to: str = "0.4") -> ChangeDraft:
    fold = FoldFigures(
        train_from=START, train_until=START, test_from=START, test_until=START,
        inside=Decimal("0.3"), outside=None, baseline=Decimal("-0.10"), trades_inside=4,
        trades_outside=0,
    )  # fmt: skip
    return ChangeDraft(
        subject=subject or Subject(Target.SETTINGS, version=3),
        changes=(FieldChange("risk_per_trade_percent", "0.5", to), FieldChange("a", None, "b")),
        source=Source.ADVISOR,
        by="advisor",
        grounds=(Ground("losing", (Figure("trades", "21"),)),),
        said="because",
        folds=(fold,),
    )


async def add(store: Any, one: ChangeDraft | None = None, mark: str = "m") -> ChangeProposal:
    async with store.begin() as tx:
        made = await tx.change_proposals.add(one or draft(), mark, LIFE, stops=True)
    assert made is not None
    return made


async def end(store: Any, one: ChangeProposal, state: S = S.REJECTED) -> ChangeProposal:
    async with store.begin() as tx:
        ended = one.end(state, at=await tx.now(), by=7, name="Ann", applied=4)
        await tx.change_proposals.save(ended)
    return ended


async def test_a_proposal_comes_back_as_it_was_made_and_as_it_ended(store: Any) -> None:
    made = await add(store)
    assert (made.state, made.draft, made.mark, made.stops) == (S.PENDING, draft(), "m", True)
    assert made.expires_at - made.created_at >= LIFE - timedelta(seconds=1)
    async with store.begin() as tx:
        assert await tx.change_proposals.get(made.id) == made
        assert await tx.change_proposals.take(made.id) == made
        assert await tx.change_proposals.get(made.id + 1) is None
        assert await tx.change_proposals.take(made.id + 1) is None
    ended = await end(store, made)
    async with store.begin() as tx:
        assert await tx.change_proposals.get(made.id) == ended
    with pytest.raises(IllegalMove):
        ended.end(S.APPROVED, at=START)


async def test_one_of_a_subject_waits_at_a_time_however_many_come_together(store: Any) -> None:
    async def try_add() -> ChangeProposal | None:
        async with store.begin() as tx:
            found: ChangeProposal | None = await tx.change_proposals.add(
                draft(), "m", LIFE, stops=True
            )
            return found

    made = [one for one in await asyncio.gather(*(try_add() for _ in range(5))) if one]
    assert len(made) == 1
    other = await add(store, draft(Subject(Target.SYMBOL, "EURUSD")))
    await end(store, made[0])
    again = await add(store)
    async with store.begin() as tx:
        assert [one.id for one in await tx.change_proposals.pending()] == [other.id, again.id]


async def test_lists_are_newest_first_and_paged(store: Any) -> None:
    first = await end(store, await add(store, mark="a"))
    second = await end(store, await add(store, mark="b"))
    third = await add(store, mark="a")
    async with store.begin() as tx:
        table = tx.change_proposals
        assert [one.id for one in await table.list(limit=9)] == [third.id, second.id, first.id]
        assert [one.id for one in await table.list(before=third.id, limit=1)] == [second.id]
        assert [one.id for one in await table.list(pending=True, limit=9)] == [third.id]
        assert [one.id for one in await table.list(pending=False, limit=1)] == [second.id]
        assert (await table.last_of("a")) == third
        assert (await table.last_of("b")) == second
        assert await table.last_of("c") is None


async def test_what_is_rolled_back_was_never_proposed(store: Any) -> None:
    async with rolled_back(store) as tx:
        await tx.change_proposals.add(draft(), "m", LIFE, stops=True)
    async with store.begin() as tx:
        assert await tx.change_proposals.pending() == []


@pytest.mark.parametrize("change", ["state = 'approved'", "draft = '{}'", "subject = 'symbol:X'"])
async def test_what_was_proposed_and_how_it_ended_stays(opened: Any, change: str) -> None:
    from tortoise import connections
    from tortoise.exceptions import BaseORMException

    from storage.transaction import PostgresStore

    store = PostgresStore()
    made = await add(store)
    if "state" in change:
        await end(store, made)
    with pytest.raises(BaseORMException, match="has ended"):
        await connections.get("default").execute_query(f"UPDATE change_proposal SET {change}")
