"""The loop in memory over the shipped recording, strangers' texts in it, a model beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from broker.feeds.recorded import shipped_recording
from broker.instruments import instrument
from broker.paper import PaperBroker
from engine.domain.decision import Action
from engine.domain.market import Timeframe
from engine.domain.person import Person, Role
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import CalendarEvent, CalendarView, Headline, Impact
from engine.domain.state import Control, Mode, TradingState
from engine.errors import AnalystUnavailable
from engine.flow.execution import SendOrder
from engine.flow.explaining import ExplainIdeas, material_of
from engine.flow.pipeline import RunCycle
from engine.flow.reconcile import SyncBroker
from engine.ports import Analyst
from engine.snapshot.canonical import canonical, plain
from engine.snapshot.collect import Collect
from engine.strategies.documents import shipped
from tests.analyst.texts import LANGUAGES, Scene
from tests.fakes import HandMarket, MemoryLedger
from tests.integration.conftest import RecordingBell
from tests.memory import MemoryStore

SYMBOL, FRAME = "EURUSD", Timeframe.H1
RISK = RiskSettings(
    min_confidence_threshold=Decimal(60), daily_profit_target=Decimal(0),
    max_drawdown_amount=Decimal(5_000), max_daily_loss_percent=Decimal(50),
)  # fmt: skip


@dataclass
class Texts:
    """What strangers wrote, by where it stands."""

    headline: str = "Euro steady ahead of the data"
    release: str = "Claims"
    strategy: str = "EMA trend"
    question: str = ""


@dataclass
class World:
    """The loop. Its time is the market's, so that two runs can be compared; ``later`` is added."""

    played: int
    texts: Texts = field(default_factory=Texts)
    store: Any = None
    bell: RecordingBell = field(default_factory=RecordingBell)
    later: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        self.market = HandMarket(
            instrument(SYMBOL), recording()[: self.played], spread=Decimal("0.00012")
        )
        self.store = MemoryStore(self.now)
        self.broker = PaperBroker(
            market=self.market, ledger=MemoryLedger(), timeframe=FRAME, account_id="paper-1",
            starting_balance=Decimal(10_000),
        )  # fmt: skip
        collect = Collect(
            market=self.market,
            calendar=self,
            news=self,
            broker=self.broker,
            store=self.store,
        )
        self.cycle = RunCycle(
            collect=collect, store=self.store, bell=self.bell, account_id="paper-1"
        )
        self.send = SendOrder(collect=collect, store=self.store, broker=self.broker, bell=self.bell)
        self.sync = SyncBroker(
            store=self.store, broker=self.broker, market=self.market, bell=self.bell
        )

    def now(self) -> datetime:
        """The port ``Clock``."""
        return self.market.played[-1].time + FRAME.length + self.later

    async def around(self, instant: datetime) -> CalendarView:
        """The port ``Calendar``: a release that is far enough away."""
        event = CalendarEvent(
            time=instant.replace(minute=0) + timedelta(hours=9), currency="USD",
            impact=Impact.HIGH, title=self.texts.release,
        )  # fmt: skip
        return CalendarView(events=(event,), known_until=instant + timedelta(days=7))

    async def latest(self, instant: datetime) -> tuple[Headline, ...]:
        """The port ``News``."""
        return (Headline(time=instant, source="wire", text=self.texts.headline),)

    async def open(self, mode: Mode) -> None:
        """People of every language, the strategies, and trading on."""
        async with self.store.begin() as tx:
            for number, language in enumerate(LANGUAGES, start=1):
                await tx.people.save(
                    Person(id=number, name="A", role=Role.TRADER, chat_id=number, language=language)
                )
            await tx.settings.save_risk(RISK, by="test", reason="test")
            for made in shipped():
                if made.timeframe is FRAME and SYMBOL in made.allowed_symbols:
                    named = replace(made, name=self.texts.strategy[:60])
                    await tx.settings.save_strategy(named, by="test", reason="test")
            await tx.controls.save(
                Control(
                    state=TradingState.RUNNING, reason="test", mode=mode, changed_at=await tx.now()
                )
            )
        await self.sync()

    async def step(self) -> tuple[UUID, ...]:
        """The next candle: judged, and its orders sent. The ideas that were put forward."""
        self.market.close(recording()[len(self.market.played)])
        await self.sync()
        decisions = await self.cycle(SYMBOL, FRAME)
        rung, self.bell.rung = self.bell.rung, []
        for job, *ids in rung:
            if job == "send_order":
                await self.send(*ids)
        put = (Action.AI_PROPOSED, Action.AI_AUTO_EXECUTED)
        return tuple(
            d.entry.idea_id for d in decisions if d.entry.idea_id and d.entry.action in put
        )

    async def explain(self, analyst: Analyst) -> tuple[UUID, ...]:
        """What the job beside the loop does."""
        return await ExplainIdeas(store=self.store, analyst=analyst, bell=self.bell)()

    async def scene(self, idea_id: UUID) -> Scene:
        """An idea with all that may be said of it."""
        async with self.store.begin() as tx:
            found = await material_of(tx, idea_id)
            return Scene(found.idea, await tx.bundles.get(found.idea.bundle_hash), found.evidence)

    async def record(self) -> bytes:
        """Everything that was decided, sent and stored, but what was said in words."""
        async with self.store.begin() as tx:
            decisions = await tx.history.list(limit=10_000)
        entries = [
            plain(each.entry)
            for each in reversed(decisions)
            if each.entry.action is not Action.IDEA_EXPLAINED
        ]
        tables = {
            name: [plain(row) for row in self.store.all(name)]
            for name in ("idea", "approval", "order", "position", "gate snapshot")
        }
        hashes = sorted(self.store.bundle_names.values())
        return canonical([entries, tables, hashes])


class Silent:
    """An ``Analyst`` that is not there."""

    def __init__(self, reason: str = "unreachable") -> None:
        self.reason = reason

    async def complete(self, conversation: Any) -> Any:
        raise AnalystUnavailable(self.reason)

    async def stream(self, conversation: Any) -> Any:
        raise AnalystUnavailable(self.reason)
        yield


@cache
def recording() -> Sequence[Any]:
    return tuple(shipped_recording().candles)
