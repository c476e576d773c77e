"""Backtests are kept alike by both stores."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from engine.domain.backtest import Costs, RunState, Wish
from engine.domain.market import Timeframe
from engine.errors import NotFound
from engine.ports.backtests import RunFiles

WISH = Wish(
    symbol="EURUSD", timeframe=Timeframe.H1, strategy="EMA trend",
    since=datetime(2017, 5, 1, tzinfo=UTC), costs=Costs(spread_pips=Decimal("1.2")),
    changes=(("max_spread_pips", "2"),),
)  # fmt: skip
ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))


async def test_a_run_goes_its_way(store: Any) -> None:
    async with store.begin() as tx:
        assert await tx.backtests.add(ONE, 7, 40, WISH)
        assert not await tx.backtests.add(TWO, 7, None, WISH)
    async with store.begin() as tx:
        assert (await tx.backtests.under_way(7)).id == ONE
        taken = await tx.backtests.take(30)
        assert (taken.id, taken.wish, taken.message_id) == (ONE, WISH, 40)
        assert await tx.backtests.take(30) is None
    async with store.begin() as tx:
        assert await tx.backtests.note(ONE, 10, 40, 30) is False
        assert await tx.backtests.cancel(ONE)
        assert await tx.backtests.note(ONE, 20, 40, 30) is True
    files = RunFiles(page=b"<p>", picture=b"\x89PNG\x00")
    async with store.begin() as tx:
        report = {"hash": "ab"}
        assert await tx.backtests.finish(ONE, RunState.CANCELLED, report=report, files=files)
        assert not await tx.backtests.finish(ONE, RunState.DONE)
        assert not await tx.backtests.cancel(ONE)
    async with store.begin() as tx:
        done = await tx.backtests.get(ONE)
        assert (done.state, done.report, done.percent) == (RunState.CANCELLED, {"hash": "ab"}, 50)
        assert await tx.backtests.files(ONE) == files
        assert await tx.backtests.add(TWO, 7, None, WISH)
        assert [run.id for run in await tx.backtests.list(7, 10)] == [TWO, ONE]
        assert await tx.backtests.list(8, 10) == []


async def test_one_that_waits_is_cancelled_at_once(store: Any) -> None:
    async with store.begin() as tx:
        await tx.backtests.add(ONE, None, None, WISH)
        assert await tx.backtests.cancel(ONE)
        assert (await tx.backtests.get(ONE)).state is RunState.CANCELLED
        assert await tx.backtests.take(30) is None
        with pytest.raises(NotFound):
            await tx.backtests.get(THREE)
        with pytest.raises(NotFound):
            await tx.backtests.files(ONE)


async def test_a_run_whose_worker_is_gone_is_broken_off(store: Any) -> None:
    async with store.begin() as tx:
        await tx.backtests.add(ONE, 7, None, WISH)
        await tx.backtests.add(TWO, 8, None, WISH)
        assert (await tx.backtests.take(30)).id == ONE
        assert (await tx.backtests.take(-1)).id == TWO
    async with store.begin() as tx:
        assert [run.id for run in await tx.backtests.break_off()] == [TWO]
        assert await tx.backtests.note(TWO, 1, 2, 30) is None
        assert (await tx.backtests.get(TWO)).state is RunState.BROKEN_OFF
        assert (await tx.backtests.get(ONE)).state is RunState.RUNNING
        assert await tx.backtests.add(THREE, 8, None, WISH)
