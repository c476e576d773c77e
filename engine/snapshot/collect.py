"""See: everything a decision may rest on, gathered once and frozen."""

from dataclasses import dataclass

from engine.domain.account import Account, Position
from engine.domain.market import Timeframe
from engine.domain.snapshot import Bundle
from engine.domain.state import Control
from engine.errors import BrokerSilent, FeedError
from engine.ports import Broker, Calendar, MarketData, News, Store, Transaction
from engine.snapshot.indicators import WINDOW, compute
from engine.snapshot.valuation import worth


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
    broker: Broker
    store: Store

    async def __call__(self, symbol: str, timeframe: Timeframe) -> Bundle:
        # Our own orders are read before the venue's positions: one that is filled in between is
        # then counted twice and told apart by its id, never missed.
        async with self.store.begin() as tx:
            orders = await tx.orders.unproven()
            version, settings = await tx.settings.risk()
            strategies = await tx.settings.strategies()
            day = await tx.settings.day(self.broker.account_id)
            control = await tx.controls.read()
        account, positions = await self._account()
        instant = await self.market.instant()
        candles = await self.market.candles(symbol, timeframe, WINDOW)
        if len(candles) < 2:
            raise FeedError(f"there are only {len(candles)} {timeframe} candles of {symbol}")
        instrument = await self.market.instrument(symbol)
        indicators, before = compute(candles, digits=instrument.digits)
        quote = await self.market.quote(symbol)
        held = {position.client_id for position in positions}
        valued = await worth(
            self.market,
            {symbol, *(p.symbol for p in positions), *(o.symbol for o in orders)},
            account,
            instant=instant,
            oldest=settings.max_data_age_candles * timeframe.length,
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
            calendar=await self.calendar.around(instant),
            news=await self.news.latest(instant),
            account=account,
            day=day,
            positions=positions,
            orders=tuple(order for order in orders if order.client_id not in held),
            settings=settings,
            settings_version=version,
            strategies=strategies,
            control=control,
        )

    async def still_holds(self, tx: Transaction, bundle: Bundle, control: Control) -> bool:
        """Whether nothing we decide by has changed since the bundle was collected.

        Asked inside the transaction that acts on it: a pause, new limits, an edited strategy, or an
        order of somebody else's that the bundle has not seen make it an old picture.
        """
        held = {position.client_id for position in bundle.positions}
        seen = {(order.client_id, order.state) for order in bundle.orders}
        orders = await tx.orders.unproven()
        return (
            control.version == bundle.control.version
            and (await tx.settings.risk())[0] == bundle.settings_version
            and await tx.settings.strategies() == bundle.strategies
            and all((o.client_id, o.state) in seen for o in orders if o.client_id not in held)
        )

    async def _account(self) -> tuple[Account | None, tuple[Position, ...]]:
        try:
            return await self.broker.account(), await self.broker.positions()
        except BrokerSilent:
            return None, ()
