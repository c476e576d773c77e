"""The real demo, all its processes' parts running, against a backtest over the same candles.

    python -m tests.chaos same-live --candles 200 --pace 1

The demo's installation is made to act by itself before it starts; nothing else is special about it.
What it decided and dealt must be what a backtest decides, line by line. A trade's end is written
down when the venue is next looked at, so that lines of one candle are compared in one order.
"""

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

from tortoise import connections

from bot.processes import demo_risk, prepare, with_urls
from bot.settings import Settings
from bot.world import World, build_world, now
from broker.feeds.recorded import shipped_recording
from broker.instruments import instrument
from broker.paper import PaperBroker
from broker.simulated import SimulatedVenue
from engine.domain.backtest import Resume
from engine.domain.market import Timeframe
from engine.domain.state import Control, Mode, TradingState
from engine.research.backtest import Backtest
from engine.research.columns import columns_of
from engine.research.eyes import Eyes, Rules
from engine.research.simulation import State
from engine.research.stream import recorded
from storage.database import open_database
from storage.embedded import embedded_servers
from storage.evaluations import _snapshot
from tests.chaos.alone import report
from tests.chaos.harness import ROOT, environment

_LONGEST = 1_200.0


def main(arguments: Sequence[str]) -> int:
    """Run, compare, and answer 1 when a line differs."""
    parser = argparse.ArgumentParser(prog="same-live")
    parser.add_argument("--candles", type=int, default=200)
    parser.add_argument("--pace", type=float, default=1.0)
    wanted = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ait-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "home"
        asyncio.run(_begin(home))
        _play(home, wanted.candles, wanted.pace)
        counts, live, tried = asyncio.run(_compare(home))
    wrong = [
        f"live {one[:300]!r}, backtest {two[:300]!r}"
        for one, two in zip(live, tried, strict=False)
        if one != two
    ]
    if len(live) != len(tried):
        wrong.append(f"{len(live)} lines live, {len(tried)} in the backtest")
    return report(counts, wrong[:10])


async def _begin(home: Path) -> None:
    """An installation as the demo makes it, but that acts by itself."""
    control = Control(
        state=TradingState.RUNNING, reason="demo", mode=Mode.AUTONOMOUS, changed_at=now()
    )
    async with embedded_servers(home, want_redis=False) as servers:
        settings = with_urls(
            Settings(ai_trader_home=home),
            database_url=servers.database_url, database_owner_url=servers.owner_url,
        )  # fmt: skip
        await prepare(settings, risk=demo_risk(), control=control)


def _play(home: Path, candles: int, pace: float) -> None:
    """The demo, from its start until so many candles may have been played, ended by Ctrl-C."""
    with (home.parent / "demo.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "demo", "--home", str(home), "--port", "0",
             "--pace", str(pace)],
            cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        time.sleep(min(10 + candles * pace, _LONGEST))
        process.send_signal(signal.SIGINT)
        process.wait(60)


async def _compare(home: Path) -> tuple[dict[str, Any], list[bytes], list[bytes]]:
    async with embedded_servers(home, want_redis=False) as servers:
        settings = with_urls(Settings(ai_trader_home=home), database_url=servers.database_url)
        async with open_database(servers.database_url):
            world = build_world(settings)
            try:
                return await _both(world)
            finally:
                await world.close()


async def _both(world: World) -> tuple[dict[str, Any], list[bytes], list[bytes]]:
    assert world.tape is not None
    recording = shipped_recording()
    async with world.store.begin() as tx:
        version, risk = await tx.settings.risk()
        strategies = await tx.settings.strategies()
        control = await tx.controls.read()
        decisions = await tx.history.list(limit=100_000)
    rows = await connections.get("default").execute_query_dict(
        "SELECT * FROM gate_snapshots ORDER BY id"
    )
    snapshots = [_snapshot(row) for row in rows]
    live = list(recorded(reversed(decisions), snapshots))
    first = min(seen.market_time for seen in snapshots)
    judged = max(seen.market_time for seen in snapshots)
    candles = [c for c in recording.candles if c.time + Timeframe.H1.length <= judged]
    start = next(n for n, c in enumerate(candles) if c.time + Timeframe.H1.length == first)
    columns = columns_of("EURUSD", Timeframe.H1, candles)
    known, broker = instrument("EURUSD"), world.broker
    assert isinstance(broker, PaperBroker)
    spread = Decimal(recording.spread_pips) * known.pip
    venue = SimulatedVenue(
        columns, known, spread=spread, terms=broker.terms, slippage_pips=broker.slippage_pips,
        starting_balance=broker.starting_balance,
    )  # fmt: skip
    eyes = Eyes(
        columns=columns, instrument=venue.market.facts, spread=spread,
        calendar=world.outside.calendar.whole,
        rules=Rules(strategies=strategies, settings=risk, settings_version=version, approves=False),
    )  # fmt: skip
    beginning = Control(
        state=TradingState.RUNNING, reason="demo", mode=Mode.AUTONOMOUS, changed_at=first
    )
    state = State(control=beginning, zone=UTC, resume=Resume.NEVER)
    ran = Backtest(eyes=eyes, venue=venue, state=state, start=start).run()
    counts = {
        "candles": len(candles) - start, "lines live": len(live),
        "ideas": sum(b'"idea"' in line for line in live),
        "trades": sum(b'"trade"' in line for line in live), "state at the end": control.state,
    }  # fmt: skip
    return counts, sorted(live, key=_moment), sorted(ran.stream, key=_moment)


def _moment(line: bytes) -> tuple[str, bytes]:
    told = json.loads(line)
    inner = told.get("trade") or told.get("order") or {}
    at = told.get("at") or (inner.get("closed_at") or inner.get("time") if inner else "")
    return str(at).replace("Z", "+00:00"), line
