"""What ``ai-trader sweep`` does: start a sweep, work on it, and tell what came of it."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from bot.backtest_reports import book_of, stored
from bot.backtesting import Past, calendar_of, shipped
from bot.playing import PlayApart
from bot.reports import CLEAN, Say, open_database_of
from bot.settings import Settings
from bot.world import World
from engine.domain.backtest import Wish
from engine.domain.sweep import Shard, ShardState, Sweep
from engine.errors import InvalidInput, NotFound
from engine.ports import Store
from engine.research.plan import plan_of
from engine.research.space import Axis, axes_of
from engine.research.sweeping import ReadSweep, StartSweep, WorkSweep, result_hash, shards_of

#: The exit code of a sweep some of whose runs failed.
FAILED = 1
_SHOWN = 15


def axis_of(text: str) -> Axis:
    """``path=a,b,c`` as it is typed."""
    path, sign, values = text.partition("=")
    found = tuple(dict.fromkeys(value.strip() for value in values.split(",") if value.strip()))
    if not (sign and path.strip() and found):
        example = "exit_rules.stop_loss='1 * atr,1.5 * atr'"
        raise InvalidInput(f"write --axis path=value,value, such as {example}")
    return Axis(path.strip(), found)


async def start(
    settings: Settings, wish: Wish, axes: Sequence[str], *, most: int, seed: int, say: Say
) -> UUID:
    """Keep a sweep and answer its id; the same one that is there already goes on."""
    book = await book_of(settings, None, say=say)
    past: Past = shipped()
    if (wish.symbol, wish.timeframe) != (past.columns.symbol, past.columns.timeframe):
        past = await stored(settings, wish.symbol, wish.timeframe)
    name, _ = calendar_of(past.source, None, quiet=wish.quiet)
    plan = plan_of(
        wish, book.strategies, book.settings, book.version, source=past.source, calendar=name,
        zone=settings.broker_timezone, currency=settings.account_currency,
    )  # fmt: skip
    if len(plan.strategies) != 1:
        names = ", ".join(strategy.name for strategy in plan.strategies)
        raise InvalidInput(f"name the strategy to vary (--strategy): {names}")
    varied = tuple(map(axis_of, axes)) or axes_of(plan.strategies[0])
    shards = shards_of(plan, varied, most=most, seed=seed)
    title = f"{plan.strategies[0].name}: {', '.join(axis.path for axis in varied)}"
    async with open_database_of(settings) as world:
        sweep = await StartSweep(store=world.store)(None, shards, title)
    say(f"sweep {sweep.id}: {sweep.total} runs of {title}, {sweep.done} of them done")
    return sweep.id


async def work(settings: Settings, id_: UUID, *, jobs: int, say: Say) -> int:
    """Work on a sweep, so many runs at a time, until all of it is done here or elsewhere."""
    async with open_database_of(settings) as world:
        await _work(world, id_, jobs, say)
        return await _tell(world.store, id_, say)


async def show(settings: Settings, id_: UUID | None, say: Say) -> int:
    """Tell how a sweep stands; without an id the last one."""
    async with open_database_of(settings) as world:
        if id_ is None:
            async with world.store.begin() as tx:
                last = await tx.sweeps.last(1)
            if not last:
                raise NotFound("no sweep was started yet")
            id_ = last[0].id
        return await _tell(world.store, id_, say)


async def cancel(settings: Settings, id_: UUID, say: Say) -> int:
    """Run nothing more of a sweep."""
    async with open_database_of(settings) as world, world.store.begin() as tx:
        done = await tx.sweeps.cancel(id_)
    say(f"sweep {id_} is {'cancelled' if done else 'over already'}")
    return CLEAN


async def _work(world: World, id_: UUID, jobs: int, say: Say) -> None:
    store, play = world.store, PlayApart(world)
    once = WorkSweep(store=store, play=play)
    read = ReadSweep(store=store)

    async def worker() -> None:
        while True:
            shard = await once(id_)
            sweep, _ = await read(None, id_)
            if shard is not None:
                say(f"{sweep.done + sweep.failed} of {sweep.total}")
            elif sweep.is_over:
                return
            else:
                # The rest is being played elsewhere; who dies there is followed from here.
                await asyncio.sleep(1)

    await asyncio.gather(*(worker() for _ in range(jobs)))


async def _tell(store: Store, id_: UUID, say: Say) -> int:
    sweep, shards = await ReadSweep(store=store)(None, id_)
    say(f"\nsweep {sweep.id}, {sweep.title}, candles of {sweep.source}: {_state(sweep)}")
    done = [shard for shard in shards if shard.figures is not None]
    done.sort(key=lambda shard: (-_profit(shard), shard.number))
    say(f"{'run':>5} {'trades':>7} {'profit':>12} {'factor':>7} {'drawdown':>9}  values")
    for shard in done[:_SHOWN]:
        seen = shard.figures
        assert seen is not None
        factor = "-" if seen.profit_factor is None else f"{seen.profit_factor:.2f}"
        values = ", ".join(f"{path}={value}" for path, value in shard.point) or "as it is"
        say(
            f"{shard.number:>5} {seen.trades:>7} {seen.profit:>12} {factor:>7}"
            f" {seen.drawdown_percent:>8.1f}%  {values}"
        )
    for shard in shards:
        if shard.state is ShardState.FAILED:
            say(f"run {shard.number} failed: {shard.problem}")
    if sweep.done + sweep.failed == sweep.total:
        say(f"result {result_hash(shards)}")
    return FAILED if sweep.failed else CLEAN


def _profit(shard: Shard) -> Decimal:
    return Decimal(0) if shard.figures is None else shard.figures.profit


def _state(sweep: Sweep) -> str:
    if sweep.cancelled:
        return f"cancelled after {sweep.done} of {sweep.total} runs"
    return f"{sweep.done} of {sweep.total} runs done"
