"""The real loop over a feed that can be spoilt: everything a worker does, in memory, by hand."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

from broker.feeds.fetched import FetchedCalendar
from broker.feeds.no_news import NoNews
from broker.feeds.recorded import shipped_recording
from broker.feeds.web import Web
from broker.feeds.weekly_calendar import WeeklyCalendar
from engine.domain.account import Account, TradingDay
from engine.domain.approval import Ending
from engine.domain.feed import CalendarKind
from engine.domain.idea import Idea
from engine.domain.market import Candle
from engine.domain.order import Fill, Order
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, Mode, TradingState
from engine.domain.strategy import ForbiddenConditions, RiskCaps, Side
from engine.errors import TraderError
from engine.flow.approvals import Choice, DecideIdea
from engine.flow.diagnosis import Diagnose
from engine.flow.execution import SendOrder
from engine.flow.feed_faults import FindFeedFaults
from engine.flow.feed_watch import WatchFeeds
from engine.flow.feeds import PollFeeds
from engine.flow.ideas import client_id
from engine.flow.pipeline import RunCycle
from engine.snapshot.collect import Collect
from tests.builders import strategy, window
from tests.chaos.feed_sources import (
    ACCOUNT,
    FRAME,
    HOUR,
    PERSON,
    SYMBOL,
    EaSource,
    Picture,
    Silence,
    Source,
    opened,
)
from tests.feed_server import Site, answer, only_here
from tests.memory import MemoryStore

MILLION = Decimal(1_000_000)
#: Enough for the usual range; fewer are read faster.
_SHOWN = 120
_GOOD_WEEKDAYS = (1, 2)
SETTINGS = RiskSettings(
    confidence_floor=Decimal(0), max_trades_per_direction=50, max_concurrent_trades=50,
    strategy_min_interval_seconds=0, strategy_dedup_ttl_seconds=0, strategy_daily_budget=1_000,
    strategy_rate_limit_per_min=100, max_drift_r=Decimal(5), idea_ttl_seconds=86_400,
    max_exposure_percent=Decimal(100_000), max_currency_exposure_percent=Decimal(100_000),
    daily_profit_target=Decimal(0),
)  # fmt: skip
#: Always wants to buy: whatever keeps it from an idea is the gate.
EAGER = strategy(
    entry={}, direction=Side.BUY, session_windows=(window("00:00", "23:59:59"),),
    forbidden_conditions=ForbiddenConditions(30, ("USD", "EUR"), ()),
    risk_caps=RiskCaps(Decimal(1), 50),
)  # fmt: skip


@dataclass
class Till:
    """The port ``Broker``, as far as it is asked here; ``sent`` are the orders that reached it."""

    source: Source
    sent: list[Order] = field(default_factory=list)
    account_id: str = ACCOUNT
    is_live: bool = False

    async def account(self) -> Account:
        return Account(
            id=ACCOUNT, currency="USD", balance=MILLION, equity=MILLION, margin_used=Decimal(0),
            margin_free=MILLION, open_profit=Decimal(0), captured_at=self.source.now,
        )  # fmt: skip

    async def positions(self) -> tuple[Any, ...]:
        return ()

    async def submit(self, order: Order) -> Fill:
        self.sent.append(order)
        return Fill(
            client_id=order.client_id,
            broker_id="1",
            price=Decimal(1),
            volume=order.volume,
            time=self.source.now,
        )


@dataclass
class Bench:
    """One loop over one source, and what was found of it."""

    source: Source
    till: Till
    collect: Collect
    cycle: RunCycle
    decide: DecideIdea
    send: SendOrder
    watch: WatchFeeds
    diagnose: Diagnose
    poll: PollFeeds
    site: Site
    truth: Sequence[Candle]
    place: int
    found: list[str] = field(default_factory=list)

    def picture(self) -> Picture:
        return Picture.of(list(self.truth[self.place - _SHOWN : self.place]))

    async def look(self, picture: Picture, page: str = "good") -> bool:
        """Take a picture in, with everything that goes on beside the loop."""
        taken = await self.source.show(picture)
        self.site.pages["/week.json"] = _page(page, picture.now)
        await self.poll()
        async with self.source.store.begin() as tx:
            day = TradingDay(
                account_id=ACCOUNT, day=self.source.now.date(), start_equity=MILLION,
                peak_equity=MILLION,
            )  # fmt: skip
            await tx.settings.save_day(day)
        await self.watch()
        await self.watch()
        return taken

    async def judge(self) -> Idea | None:
        """The loop on the last candle; its idea."""
        try:
            decisions, _ = await self.cycle.over([(SYMBOL, FRAME)])
        except TraderError:
            return None
        for decision in decisions:
            if decision.entry.idea_id is not None:
                async with self.source.store.begin() as tx:
                    return await tx.ideas.get(decision.entry.idea_id)
        return None

    async def tap(self, idea: Idea) -> bool:
        """Whether an Approve went through."""
        try:
            decided = await self.decide(
                idea.id, Choice.APPROVE, person_id=PERSON.id, chat_id=PERSON.chat_id or 0
            )
        except TraderError:
            return False
        return decided.approval.ending is Ending.APPROVED

    async def try_to_send(self, idea: Idea) -> bool:
        """Whether the approved order left."""
        before = len(self.till.sent)
        try:
            await self.send(client_id(ACCOUNT, idea.id))
        except TraderError:
            return False
        return len(self.till.sent) > before

    async def shown(self) -> set[str]:
        """What the doctor says of market data and calendar."""
        return {str(f.facts.get("fault", f.code)) for f in await self.diagnose(None)}


def _page(kind: str, now: datetime) -> bytes:
    """The calendar's address: the week of now, or what is wrong with it."""
    if kind in ("html", "missing", "unchanged"):
        html = answer(b"<html>Be right back</html>", Content_Type="text/html")
        status = {"missing": "404 Not Found", "unchanged": "304 Not Modified"}.get(kind)
        return answer(status=status) if status else html
    at = now - timedelta(days=7 * (kind == "old"))
    low = {"title": "Speech", "country": "CHF", "date": f"{at:%Y-%m-%d}T00:00:00+00:00",
           "impact": "Low", "forecast": "", "previous": ""}  # fmt: skip
    rows = {"empty": [], "malformed": [low, {"title": "half"}]}.get(kind, [low])
    return answer(json.dumps(rows).encode(), ETag=f'"{at:%Y%m%d%H}"')


