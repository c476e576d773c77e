"""The operator's commands are given once, claimed by one, and ended once, in both stores."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.domain.operator_command import (
    AccountMode,
    CommandDraft,
    CommandStatus,
    CommandType,
    OperatorCommand,
    Payload,
)
from tests.contract.conftest import rolled_back

T, S = CommandType, CommandStatus
LEASE, GONE = timedelta(seconds=30), timedelta(0)


def draft(kind: T = T.PAUSE_ALL, key: str | None = None, **payload: Any) -> CommandDraft:
    return CommandDraft(
        type=kind, payload=Payload(**payload), actor="person:7", actor_name="Ann", person_id=7,
        idempotency_key=key, control_version=3,
    )  # fmt: skip


async def give(store: Any, *drafts: CommandDraft) -> list[OperatorCommand]:
    async with store.begin() as tx:
        return [(await tx.operator_commands.add(one))[0] for one in drafts]


async def claim(store: Any, worker: str = "w", lease: timedelta = LEASE) -> OperatorCommand | None:
    async with store.begin() as tx:
        found: OperatorCommand | None = await tx.operator_commands.claim(worker, lease)
        return found


async def end(store: Any, command: OperatorCommand, status: S = S.SUCCEEDED) -> OperatorCommand:
    async with store.begin() as tx:
        now = await tx.now()
        over = replace(command, status=status, finished_at=now, lease_until=None)
        await tx.operator_commands.save(over)
    return over


async def test_a_command_comes_back_as_it_was_given(store: Any) -> None:
    given = draft(T.CLOSE_PAIR, "key-1", pair="EURUSD", mode=AccountMode.PAPER)
    (command,) = await give(store, given)
    async with store.begin() as tx:
        assert await tx.operator_commands.get(command.id) == command
        assert await tx.operator_commands.get(command.id + 1) is None
    assert command.is_same(given)
    assert (command.status, command.actor, command.person_id) == (S.PENDING, "person:7", 7)
    assert (command.control_version, command.idempotency_key) == (3, "key-1")


async def test_a_key_is_given_once_however_many_give_it_together(store: Any) -> None:
    async def add() -> tuple[int, bool]:
        async with store.begin() as tx:
            command, is_new = await tx.operator_commands.add(draft(key="same"))
            return command.id, is_new

    done = await asyncio.gather(*(add() for _ in range(6)))
    assert len({id_ for id_, _ in done}) == 1
    assert sorted(is_new for _, is_new in done) == [False] * 5 + [True]
    first, second = await give(store, draft(), draft())
    assert first.id != second.id


async def test_one_that_is_rolled_back_was_never_given(store: Any) -> None:
    async with rolled_back(store) as tx:
        await tx.operator_commands.add(draft(key="k"))
    async with store.begin() as tx:
        assert await tx.operator_commands.latest(limit=9) == []
        assert (await tx.operator_commands.add(draft(key="k")))[1]


async def test_many_workers_share_the_commands_and_none_has_one_twice(store: Any) -> None:
    given = await give(store, *(draft(T.CLOSE_ALL) for _ in range(8)))
    claimed = await asyncio.gather(*(claim(store, f"w{n}") for n in range(12)))
    assert sorted(one.id for one in claimed if one) == [one.id for one in given]
    for one in claimed:
        assert one is None or (one.status, one.claim, one.attempts) == (S.RUNNING, 1, 1)


async def test_what_changes_the_trading_state_is_done_in_the_order_it_was_given(store: Any) -> None:
    pause, close, resume = await give(
        store, draft(T.PAUSE_ALL), draft(T.CLOSE_ALL), draft(T.RESUME_PAIR, pair="EURUSD")
    )
    first, second = await claim(store), await claim(store)
    assert first is not None
    assert second is not None
    assert (first.id, second.id) == (pause.id, close.id)
    assert await claim(store) is None
    await end(store, first)
    third = await claim(store)
    assert third is not None
    assert third.id == resume.id


async def test_one_whose_lease_ran_out_is_taken_again_and_counts(store: Any) -> None:
    await give(store, draft())
    first = await claim(store, lease=GONE)
    second = await claim(store, "other")
    assert first is not None
    assert second is not None
    assert (second.claim, second.attempts, second.claimed_by) == (2, 2, "other")
    assert second.claimed_at == first.claimed_at
    assert await claim(store) is None


async def test_how_one_stands_is_kept(store: Any) -> None:
    await give(store, draft())
    command = await claim(store)
    assert command is not None
    async with store.begin() as tx:
        taken = await tx.operator_commands.take(command.id)
        later = command.created_at + timedelta(days=9000)
        waiting = replace(
            taken, attempts=0, waits=True, lease_until=later, result={"actions": [{"a": "1"}]}
        )
        await tx.operator_commands.save(waiting)
    async with store.begin() as tx:
        assert await tx.operator_commands.get(command.id) == waiting
        assert await tx.operator_commands.claim("w", LEASE) is None


async def test_the_ended_are_listed_by_their_end_and_the_last_done_by_type(store: Any) -> None:
    await give(store, draft(T.CLOSE_ALL), draft(T.CLOSE_ALL), draft(T.RELOAD_PARAMS))
    first, second, third = [await claim(store) for _ in range(3)]
    assert first is not None
    assert second is not None
    assert third is not None
    await end(store, second)
    over = await end(store, first, S.FAILED)
    await end(store, third)
    assert over.finished_at is not None
    async with store.begin() as tx:
        table = tx.operator_commands
        ended = await table.ended_since(first.created_at)
        assert [one.id for one in ended] == [second.id, first.id, third.id]
        assert [one.id for one in await table.ended_since(over.finished_at)] == [first.id, third.id]
        done = await table.last_done(T.CLOSE_ALL)
        assert done is not None
        assert done.id == second.id
        assert await table.last_done(T.PAUSE_ALL) is None
        assert [one.id for one in await table.latest(status=S.FAILED, limit=9)] == [first.id]
        assert [one.id for one in await table.latest(limit=2)] == [third.id, second.id]


async def test_what_has_ended_stays_as_it_ended(opened: Any) -> None:
    from tortoise.exceptions import BaseORMException

    from storage.transaction import PostgresStore

    store = PostgresStore()
    await give(store, draft())
    command = await claim(store)
    assert command is not None
    over = await end(store, command)
    with pytest.raises(BaseORMException, match="has ended"):
        await end(store, over, S.FAILED)
