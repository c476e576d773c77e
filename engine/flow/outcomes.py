"""What became of every idea in the market, traded or not, and what it says of scores and people."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from engine.domain.market import Timeframe
from engine.domain.outcome import Outcome, Progress
from engine.domain.person import Role
from engine.errors import InvalidInput, NotFound
from engine.flow.judgement import strategy_of
from engine.flow.people import person_at_least
from engine.ports import MarketData, Store, Transaction
from engine.scoring.calibration import Calibration, calibrate
from engine.scoring.mirror import Mirror, reflect
from engine.scoring.outcome import follow, unmeasured

#: Ideas moved on by one call; what it leaves, the next one takes.
PER_CALL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowIdeas:
    """Follow every idea of a symbol that has not ended, whatever people or checks made of it.

    It goes on from what is stored, so it may run twice, in two workers, or after days of downtime,
    and comes to the same. Answers how many ideas it moved on, at most ``PER_CALL``; raises
    :class:`FeedError` when there is no market data.
    """

    store: Store
    market: MarketData

    async def __call__(self, symbol: str, timeframe: Timeframe) -> int:
        last = await self.market.candles(symbol, timeframe, 1)
        if not last:
            return 0
        latest = last[-1].time
        async with self.store.begin() as tx:
            due = await tx.outcomes.due(symbol, timeframe, before=latest, limit=PER_CALL)
            steps = {id_: known or await _start(tx, id_, latest) for id_, known in due}
        open_ = {id_: step for id_, step in steps.items() if isinstance(step, Progress)}
        if open_:
            first = min(progress.seen for progress in open_.values())
            candles = await self.market.candles_since(symbol, timeframe, first)
            steps |= {id_: follow(progress, candles) for id_, progress in open_.items()}
        async with self.store.begin() as tx:
            # In one order everywhere, or two workers could wait for each other.
            for id_ in sorted(steps):
                await tx.outcomes.save(id_, steps[id_])
        return len(steps)


async def _start(tx: Transaction, idea_id: UUID, latest: datetime) -> Progress | Outcome:
    """Where following an idea begins: behind the last candle that was closed when it was made."""
    idea = await tx.ideas.get(idea_id)
    try:
        bundle = await tx.bundles.get(idea.bundle_hash)
        limit = strategy_of(bundle, idea.strategy_id).exit_rules.time_limit_min
    except (InvalidInput, NotFound):
        return unmeasured(latest)
    if bundle.quote is None:
        return unmeasured(latest)
    return Progress(
        proposal=idea.proposal,
        spread=bundle.quote.spread,
        deadline=None if limit is None else bundle.instant + timedelta(minutes=limit),
        seen=bundle.candles[-1].time,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCalibration:
    """How the score was calibrated, of all ideas or of one symbol or strategy by its name.
    ``person_id`` None is the command line on this machine.
    """

    store: Store

    async def __call__(self, person_id: int | None, *, of: str | None = None) -> Calibration:
        async with self.store.begin() as tx:
            if person_id is not None:
                await person_at_least(tx, person_id, Role.VIEWER)
            tallies = await tx.outcomes.tallies()
        return calibrate(tallies, of=of)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMirror:
    """A person's own answers against what the market then did."""

    store: Store

    async def __call__(self, person_id: int) -> Mirror:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            answered = await tx.outcomes.answered(person_id)
        return reflect(answered)
