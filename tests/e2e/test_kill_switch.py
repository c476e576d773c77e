"""The halt from the terminal, with Redis stopped and a Telegram that does not exist."""

# ruff: noqa: ASYNC110 -- what is waited for happens in another process

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from engine.domain.idea import Idea
from engine.domain.order import OrderState
from engine.domain.state import TradingState
from engine.flow.approvals import Choice
from storage.embedded import embedded_servers
from storage.models import HeartbeatRow, OrderRow, OutboxRow
from tests.chaos import harness
from tests.conftest import Database
from tests.integration.conftest import ANN, Desk, desk, mode  # noqa: F401

NOWHERE = "http://127.0.0.1:9"


@contextmanager
def worker(environ: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker that has to do without; it is ended with the block."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "worker", "--name", "w"],
            cwd=harness.ROOT,
            env=harness.environment(**environ),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def beaten(name: str, times: int = 1) -> None:
    """Wait until something has shown that it is alive so many times more."""
    for _ in range(times):
        row = await HeartbeatRow.get_or_none(name=name)
        async with asyncio.timeout(30):
            while (now := await HeartbeatRow.get_or_none(name=name)) is None or (
                row is not None and now.at == row.at
            ):
                await asyncio.sleep(0.05)


async def queue(desk: Desk, idea: Idea, count: int) -> list[str]:  # noqa: F811
    """Approved orders that have not left: one as people made it, and copies of it."""
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    async with desk.world.store.begin() as tx:
        order = await tx.orders.of_idea(idea.id)
        assert order is not None
        idea = await tx.ideas.get(idea.id)
        for number in range(1, count):
            copy = await tx.ideas.add(replace(idea, id=UUID(int=number)))
            assert await tx.orders.add(replace(order, client_id=f"copy-{number}", idea_id=copy.id))
        return [order.client_id for order in await tx.orders.in_state(OrderState.INTENT)]


async def test_halt_from_the_terminal_needs_neither_redis_nor_telegram(
    desk: Desk,  # noqa: F811
    database: Database,
    tmp_path: Path,
) -> None:
    home = tmp_path / "redis"
    environ = {
        "DATABASE_URL": database.url,
        "TELEGRAM_BOT_TOKEN": "700000003:token-of-the-test",
        "TELEGRAM_API_URL": NOWHERE,
        "MARKET_PACE_SECONDS": "86400",
        "AI_TRADER_HOME": str(tmp_path / "home"),
    }
    idea = await desk.until_idea()
    async with AsyncExitStack() as stack:
        async with embedded_servers(home, want_postgres=False) as redis:
            environ["REDIS_URL"] = redis.redis_url
            process = stack.enter_context(worker(environ, tmp_path / "worker.log"))
            await beaten("worker:w")
            await beaten("broker:paper-1", 2)
        # Redis is gone from here on.
        orders = await queue(desk, idea, 5)
        assert len(orders) == 5
        done = await asyncio.to_thread(harness.command, "halt", **environ)
        assert (done.returncode, done.stderr) == (0, "")
        assert "EMERGENCY STOP" in done.stdout
        states = await OrderRow.filter(client_id__in=orders).values_list("state", flat=True)
        assert list(states) == ["cancelled"] * 5
        control = (await desk.talk.read_status(None)).control
        assert (control.state, control.changed_by) == (TradingState.EMERGENCY_STOP, "cli")
        assert (await desk.actions())[-6:] == ["ai_halted", *["order_cancelled"] * 5]
        assert await OutboxRow.filter(kind="halt").count() == 3

        # Redis comes back to a worker that lived on, and nothing leaves any more.
        async with embedded_servers(home, want_postgres=False):
            await beaten("broker:paper-1", 2)
            assert process.poll() is None
        assert await desk.world.broker.positions() == ()
        assert "order_sending" not in await desk.actions()
