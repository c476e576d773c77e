"""A small world on a real database: the recorded market, the paper broker, three people."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from bot.settings import Settings
from bot.talk import Talk, build_talk
from bot.wiring import Work, build_work
from bot.world import World, build_world
from engine.domain.decision import Decision
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.person import Person, Role
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, Mode, TradingState
from engine.strategies.documents import shipped
from storage.database import open_database
from storage.embedded import Servers
from storage.seed import seed
from storage.transaction import PostgresStore
from tests.conftest import _TEMPLATE, Database, _named

START = datetime(2026, 1, 1, tzinfo=UTC)
ANN = Person(id=1001, name="Ann", role=Role.ADMIN, chat_id=1001)
LUIS = Person(id=1002, name="Luis", role=Role.TRADER, language="es", chat_id=1002)
EVE = Person(id=1003, name="Eve", role=Role.VIEWER, chat_id=1003)


_FURNISHED = "template_furnished"
#: The servers that have it: those of the run, once a desk was wanted.
_furnished: list[Servers] = []

#: The jobs that a desk does when they are rung for; the others are about the chat.
SENDS = ("send_order", "send_position_order", "flatten")


class RecordingBell:
    """Remembers what was rung."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, ...]] = []

    async def ring(self, job: str, *ids: str) -> None:
        self.rung.append((job, *ids))


@dataclass
class Desk:
    """Everything a test of the flow needs."""

    world: World
    work: Work
    talk: Talk
    bell: RecordingBell

    async def next_candle(self) -> tuple[Decision, ...]:
        """Play one candle, let the venue act on it, and judge it."""
        assert await self.world.market.advance(lambda: START, timedelta(0)) is not None
        await self.work.sync_broker()
        return await self.work.run_cycle("EURUSD", self.world.market.recording.timeframe)

    async def until_idea(self, status: IdeaStatus = IdeaStatus.NEEDS_APPROVAL) -> Idea:
        """Play candles until an idea with this status is made."""
        for _ in range(400):
            for decision in await self.next_candle():
                if decision.entry.idea_id is None:
                    continue
                async with self.world.store.begin() as tx:
                    idea = await tx.ideas.get(decision.entry.idea_id)
                if idea.status is status:
                    return idea
        raise AssertionError(f"no idea became {status} in 400 candles")

    @property
    def is_rung(self) -> bool:
        """Whether something waits that is sent to the venue."""
        return any(job in SENDS for job, *_ in self.bell.rung)

    async def send_all(self) -> None:
        """Do what was rung for, once, and what that rings for."""
        while self.bell.rung:
            job, *ids = self.bell.rung.pop(0)
            if job == "send_order":
                await self.work.send_order(*ids)
            elif job == "send_position_order":
                await self.work.send_position_order(*ids)
            elif job == "flatten":
                await self.work.pursue_flatten()

    async def change_risk(self, **values: object) -> None:
        """Put other limits in force."""
        async with self.world.store.begin() as tx:
            _, settings = await tx.settings.risk()
            await tx.settings.save_risk(replace(settings, **values), by="test", reason="test")  # type: ignore[arg-type]

    async def actions(self) -> list[str]:
        """The history's actions other than no-trades, oldest first."""
        async with self.world.store.begin() as tx:
            found = await tx.history.list(limit=10_000)
        return [str(d.entry.action) for d in reversed(found) if d.entry.action != "no_trade"]


@pytest.fixture
def mode() -> Mode:
    """Overridden by tests of the autonomous mode."""
    return Mode.SUPERVISED


@pytest.fixture
async def template(request: pytest.FixtureRequest, servers: Servers) -> str:
    """A supervised desk's database is a copy of one that is furnished: that is written once."""
    # Only the desk of this file has a mode.
    if "mode" not in request.fixturenames:
        return _TEMPLATE
    if request.getfixturevalue("mode") is not Mode.SUPERVISED:
        return _TEMPLATE
    if servers not in _furnished:
        owner = await asyncpg.connect(servers.owner_url)
        await owner.execute(f"CREATE DATABASE {_FURNISHED} TEMPLATE {_TEMPLATE}")
        await owner.close()
        async with open_database(_named(servers.database_url, _FURNISHED)):
            await _furnish(Mode.SUPERVISED)
        _furnished.append(servers)
    return _FURNISHED


@pytest.fixture
async def desk(opened: Database, template: str, mode: Mode) -> Desk:
    """A desk with trading on, at the demo's place in the recording."""
    return await (_sit_down() if template == _FURNISHED else seated(mode))


async def seated(mode: Mode = Mode.SUPERVISED) -> Desk:
    """The same on whatever database is open."""
    await _furnish(mode)
    return await _sit_down()


async def _furnish(mode: Mode) -> None:
    control = Control(state=TradingState.RUNNING, reason="test", mode=mode, changed_at=START)
    risk = RiskSettings(
        min_confidence_threshold=Decimal(60),
        daily_profit_target=Decimal(0),
        max_drawdown_amount=Decimal(5_000),
        max_daily_loss_percent=Decimal(50),
    )
    await seed(shipped(), risk, control)
    async with PostgresStore().begin() as tx:
        for person in (ANN, LUIS, EVE):
            await tx.people.save(person)


async def _sit_down() -> Desk:
    world = build_world(Settings(_env_file=None, market_start=306))  # type: ignore[call-arg]
    bell = RecordingBell()
    work, talk = build_work(world, bell), build_talk(world, bell, claim_code="code-of-the-test")
    await work.sync_broker()
    return Desk(world, work, talk, bell)


@pytest.fixture
async def web(desk: Desk) -> AsyncIterator[Any]:
    """The HTTP API over the desk."""
    # Here, not above: it needs what stands in this file.
    from tests.web import serve

    served = await serve(desk)
    yield served
    await served.close()