@cache
def truth_of(kind: str) -> Sequence[Candle]:
    """The shipped recording; at an exchange without its weekends."""
    tape = shipped_recording().candles
    if kind != "exchange":
        return tape
    return [replace(candle, time=tape[0].time + i * HOUR) for i, candle in enumerate(tape)]


@asynccontextmanager
async def bench(kind: str, chance: Random, site: Site, *, web: bool) -> AsyncIterator[Bench]:
    """A loop at a random place of the middle of a week."""
    truth = truth_of(kind)
    place = chance.randrange(_SHOWN, len(truth) - 400)
    while truth[place].time.weekday() not in _GOOD_WEEKDAYS:
        place += 1
    now = truth[place - 1].time + HOUR
    store: Any = MemoryStore(lambda: now)
    async with store.begin() as tx:
        control = Control(
            state=TradingState.RUNNING, reason="test", mode=Mode.SUPERVISED, changed_at=now
        )
        await tx.controls.save(control)
        await tx.settings.save_risk(SETTINGS, by="test", reason="test")
        await tx.settings.save_strategy(EAGER, by="test", reason="test")
        await tx.people.save(PERSON)
    async with opened(kind, store, now) as source:
        store.clock, source.now = source.clock, now
        till: Any = Till(source)
        own = source.calendar if isinstance(source, EaSource) and not web else None
        url = site.url("/week.json")
        fetched = FetchedCalendar(store=store, source=url, max_age=timedelta(hours=24))
        feed = WeeklyCalendar(name=url, web=Web(permit=only_here))
        calendar, market, bell = own or fetched, source.market, Silence()
        collect = Collect(market=market, calendar=calendar, news=NoNews(), broker=till, store=store)
        watched = ((SYMBOL, FRAME),)
        yield Bench(
            source=source, till=till, collect=collect, site=site, truth=truth, place=place,
            cycle=RunCycle(collect=collect, store=store, bell=bell, account_id=ACCOUNT),
            decide=DecideIdea(collect=collect, store=store, bell=bell, account_id=ACCOUNT),
            send=SendOrder(collect=collect, store=store, broker=till, bell=bell),
            watch=WatchFeeds(store=store, market=market, bell=bell, symbols=watched),
            poll=PollFeeds(
                store=store, calendar=None if own else feed,
                calendar_every=timedelta(minutes=30), news=(), news_every=HOUR,
            ),
            diagnose=Diagnose(
                store=store, broker=till, market=market, calendar=calendar, news=NoNews(),
                symbols=watched, surroundings=_nothing, look_live=_no_real_money,
                feed_faults=FindFeedFaults(
                    store=store, news=(), calendar=None if own else url,
                    kind=CalendarKind.TERMINAL if own else CalendarKind.WEB,
                ),
            ),
        )  # fmt: skip


async def _nothing() -> Sequence[Any]:
    return ()


async def _no_real_money() -> None:
    return None
