"""``make bench``: run them all on a throw-away database; nothing is asserted.

Figures are from this machine in this run; only the ratios mean something elsewhere.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from time import perf_counter

import numpy as np
import talib

from bot.charts import Levels, draw
from bot.i18n import words_for
from bot.settings import Settings
from bot.wiring import build_talk, build_work, build_world
from broker.feeds.recorded import shipped_recording
from engine.domain.decision import Action, Entry
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, Mode, TradingState
from engine.flow.approvals import Choice
from engine.flow.judgement import consider
from engine.snapshot.indicators import WINDOW, compute
from engine.snapshot.parts import pack
from engine.strategies.documents import shipped
from storage.audit import PostgresAuditor
from storage.database import open_database
from storage.embedded import embedded_servers
from storage.migrate import migrate
from storage.seed import seed
from tests.benchmarks import bundles, replay
from tests.integration.conftest import ANN, START, Desk, RecordingBell


def report(name: str, seconds: float, limit: float, against: str) -> None:
    """One line: what it took, what it is held against, and the ratio."""
    print(f"{name:<44} {seconds * 1e3:9.2f} ms   {limit / seconds:7.1f} × faster than {against}")


async def timed(times: int, work: Callable[[], Awaitable[object]]) -> float:
    """The 95th percentile of some runs, in seconds."""
    taken = []
    for _ in range(times):
        start = perf_counter()
        await work()
        taken.append(perf_counter() - start)
    return sorted(taken)[int(len(taken) * 0.95) - 1]


def indicators() -> None:
    """Our indicators by pandas-ta against TA-Lib's C on the same window."""
    candles = shipped_recording().candles[:WINDOW]
    compute(candles, digits=5)
    start = perf_counter()
    for _ in range(50):
        compute(candles, digits=5)
    ours = (perf_counter() - start) / 50
    high, low, close = (
        np.array([float(getattr(c, name)) for c in candles]) for name in ("high", "low", "close")
    )
    start = perf_counter()
    for _ in range(50):
        talib.RSI(close), talib.EMA(close, 20), talib.EMA(close, 50), talib.MACD(close)
        talib.ATR(high, low, close), talib.ADX(high, low, close), talib.BBANDS(close, 20)
        talib.SMA(close, 50), talib.SMA(close, 200)
    peer = (perf_counter() - start) / 50
    print(f"{'indicators of one bundle':<44} {ours * 1e3:9.2f} ms   {ours / peer:7.0f} × TA-Lib")
    report("  the same, in a cycle of one second", ours, 1.0, "the cycle")


async def desk() -> Desk:
    """A desk in autonomous mode on an open database."""
    risk = RiskSettings(
        min_confidence_threshold=Decimal(0),
        max_daily_loss_percent=Decimal(90),
        max_drawdown_amount=Decimal(9_000),
        daily_profit_target=Decimal(0),
    )
    control = Control(
        state=TradingState.RUNNING, reason="bench", mode=Mode.SUPERVISED, changed_at=START
    )
    await seed(shipped(), risk, control)
    world = build_world(Settings(_env_file=None))  # type: ignore[call-arg]
    async with world.store.begin() as tx:
        await tx.people.save(ANN)
    bell = RecordingBell()
    return Desk(world, build_work(world, bell), build_talk(world, bell, claim_code=""), bell)


async def flow() -> None:
    """The steps a person or a market waits for, against the figures they are held to."""
    made = await desk()
    report("one cycle: two strategies, committed", await timed(60, made.next_candle), 1.0, "1 s")

    async def approve() -> None:
        await made.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)

    taps = []
    for _ in range(10):
        idea = await made.until_idea()
        taps.append(await timed(1, approve))
        await made.send_all()
    report("tap to committed decision, slowest of 10", max(taps), 1.0, "1 s")

    async def append() -> None:
        async with made.world.store.begin() as tx:
            await tx.history.append(
                Entry(
                    action=Action.SETTINGS_CHANGED, occurred_at=START, actor="bench",
                    rationale="x", detail={},
                )
            )  # fmt: skip

    start = perf_counter()
    await asyncio.gather(*(append() for _ in range(400)))
    rate = 400 / (perf_counter() - start)
    print(f"{'history appends by 10 writers':<44} {rate:9.0f} /s   {rate / 300:7.1f} × 300/s")
    start = perf_counter()
    records, _ = await PostgresAuditor().verify()
    each = (perf_counter() - start) / records
    report("verification of 100,000 records, by rate", each * 100_000, 10.0, "10 s")
    stop = await timed(1, lambda: made.talk.change_control.stop(None))
    report("emergency stop, committed", stop, 1.0, "1 s")


async def pure() -> None:
    """What needs no database."""
    made = await desk()
    bundle = await made.work.run_cycle.collect("EURUSD", made.world.market.recording.timeframe)
    strategy = bundle.strategies[0]
    start = perf_counter()
    for _ in range(200):
        consider(strategy, bundle)
    report("strategy, score and gate", (perf_counter() - start) / 200, 0.01, "10 ms")
    start = perf_counter()
    for _ in range(50):
        pack(bundle)
    report("bundle to canonical bytes and hash", (perf_counter() - start) / 50, 0.05, "50 ms")
    draw(bundle, Levels(), words_for("en"))
    start = perf_counter()
    for _ in range(10):
        draw(bundle, Levels(), words_for("en"))
    report("chart of a card", (perf_counter() - start) / 10, 0.5, "0.5 s")


async def main(folder: Path) -> None:
    """Everything, once."""
    async with embedded_servers(folder / "home", want_redis=False) as servers:
        await migrate(servers.owner_url, runtime_role="ai_trader")
        async with open_database(servers.database_url):
            await bundles.run(servers.owner_url)
            await replay.run()
            indicators()
            await pure()
            await flow()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="ait-") as made:
        Path(made).chmod(0o711)  # as root the servers run as nobody, who must get in
        asyncio.run(main(Path(made)))
