"""Models over the real database: trained apart, let in by an admin, asked in the loop, replayed."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from bot.bell import SilentBell
from bot.children import unpacked
from bot.trainer import given_of, input_of, train_apart
from broker.feeds.recorded import shipped_recording
from engine.domain.decision import Action
from engine.domain.market import Timeframe
from engine.domain.model import ModelStatus, TrainingState, Wish
from engine.domain.signal import Side
from engine.errors import FeedError, IllegalMove, NotAllowed, NotFound, NotSetUp
from engine.flow.models import Retrain
from engine.research.dataset import dataset
from engine.research.drift import Stability
from engine.research.run import RunTraining
from engine.snapshot.features import row
from engine.snapshot.forest import read_forest
from engine.strategies.documents import strategy_id
from tests.conftest import Database
from tests.integration.conftest import ANN, EVE, LUIS, Desk
from tests.models import WISH, play_to, registered, trained

H1 = Timeframe.H1


def running(desk: Desk, trainer: Any = train_apart) -> RunTraining:
    return RunTraining(
        store=desk.world.store, market=desk.world.market, trainer=trainer, bell=SilentBell(),
        every=timedelta(milliseconds=20),
    )  # fmt: skip


async def at_once(given: Any, wish: Wish, told: Callable[[int], None]) -> Any:
    """A trainer that has the small forest ready."""
    told(50)
    return trained()


async def test_a_training_in_a_process_of_its_own_makes_a_candidate(desk: Desk) -> None:
    await play_to(desk, 2_000)
    training, is_new = await desk.talk.ask_training(LUIS.id, WISH)
    assert is_new
    assert (await desk.talk.ask_training(LUIS.id, WISH)) == (training, False)
    ended = await running(desk)()
    assert ended is not None
    assert (ended.id, ended.state, ended.percent) == (training.id, TrainingState.DONE, 100)
    (made,) = await desk.talk.read_models(EVE.id)
    assert ended.model_id == made.id
    # The very trees that grow here.
    assert (made.hash, made.report.data_hash) == (trained().hash, trained().report.data_hash)
    assert (made.status, made.trained_by) == (ModelStatus.CANDIDATE, f"person:{LUIS.id}")
    assert await running(desk)() is None
    assert (await desk.actions())[-1] == "model_trained"


def test_what_goes_to_that_process_comes_out_of_it() -> None:
    given = dataset(shipped_recording().candles[:1_000], WISH)
    again, wish = given_of(*unpacked(input_of(given, WISH)))
    assert (wish, again.times, again.hash) == (WISH, given.times, given.hash)


async def test_a_cancelled_training_stops_at_once_and_keeps_nothing(desk: Desk) -> None:
    await play_to(desk, 2_000)
    begun, killed = asyncio.Event(), asyncio.Event()

    async def slow(given: Any, wish: Wish, told: Callable[[int], None]) -> Any:
        told(30)
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            killed.set()

    training, _ = await desk.talk.ask_training(LUIS.id, WISH)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        work = group.create_task(running(desk, slow)())
        await begun.wait()
        for _ in range(1_000):
            if (await desk.talk.read_models.training(EVE.id, training.id)).percent == 30:
                break
            await asyncio.sleep(0.01)
        else:
            raise AssertionError("how far it is was not noted")
        with pytest.raises(NotAllowed):
            await desk.talk.cancel_training(EVE.id, training.id)
        assert await desk.talk.cancel_training(LUIS.id, training.id)
    ended = work.result()
    assert ended is not None
    assert (ended.state, killed.is_set()) == (TrainingState.CANCELLED, True)
    assert not await desk.talk.cancel_training(LUIS.id, training.id)
    assert await desk.talk.read_models(EVE.id) == []
    with pytest.raises(NotFound):
        await desk.talk.cancel_training(LUIS.id, 10**6)


async def test_a_training_that_fails_says_why(desk: Desk) -> None:
    await desk.talk.ask_training(LUIS.id, WISH)
    ended = await running(desk)()
    assert ended is not None
    assert (ended.state, ended.model_id) == (TrainingState.FAILED, None)
    assert "400 are needed" in (ended.reason or "")

    async def dies(given: Any, wish: Wish, told: Callable[[int], None]) -> Any:
        raise FeedError("the process that trains ended")

    await play_to(desk, 2_000)
    await desk.talk.ask_training(LUIS.id, WISH)
    ended = await running(desk, dies)()
    assert ended is not None
    assert (ended.state, ended.reason) == (TrainingState.FAILED, "the process that trains ended")
    for nobody in ({"symbol": "GBPUSD"}, {"timeframe": Timeframe.M1}):
        with pytest.raises(NotFound):
            await desk.talk.ask_training(LUIS.id, replace(WISH, **nobody))  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):
        await desk.talk.ask_training(EVE.id, WISH)


async def test_the_command_line_trains_here_and_who_is_cut_off_cancels(desk: Desk) -> None:
    await play_to(desk, 2_000)
    done = await running(desk, at_once).now(WISH)
    assert (done.state, done.by) == (TrainingState.DONE, "cli")
    begun = asyncio.Event()

    async def slow(given: Any, wish: Wish, told: Callable[[int], None]) -> Any:
        begun.set()
        await asyncio.sleep(60)

    work = asyncio.ensure_future(running(desk, slow).now(WISH))
    await begun.wait()
    with pytest.raises(IllegalMove, match="under way"):
        await running(desk, at_once).now(WISH)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    newest, *_ = await desk.talk.read_models.trainings(EVE.id)
    assert newest.state is TrainingState.CANCELLED


async def test_an_admin_lets_one_model_in_instead_of_the_other(desk: Desk) -> None:
    one, two = await registered(desk, approved=False), await registered(desk, approved=False)
    decide = desk.talk.decide_model
    for act in (decide.approve, decide.retire):
        with pytest.raises(NotAllowed):
            await act(LUIS.id, one.id)
    assert (await decide.approve(ANN.id, one.id)).status is ModelStatus.APPROVED
    # Told again: nothing happens twice.
    assert (await decide.approve(ANN.id, one.id)).status is ModelStatus.APPROVED
    await decide.approve(ANN.id, two.id)
    assert (await desk.talk.read_models.one(EVE.id, one.id)).status is ModelStatus.RETIRED
    async with desk.world.store.begin() as tx:
        assert (await tx.models.approved())["EURUSD", H1].id == two.id
        record = (await tx.history.list(limit=1))[0].entry
    assert (record.action, record.actor) == (Action.MODEL_APPROVED, f"person:{ANN.id}")
    assert (record.detail["model"]["id"], record.detail["instead"]["id"]) == (two.id, one.id)
    await decide.retire(ANN.id, two.id)
    assert await desk.actions() == ["model_approved", "model_approved", "model_retired"]
    with pytest.raises(NotFound):
        await decide.approve(ANN.id, 10**6)


async def test_the_loop_freezes_what_the_model_said_and_replays_without_it(
    desk: Desk, database: Database
) -> None:
    await play_to(desk, 2_100)
    await desk.talk.switch_strategy(ANN.id, strategy_id("random-forest"), on=True, reason="test")
    without = await desk.next_candle()
    model = await registered(desk)
    forest = read_forest(trained().body, model.hash)
    seqs = [d.seq for d in without]
    said: set[Decimal] = set()
    while len(said) < 5:
        decided = await desk.next_candle()
        if not decided:
            continue  # a no that repeats the one before has no record
        seqs += [d.seq for d in decided]
        async with desk.world.store.begin() as tx:
            seen = await tx.bundles.get(decided[0].entry.bundle_hash or "")
        assert seen.prediction is not None
        assert (seen.prediction.model_id, seen.prediction.hash) == (model.id, model.hash)
        asked = row(seen.candles)
        assert asked is not None
        assert abs(float(seen.prediction.probability) - forest.probability(asked)) <= 0.00005
        said.add(seen.prediction.probability)
    await desk.talk.decide_model.retire(ANN.id, model.id)
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("DELETE FROM model")
    await owner.close()
    for seq in seqs:
        again = await desk.talk.replay_decision(seq)
        assert again.differences == ()
    assert (await desk.talk.replay_decision(seqs[0])).bundle.prediction is None


async def test_a_model_with_other_bytes_says_nothing(desk: Desk, database: Database) -> None:
    await play_to(desk, 2_100)
    model = await registered(desk)
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("UPDATE model SET body = set_byte(body, 900, 255 - get_byte(body, 900))")
    await owner.close()
    seen = await desk.talk.read_market.collect("EURUSD", H1)
    assert seen.prediction is None
    with pytest.raises(FeedError, match=model.name):
        await desk.talk.generate_signal(LUIS.id, "EURUSD", H1, force=True)


async def test_a_signal_is_what_the_approved_model_says_of_a_candle_once(desk: Desk) -> None:
    generate = desk.talk.generate_signal
    with pytest.raises(NotSetUp):
        await generate(LUIS.id, "EURUSD", H1)
    await registered(desk)
    await play_to(desk, 200)
    with pytest.raises(FeedError, match="it takes 257"):
        await generate(LUIS.id, "EURUSD", H1)
    with pytest.raises(NotAllowed):
        await generate(EVE.id, "EURUSD", H1)
    sides: set[Any] = set()
    for count in range(2_000, 3_400, 20):
        await play_to(desk, count)
        made = await generate(LUIS.id, "EURUSD", H1)
        rise = made.prediction.probability
        side = Side.BUY if rise >= Decimal("0.55") else Side.SELL
        if Decimal("0.45") < rise < Decimal("0.55"):
            assert made.signal is None
            forced = (await generate(LUIS.id, "EURUSD", H1, force=True)).signal
            assert forced is not None
            sides.add(None)
            continue
        assert made.signal is not None
        assert (made.signal.side, made.is_new) == (side, True)
        assert made.signal.confidence == (rise if side is Side.BUY else 1 - rise)
        assert made.signal.tp_pips == 2 * made.signal.sl_pips
        assert made.signal.meta["model"] == "rf_h1_v1"
        again = await generate(LUIS.id, "EURUSD", H1)
        assert (again.is_new, again.signal and again.signal.signal_id) == (
            False, made.signal.signal_id,
        )  # fmt: skip
        sides.add(side)
    assert sides == {Side.BUY, Side.SELL, None}
    seen = await desk.talk.read_signals(EVE.id)
    assert len(seen.queued) == 10
    assert [said.model.name for said in seen.said] == ["rf_h1_v1"]
    # As the worker does it: what was spoken of is not spoken of again.
    assert await generate.all(desk.world.symbols) == []
    await play_to(desk, 4_000)
    queued = []
    for count in range(4_000, 4_040):
        await play_to(desk, count)
        queued += await generate.all(desk.world.symbols)
    assert 0 < len(queued) < 40


async def test_drift_compares_with_what_was_learnt(desk: Desk) -> None:
    model = await registered(desk)
    await play_to(desk, 2_000)
    same = await desk.talk.read_drift(EVE.id, model.id)
    assert (same.rows, same.since) == (500, None)
    assert [each.index for each in same.features] == sorted(
        (each.index for each in same.features), reverse=True
    )
    await play_to(desk, 4_500)
    later = await desk.talk.read_drift(EVE.id, model.id)
    assert later.since is not None
    # A thousand rows, less the five whose future is not known, and five that overlap.
    assert later.since.rows == 991
    assert later.stability is Stability.SHIFTED
    await play_to(desk, 270)
    assert (await desk.talk.read_drift(EVE.id, model.id)).stability is Stability.UNKNOWN
    with pytest.raises(NotFound):
        await desk.talk.read_drift(EVE.id, 10**6)


async def test_an_approved_model_that_grew_old_is_trained_anew(desk: Desk) -> None:
    store, streams = desk.world.store, desk.world.symbols
    model = await registered(desk)
    assert await Retrain(store=store, streams=streams, every=timedelta(0))() == []
    assert await Retrain(store=store, streams=streams, every=timedelta(hours=1))() == []
    due = Retrain(store=store, streams=streams, every=timedelta(microseconds=1))
    (training,) = await due()
    assert (training.by, training.wish) == ("scheduler", model.report.wish)
    assert await due() == []
    await play_to(desk, 2_000)
    assert await running(desk, at_once)() is not None
    newest = (await desk.talk.read_models(EVE.id))[0]
    assert (newest.version, newest.status) == (2, ModelStatus.CANDIDATE)
