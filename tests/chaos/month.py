"""A month of five symbols, traded by itself and replayed: here, elsewhere, and after a restart."""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from broker.feeds.no_news import NoNews
from broker.paper import PaperBroker
from engine.domain.decision import Decision
from engine.domain.market import Timeframe
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import CalendarEvent, CalendarView, Impact
from engine.domain.state import Control, Mode, TradingState
from engine.domain.strategy import Strategy
from engine.errors import SnapshotNotFound
from engine.flow.execution import SendOrder
from engine.flow.pipeline import RunCycle
from engine.flow.reconcile import SyncBroker
from engine.flow.replay import ReplayDecision
from engine.snapshot.collect import Collect
from engine.strategies.documents import shipped
from storage.database import open_database
from storage.embedded import embedded_servers
from storage.migrate import migrate
from storage.seed import seed
from storage.transaction import PostgresLedger, PostgresStore
from tests.chaos.alone import report
from tests.integration.conftest import START, RecordingBell
from tests.tapes import Tapes, five

#: Candles before the first that is judged.
_WARM = 650
_HOURS_A_DAY = 24

#: What is tried instead of the settings in force, and the checks it may change the result of.
WHAT_IFS: dict[str, tuple[dict[str, str], frozenset[str]]] = {
    "a higher floor": ({"confidence_floor": "100"}, frozenset(("confidence_floor",))),
    "no spread allowed": ({"max_spread_pips": "0.1"}, frozenset(("spread",))),
    "one trade in all": ({"max_concurrent_trades": "1"}, frozenset(("max_concurrent_trades",))),
    "the same settings": ({"max_drift_r": "0.25"}, frozenset()),
}


