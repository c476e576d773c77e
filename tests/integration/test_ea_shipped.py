"""The shipped Expert Advisor, compiled, against the real endpoint over a real socket."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from broker.mt_bridge.venue import MtBridge
from ea.answers import Pace
from engine.domain.terminal import CommandType, Draft
from engine.ports import Found
from tests.integration.ea import ACCOUNT, Bridge, bridge  # noqa: F401
from tests.integration.test_ea_trading import Desk
from tests.mql5.conftest import binary  # noqa: F401
from tests.mql5.host import Ea as Program
from tests.mql5.host import Socket
from tests.mql5.terminal import Symbol, Terminal
from tests.mql5.world import INPUTS


@pytest.fixture
def terminal() -> Terminal:
    """A simulated trade server with gold."""
    made = Terminal()
    gold = Symbol("GOLD", 2, 2400.0, 2400.3, contract=100.0, stops_level=50, filling=2, base="XAU")
    made.add(gold)
    return made


async def test_the_shipped_program_registers_shows_trades_and_closes(
    bridge: Bridge,  # noqa: F811
    binary: Path,  # noqa: F811
    terminal: Terminal,
    tmp_path: Path,
) -> None:
    # Its clock is simulated: what waits on the real one would only take time.
    object.__setattr__(bridge.endpoint, "pace", Pace(hold_ms=0))
    inputs = {**INPUTS, **_connect(INPUTS, await bridge.code())}
    port = bridge.client.server.port
    assert port is not None
    program = Program(binary, terminal, tmp_path, Socket(port), inputs)
    venue = MtBridge(
        store=bridge.store, signals=bridge.signals, account_id=ACCOUNT, patience_seconds=20
    )

    async def until(true: Callable[[], Any]) -> Any:
        """Timer events until something is true."""
        for _ in range(400):
            if found := await true():
                return found
            await asyncio.to_thread(program.event, "OnTimer")
            terminal.advance(program.calls.timer_ms / 1000)
        raise AssertionError(f"not within 400 events: {program.log[-5:]}, {program.panel}")

    async def served(work: Any) -> Any:
        task = asyncio.ensure_future(work)
        await until(lambda: asyncio.sleep(0, task.done()))
        return await task

    try:
        assert await asyncio.to_thread(program.event, "OnInit") == "0"

        async def mapped() -> bool:
            async with bridge.store.begin() as tx:
                names = await tx.snapshots.mapped(ACCOUNT)
                return "XAUUSD" in names and bool(await tx.snapshots.symbols(ACCOUNT, ["GOLD"]))

        await until(mapped)
        desk = Desk(bridge, None, venue, [], [])  # type: ignore[arg-type]
        order = desk.order()
        made = {"stop_loss": order.stop_loss, "take_profit": order.take_profit}
        assert made["stop_loss"] < 2400 < max(made["take_profit"])
        order = desk.order(take_profit=(order.take_profit[1] + 20, order.take_profit[1] + 30))
        fill = await served(venue.submit(order))
        assert fill.volume == order.volume
        assert len(terminal.positions) == 2
        assert await venue.look_up(order.client_id) == Found(fill)

        async def held() -> bool:
            return len(await venue.positions()) == 2

        await until(held)
        first, *_ = await venue.positions()
        assert first.stop_loss == order.stop_loss
        change = await served(venue.close(first.id, volume_left=first.volume * 0, client_id="ap-1"))
        assert change.volume_left == 0
        assert len(terminal.positions) == 1
        pause = Draft(id="pause-x", account_id=ACCOUNT, type=CommandType.PAUSE)
        await bridge.put(pause)
        await until(lambda: _finished(bridge, "pause-x"))
    finally:
        program.kill()


async def _finished(bridge: Bridge, name: str) -> bool:  # noqa: F811
    async with bridge.store.begin() as tx:
        command = await tx.commands.get(name)
    return command is not None and command.result is not None


def _connect(inputs: dict[str, str], code: str) -> dict[str, str]:
    """The input that holds the connect code, with another one."""
    (name,) = [key for key, value in inputs.items() if value == "CODE-0001"]
    return {name: code}
