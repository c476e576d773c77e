"""Sweeps: a strategy's grid as shards, played by any number of workers, each shard once.

What a shard comes to depends on its plan and the candles alone, so that it does not matter who
plays it, or how often somebody began: the result of a sweep is the same for one worker and for ten.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid5

from engine.domain.backtest import Wish
from engine.domain.market import Timeframe
from engine.domain.person import Role
from engine.domain.sweep import Shard, ShardFigures, Sweep
from engine.errors import InvalidInput, TraderError
from engine.flow.people import person_at_least
from engine.ports import Bell, Broker, MarketData, Store
from engine.research.plan import Plan, plan_of
from engine.research.report import Report
from engine.research.runs import currency_of, must_know
from engine.research.space import Axis, Trial, axes_of, trials
from engine.snapshot.canonical import canonical, digest, plain, restore

#: A worker that says nothing for this long is followed by another; it speaks four times as often.
LEASE = timedelta(seconds=40)
#: Runs of one sweep at most.
MOST = 10_000
#: Sweeps of a list at most.
MOST_LISTED = 100
_SPACE = UUID("3a5cb1b2-4a39-5c0e-9b5c-1f3f3d1f0a11")

Play = Callable[[Plan], Awaitable[ShardFigures]]


def shards_of(plan: Plan, axes: tuple[Axis, ...], *, most: int, seed: int) -> tuple[Shard, ...]:
    """A shard for each point, the present document first; ``plan`` has the one strategy that is
    varied. Raises :class:`InvalidInput` for a grid of nothing.
    """
    if len(plan.strategies) != 1:
        raise InvalidInput("a sweep varies one strategy: name it")
    if not axes:
        raise InvalidInput(f"{plan.strategies[0].name} has no number that could be varied")
    if not 1 <= most <= MOST:
        raise InvalidInput(f"a sweep has from 1 to {MOST} runs")
    found = trials(plan.strategies[0], axes, most=most - 1, seed=seed)
    name = sweep_id(plan, found)
    return tuple(
        Shard(
            sweep_id=name,
            number=number,
            point=tuple(zip([axis.path for axis in axes], trial.point, strict=False)),
            plan=plain(replace(plan, strategies=(trial.strategy,))),
        )
        for number, trial in enumerate(found)
    )


def sweep_id(plan: Plan, found: Sequence[Trial]) -> UUID:
    """The same plan and points are the same sweep."""
    document = [plain(plan), [plain(trial) for trial in found]]
    return uuid5(_SPACE, digest(canonical(document)))


def figures_of(report: Report) -> ShardFigures:
    """What is kept of a run."""
    seen = report.metrics
    return ShardFigures(
        trades=seen.trades,
        profit=seen.profit,
        win_rate=seen.win_rate,
        profit_factor=seen.profit_factor,
        expectancy=seen.expectancy,
        drawdown_percent=report.drawdown_percent,
        decisions=report.hash,
    )


def result_hash(shards: Sequence[Shard]) -> str:
    """A hash of all that a sweep came to."""
    told = [[s.number, None if s.figures is None else plain(s.figures), s.problem] for s in shards]
    return digest(canonical(told))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where sweeps are played that people ask for: the name of the candles and of their news, None
    where nobody kept these, the broker's zone, and whether new candles come.
    """

    source: str
    calendar: str | None
    zone: str
    moves: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSweep:
    """Vary a strategy over the past, a trader's right. ``symbols`` are those whose candles
    there are.
    """

    store: Store
    bell: Bell
    broker: Broker
    market: MarketData
    symbols: tuple[tuple[str, Timeframe], ...]
    scene: Scene

    async def __call__(
        self,
        person_id: int,
        wish: Wish,
        axes: Sequence[Axis] = (),
        *,
        most: int,
        seed: int = 1,
        message_id: int | None = None,
    ) -> Sweep:
        """The sweep; the same one is not played twice, and one that was cancelled goes on. Without
        ``axes`` the strategy's numbers and some around each. Raises :class:`InvalidInput` for what
        cannot be varied.
        """
        must_know(self.symbols, wish)
        wish = await self._pinned(wish)
        currency = await currency_of(self.broker)
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.TRADER)
            version, settings = await tx.settings.risk()
            plan = plan_of(
                wish, await tx.settings.strategies(), settings, version,
                source=self.scene.source, calendar=None if wish.quiet else self.scene.calendar,
                zone=self.scene.zone, currency=currency,
            )  # fmt: skip
        varied = tuple(axes) or (axes_of(plan.strategies[0]) if plan.strategies else ())
        shards = shards_of(plan, varied, most=most, seed=seed)
        title = f"{plan.strategies[0].name}: {', '.join(axis.path for axis in varied)}"
        made = await StartSweep(store=self.store)(person_id, shards, title, message_id=message_id)
        await self.bell.ring("play_shards")
        return made

    async def _pinned(self, wish: Wish) -> Wish:
        """Up to now, where candles still come: all runs of a sweep are over the same ones."""
        if wish.until is not None or not self.scene.moves:
            return wish
        return replace(wish, until=await self.market.instant())


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSweep:
    """Keep a sweep for whoever works on it. The same one is not kept twice: it goes on."""

    store: Store

    async def __call__(
        self,
        person_id: int | None,
        shards: Sequence[Shard],
        title: str,
        *,
        message_id: int | None = None,
    ) -> Sweep:
        plan = restore(Plan, shards[0].plan)
        async with self.store.begin() as tx:
            if person_id is not None:
                await person_at_least(tx, person_id, Role.TRADER)
            await tx.sweeps.add(shards[0].sweep_id, title[:200], plan.source, shards)
            await tx.sweeps.want(shards[0].sweep_id, person_id, message_id)
            return await tx.sweeps.get(shards[0].sweep_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelSweep:
    """Run nothing more of a sweep, a trader's right; what is done stays."""

    store: Store

    async def __call__(self, person_id: int, id_: UUID) -> Sweep:
        """The sweep as it stands then. Raises :class:`NotFound`."""
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.TRADER)
            await tx.sweeps.cancel(id_)
            return await tx.sweeps.get(id_)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSweep:
    """Play one shard that waits; ``play`` must leave the event loop to others. Who was silent for
    so long that somebody else has the shard keeps nothing of it.
    """

    store: Store
    play: Play
    lease: timedelta = LEASE

    async def __call__(self, of: UUID | None = None) -> Shard | None:
        """The shard that was played; None when none waits."""
        async with self.store.begin() as tx:
            shard = await tx.sweeps.take(self.lease, of=of)
        if shard is None:
            return None
        playing = asyncio.ensure_future(self.play(restore(Plan, shard.plan)))
        try:
            await self._watch(shard, playing)
            figures, problem = await playing, None
        except TraderError as error:
            figures, problem = None, str(error)
        except _Followed:
            return shard
        finally:
            playing.cancel()
        async with self.store.begin() as tx:
            await tx.sweeps.finish(shard, figures, problem)
        return shard

    async def _watch(self, shard: Shard, playing: "asyncio.Future[ShardFigures]") -> None:
        """Until it is played, say that it is worked on."""
        every = self.lease.total_seconds() / 4
        while not (await asyncio.wait([playing], timeout=every))[0]:
            async with self.store.begin() as tx:
                if not await tx.sweeps.renew(shard, self.lease):
                    raise _Followed


class _Followed(Exception):
    """The shard is somebody else's, or nobody wants it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSweep:
    """A sweep with all its shards, in their order."""

    store: Store

    async def __call__(self, person_id: int | None, id_: UUID) -> tuple[Sweep, tuple[Shard, ...]]:
        """Raises :class:`NotFound`."""
        async with self.store.begin() as tx:
            if person_id is not None:
                await person_at_least(tx, person_id, Role.VIEWER)
            return await tx.sweeps.get(id_), tuple(await tx.sweeps.shards(id_))

    async def last(self, person_id: int, limit: int = 20) -> Sequence[Sweep]:
        """The last ones, whoever wanted them, the newest first."""
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            return await tx.sweeps.last(min(limit, MOST_LISTED))
