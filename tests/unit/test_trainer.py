"""The process that trains: it dies with whoever waits for it, and its own death is an error."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot import children as processes
from bot import trainer
from broker.feeds.recorded import shipped_recording
from engine.errors import FeedError
from engine.research.dataset import dataset
from tests.models import WISH


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The processes that were started."""
    found: list[Any] = []
    start = asyncio.create_subprocess_exec

    async def remembered(*words: str, **options: Any) -> Any:
        found.append(await start(*words, **options))
        return found[-1]

    monkeypatch.setattr(processes.asyncio, "create_subprocess_exec", remembered)
    return found


async def test_who_stops_waiting_ends_the_process(children: list[Any]) -> None:
    wish = replace(WISH, trees=2_000, depth=16, leaf=1, folds=10)
    given = dataset(shipped_recording().candles, wish)
    grows = asyncio.Event()

    def told(percent: int) -> None:
        grows.set()

    async with asyncio.timeout(60):
        work = asyncio.ensure_future(trainer.train_apart(given, wish, told))
        await grows.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
    (child,) = children
    assert child.returncode not in (None, 0)


async def test_a_process_that_dies_is_an_error_and_no_model(children: list[Any]) -> None:
    given = dataset(shipped_recording().candles[:1_000], WISH)
    broken = replace(given, labels=given.labels[:-1])
    with pytest.raises(FeedError, match="ended before it was done"):
        await trainer.train_apart(broken, WISH, lambda _: None)
    assert children[0].returncode not in (None, 0)
