"""The registry of models and the queue of trainings: the same in PostgreSQL and in memory."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.domain.market import Timeframe
from engine.domain.model import Approved, ModelStatus, TrainingState, Wish
from engine.errors import IllegalMove
from tests.models import WISH, report

LEASE = timedelta(seconds=30)
HASH = "a" * 64


async def _add(store: Any, **values: Any) -> Any:
    async with store.begin() as tx:
        return await tx.models.add(report(**values), b"trees\x00", HASH, "person:1")


async def _move(store: Any, model: Any, to: ModelStatus) -> Any:
    async with store.begin() as tx:
        return await tx.models.move(model, to, "person:2")


async def test_a_model_comes_back_as_it_was_stored(store: Any) -> None:
    made = await _add(store)
    assert (made.version, made.status, made.trained_by) == (1, ModelStatus.CANDIDATE, "person:1")
    assert made.report == report()
    assert made.name == "rf_h1_v1"
    async with store.begin() as tx:
        assert await tx.models.get(made.id) == made
        assert await tx.models.body(made.id) == b"trees\x00"
        assert await tx.models.get(made.id + 1) is None
        assert await tx.models.body(made.id + 1) is None


async def test_versions_count_by_symbol_and_timeframe(store: Any) -> None:
    wanted = [WISH, WISH, replace(WISH, timeframe=Timeframe.H4), replace(WISH, symbol="GBPUSD")]
    made = [await _add(store, wish=wish) for wish in wanted]
    assert [model.version for model in made] == [1, 2, 1, 1]
    async with store.begin() as tx:
        listed = await tx.models.list(limit=10)
        assert [model.id for model in listed] == [model.id for model in reversed(made)]
        assert await tx.models.list(before=made[1].id, limit=10) == [made[0]]
        same = await tx.models.list(symbol="EURUSD", timeframe=Timeframe.H1, limit=10)
        assert [model.version for model in same] == [2, 1]
        assert len(await tx.models.list(limit=3)) == 3


async def test_one_model_of_a_stream_is_asked(store: Any) -> None:
    one, two = await _add(store), await _add(store)
    first = await _move(store, one, ModelStatus.APPROVED)
    assert (first.status, first.decided_by) == (ModelStatus.APPROVED, "person:2")
    assert first.decided_at is not None
    with pytest.raises(IllegalMove):
        await _move(store, two, ModelStatus.APPROVED)
    async with store.begin() as tx:
        asked = await tx.models.approved()
    assert asked == {("EURUSD", Timeframe.H1): Approved(one.id, "rf_h1_v1", HASH, 5)}
    # A decision on what was seen before somebody else decided is none.
    assert await _move(store, one, ModelStatus.RETIRED) is None
    assert (await _move(store, first, ModelStatus.RETIRED)).status is ModelStatus.RETIRED
    assert await _move(store, two, ModelStatus.APPROVED) is not None


async def test_one_training_of_a_stream_is_open(store: Any) -> None:
    async def ask(wish: Wish = WISH) -> Any:
        async with store.begin() as tx:
            return await tx.trainings.add(wish, "person:1", 1)

    made, is_new = await ask()
    assert is_new
    assert (made.state, made.wish, made.person_id) == (TrainingState.QUEUED, WISH, 1)
    assert await ask(replace(WISH, trees=20)) == (made, False)
    other, is_new = await ask(replace(WISH, symbol="GBPUSD"))
    assert is_new
    async with store.begin() as tx:
        assert await tx.trainings.cancel(made.id)
        assert not await tx.trainings.cancel(made.id)
        assert not await tx.trainings.cancel(10**6)
    again, is_new = await ask()
    assert is_new
    async with store.begin() as tx:
        assert [t.id for t in await tx.trainings.list(9)] == [again.id, other.id, made.id]
        ended = await tx.trainings.get(made.id)
        assert ended.state is TrainingState.CANCELLED
        assert ended.finished_at is not None
        assert await tx.trainings.get(10**6) is None


async def test_a_training_is_held_by_one_and_ended_by_its_holder(store: Any) -> None:
    async with store.begin() as tx:
        await tx.trainings.add(WISH, "cli", None)
        await tx.trainings.add(replace(WISH, symbol="GBPUSD"), "cli", None)
    async with store.begin() as tx:
        one = await tx.trainings.claim(LEASE)
    async with store.begin() as tx:
        two = await tx.trainings.claim(LEASE)
        assert await tx.trainings.claim(LEASE) is None
    assert (one.wish.symbol, one.state, one.attempts) == ("EURUSD", TrainingState.RUNNING, 1)
    assert two.wish.symbol == "GBPUSD"
    model = await _add(store)
    async with store.begin() as tx:
        assert await tx.trainings.beat(one, 40, LEASE)
        assert (await tx.trainings.get(one.id)).percent == 40
        assert not await tx.trainings.beat(replace(one, claim=9), 50, LEASE)
        assert not await tx.trainings.finish(replace(one, claim=9), TrainingState.DONE)
        assert await tx.trainings.finish(one, TrainingState.DONE, model_id=model.id)
        assert not await tx.trainings.finish(one, TrainingState.DONE)
        assert not await tx.trainings.beat(one, 50, LEASE)
        assert await tx.trainings.finish(two, TrainingState.FAILED, reason="x" * 900)
    async with store.begin() as tx:
        done, failed = await tx.trainings.get(one.id), await tx.trainings.get(two.id)
    assert (done.state, done.percent, done.model_id) == (TrainingState.DONE, 100, model.id)
    assert (failed.state, len(failed.reason), failed.model_id) == (TrainingState.FAILED, 500, None)


async def test_a_training_whose_holder_is_gone_is_begun_again(store: Any) -> None:
    async with store.begin() as tx:
        await tx.trainings.add(WISH, "cli", None)
    async with store.begin() as tx:
        lost = await tx.trainings.claim(timedelta(0))
    await asyncio.sleep(0.01)
    async with store.begin() as tx:
        again = await tx.trainings.claim(LEASE)
    assert (again.id, again.attempts) == (lost.id, 2)
    async with store.begin() as tx:
        assert not await tx.trainings.beat(lost, 10, LEASE)
        assert await tx.trainings.cancel(again.id)
        assert not await tx.trainings.beat(again, 10, LEASE)
        assert not await tx.trainings.finish(again, TrainingState.DONE)


async def test_one_training_is_claimed_by_its_number(store: Any) -> None:
    async with store.begin() as tx:
        one, _ = await tx.trainings.add(WISH, "cli", None)
        two, _ = await tx.trainings.add(replace(WISH, symbol="GBPUSD"), "cli", None)
    async with store.begin() as tx:
        assert (await tx.trainings.claim(LEASE, id_=two.id)).id == two.id
        assert await tx.trainings.claim(LEASE, id_=two.id) is None
        assert (await tx.trainings.claim(LEASE)).id == one.id
