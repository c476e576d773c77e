"""Replay: decisions computed again from their stored bundles, all of a history in one go."""

from collections.abc import Sequence
from time import perf_counter, process_time

from engine.domain.decision import Action, Entry
from engine.domain.snapshot import Bundle
from engine.flow.judgement import consider
from engine.flow.replay import Replay, ReplayHistory
from engine.snapshot.canonical import plain
from storage.embedded import Servers
from storage.transaction import PostgresStore
from tests import histories
from tests.benchmarks.pictures import SYMBOLS, pictures

LIMIT = 1_000
_BARS = 100


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Print the rate of a history of five strategies over five symbols."""
    async with histories.scratch(servers, "replay"):
        await _measure()


async def _measure() -> None:
    store = PostgresStore()
    for bundle in await pictures(_BARS):
        await _write(store, bundle)
    start, busy = perf_counter(), process_time()
    done = [replay async for _, replay in ReplayHistory(store=store)()]
    rate, busy = len(done) / (perf_counter() - start), process_time() - busy
    equal = [replay for replay in done if isinstance(replay, Replay) and not replay.differences]
    name = f"decisions replayed, {len(SYMBOLS)} symbols, {len(equal)} of {len(done)} equal"
    print(
        f"{name:<58} {rate:8.0f} /s   {rate / LIMIT:5.2f} × 1,000/s;"
        f" {busy / len(done) * 1e3:.2f} ms of Python each"
    )


async def _write(store: PostgresStore, bundle: Bundle) -> None:
    """One cycle: what each strategy made of the bundle."""
    async with store.begin() as tx:
        hash_, now = await tx.bundles.put(bundle), await tx.now()
        for strategy in bundle.strategies:
            outcome = consider(strategy, bundle)
            action = Action.NO_TRADE if outcome.report is None else Action.AI_PROPOSED
            await tx.history.append(
                Entry(
                    action=action, occurred_at=now, actor="ai", symbol=bundle.symbol,
                    market_time=bundle.instant, rationale="", strategy_id=strategy.id,
                    strategy_version=strategy.version, bundle_hash=hash_,
                    detail={"outcome": plain(outcome)},
                )
            )  # fmt: skip
