"""The port ``Sweeps``: each shard is one worker's at a time, and its result is kept once."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from engine.domain.sweep import Shard, ShardFigures, ShardState
from engine.errors import NotFound

ID, OTHER = UUID(int=1), UUID(int=2)
LONG, NOTHING = timedelta(hours=1), timedelta()
FIGURES = ShardFigures(
    trades=3, profit=Decimal("12.50"), win_rate=Decimal("0.5"), profit_factor=None,
    expectancy=Decimal("4.1"), drawdown_percent=Decimal("1.5"), decisions="ab" * 32,
)  # fmt: skip


def shards(count: int, id_: UUID = ID) -> list[Shard]:
    return [
        Shard(sweep_id=id_, number=number, point=(("a.b", str(number)),), plan={"number": number})
        for number in range(count)
    ]


async def add(store: Any, count: int, id_: UUID = ID) -> bool:
    async with store.begin() as tx:
        return bool(await tx.sweeps.add(id_, "EMA: a.b", "here", shards(count, id_)))


async def take(store: Any, lease: timedelta = LONG, of: UUID | None = None) -> Shard | None:
    async with store.begin() as tx:
        found: Shard | None = await tx.sweeps.take(lease, of=of)
        return found


async def test_a_sweep_is_kept_once(store: Any) -> None:
    assert await add(store, 3)
    assert not await add(store, 3)
    async with store.begin() as tx:
        sweep = await tx.sweeps.get(ID)
        assert (sweep.title, sweep.source) == ("EMA: a.b", "here")
        assert (sweep.total, sweep.done, sweep.failed, sweep.is_over) == (3, 0, 0, False)
        assert list(await tx.sweeps.shards(ID)) == shards(3)
        assert [each.id for each in await tx.sweeps.last(5)] == [ID]
        with pytest.raises(NotFound):
            await tx.sweeps.get(OTHER)


async def test_one_that_was_cancelled_is_wanted_again_and_shown_elsewhere(store: Any) -> None:
    await add(store, 2)
    async with store.begin() as tx:
        await tx.sweeps.want(ID, 7, 70)
        await tx.sweeps.cancel(ID)
    assert await take(store) is None
    async with store.begin() as tx:
        await tx.sweeps.want(ID, None, None)
        sweep = await tx.sweeps.get(ID)
        assert (sweep.person_id, sweep.message_id, sweep.cancelled) == (7, 70, False)
        await tx.sweeps.want(ID, 8, 80)
        sweep = await tx.sweeps.get(ID)
        assert (sweep.person_id, sweep.message_id, sweep.percent) == (8, 80, 0)
    assert await take(store) is not None


async def test_each_shard_is_taken_by_one(store: Any) -> None:
    await add(store, 5)
    found = await asyncio.gather(*(take(store) for _ in range(8)))
    assert sorted(shard.number for shard in found if shard is not None) == [0, 1, 2, 3, 4]


async def test_who_is_silent_is_followed_and_keeps_nothing(store: Any) -> None:
    await add(store, 1)
    first = await take(store, NOTHING)
    second = await take(store)
    assert first is not None
    assert second is not None
    assert second.claim == first.claim + 1
    async with store.begin() as tx:
        assert not await tx.sweeps.renew(first, LONG)
        assert not await tx.sweeps.finish(first, FIGURES)
        assert await tx.sweeps.renew(second, LONG)
        assert await tx.sweeps.finish(second, FIGURES)
        assert not await tx.sweeps.finish(second, None, "again")
        (kept,) = await tx.sweeps.shards(ID)
        assert (kept.state, kept.figures, kept.problem) == (ShardState.DONE, FIGURES, None)
        assert (await tx.sweeps.get(ID)).is_over
    assert await take(store, NOTHING) is None


async def test_a_failure_is_told_and_not_tried_again(store: Any) -> None:
    await add(store, 2)
    shard = await take(store)
    async with store.begin() as tx:
        assert await tx.sweeps.finish(shard, None, "no candles")
        assert (await tx.sweeps.shards(ID))[0].problem == "no candles"
        assert (await tx.sweeps.get(ID)).failed == 1
    assert (await take(store) or shard).number == 1


async def test_nothing_of_a_cancelled_sweep_is_taken(store: Any) -> None:
    await add(store, 2)
    await add(store, 1, OTHER)
    begun = await take(store, of=ID)
    async with store.begin() as tx:
        assert await tx.sweeps.cancel(ID)
        assert not await tx.sweeps.cancel(ID)
        assert not await tx.sweeps.renew(begun, LONG)
    assert await take(store, of=ID) is None
    other = await take(store)
    assert other is not None
    assert other.sweep_id == OTHER
