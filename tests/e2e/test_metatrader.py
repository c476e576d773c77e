"""From a tap in the chat to a deal in the terminal and back: the real dispatcher and the local
Telegram, the endpoint on a real socket, the shipped Expert Advisor, compiled.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from bot.endpoint import build_endpoint
from bot.settings import Settings
from bot.talk import build_talk
from bot.wiring import build_work
from bot.world import build_world
from broker.feeds.recorded import shipped_recording
from ea.answers import Pace
from ea.app import create_app
from engine.domain.idea import IdeaStatus
from engine.domain.market import Timeframe
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, TradingState
from engine.domain.terminal import Command
from engine.strategies.documents import shipped
from storage.seed import seed
from tests.conftest import Database
from tests.e2e.conftest import Chat, chat, label_of  # noqa: F401
from tests.e2e.test_positions_chat import answered, held, shown
from tests.integration.conftest import ANN, EVE, LUIS, START, Desk, RecordingBell
from tests.integration.test_ea_loop import Then
from tests.mql5.conftest import binary  # noqa: F401
from tests.mql5.host import Ea as Program
from tests.mql5.host import HttpAnswer, Socket
from tests.mql5.market import Release
from tests.mql5.terminal import Symbol, Terminal
from tests.mql5.world import INPUTS

D = Decimal
NAME = "EURUSD.vip"
#: In the shipped recording, the candle that makes the first idea.
_FIRST_IDEA, _LONG = 309, 300
_AHEAD = 7200


@dataclass
class Line(Socket):
    """A socket; what it brings of commands comes ``lag_s`` of the terminal's time late."""

    port: int
    terminal: Terminal
    lag_s: float = 0

    def __call__(
        self, path: str, headers: Mapping[str, str], body: bytes, timeout_ms: int
    ) -> HttpAnswer:
        answer = super().__call__(path, headers, body, timeout_ms)
        if b'"OPEN"' in answer.body:
            self.terminal.advance(self.lag_s)
        return answer


@dataclass
class Floor:
    """The desk with a terminal that works beside it."""

    desk: Desk
    then: Then
    terminal: Terminal
    line: Line
    program: Program
    failed: list[BaseException] = field(default_factory=list)

    async def work(self) -> None:
        """Timer events, as a terminal has them."""
        try:
            while True:
                await asyncio.to_thread(self.program.event, "OnTimer")
                self.terminal.advance(self.program.calls.timer_ms / 1000)
        except Exception as error:
            self.failed.append(error)
            raise

    async def until(self, true: Callable[[], Any]) -> Any:
        """Something the terminal brings about."""
        for _ in range(1500):
            assert not self.failed, self.failed
            if found := await true():
                return found
            await asyncio.sleep(0.01)
        raise AssertionError(f"it did not happen: {self.program.log[-5:]} {self.program.panel}")

    async def idea(self) -> Any:
        """The recorded market at its first idea, shown by the terminal and judged."""

        async def judged() -> Any:
            for decision in await self.desk.work.run_cycle("EURUSD", Timeframe.H1):
                if decision.entry.idea_id is not None:
                    async with self.desk.world.store.begin() as tx:
                        return await tx.ideas.get(decision.entry.idea_id)
            return None

        await self.until(self.mapped)
        idea = await judged()
        assert idea is not None
        assert idea.status is IdeaStatus.NEEDS_APPROVAL
        return idea

    async def mapped(self) -> bool:
        """Whether the terminal has shown its market and its account."""
        async with self.desk.world.store.begin() as tx:
            names = await tx.snapshots.mapped("live-1")
            if "EURUSD" not in names or await tx.snapshots.last("live-1") is None:
                return False
            candles = await tx.snapshots.candles("live-1", NAME, Timeframe.H1, count=_LONG)
            return len(candles) == _LONG

    async def commands(self, kind: str) -> list[Command]:
        """The commands of a type, the newest first."""
        async with self.desk.world.store.begin() as tx:
            found = await tx.commands.recent("live-1", 50)
        return [command for command in found if command.type == kind]

    async def level(self, name: str, price: Decimal) -> None:
        """Wait until the venue shows a stop or a target."""

        async def there() -> bool:
            (position,) = await self.desk.world.broker.positions()
            return getattr(position, name) == price

        await self.until(there)


def _bars() -> tuple[Any, list[tuple[float, ...]]]:
    """The last candle, and all as a broker keeps them."""
    candles = shipped_recording().candles[_FIRST_IDEA - _LONG : _FIRST_IDEA]
    rows = [
        (
            int(c.time.timestamp()) + _AHEAD,
            *map(float, (c.open, c.high, c.low, c.close)),
            c.volume,
        )
        for c in candles
    ]
    return candles[-1], rows


@pytest.fixture
async def desk(opened: Database) -> Desk:
    """A desk whose venue is a MetaTrader terminal."""
    control = Control(state=TradingState.RUNNING, reason="test", changed_at=START)
    risk = RiskSettings(min_confidence_threshold=D(60), daily_profit_target=D(0))
    await seed(shipped(), risk, control)
    world = build_world(Settings(  # type: ignore[call-arg]
        _env_file=None, broker="mt_bridge", account_id="live-1", ea_symbols="EURUSD:H1",
        database_url=opened.url,
    ))  # fmt: skip
    world = replace(world, market=replace(world.market, clock=Then()))  # type: ignore[type-var]
    async with world.store.begin() as tx:
        for person in (ANN, LUIS, EVE):
            await tx.people.save(person)
    bell = RecordingBell()
    work, talk = build_work(world, bell), build_talk(world, bell, claim_code="code-of-the-test")
    return Desk(world, work, talk, bell)


