"""What ``ai-trader paper`` does: source 002's paper runs, their logs and the checklist.

It is the loop of the workers, with a database of its own under the home, over a file of candles or
at a venue's prices as they come. The place in the file and every decision are kept there, so that a
run that was stopped goes on where it was, and nothing is entered twice.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import jobs
from bot.bell import SilentBell
from bot.paper_record import Log, Record, bring, logs_in
from bot.processes import prepare, with_urls
from bot.reports import CLEAN, FAULTY, Say
from bot.settings import Settings
from bot.wiring import build_work
from bot.world import World, build_world, now
from engine.domain.order import OrderState
from engine.domain.state import Control, Mode, TradingState
from engine.errors import BrokerSilent, InvalidInput
from engine.flow.paper import MOST_LOSS
from engine.strategies.registry import load as load_setups
from storage.database import open_database
from storage.embedded import embedded_servers

_PAUSE_SECONDS = 1.0
#: A paper run has its own database, and no way to real money.
_OWN: dict[str, Any] = {
    "broker": "paper", "live_trading_enabled": False, "anchor_file": None,
    "database_url": None, "database_owner_url": None,
}  # fmt: skip


def _running() -> Control:
    """How a new paper account begins: it trades by itself."""
    return Control(
        state=TradingState.RUNNING, reason="demo", mode=Mode.AUTONOMOUS, changed_at=now()
    )


async def offline(
    settings: Settings, file: Path, *, export: Path | None, most: int | None, check: bool, say: Say
) -> int:
    """Play a file from where the last run stopped; 1 when the checklist finds something."""
    load_setups()
    home = settings.ai_trader_home / "paper"
    changes = {
        **_OWN, "paper_market": "recording", "market_recording": file, "ai_trader_home": home,
        "market_pace_seconds": 0.0, "market_waits": False,
    }  # fmt: skip
    async with embedded_servers(home, want_redis=False) as servers:
        settings = with_urls(
            settings.model_copy(update=changes),
            database_url=servers.database_url, database_owner_url=servers.owner_url,
        )  # fmt: skip
        await prepare(settings, control=_running())
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
        for line in bring(logs_in(export), record):
            say(line)
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
    record = Record()
    await record.go_on(world.store)
    return record


async def _check(ctx: dict[str, Any], record: Record, export: Path | None, say: Say) -> int:
    """Source 002's paper trading checklist."""
    world: World = ctx["world"]
    async with world.store.begin() as tx:
        _, settings = await tx.settings.risk()
    before = len((await record_of(world)).orders)
    await jobs.evaluate(ctx, *world.symbols[0])  # once more the same candle
    again = (await record_of(world)).orders
    logs = () if export is None else logs_in(export)
    found = {
        "signals and trades persist in the database": bool(record.signals and record.trades),
        "--export-csv made both logs": bool(logs) and all(log.path.exists() for log in logs),
        "the same candle once more enters nothing": len(again) == before
        and len(set(again)) == len(again),
        f"a daily loss of {settings.max_daily_loss_percent} % halts, at most {MOST_LOSS} %": (
            0 < settings.max_daily_loss_percent <= MOST_LOSS
        ),
        "no real money moves here": not world.broker.is_live,
    }
    for what, holds in found.items():
        say(f"{'✓' if holds else '✗'} {what}")
    return CLEAN if all(found.values()) else FAULTY


async def live(
    settings: Settings, *, export: Path | None, port: int | None, telegram: bool, say: Say
) -> None:
    """Run everything on paper at a venue's prices, in a database of its own, until cancelled."""
    from bot.embedded import run_all

    there = settings.broker if settings.broker != "paper" else settings.paper_market
    if there in ("paper", "recording"):
        raise InvalidInput(
            "whose prices? Set BROKER, or PAPER_MARKET, to oanda, binance, mt5 or mt_bridge and"
            " what that venue asks for: nothing is sent there. For a file: ai-trader paper"
            " --offline candles.csv"
        )
    changes: dict[str, Any] = {
        **_OWN, "paper_market": there, "ai_trader_home": settings.ai_trader_home / "paper-live",
        "redis_url": None, "ea_push_enabled": False,
    }  # fmt: skip
    if port is not None:
        changes["chat_port"] = port
    if not telegram:
        # Another process may answer there already.
        changes["telegram_bot_token"] = None
    say(f"PAPER at the prices of {there}: nothing is sent there")
    follow = Follow(say=say, logs=None if export is None else logs_in(export))
    await run_all(
        settings.model_copy(update=changes),
        demo=False, say=say, control=_running(), beside=follow,
    )  # fmt: skip


@dataclass(kw_only=True)
class Follow:
    """Keeps the logs equal to the record, and says how the account stands when that changes."""

    say: Say
    logs: tuple[Log, Log] | None
    _said: str = ""

    async def __call__(self, world: World) -> None:
        """Follow the record for ever."""
        record = Record()
        while True:
            if await record.go_on(world.store):
                lines = [] if self.logs is None else bring(self.logs, record)
                if not self._said:
                    for line in lines:
                        self.say(line)
                await self._stand(world, record)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _stand(self, world: World, record: Record) -> None:
        try:
            account, positions = await world.broker.account(), await world.broker.positions()
        except BrokerSilent as error:
            line = f"PAPER: the market does not answer: {error}"
        else:
            line = (
                f"PAPER: balance {account.balance} {account.currency}, equity {account.equity},"
                f" {len(positions)} open; {len(record.signals)} signals and"
                f" {len(record.trades)} closed trades on record"
            )
        if line != self._said:
            self.say(line)
            self._said = line
