"""What is computed or waits for an answer in a backup: none of it goes on in the copy."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

from bot.backup_reports import bring_back, make
from engine.domain.backtest import Costs, Wish
from engine.domain.backtest import RunState as PlayState
from engine.domain.change_proposal import ProposalState
from engine.domain.decision import Action
from engine.domain.market import Timeframe
from engine.domain.model import TrainingState
from engine.domain.model import Wish as TrainingWish
from engine.domain.optimizer_run import RunState, RunWish
from engine.domain.signal import SignalState
from engine.domain.state import TradingState
from engine.domain.sweep import Shard
from storage.database import open_database
from storage.dialogues import PostgresDialogues
from tests.conftest import Database
from tests.integration.conftest import ANN, LUIS, Desk
from tests.integration.test_backup import approved, empty, settings_of  # noqa: F401
from tests.integration.test_change_proposals import overdue, propose, state
from tests.signals import of_source

HOUR = timedelta(hours=1)
WAITS, PLAYS, SWEPT = (UUID(int=number) for number in (1, 2, 3))


async def begin_everything(desk: Desk) -> None:
    """An idea that a model shall explain, two backtests, a sweep, a training, a search, a signal,
    a question to somebody, and a proposal whose silence stops trading.
    """
    await approved(desk)
    await desk.send_all()
    wish = Wish(symbol="EURUSD", timeframe=Timeframe.H1, costs=Costs())
    async with desk.world.store.begin() as tx:
        await tx.backtests.add(PLAYS, ANN.id, 40, wish)
        assert await tx.backtests.take(60) is not None
        await tx.backtests.add(WAITS, LUIS.id, None, wish)
        await tx.sweeps.add(
            SWEPT, "EMA", "here", [Shard(sweep_id=SWEPT, number=0, point=(), plan={})]
        )
        await tx.trainings.add(TrainingWish(symbol="EURUSD", timeframe=Timeframe.H1), "cli", None)
        await tx.optimizer_runs.add(RunWish(strategy_id=UUID(int=5)))
        await tx.signal_queue.put(of_source())
    await PostgresDialogues().ask(ANN.id, "a question")
    await propose(desk, hours=1)


async def test_in_a_copy_nothing_is_computed_and_nobodys_silence_stops_anything(
    desk: Desk,
    opened: Database,
    empty: Database,  # noqa: F811
    tmp_path: Path,
) -> None:
    await begin_everything(desk)
    said: list[str] = []
    await make(settings_of(opened), tmp_path / "one.backup", say=said.append)
    assert await bring_back(settings_of(empty), tmp_path / "one.backup", say=said.append) == 0
    told = next(line for line in said if line.startswith("Set aside"))
    for part in (
        "2 backtests", "1 sweeps", "1 searches of the optimizer", "1 trainings", "1 signals",
        "1 questions to people", "1 explanations", "1 proposals",
    ):  # fmt: skip
        assert part in told, told
    async with open_database(empty.url):
        async with desk.world.store.begin() as tx:
            assert (await tx.backtests.get(WAITS)).state is PlayState.CANCELLED
            assert (await tx.backtests.get(PLAYS)).state is PlayState.BROKEN_OFF
            assert await tx.backtests.take(60) is None
            assert await tx.sweeps.take(HOUR) is None
            assert (await tx.sweeps.get(SWEPT)).cancelled
            assert await tx.trainings.claim(HOUR) is None
            assert {each.state for each in await tx.trainings.list(9)} == {TrainingState.CANCELLED}
            assert await tx.optimizer_runs.claim(HOUR) is None
            search = await tx.optimizer_runs.last()
            assert search is not None
            assert search.state is RunState.FAILED
            assert await tx.signal_queue.claim(9, HOUR) == ()
            assert set(await tx.signal_queue.totals()) == {SignalState.EXPIRED}
            assert not await tx.explanations.due(await tx.now() - HOUR, 9)
            assert await tx.change_proposals.pending() == []
            (proposal,) = await tx.change_proposals.list(limit=9)
            assert proposal.state is ProposalState.STALE
            (record,) = await tx.history.list(actions=(Action.PROPOSAL_STALE,), limit=9)
            assert record.entry.detail["proposal_id"] == proposal.id
        # Nor is anything left whose time can be over.
        await overdue(desk)
        assert await desk.talk.answer_change.expire() == ()
    async with open_database(opened.url):
        await overdue(desk)
        assert len(await desk.talk.answer_change.expire()) == 1
        assert await state(desk) is TradingState.EMERGENCY_STOP
