"""A cycle beside a language model: none, one that answers, one that hangs for ever; in turn.

Each round has a cycle of each kind in another order, and one more without a model: what two of the
same kind differ by is noise. The model's server is a process of its own.
"""

import argparse
import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from multiprocessing import get_context
from random import Random
from statistics import median
from time import perf_counter, process_time
from typing import Any

from bot.analyst_settings import ModelParts, build_analyst
from bot.explain_jobs import Explaining
from broker.feeds.no_news import NoNews
from engine.domain.analyst import Conversation, Said
from engine.domain.explanation import Budget
from engine.domain.market import Timeframe
from engine.domain.provider import Plan, Provider
from engine.domain.secret import Secret
from engine.domain.state import Control, Mode, TradingState
from engine.flow.explaining import ExplainIdeas
from engine.flow.pipeline import RunCycle
from engine.flow.reconcile import SyncBroker
from engine.ports import Analyst
from engine.snapshot.collect import Collect
from storage.embedded import Servers
from storage.seed import seed
from storage.transaction import PostgresStore
from tests import histories
from tests.benchmarks.common import percentile
from tests.benchmarks.cycle import _QuietCalendar, _strategies
from tests.benchmarks.still import StillBroker
from tests.chaos.driver import always, loose
from tests.integration.conftest import ANN, START, RecordingBell
from tests.model_server import ChatSite
from tests.provider_server import KEY
from tests.tapes import Tapes, many

KINDS = ("none", "none again", "healthy", "hangs")
_PARTS = ModelParts(
    first=timedelta(minutes=2), whole=timedelta(minutes=2), budget=Budget(), per_minute=10
)


@dataclass
class Noticed:
    """The port ``Analyst``: tells that somebody asks."""

    inner: Analyst
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def complete(self, conversation: Conversation) -> Said:
        self.asked.set()
        return await self.inner.complete(conversation)

    def stream(self, conversation: Conversation) -> AsyncIterator[str | Said]:
        return self.inner.stream(conversation)


@dataclass
class Taken:
    """What cycles of one kind took, in seconds, and beside how many of them the model was asked."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    asked: int = 0


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Print medians and 95th percentiles of each kind, and their ratios to a cycle alone."""
    parser = argparse.ArgumentParser(prog="cycle-model", description=__doc__)
    parser.add_argument("--cycles", type=int, default=60, help="of each kind")
    parser.add_argument("--symbols", type=int, default=20)
    wanted = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    async with histories.scratch(servers, "cycle_model"), _site("") as well, _site("hang") as hung:
        taken = await _measure(wanted.cycles, wanted.symbols, {"healthy": well, "hangs": hung})
    _say(taken, wanted.symbols, load)


async def _measure(cycles: int, symbols: int, places: dict[str, str]) -> dict[str, Taken]:
    tapes = many(symbols)
    market, watched = Tapes(tapes, played=300), [(symbol, Timeframe.H1) for symbol in tapes]
    store, broker, bell = PostgresStore(), StillBroker(market), RecordingBell()
    control = Control(
        state=TradingState.RUNNING, reason="bench", mode=Mode.SUPERVISED, changed_at=START
    )
    risk = replace(
        loose(), max_trades_per_direction=100,
        strategy_dedup_ttl_seconds=0, strategy_min_interval_seconds=0,
        strategy_daily_budget=10_000, strategy_rate_limit_per_min=1_000,
    )  # fmt: skip
    # One idea in each cycle, so that there always is one to be explained.
    eager = replace(always("buy"), allowed_symbols=(next(iter(tapes)),))
    await seed([*_strategies(tuple(tapes))[1:], eager], risk, control)
    async with store.begin() as tx:
        await tx.people.save(ANN)
    collect = Collect(
        market=market, calendar=_QuietCalendar(), news=NoNews(), broker=broker, store=store
    )  # type: ignore[arg-type]
    cycle = RunCycle(collect=collect, store=store, bell=bell, account_id=broker.account_id)
    sync = SyncBroker(store=store, broker=broker, market=market, bell=bell)
    analysts = {kind: _analyst(url, store) for kind, url in places.items()}
    taken: dict[str, Taken] = {kind: Taken() for kind in KINDS}
    chance = Random(1)
    # The first rounds pay for imports and caches.
    for number in range(cycles + 3):
        for kind in chance.sample(KINDS, len(KINDS)):
            market.advance()
            await sync()
            async with _beside(analysts.get(kind), store, bell) as is_asked:
                wall, cpu = perf_counter(), process_time()
                _, missing = await cycle.over(watched)
                wall, cpu = perf_counter() - wall, process_time() - cpu
            assert not missing
            bell.rung.clear()
            if number >= 3:
                taken[kind].wall.append(wall)
                taken[kind].cpu.append(cpu)
                taken[kind].asked += is_asked
    return taken


def _analyst(url: str, store: PostgresStore) -> Analyst:
    plan = Plan(
        provider=Provider.OPENAI, enabled=True, model="gpt-4o", base_url=f"{url}/v1",
        key=Secret(KEY),
    )  # fmt: skip
    analyst = build_analyst(plan, _PARTS, store)
    assert analyst is not None
    return analyst


@asynccontextmanager
async def _beside(
    analyst: Analyst | None, store: PostgresStore, bell: RecordingBell
) -> AsyncIterator[bool]:
    """A worker's task that explains the ideas of the cycles before, under way and not yet done;
    whether the model is being asked.
    """
    if analyst is None:
        yield False
        return
    noticed = Noticed(analyst)
    explaining = Explaining(explain=ExplainIdeas(store=store, analyst=noticed, bell=bell))
    explaining.rung.set()
    beside = asyncio.get_running_loop().create_task(explaining.run())
    try:
        async with asyncio.timeout(1):
            await noticed.asked.wait()
        # Until the question is on its way.
        await asyncio.sleep(0.05)
    except TimeoutError:
        pass
    try:
        yield noticed.asked.is_set()
    finally:
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)


@asynccontextmanager
async def _site(fault: str) -> AsyncIterator[str]:
    """A model server in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = get_context("spawn").Process(target=_serve, args=(port, fault), daemon=True)
    process.start()
    try:
        async with asyncio.timeout(30):
            while not await _answers(port):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await asyncio.to_thread(process.join)


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _serve(port: int, fault: str) -> None:
    async def serve() -> None:
        site = ChatSite(always=fault, speak=lambda _: "The gate let EURUSD through.")
        server: Any = await asyncio.start_server(site.serve, "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(serve())


def _say(taken: dict[str, Taken], symbols: int, load: float) -> None:
    alone = median(taken["none"].wall)
    cpu_alone = median(taken["none"].cpu)
    print(f"a cycle of {symbols} symbols × 5 strategies beside a language model, load {load:.1f}")
    for kind, found in taken.items():
        middle, late = median(found.wall), percentile(found.wall, 95)
        print(
            f"  {kind:<12}{len(found.wall):>4} cycles {middle * 1e3:8.1f} ms  p95 {late * 1e3:8.1f}"
            f" ms  {middle / alone:5.2f} × alone; CPU {median(found.cpu) * 1e3:7.1f} ms"
            f"  {median(found.cpu) / cpu_alone:5.2f} ×; asked beside {found.asked}"
        )
