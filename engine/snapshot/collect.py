"""See: everything a decision may rest on, gathered once and frozen."""

from asyncio import gather
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from engine.domain.account import Account, Position, TradingDay
from engine.domain.feed_fault import FeedRecord
from engine.domain.live import UNSEEN, LiveView
from engine.domain.market import Candle, Instrument, Timeframe
from engine.domain.model import Approved, Prediction
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import Bundle, CalendarView, Frame, Headline, OpenOrder, PastIdea
from engine.domain.state import Control
from engine.domain.strategy import Strategy
from engine.errors import BrokerSilent, FeedError, NotFound
from engine.ports import (
    Books,
    Calendar,
    LookLive,
    ManyCandles,
    MarketData,
    News,
    Predict,
    Store,
    Transaction,
    Watch,
)
from engine.snapshot.indicators import WINDOW, compute
from engine.snapshot.valuation import worth
from engine.strategies.base import frames_needed

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What all symbols of a cycle share: our own books, the account, and the world's news."""

    instant: datetime
    orders: tuple[OpenOrder, ...]
    recent: tuple[PastIdea, ...]
    settings_version: int
    settings: RiskSettings
    strategies: tuple[Strategy, ...]
    day: TradingDay | None
    control: Control
    account: Account | None
    positions: tuple[Position, ...]
    calendar: CalendarView | None
    news: tuple[Headline, ...]
    live: LiveView | None
    feeds: Mapping[Watch, FeedRecord]
    models: Mapping[Watch, Approved]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """Freeze one snapshot bundle of a symbol.

    What cannot be had stays empty in the bundle (no account, no calendar, no quote): the gate
    refuses on it by name. Only missing candles raise :class:`FeedError`, because without them there
    is nothing to decide.
    """

    market: MarketData
    calendar: Calendar
    news: News
    broker: Books
    store: Store
    #: How a real account stands. Where nobody looks, nothing is known to hold.
    look_live: LookLive | None = None
    #: What the approved model says. Where nobody asks it, a bundle has no prediction.
    predict: Predict | None = None
    #: Candles without which there is nothing to look at.
    least: int = 2

    async def __call__(self, symbol: str, timeframe: Timeframe) -> Bundle:
        return await self.freeze(await self.survey(), symbol, timeframe)

    async def survey(self) -> Survey:
        """What a cycle needs once, however many symbols it looks at."""
        instant = await self.market.instant()
        # Our own orders are read before the venue's positions: one that is filled in between is
        # then counted twice and told apart by its id, never missed.
        async with self.store.begin() as tx:
            orders = await tx.orders.unproven()
            recent = await tx.ideas.recent(instant - _DAY, instant)
            version, settings = await tx.settings.risk()
            strategies = await tx.settings.strategies()
            day = await tx.settings.day(self.broker.account_id)
            control = await tx.controls.read()
            feeds = await tx.feed_memory.all()
            models = await tx.models.approved() if self.predict is not None else {}
        account, positions = await self._account()
        held = {position.client_id for position in positions}
        return Survey(
            instant=instant,
            orders=tuple(order for order in orders if order.client_id not in held),
            recent=recent,
            settings_version=version,
            settings=settings,
            strategies=strategies,
            day=day,
            control=control,
            account=account,
            positions=positions,
            calendar=await self.calendar.around(instant),
            news=await self.news.latest(instant),
            live=await self._live(),
            feeds=feeds,
            models=models,
        )

    async def candles_of(
        self, streams: Sequence[tuple[str, Timeframe]]
    ) -> Mapping[tuple[str, Timeframe], tuple[Candle, ...]]:
        """What bundles of these streams need, as far as the market reads many in one go."""
        # By its class: what only passes on what it does not know would say yes to anything.
        if not issubclass(type(self.market), ManyCandles):
            return {}
        return await cast(ManyCandles, self.market).candles_of(streams, WINDOW)

    async def freeze(
        self,
        survey: Survey,
        symbol: str,
        timeframe: Timeframe,
        candles: tuple[Candle, ...] | None = None,
    ) -> Bundle:
        """The bundle of one symbol; raises :class:`FeedError` without candles. Those that were read
        a moment ago are not read again.
        """
        instant = await self.market.instant()
        if candles is None:
            candles = await self.market.candles(symbol, timeframe, WINDOW)
        if len(candles) < self.least:
            raise FeedError(f"there are only {len(candles)} {timeframe} candles of {symbol}")
        # Both may be a venue's answers, which take their time.
        instrument, quote = await gather(self.market.instrument(symbol), self.market.quote(symbol))
        indicators, before = compute(candles, digits=instrument.digits)
        valued = await worth(
            self.market,
            {symbol, *(p.symbol for p in survey.positions), *(o.symbol for o in survey.orders)},
            survey.account,
            instant=instant,
            oldest=survey.settings.max_data_age_candles * timeframe.length,
            seen={} if quote is None else {symbol: quote},
        )
        return Bundle(
            symbol=symbol,
            timeframe=timeframe,
            instant=instant,
            candles=candles,
            indicators=indicators,
            indicators_before=before,
            quote=quote,
            instrument=instrument,
            conversion=valued.conversions.get(symbol),
            valuations=valued.valuations,
            calendar=survey.calendar,
            news=survey.news,
            account=survey.account,
            day=survey.day,
            positions=survey.positions,
            orders=survey.orders,
            settings=survey.settings,
            settings_version=survey.settings_version,
            strategies=survey.strategies,
            control=survey.control,
            frames=await self._frames(survey, symbol, timeframe, instrument),
            recent=survey.recent,
            live=survey.live,
            feed=survey.feeds.get((symbol, timeframe), FeedRecord()).memory,
            prediction=await self._prediction(survey, symbol, timeframe, candles),
        )

    async def still_holds(self, tx: Transaction, seen: Bundle | Survey, control: Control) -> bool:
        """Whether nothing we decide by has changed since it was collected.

        Asked inside the transaction that acts on it: a pause, new limits, an edited strategy, an
        order or an idea of somebody else's that was not seen make it an old picture.
        """
        if not await self.same_rules(tx, seen, control):
            return False
        held = {position.client_id for position in seen.positions}
        known = {(order.client_id, order.state) for order in seen.orders}
        orders = await tx.orders.unproven()
        return (
            all((o.client_id, o.state) in known for o in orders if o.client_id not in held)
            and await tx.ideas.recent(seen.instant - _DAY, seen.instant) == seen.recent
        )

    async def same_rules(self, tx: Transaction, seen: Bundle | Survey, control: Control) -> bool:
        """Whether state, mode, paused symbols, limits and strategies are those that were seen."""
        return (
            control.version == seen.control.version
            and (await tx.settings.risk())[0] == seen.settings_version
            and await tx.settings.strategies() == seen.strategies
        )

    async def _prediction(
        self, survey: Survey, symbol: str, timeframe: Timeframe, candles: Sequence[Candle]
    ) -> Prediction | None:
        model = survey.models.get((symbol, timeframe))
        if model is None or self.predict is None:
            return None
        return await self.predict(model, candles)

    async def _live(self) -> LiveView | None:
        if self.look_live is None:
            return UNSEEN if self.broker.is_live else None
        return await self.look_live()

    async def _account(self) -> tuple[Account | None, tuple[Position, ...]]:
        try:
            return await self.broker.account(), await self.broker.positions()
        except BrokerSilent:
            return None, ()

    async def _frames(
        self, survey: Survey, symbol: str, timeframe: Timeframe, instrument: Instrument
    ) -> tuple[Frame, ...]:
        """The longer timeframes that a strategy asks for; one that cannot be had is left out, and
        what looks there is then not met.
        """
        frames = []
        wanted = frames_needed(survey.strategies, symbol, timeframe)
        for longer in sorted(wanted, key=lambda frame: frame.length):
            try:
                candles = await self.market.candles(symbol, longer, WINDOW)
            except (FeedError, NotFound):
                continue
            if len(candles) < 2:
                continue
            now, before = compute(candles, digits=instrument.digits)
            frames.append(
                Frame(timeframe=longer, candles=candles, indicators=now, indicators_before=before)
            )
        return tuple(frames)
