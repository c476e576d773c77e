"""The optimizer: search a strategy's numbers over the past, and propose what held outside of it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from engine.domain.change_proposal import ChangeDraft, FieldChange, Source, Subject, Target
from engine.domain.optimizer_run import CANCELLED, OptimizerRun, RunResult, RunState, RunWish
from engine.domain.person import Role
from engine.domain.strategy import Strategy
from engine.errors import IllegalMove, NotFound, TraderError
from engine.flow.change_proposals import ProposeChange
from engine.flow.people import person_at_least
from engine.ports import Bell, MarketData, Store
from engine.research.space import axes_of, trials
from engine.research.walkforward import Evaluator, Found, Window, folds_of, search
from engine.scoring.metrics import Trade
from engine.strategies.changes import diff
from engine.strategies.documents import text

#: Who is silent for longer while searching is taken to be gone.
LEASE = timedelta(minutes=10)
#: Searches of a list at most.
MOST_LISTED = 100
#: A trade without a limit of its own is taken to last at most so long.
_LONGEST_TRADE = timedelta(days=1)
_BY = "optimizer"
Show = Callable[[OptimizerRun], Awaitable[None]]
Note = Callable[[int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptimizer:
    """Ask for a search, a trader's right; a worker runs it, one at a time.

    Raises :class:`NotFound` for a strategy that there is not, and :class:`IllegalMove` while
    another search waits or runs.
    """

    store: Store
    bell: Bell

    async def __call__(
        self, person_id: int, wish: RunWish, *, message_id: int | None = None
    ) -> OptimizerRun:
        """The search; ``message_id`` is the message of the chat that shows how far it is."""
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.TRADER)
            if wish.strategy_id not in {one.id for one in await tx.settings.strategies()}:
                raise NotFound(f"there is no strategy {wish.strategy_id}")
            run = await tx.optimizer_runs.add(wish, message_id)
        if run is None:
            raise IllegalMove("another search is under way; look at /v1/ai/optimizer/propose")
        await self.bell.ring("optimize")
        return run

    async def last(self, person_id: int) -> OptimizerRun | None:
        """The newest search, for whoever may look."""
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            return await tx.optimizer_runs.last()

    async def list(self, person_id: int, limit: int = 20) -> Sequence[OptimizerRun]:
        """The last searches, the newest first."""
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            return await tx.optimizer_runs.list(min(limit, MOST_LISTED))

    async def one(self, person_id: int, id_: int) -> OptimizerRun:
        """One search; raises :class:`NotFound`."""
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            return await tx.optimizer_runs.get(id_)

    async def cancel(self, person_id: int, id_: int) -> OptimizerRun:
        """Stop one, a trader's right; one that has ended stays as it is."""
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.TRADER)
            await tx.optimizer_runs.cancel(id_)
            return await tx.optimizer_runs.get(id_)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptimizer:
    """Run the search that waits, if one does. The evaluator must leave the event loop to others."""

    store: Store
    market: MarketData
    propose: ProposeChange
    evaluator: Evaluator

    async def __call__(self, show: Show | None = None) -> OptimizerRun | None:
        """The search that was run; ``show`` is called with how it stands before each trial and when
        it has ended.
        """
        async with self.store.begin() as tx:
            run = await tx.optimizer_runs.claim(LEASE)
            strategies = await tx.settings.strategies()
        if run is None:
            return None
        found = {one.id: one for one in strategies}
        try:
            result = await self.search(found, run.wish, self._noted(run, show))
            await self._end(run.id, RunState.DONE, result)
        except _Stopped:
            await self._end(run.id, RunState.FAILED, RunResult(reason=CANCELLED))
        except TraderError as error:
            await self._end(run.id, RunState.FAILED, RunResult(reason=str(error)[:200]))
        except Exception as error:
            # A defect would be met again by whoever tries again.
            await self._end(run.id, RunState.FAILED, RunResult(reason=type(error).__name__))
            raise
        if show is not None:
            async with self.store.begin() as tx:
                await show(await tx.optimizer_runs.get(run.id))
        return run

    def _noted(self, run: OptimizerRun, show: Show | None) -> Note:
        async def note(done: int, total: int) -> None:
            async with self.store.begin() as tx:
                if await tx.optimizer_runs.note(run.id, done, total, LEASE) is not False:
                    raise _Stopped
            if show is not None:
                await show(replace(run, done=done, total=total))

        return note

    async def _end(self, id_: int, state: RunState, result: RunResult) -> None:
        async with self.store.begin() as tx:
            await tx.optimizer_runs.finish(id_, state, result)

    async def search(
        self, strategies: dict[UUID, Strategy], wish: RunWish, note: Note
    ) -> RunResult:
        """Search, noting each trial, and propose what came of it.

        Raises :class:`NotFound`, :class:`InvalidInput`.
        """
        strategy = strategies.get(wish.strategy_id)
        if strategy is None:
            raise NotFound(f"there is no strategy {wish.strategy_id}")
        now = await self.market.instant()
        limit = strategy.exit_rules.time_limit_min
        embargo = _LONGEST_TRADE if limit is None else timedelta(minutes=limit)
        folds = folds_of(
            Window(now - timedelta(days=wish.days), now), count=wish.folds, embargo=embargo
        )
        tried = trials(strategy, axes_of(strategy), most=wish.candidates, seed=wish.seed)
        # In each fold every trial once, the choice and the present document once more.
        noted = _Noted(self.evaluator, note, len(folds) * (len(tried) + 2))
        found = await search(noted, tried, folds)
        reason = found.refusal
        made = None if reason else await self.propose(draft_of(strategy, found))
        if reason is None and made is None:
            reason = "proposed_before"
        return RunResult(
            folds=found.folds,
            outside=found.outside,
            baseline=found.baseline,
            trades_outside=found.trades_outside,
            tried=found.tried,
            proposal_id=None if made is None else made.id,
            reason=reason,
        )


class _Stopped(Exception):
    """Somebody stopped it, or it is nobody's any more."""


@dataclass(slots=True)
class _Noted:
    """An evaluator that says how far a search is before each trial."""

    evaluator: Evaluator
    note: Note
    total: int
    done: int = 0

    async def evaluate(self, document: Strategy, window: Window) -> tuple[Trade, ...]:
        """As the evaluator it wraps."""
        await self.note(self.done, self.total)
        self.done += 1
        return await self.evaluator.evaluate(document, window)


def draft_of(strategy: Strategy, found: Found) -> ChangeDraft:
    """The choice of a search as a proposal."""
    wanted = found.best.strategy
    changes = tuple(FieldChange(c.path, c.before, c.after) for c in diff(strategy, wanted))
    return ChangeDraft(
        subject=Subject(Target.STRATEGY, strategy.id.hex, strategy.version, strategy.name),
        changes=changes,
        source=Source.OPTIMIZER,
        by=_BY,
        folds=found.folds,
        document=text(wanted),
    )
