"""What a person asks to see: how it stands now, today, an idea with its story, the history."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from uuid import UUID

from engine.domain.account import Account, Position, TradingDay, day_start
from engine.domain.approval import Approval
from engine.domain.decision import Action, Decision
from engine.domain.explanation import Explanation
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.market import Quote, Timeframe
from engine.domain.order import ClosedTrade, Order
from engine.domain.outcome import Outcome, Progress
from engine.domain.person import Role
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import Bundle
from engine.domain.state import Control
from engine.domain.values import quantize
from engine.errors import FeedError, NotFound
from engine.flow.glance import Glance
from engine.flow.latch import market_or_wall
from engine.flow.people import person_at_least
from engine.ports import MarketData, Store, Transaction
from engine.snapshot.indicators import WINDOW, compute

#: What the first judgement of a market can be, a strategy's or a person's.
JUDGED = (
    Action.AI_PROPOSED,
    Action.AI_AUTO_EXECUTED,
    Action.HUMAN_PROPOSED,
    Action.RISK_REJECTED,
    Action.NO_TRADE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A watched symbol now. ``atr`` and ``digits`` are in its prices; ``move_percent`` is how far
    its bid is from the open of the broker's day. What cannot be had is None.
    """

    symbol: str
    quote: Quote | None
    pip: Decimal
    digits: int
    atr: Decimal | None
    move_percent: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How it stands. ``account`` is None while the broker does not answer; ``age`` is how old it
    and the open trades are.
    """

    control: Control
    settings: RiskSettings
    account: Account | None
    positions: tuple[Position, ...]
    day: TradingDay | None
    watched: tuple[Watched, ...]
    waiting: int
    instant: datetime
    age: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadStatus:
    """The dashboard. ``person_id`` None is the command line on this machine."""

    store: Store
    broker: Glance
    market: MarketData
    symbols: tuple[tuple[str, Timeframe], ...]
    zone: tzinfo = UTC

    async def __call__(self, person_id: int | None) -> Status:
        async with self.store.begin() as tx:
            if person_id is not None:
                await person_at_least(tx, person_id, Role.VIEWER)
            control = await tx.controls.read()
            _, settings = await tx.settings.risk()
            day = await tx.settings.day(self.broker.account_id)
            waiting = len(await tx.ideas.pending())
        seen = await self.broker.look()
        instant = await market_or_wall(self.store, self.market)
        return Status(
            control=control,
            settings=settings,
            account=seen.account,
            positions=seen.positions,
            day=day,
            watched=await self.watch(instant),
            waiting=waiting,
            instant=instant,
            age=seen.age,
        )

    async def watch(self, instant: datetime | None = None) -> tuple[Watched, ...]:
        """The watched symbols, at an instant of the market or now."""
        instant = instant or await market_or_wall(self.store, self.market)
        watched = []
        for symbol, frame in self.symbols:
            # A terminal that has not connected yet shows no market; the rest still counts.
            with suppress(FeedError, NotFound):
                watched.append(await self._watched(symbol, frame, instant))
        return tuple(watched)

    async def _watched(self, symbol: str, timeframe: Timeframe, instant: datetime) -> Watched:
        instrument = await self.market.instrument(symbol)
        quote = await self.market.quote(symbol)
        atr = move = None
        try:
            candles = await self.market.candles(symbol, timeframe, WINDOW)
        except FeedError:
            candles = ()
        if len(candles) >= 2:
            atr = compute(candles, digits=instrument.digits)[0].atr_14
        opened = await self._opened(symbol, timeframe, day_start(instant, self.zone))
        if opened is not None and quote is not None:
            move = quantize((quote.bid - opened) / opened * 100, 2)
        return Watched(
            symbol=symbol,
            quote=quote,
            pip=instrument.pip,
            digits=instrument.digits,
            atr=atr,
            move_percent=move,
        )

    async def _opened(self, symbol: str, timeframe: Timeframe, start: datetime) -> Decimal | None:
        """The day's first price; None before its first candle has closed."""
        try:
            since = await self.market.candles_since(symbol, timeframe, start - timeframe.length)
        except FeedError:
            return None
        return next((candle.open for candle in since if candle.time >= start), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The broker's day: its trades and what was decided, by action or reason."""

    status: Status
    trades: Sequence[ClosedTrade]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadToday:
    """The broker's day so far, from midnight in its ``zone``."""

    store: Store
    read_status: ReadStatus
    zone: tzinfo = UTC

    @property
    def account_id(self) -> str:
        """The account whose day it is."""
        return self.read_status.broker.account_id

    async def __call__(self, person_id: int) -> Today:
        status = await self.read_status(person_id)
        start = day_start(status.instant, self.zone)
        async with self.store.begin() as tx:
            trades = await tx.orders.closed(since=start, limit=200)
            counts = await tx.history.count(JUDGED, start)
        return Today(status=status, trades=trades, counts=counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An idea with everything that became of it; ``decision`` is the record that proposed it,
    ``afterwards`` what the market did, whether it was traded or not, ``explanations`` what a
    language model said of it, by language.
    """

    idea: Idea
    approval: Approval | None
    order: Order | None
    trade: ClosedTrade | Position | None
    decision: Decision
    bundle: Bundle
    settings: RiskSettings
    afterwards: Progress | Outcome | None = None
    explanations: Sequence[Explanation] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadIdea:
    """One idea in full, by its id or by the number people say."""

    store: Store

    async def __call__(self, person_id: int, wanted: UUID | int) -> Story:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            return await story(tx, wanted)


async def story(tx: Transaction, wanted: UUID | int) -> Story:
    """The story of an idea, for whoever may know it."""
    by_number = isinstance(wanted, int)
    idea = await (tx.ideas.by_number(wanted) if by_number else tx.ideas.get(wanted))  # type: ignore[arg-type]
    order = await tx.orders.of_idea(idea.id)
    records = await tx.history.list(idea_id=idea.id, actions=JUDGED, limit=100)
    _, settings = await tx.settings.risk()
    return Story(
        idea=idea,
        approval=await tx.ideas.approval(idea.id),
        order=order,
        trade=await tx.orders.trade_of(order.client_id) if order else None,
        decision=records[-1],
        bundle=await tx.bundles.get(idea.bundle_hash),
        settings=settings,
        afterwards=await tx.outcomes.of_idea(idea.id),
        explanations=await tx.explanations.of_idea(idea.id),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListIdeas:
    """Ideas, newest first; with ``waiting`` only those that wait for a person."""

    store: Store

    async def __call__(self, person_id: int, *, waiting: bool, limit: int = 10) -> Sequence[Idea]:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            status = IdeaStatus.NEEDS_APPROVAL if waiting else None
            return await tx.ideas.list(status=status, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListHistory:
    """Records of the decision history, newest first, by symbol and action, in pages."""

    store: Store

    async def __call__(
        self,
        person_id: int | None,
        *,
        symbol: str | None = None,
        actions: Sequence[Action] = (),
        before: int | None = None,
        limit: int = 8,
    ) -> Sequence[Decision]:
        async with self.store.begin() as tx:
            if person_id is not None:
                await person_at_least(tx, person_id, Role.VIEWER)
            return await tx.history.list(symbol=symbol, actions=actions, before=before, limit=limit)
