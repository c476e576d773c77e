"""Look at everything trading needs, and name what is missing, the worst first."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from engine.domain.diagnosis import Finding, Level
from engine.domain.feed_fault import Fault, FeedFault, FeedRecord, Sight
from engine.domain.market import Timeframe
from engine.domain.person import Role
from engine.errors import BrokerSilent, FeedError
from engine.flow.feed_faults import FindFeedFaults
from engine.flow.feed_watch import look_at, over_limits
from engine.flow.people import person_at_least
from engine.flow.watch import in_session
from engine.ports import Broker, Calendar, LookLive, MarketData, News, Store
from engine.snapshot.valuation import worth

#: What only the surroundings know (processes, queues, rights), as findings.
Surroundings = Callable[[], Awaitable[Sequence[Finding]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnose:
    """What is wrong and what to know; empty when nothing is. ``person_id`` None is the terminal."""

    store: Store
    broker: Broker
    market: MarketData
    calendar: Calendar
    news: News
    feed_faults: FindFeedFaults
    symbols: tuple[tuple[str, Timeframe], ...]
    look_live: LookLive
    surroundings: Surroundings

    async def __call__(self, person_id: int | None) -> tuple[Finding, ...]:
        if person_id is not None:
            async with self.store.begin() as tx:
                await person_at_least(tx, person_id, Role.VIEWER)
        found = [
            *await self.surroundings(),
            *await self._venue(),
            *await self._books(),
            *await self._feeds(),
        ]
        return tuple(sorted(found, key=lambda finding: list(Level).index(finding.level)))

    async def _venue(self) -> list[Finding]:
        try:
            await self.broker.account()
        except BrokerSilent:
            account = self.broker.account_id
            return [Finding(code="broker_silent", level=Level.FAULT, facts={"account": account})]
        live = await self.look_live()
        if live is not None:
            facts: dict[str, str | int] = {"count": len(live.missing)}
            found = Finding(code="live_missing", level=Level.FAULT, facts=facts)
            return [] if live.may_trade else [found]
        return [] if self.broker.is_live else [Finding(code="paper", level=Level.NOTE)]

    async def _books(self) -> list[Finding]:
        """State, people, orders, strategies and the watch list, as stored."""
        async with self.store.begin() as tx:
            control = await tx.controls.read()
            people = await tx.people.list()
            unproven = [order for order in await tx.orders.unproven() if order.state == "unknown"]
            strategies = await tx.settings.strategies()
            _, settings = await tx.settings.risk()
        found = []
        if not any(person.role is Role.ADMIN for person in people):
            found.append(Finding(code="no_admin", level=Level.FAULT))
        if not control.may_open:
            state = Finding(code="stopped", level=Level.WARNING, facts={"state": control.state})
            found.append(state)
        if unproven:
            symbols = ", ".join(sorted({order.symbol for order in unproven}))
            facts: dict[str, str | int] = {"count": len(unproven), "symbols": symbols}
            found.append(Finding(code="unknown_orders", level=Level.FAULT, facts=facts))
        for symbol, timeframe in self.symbols:
            named: dict[str, str | int] = {"symbol": symbol, "timeframe": str(timeframe)}
            if not any(
                s.is_active and s.timeframe is timeframe and symbol in s.allowed_symbols
                for s in strategies
            ):
                found.append(Finding(code="no_strategy", level=Level.FAULT, facts=named))
            if symbol not in settings.watchlist:
                found.append(Finding(code="not_listed", level=Level.WARNING, facts=named))
        return found

    async def _feeds(self) -> list[Finding]:
        found: list[Finding] = []
        async with self.store.begin() as tx:
            now = await tx.now()
            kept = await tx.feed_memory.all()
            strategies = await tx.settings.strategies()
            _, settings = await tx.settings.risk()
        for symbol, timeframe in self.symbols:
            named: dict[str, str | int] = {"symbol": symbol, "timeframe": str(timeframe)}
            look = await look_at(
                self.market, symbol, timeframe, kept.get((symbol, timeframe), FeedRecord())
            )
            seen = look.faults
            if look.sight is not None and in_session(strategies, symbol, look.sight.instant):
                seen += over_limits(look.sight, settings)
            found += [_finding(fault, named) for fault in seen]
            if look.sight is not None:
                found += await self._rate(look.sight, symbol)
        try:
            instant = await self.market.instant()
        except FeedError:
            # Whose time cannot be told is named above; calendar and news are those of the wall's.
            instant = now
        view = await self.calendar.around(instant)
        found += await self.feed_faults(view, instant)
        if not await self.news.latest(instant):
            found.append(Finding(code="no_news", level=Level.NOTE))
        return found

    async def _rate(self, sight: Sight, symbol: str) -> list[Finding]:
        """Whether sizes can be counted in the account's currency at all, by however old a rate."""
        try:
            account = await self.broker.account()
            valued = await worth(
                self.market,
                {symbol},
                account,
                instant=sight.instant,
                oldest=timedelta.max,
                seen={} if sight.quote is None else {symbol: sight.quote},
            )
        except (BrokerSilent, FeedError):
            return []  # named above
        if symbol in valued.conversions:
            return []
        facts: dict[str, str | int] = {
            "symbol": symbol, "quote": sight.instrument.quote, "currency": account.currency,
        }  # fmt: skip
        return [Finding(code="no_rate", level=Level.FAULT, facts=facts)]


def _finding(fault: FeedFault, named: dict[str, str | int]) -> Finding:
    """A fault of the data; what only a limit refuses may be over in a moment."""
    level = Level.WARNING if fault.code in (Fault.OLD, Fault.WIDE) else Level.FAULT
    facts = {**named, "fault": str(fault.code), "seen": fault.seen, "limit": fault.limit}
    return Finding(code="data", level=level, facts=facts)
