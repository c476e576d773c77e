"""A backtest asks the registered model, and is refused on candles that it learnt from."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from bot.backtest_jobs import Player
from bot.i18n import words_for
from bot.past_models import Loaded, model_for
from bot.views import backtest as views
from engine.domain.backtest import BacktestRun, RunState, Wish
from engine.domain.market import Timeframe
from engine.errors import InvalidInput, NotFound
from engine.research.columns import columns_of
from engine.research.report import Report
from engine.snapshot.canonical import restore
from engine.strategies.documents import shipped
from tests.integration.conftest import ANN, Desk
from tests.models import registered, trained

STREAM = ("EURUSD", Timeframe.H1)
FOREST = next(replace(each, is_active=True) for each in shipped() if each.setup == "forest")
TREND = next(each for each in shipped() if each.name == "EMA trend")


async def test_the_approved_one_is_asked_where_a_strategy_asks_one(desk: Desk) -> None:
    store = desk.world.store
    assert await model_for(store, [FOREST], STREAM) == Loaded()
    candidate = await registered(desk, approved=False)
    assert await model_for(store, [FOREST], STREAM) == Loaded()
    # By its number any of the registry is asked.
    found = await model_for(store, [TREND], STREAM, candidate.id)
    assert found.model is not None
    assert (found.model.asked.hash, found.body) == (candidate.hash, trained().body)
    await desk.talk.decide_model.approve(None, candidate.id)
    assert await model_for(store, [FOREST], STREAM) == replace(found, is_chosen=False)
    assert await model_for(store, [TREND], STREAM) == Loaded()
    with pytest.raises(NotFound):
        await model_for(store, [FOREST], STREAM, 99)
    with pytest.raises(InvalidInput, match="is of EURUSD H1"):
        await model_for(store, [FOREST], ("GBPUSD", Timeframe.H1), candidate.id)


async def played(desk: Desk, number: int, wish: Wish) -> BacktestRun:
    async with desk.world.store.begin() as tx:
        await tx.backtests.add(UUID(int=number), ANN.id, None, wish)
    await Player(world=desk.world)()
    async with desk.world.store.begin() as tx:
        return await tx.backtests.get(UUID(int=number))


async def test_a_run_from_the_chat_asks_it_and_says_so(desk: Desk) -> None:
    candles = desk.world.market.recording.candles
    fair = Wish(
        symbol=STREAM[0], timeframe=STREAM[1], strategy=FOREST.name,
        since=candles[2_000].time, until=candles[2_200].time, quiet=True,
    )  # fmt: skip
    model = await registered(desk)
    run = await played(desk, 1, fair)
    assert run.state is RunState.DONE
    report = restore(Report, run.report)
    assert report.ideas > 5
    assert notes(report)[-1].startswith(f"The model {model.name} was asked. It learnt")
    deaf = replace(report, plan=replace(report.plan, model=None))
    assert notes(deaf)[-1].startswith("A strategy asks a model")
    early = await played(desk, 2, replace(fair, since=candles[1_900].time))
    assert early.state is RunState.FAILED
    assert "it knows the answers" in str(early.problem)
    # Beside others it is left out, and named; who asks for it by its number is refused.
    columns = columns_of(*STREAM, candles)
    both = replace(report.plan, strategies=(FOREST, TREND), since=candles[1_900].time, model=None)
    loaded = await model_for(desk.world.store, both.strategies, STREAM)
    plan = loaded.into(both, columns)
    assert (plan.strategies, plan.model) == ((TREND,), None)
    assert plan.left_out == (f"{FOREST.name}: {model.name} learnt from these candles",)
    chosen = replace(loaded, is_chosen=True).into(both, columns)
    assert (chosen.strategies, chosen.model) == (both.strategies, loaded.model)
    later = replace(both, since=candles[2_000].time)
    assert loaded.into(later, columns).model == loaded.model


def notes(report: Report) -> Sequence[str]:
    return views.notes(words_for("en"), report)