@dataclass
class Found:
    """What was run and what was found."""

    counts: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def add(self, name: str, count: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + count


class Releases:
    """The port ``Calendar``: a dollar release on every working day at 12:30."""

    async def around(self, instant: object) -> CalendarView:
        day = instant.replace(hour=12, minute=30, second=0, microsecond=0)  # type: ignore[attr-defined]
        events = tuple(
            CalendarEvent(
                time=day + timedelta(days=days), currency="USD", impact=Impact.HIGH, title="Claims"
            )
            for days in range(-1, 4)
        )
        return CalendarView(events=events, known_until=day + timedelta(days=7))


def strategies(symbols: tuple[str, ...]) -> list[Strategy]:
    """The shipped hourly strategies on every symbol."""
    return [
        replace(made, allowed_symbols=symbols)
        for made in shipped()
        if made.timeframe is Timeframe.H1
    ]


async def run(folder: Path, *, days: int) -> Found:
    """Trade so many days, then replay everything three times and try other settings."""
    found = Found()
    home = folder / "home"
    async with _open(home) as _:
        await _trade(found, hours=days * _HOURS_A_DAY)
        decisions = await _replay(found, "replayed in the same process")
        await _what_if(found, decisions)
    async with embedded_servers(home, fsync=False, want_redis=False) as servers:
        # The servers were stopped and started: another process reads what the first one wrote.
        command = [sys.executable, "-m", "bot", "replay", "--all"]
        ran = await asyncio.to_thread(
            subprocess.run,
            command,
            capture_output=True,
            text=True,
            env={"DATABASE_URL": servers.database_url, "AI_TRADER_HOME": str(folder / "cli")},
            cwd=Path(__file__).parents[2],
        )
        found.add("replayed by the command", int(ran.stdout.rsplit("\n", 2)[-2].split()[0]))
        if ran.returncode != 0:
            found.violations.append(f"the command answered {ran.stdout[-400:]}{ran.stderr[-400:]}")
    async with _open(home) as _:
        await _replay(found, "replayed after a restart")
    replayed = {count for name, count in found.counts.items() if name.startswith("replayed")}
    if len(replayed) != 1:
        found.violations.append(f"not every replay saw the same decisions: {sorted(replayed)}")
    return found


@asynccontextmanager
async def _open(home: Path) -> AsyncIterator[None]:
    async with embedded_servers(home, fsync=False, want_redis=False) as servers:
        await migrate(servers.owner_url, runtime_role="ai_trader")
        async with open_database(servers.database_url):
            yield


async def _trade(found: Found, *, hours: int) -> None:
    tapes = five()
    symbols = tuple(tapes)
    market, store, bell = Tapes(tapes, played=_WARM), PostgresStore(), RecordingBell()
    risk = RiskSettings(
        min_confidence_threshold=Decimal(60),
        max_spread_pips=Decimal(5),
        watchlist=symbols,
        max_daily_loss_percent=Decimal(50),
        max_drawdown_amount=Decimal(9_000),
        daily_profit_target=Decimal(0),
        max_concurrent_trades=8,
    )
    running = Control(
        state=TradingState.RUNNING, reason="month", mode=Mode.AUTONOMOUS, changed_at=START
    )
    await seed(strategies(symbols), risk, running)
    broker = PaperBroker(
        market=market, ledger=PostgresLedger(), timeframe=Timeframe.H1, account_id="month-1",
        starting_balance=Decimal(100_000),
    )  # fmt: skip
    collect = Collect(market=market, calendar=Releases(), news=NoNews(), broker=broker, store=store)  # type: ignore[arg-type]
    cycle = RunCycle(collect=collect, store=store, bell=bell, account_id=broker.account_id)
    send = SendOrder(collect=collect, store=store, broker=broker, bell=bell)
    sync = SyncBroker(store=store, broker=broker, market=market, bell=bell)
    await sync()
    for _ in range(hours):
        market.advance()
        await sync()
        _, missing = await cycle.over([(symbol, Timeframe.H1) for symbol in symbols])
        assert not missing
        found.add("evaluations", len(symbols))
        for job, *ids in bell.rung:
            if job == "send_order":
                await send(*ids)
        bell.rung.clear()
    async with store.begin() as tx:
        found.counts["trades closed"] = len(await tx.orders.closed(since=None, limit=100_000))


async def _replay(found: Found, name: str) -> list[Decision]:
    """Every decision of the history again, bit for bit."""
    store = PostgresStore()
    replay_decision = ReplayDecision(store=store)
    async with store.begin() as tx:
        decisions = list(await tx.history.list(limit=10_000_000))
    for decision in decisions:
        try:
            done = await replay_decision(decision.seq)
        except SnapshotNotFound:
            continue
        found.add(name)
        if done.differences:
            found.violations.append(f"decision {decision.seq} differs: {done.differences[:3]}")
    return decisions


async def _what_if(found: Found, decisions: list[Decision]) -> None:
    """Other settings change the checks they are about, and nothing else of an idea."""
    replay_decision = ReplayDecision(store=PostgresStore())
    ideas = [d for d in decisions if "outcome" in d.entry.detail and d.entry.idea_id is not None]
    for decision in ideas:
        for name, (changes, allowed) in WHAT_IFS.items():
            done = await replay_decision(decision.seq, changes)
            found.add("what-ifs")
            if done.differences or done.what_if is None:
                found.violations.append(f"decision {decision.seq} with {name}: {done.differences}")
                continue
            other = done.what_if.report
            if other is None:
                # A check before the signal closed: there would have been no idea at all.
                if "spread" not in allowed:
                    found.violations.append(f"decision {decision.seq} with {name}: no idea")
                continue
            assert done.report is not None
            pairs = zip(done.report.checks, other.checks, strict=True)
            moved = {str(was.code) for was, now in pairs if was != now}
            if not moved <= allowed:
                found.violations.append(f"decision {decision.seq} with {name} moved {moved}")


def main(arguments: list[str]) -> int:
    """The command's words after ``month``."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos month", description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    wanted = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ait-") as folder:
        Path(folder).chmod(0o711)
        found = asyncio.run(run(Path(folder), days=wanted.days))
    return report(found.counts, found.violations)