@pytest.fixture
async def floor(
    desk: Desk,
    opened: Database,
    binary: Path,  # noqa: F811
    tmp_path: Path,
) -> AsyncIterator[Floor]:
    """The desk, its endpoint, and the Expert Advisor in a terminal that is at work."""
    last, rows = _bars()
    terminal, then = Terminal(utc_offset=_AHEAD), desk.world.market.clock  # type: ignore[union-attr]
    then.at = last.time + timedelta(hours=1)
    terminal.now = then.at.timestamp()
    bid = float(last.close)
    terminal.add(Symbol(NAME, 5, bid, round(bid + 0.00008, 5)))
    terminal.bars[NAME] = rows
    terminal.quote(NAME, bid, round(bid + 0.00008, 5))
    terminal.balance = 10_000.0
    # A calendar without any release is no calendar.
    terminal.releases.append(Release(1, terminal.broker_time + 4 * 86_400, "GDP", importance=1))
    endpoint = build_endpoint(
        Settings(_env_file=None, database_url=opened.url),
        desk.world,
        desk.bell,  # type: ignore[call-arg]
    )
    endpoint = replace(endpoint, pace=Pace(hold_ms=0))
    async with TestServer(create_app(endpoint)) as server:
        assert server.port is not None
        line = Line(server.port, terminal)
        code, _ = await desk.talk.issue_code(ANN.id, await desk.talk.issue_code.mark())
        program = Program(binary, terminal, tmp_path, line, {**INPUTS, "InpConnectCode": code})
        made = Floor(desk, then, terminal, line, program)
        assert await asyncio.to_thread(program.event, "OnInit") == "0"
        working = asyncio.create_task(made.work())
        await made.until(made.mapped)
        yield made
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        program.kill()
        assert not made.failed


async def test_a_trade_is_approved_managed_and_closed_in_the_chat(
    floor: Floor,
    chat: Chat,  # noqa: F811
) -> None:
    idea = await floor.idea()
    await chat.tap(await chat.card(), "✅ Approve")
    (deal,) = floor.terminal.deals
    (position,) = floor.terminal.positions.values()
    assert (D(str(deal.volume)), position.sl) == (
        idea.sizing.volume, float(idea.proposal.stop_loss),
    )  # fmt: skip
    stamped = (await chat.card())["caption"]
    assert f"{idea.sizing.volume} lots filled at {deal.price}" in stamped

    async def visible() -> bool:
        return len(await floor.desk.world.broker.positions()) == 1

    await floor.until(visible)
    stop = (await held(chat)).stop_loss + D("0.00020")
    (asked,) = await chat.say(f"/stoploss {idea.number} {stop}")
    await chat.tap(asked, label_of(asked, "✔"))
    assert position.sl == float(stop)
    await floor.level("stop_loss", stop)
    target = D("1.10500")
    (asked,) = await chat.say(f"/target {idea.number} {target}")
    await chat.tap(asked, label_of(asked, "✔"))
    assert position.tp == float(target)
    await floor.level("take_profit", target)
    (listed,) = await chat.say("/positions")
    await chat.tap(listed, label_of(listed, "EURUSD"))
    assert str(target) in shown(chat, listed)["text"]
    (asked,) = await chat.say(f"/close {idea.number} half")
    news = await answered(chat, asked, "✔")
    left = position.volume
    assert 0 < left < float(idea.sizing.volume)
    assert any(str(left) in message.get("text", "") for message in news)

    async def halved() -> bool:
        return (await held(chat)).volume == D(str(left))

    await floor.until(halved)
    (asked,) = await chat.say(f"/close {idea.number}")
    await chat.tap(asked, label_of(asked, "✔"))
    assert "✅ done" in shown(chat, asked)["text"] or "confirmed" in shown(chat, asked)["text"]
    assert floor.terminal.positions == {}
    assert [d.entry for d in floor.terminal.deals] == [0, 1, 1]

    kinds = ("OPEN", "MOVE_SL", "SET_TP", "CLOSE")
    assert [len(await floor.commands(kind)) for kind in kinds] == [1, 1, 1, 2]


async def test_what_the_terminal_gets_too_late_is_not_done_and_the_card_says_so(
    floor: Floor,
    chat: Chat,  # noqa: F811
) -> None:
    await floor.idea()
    floor.line.lag_s = 16.0
    await chat.tap(await chat.card(), "✅ Approve")
    assert floor.terminal.deals == []
    (command,) = await floor.commands("OPEN")
    assert command.result is not None
    assert command.result.status == "expired"
    assert "expired" in (await chat.card())["caption"]


async def test_pause_resume_and_stop_reach_the_terminal(
    floor: Floor,
    chat: Chat,  # noqa: F811
) -> None:
    await floor.idea()

    async def paused() -> bool:
        return "PAUSED" in floor.program.panel

    async def ready() -> bool:
        return "READY" in floor.program.panel

    await floor.until(ready)
    await chat.say("/pause")
    await floor.until(paused)
    assert floor.terminal.deals == []
    await chat.say("/resume")
    await floor.until(ready)
    await chat.say("/stop")
    await floor.until(paused)
    assert (await floor.desk.talk.read_status(None)).control.state is TradingState.EMERGENCY_STOP
    assert floor.terminal.deals == []
