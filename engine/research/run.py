"""Do a training that was asked for: gather, learn elsewhere, note how far it is, keep the model."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from engine.domain.decision import Action, Entry
from engine.domain.model import Training, TrainingState, Wish
from engine.errors import IllegalMove, TraderError
from engine.flow.models import refresh, told
from engine.flow.people import actor
from engine.ports import Bell, MarketData, Store
from engine.research.dataset import Dataset, dataset
from engine.research.training import Trained

log = logging.getLogger(__name__)

#: Grows the trees somewhere, tells how far it is in per cent, and stops when it is cancelled.
Trainer = Callable[[Dataset, Wish, Callable[[int], None]], Awaitable[Trained]]

#: A training that killed its process so often is given up.
_ATTEMPTS = 3
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTraining:
    """Take up the oldest training that waits, or the one of a number, and do it.

    The answer is the training as it ended, or None when none waits. It is held by a lease: when
    this process dies, another begins it again. Cancelled in the store, it stops within ``every``.
    """

    store: Store
    market: MarketData
    trainer: Trainer
    bell: Bell
    every: timedelta = timedelta(seconds=1)
    #: Told how far it is, for who looks on.
    show: Callable[[int], None] | None = None

    async def __call__(self, id_: int | None = None) -> Training | None:
        async with self.store.begin() as tx:
            training = await tx.trainings.claim(LEASE, id_=id_)
        if training is None:
            return None
        return await self._do(training)

    async def now(self, wish: Wish) -> Training:
        """Ask for a training and do it here, as the command line does; no worker takes it up, and
        who is cut off cancels it. Raises :class:`IllegalMove` while one of its stream is open.
        """
        async with self.store.begin() as tx:
            asked, is_new = await tx.trainings.add(wish, actor(None), None)
            if not is_new:
                raise IllegalMove(
                    f"training {asked.id} of {wish.symbol} {wish.timeframe} is under way already"
                )
            training = await tx.trainings.claim(LEASE, id_=asked.id)
        assert training is not None, "nobody else can see it before the commit"
        try:
            return await self._do(training)
        except asyncio.CancelledError:
            async with self.store.begin() as tx:
                await tx.trainings.cancel(training.id)
            raise

    async def _do(self, training: Training) -> Training:
        log.info("training %s: %s", training.id, _of(training.wish))
        if training.attempts > _ATTEMPTS:
            await self._fail(training, f"given up after {_ATTEMPTS} attempts")
        else:
            await self._attempt(training)
        async with self.store.begin() as tx:
            ended = await tx.trainings.get(training.id)
            assert ended is not None, "trainings are never removed"
            await refresh(tx, ended)
        await self.bell.ring("deliver")
        log.info("training %s: %s", ended.id, ended.state)
        return ended

    async def _attempt(self, training: Training) -> None:
        try:
            trained = await self._train(training)
        except TraderError as error:
            await self._fail(training, str(error))
            return
        if trained is not None:
            await self._keep(training, trained)

    async def _train(self, training: Training) -> Trained | None:
        """What came of it; None when it was cancelled, or somebody else has it now."""
        wish = training.wish
        candles = await self.market.candles(wish.symbol, wish.timeframe, wish.bars)
        given = await asyncio.to_thread(dataset, candles, wish)
        percent = [0]
        try:
            async with asyncio.TaskGroup() as group:
                work = group.create_task(
                    _awaited(self.trainer(given, wish, lambda now: percent.append(now)))
                )
                group.create_task(self._hold(training, percent, work))
        except* TraderError as errors:
            raise errors.exceptions[0] from errors
        return None if work.cancelled() else work.result()

    async def _hold(
        self, training: Training, percent: list[int], work: "asyncio.Task[Trained]"
    ) -> None:
        """Hold the training while the work goes on and show how far it is; end the work when it is
        not ours any more.
        """
        shown = 0
        while True:
            done, _ = await asyncio.wait([work], timeout=self.every.total_seconds())
            if done:
                return
            now = min(99, percent[-1])
            async with self.store.begin() as tx:
                is_ours = await tx.trainings.beat(training, now, LEASE)
                if is_ours and now != shown:
                    await refresh(tx, replace(training, percent=now))
            if not is_ours:
                work.cancel()
                return
            if now != shown:
                shown = now
                if self.show is not None:
                    self.show(now)
                await self.bell.ring("deliver")

    async def _keep(self, training: Training, trained: Trained) -> None:
        async with self.store.begin() as tx:
            # First what may fail: a training that was cancelled meanwhile makes no model.
            if not await tx.trainings.beat(training, 99, LEASE):
                return
            model = await tx.models.add(trained.report, trained.body, trained.hash, training.by)
            await tx.trainings.finish(training, TrainingState.DONE, model_id=model.id)
            await tx.history.append(
                Entry(
                    action=Action.MODEL_TRAINED,
                    occurred_at=await tx.now(),
                    actor=training.by,
                    rationale=f"{model.symbol} {model.name} was trained on {trained.report.rows}"
                    " candles",
                    symbol=model.symbol,
                    detail={"model": told(model), "training": training.id},
                )
            )

    async def _fail(self, training: Training, reason: str) -> None:
        log.warning("training %s failed: %s", training.id, reason)
        async with self.store.begin() as tx:
            await tx.trainings.finish(training, TrainingState.FAILED, reason=reason)


async def _awaited(work: Awaitable[Trained]) -> Trained:
    return await work


def _of(wish: Wish) -> str:
    return f"{wish.trees} trees of {wish.symbol} {wish.timeframe}"
