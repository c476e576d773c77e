"""What ``ai-trader paper`` does: source 002's offline paper run, its logs and its checklist.

It is the loop of the workers over a file of candles, with a database of its own under the home: the
place in the file and every decision are kept there, so that a run that was stopped goes on where it
was, and nothing is entered twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot import jobs
from bot.backtesting import SIGNALS, TRADES, table
from bot.bell import SilentBell
from bot.processes import prepare, with_urls
from bot.reports import CLEAN, FAULTY, Say
from bot.settings import Settings
from bot.wiring import build_work
from bot.world import World, build_world, now
from engine.domain.decision import Action
from engine.domain.order import OrderState
from engine.domain.state import Control, Mode, TradingState
from engine.strategies.registry import load as load_setups
from storage.database import open_database
from storage.embedded import embedded_servers

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = 1_000_000
_IDEAS = (Action.AI_AUTO_EXECUTED, Action.AI_PROPOSED, Action.RISK_REJECTED)
#: Source 002: trading halts at a loss of so many percent in a day.
_DAILY_LOSS = 3


@dataclass(frozen=True, slots=True)
class Record:
    """What the database holds of a run: rows of the two logs, and orders by idea."""

    signals: Sequence[Sequence[object]]
    trades: Sequence[Sequence[object]]
    orders: Sequence[str]


async def offline(
    settings: Settings, file: Path, *, export: Path | None, most: int | None, check: bool, say: Say
) -> int:
    """Play a file from where the last run stopped; 1 when the checklist finds something."""
    load_setups()
    home = settings.ai_trader_home / "paper"
    changes = {
        "broker": "paper", "market_recording": file, "ai_trader_home": home, "anchor_file": None,
        "market_pace_seconds": 0.0, "market_waits": False, "live_trading_enabled": False,
        "database_url": None, "database_owner_url": None,
    }  # fmt: skip
    async with embedded_servers(home, want_redis=False) as servers:
        settings = with_urls(
            settings.model_copy(update=changes),
            database_url=servers.database_url, database_owner_url=servers.owner_url,
        )  # fmt: skip
        control = Control(
            state=TradingState.RUNNING, reason="demo", mode=Mode.AUTONOMOUS, changed_at=now()
        )
        await prepare(settings, control=control)
        async with open_database(servers.database_url):
            world = build_world(settings)
            try:
                return await _run(world, export, most, check=check, say=say)
            finally:
                await world.close()


async def _run(
    world: World, export: Path | None, most: int | None, *, check: bool, say: Say
) -> int:
    assert world.tape is not None
    ctx = {"world": world, "work": build_work(world, SilentBell())}
    total = len(world.tape.recording.candles)
    first = played = await world.tape.played()
    say(f"{world.tape.recording.name}: from candle {first} of {total}")
    while played < total and (most is None or played - first < most):
        await step(ctx)
        played = await world.tape.played()
    record = await record_of(world)
    say(f"{played - first} candles played, {total - played} left")
    say(f"{len(record.signals)} signals and {len(record.trades)} closed trades on record")
    if export is not None:
        _export(export, record, say)
    return await _check(ctx, record, export, say) if check else CLEAN


async def step(ctx: dict[str, Any]) -> None:
    """One candle: judged, and what was decided is sent."""
    world: World = ctx["world"]
    await jobs.ingest(ctx)
    async with world.store.begin() as tx:
        waiting = await tx.orders.in_state(OrderState.INTENT)
    for order in waiting:
        await jobs.send_order(ctx, order.client_id)


async def record_of(world: World) -> Record:
    """Read the record, the oldest first."""
    async with world.store.begin() as tx:
        decisions = await tx.history.list(limit=_MOST)
        closed = await tx.orders.closed(since=_EPOCH, limit=_MOST)
        ids = sorted({trade.client_id for trade in closed if trade.client_id is not None})
        orders = {order.client_id: order for order in await tx.orders.many(ids)}
        names = {str(each.id): each.name for each in await tx.settings.strategies()}
    signals, entered = [], []
    for decision in reversed(decisions):
        entry = decision.entry
        if entry.action is Action.ORDER_FILLED:
            entered.append(str(entry.idea_id))
        if entry.action not in _IDEAS or "outcome" not in entry.detail:
            continue
        idea = entry.detail["outcome"]["evaluation"]["proposal"]
        signals.append(
            (
                entry.market_time and entry.market_time.isoformat(), entry.symbol,
                names.get(str(entry.strategy_id), ""), idea["direction"], idea["entry"],
                idea["stop_loss"], " ".join(idea["take_profit"]), entry.confidence_score,
                entry.risk_check_result,
            )
        )  # fmt: skip
    trades = []
    for trade in reversed(closed):
        order = orders.get(trade.client_id or "")
        risk = abs(trade.entry_price - order.stop_loss) if order else None
        moved = (trade.exit_price - trade.entry_price) * trade.direction.sign
        trades.append(
            (
                trade.opened_at.isoformat(), trade.closed_at.isoformat(), trade.symbol,
                names.get(order.strategy_id, "") if order else "", trade.direction, trade.volume,
                trade.entry_price, trade.exit_price, trade.profit,
                f"{moved / risk:.2f}" if risk else "", trade.reason, trade.gross, trade.commission,
                trade.swap, trade.position_id,
            )
        )  # fmt: skip
    return Record(signals, trades, entered)


def _export(folder: Path, record: Record, say: Say) -> None:
    """Both logs out of the record: what was written before stands in it too, once."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, head, rows in (
        ("signals_log.csv", SIGNALS, record.signals),
        ("trades_log.csv", TRADES, record.trades),
    ):
        (folder / name).write_bytes(table(head, rows))
        say(f"{folder / name}: {len(rows)} rows")


async def _check(ctx: dict[str, Any], record: Record, export: Path | None, say: Say) -> int:
    """Source 002's paper trading checklist."""
    world: World = ctx["world"]
    async with world.store.begin() as tx:
        _, settings = await tx.settings.risk()
    before = len((await record_of(world)).orders)
    await jobs.evaluate(ctx, *world.symbols[0])  # once more the same candle
    again = (await record_of(world)).orders
    logs = ("signals_log.csv", "trades_log.csv")
    found = {
        "signals and trades persist in the database": bool(record.signals and record.trades),
        "--export-csv made both logs": export is not None
        and all((export / name).exists() for name in logs),
        "the same candle once more enters nothing": len(again) == before
        and len(set(again)) == len(again),
        f"a daily loss of {settings.max_daily_loss_percent} % halts, at most {_DAILY_LOSS} %": (
            0 < settings.max_daily_loss_percent <= _DAILY_LOSS
        ),
        "no real money moves here": not world.broker.is_live,
    }
    for what, holds in found.items():
        say(f"{'✓' if holds else '✗'} {what}")
    return CLEAN if all(found.values()) else FAULTY
