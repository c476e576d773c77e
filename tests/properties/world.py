"""A small world in memory: the real use cases, a market and a venue moved by hand, five people."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from engine.domain.decision import Decision
from engine.domain.market import Timeframe
from engine.domain.person import Person, Role
from engine.domain.settings import RiskSettings, SettingsVersion
from engine.domain.state import Control, Mode, TradingState
from engine.domain.strategy import ExitRules, ForbiddenConditions, RiskCaps, Side, Strategy
from engine.errors import TraderError
from engine.flow.approvals import DecideIdea, ExpireIdeas
from engine.flow.execution import SendOrder
from engine.flow.halts import ChangeControl
from engine.flow.pipeline import RunCycle
from engine.flow.position_sending import ResolvePositionOrders
from engine.flow.reconcile import ResolveOrders, SyncBroker
from engine.flow.recovery import Recover
from engine.flow.settings import ChangeSettings
from engine.snapshot.collect import Collect
from tests.builders import strategy, window
from tests.memory import MemoryAuditor, MemoryStore
from tests.properties.market import SYMBOLS, Releases, Stage
from tests.properties.venue import Fate, Killed, Venue
from tests.properties.witness import Witness

T = TypeVar("T")
Doing = Callable[[], Awaitable[Any]]

ANN = Person(id=1, name="Ann", role=Role.ADMIN, chat_id=1)
LUIS = Person(id=2, name="Luis", role=Role.TRADER, chat_id=2)
EVE = Person(id=3, name="Eve", role=Role.VIEWER, chat_id=3)
SAM = Person(id=4, name="Sam", role=Role.PENDING, chat_id=4)
STRANGER = 99

#: Limits that can be met to the cent, and nothing in the way of an idea an hour.
SETTINGS = RiskSettings(
    min_confidence_threshold=Decimal(60),
    max_concurrent_trades=2,
    daily_profit_target=Decimal("500.00"),
    max_drawdown_amount=Decimal("400.00"),
    max_daily_loss_percent=Decimal(3),
    max_spread_pips=Decimal("2.5"),
    strategy_rate_limit_per_min=1_000,
    strategy_min_interval_seconds=0,
    strategy_dedup_ttl_seconds=0,
    strategy_daily_budget=10_000,
    watchlist=SYMBOLS,
)


def _one_way(number: int, side: Side) -> Strategy:
    """A strategy that always wants its side, with a stop of twenty pips and a target of forty."""
    return strategy(
        id=UUID(int=number),
        name=str(side),
        direction=side,
        allowed_symbols=SYMBOLS,
        session_windows=(window("00:00", "00:00"),),
        entry={"rsi_above": "-1"},
        exit_rules=ExitRules("20 pips", ("RR>=2",)),
        forbidden_conditions=ForbiddenConditions(60, ("USD", "EUR"), ()),
        risk_caps=RiskCaps(Decimal("1.0"), 2),
    )


STRATEGIES = (_one_way(1, Side.BUY), _one_way(2, Side.SELL))


class SilentBell:
    """The port ``Bell``: nobody is woken; the sweepers of the test find everything."""

    async def ring(self, job: str, *ids: str) -> None:
        return None


class World:
    """Use cases by name, and everything around them that can be moved."""

    def __init__(self, mode: Mode, strategies: Sequence[Strategy] = STRATEGIES) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda *_: None)  # of tasks whose process has died
        #: What comes in between at the so manyth point from now.
        self.ambush: tuple[int, Doing] | None = None
        #: Decides in a race who goes first; None while one thing is done after the other.
        self.chance: Random | None = None
        #: What was taken from the history, to be put back.
        self.lost_head: tuple[int, str] | None = None
        self.tampered: Decision | None = None
        self.store = MemoryStore(lambda: self.now)
        self.store.pause = self._pause
        self.witness = Witness(self.store)
        self.market = Stage(self.point)
        self.releases = Releases()
        self.venue = Venue(self.market, self.point, self.witness.submit)
        self._ports: dict[str, Any] = {
            "store": self.store,
            "market": self.market,
            "calendar": self.releases,
            "news": self.releases,
            "broker": self.venue,
            "bell": SilentBell(),
            "auditor": MemoryAuditor(self.store),
            "account_id": self.venue.account_id,
            "symbols": SYMBOLS,
        }
        self.collect = self._wired("collect", Collect)
        self.run_cycle = self._wired("run_cycle", RunCycle)
        self.decide_idea = self._wired("decide_idea", DecideIdea)
        self.expire_ideas = self._wired("expire_ideas", ExpireIdeas)
        self.send_order = self._wired("send_order", SendOrder)
        self.resolve_orders = self._wired("resolve_orders", ResolveOrders)
        self.sync_broker = self._wired("sync_broker", SyncBroker)
        self.change_control = self._wired("change_control", ChangeControl)
        self.change_settings = self._wired("change_settings", ChangeSettings)
        self._wired("resolve_position_orders", ResolvePositionOrders)
        self.recover = self._wired("recover", Recover)
        self.run(self._begin(mode, strategies))

    def _wired(self, name: str, kind: type[T]) -> T:
        """A use case with every port it names; the next ones may name it."""
        wanted: Any = fields(kind)  # type: ignore[arg-type]
        made = kind(**{f.name: self._ports[f.name] for f in wanted if f.name in self._ports})
        self._ports[name] = made
        return made

    async def _begin(self, mode: Mode, strategies: Sequence[Strategy]) -> None:
        control = Control(state=TradingState.RUNNING, reason="test", mode=mode, changed_at=self.now)
        async with self.store.begin() as tx:
            await tx.controls.save(control)
            await tx.settings.save_risk(SETTINGS, by="test", reason="test")
            for one in strategies:
                await tx.settings.save_strategy(one, by="test", reason="test")
            for person in (ANN, LUIS, EVE, SAM):
                await tx.people.save(person)
        await self.sync_broker()

    # letting others come in between

    async def point(self) -> None:
        """A place where somebody else may come in between."""
        if self.chance is not None:
            for _ in range(self.chance.randrange(4)):
                await asyncio.sleep(0)
        if self.ambush is None:
            return
        left, action = self.ambush
        if left > 0:
            self.ambush = (left - 1, action)
            return
        self.ambush = None
        await self.attempt(action())

    async def undisturbed(self, doing: Awaitable[Any]) -> None:
        """Before anything comes in between."""
        ambush, self.ambush = self.ambush, None
        await self.attempt(doing)
        self.ambush = ambush

    async def _pause(self, moment: str) -> None:
        if moment != "commit":
            await self.point()
        elif self.chance is not None:
            await asyncio.sleep(0)  # rows are locked here: others try, and wait

    async def attempt(self, doing: Awaitable[Any]) -> Any:
        """What came of it, or the error that a handler would have shown."""
        try:
            return await doing
        except TraderError as error:
            return error

    async def race(self, doings: list[Doing], chance: Random) -> None:
        """All at once, in an order that the chance decides point by point."""
        self.chance = chance
        try:
            await asyncio.gather(*(self.attempt(doing()) for doing in doings))
        finally:
            self.chance = None

    def run(self, doing: Coroutine[Any, Any, T]) -> T | None:
        """To its end, or to the death of the process; then nothing of it goes on."""
        try:
            return self.loop.run_until_complete(doing)
        except Killed:
            self.witness.seen["died"] += 1
            self.loop.run_until_complete(_bury())
            return None
        finally:
            self.ambush, self.chance = None, None

    def close(self) -> None:
        """The end of the world."""
        self.loop.run_until_complete(_bury())
        self.loop.close()

    # what the actions need to know

    def orders(self, *states: str) -> list[Any]:
        """Stored orders in some state, oldest first."""
        return [o for o in self.store.all("order") if not states or str(o.state) in states]

    def ideas(self, status: str = "needs_approval") -> list[Any]:
        """Stored ideas in a status, oldest first."""
        return [idea for idea in self.store.all("idea") if str(idea.status) == status]

    @property
    def settings(self) -> RiskSettings:
        """The settings in force."""
        settings: RiskSettings = self.settings_row.settings
        return settings

    @property
    def settings_row(self) -> SettingsVersion:
        """The version of the settings in force."""
        latest: SettingsVersion = max(self.store.all("settings"), key=lambda row: row.version)
        return latest

    @property
    def control(self) -> Control:
        """The trading state as committed."""
        control: Control = self.store.rows.tables["control"][1]
        return control

    async def die(self) -> None:
        """The process is killed."""
        raise Killed

    async def cycle(self, symbol: str) -> None:
        """Judge the last candle."""
        await self.run_cycle(symbol, Timeframe.H1)

    async def send_all(self) -> None:
        """What the sweeper does."""
        for order in self.orders("intent"):
            await self.attempt(self.send_order(order.client_id))

    def wait(self, seconds: float) -> None:
        """The wall's clock goes on."""
        self.now += timedelta(seconds=seconds)

    def next_fate(self, fate: Fate) -> None:
        """What becomes of the next order."""
        self.venue.fate = fate


async def _bury() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
