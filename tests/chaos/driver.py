"""A worker and a person in one small process that may die at any instant; see ``plan``.

No chat and no queue: the tape is played, ideas are judged, taps go through the real inbox into the
real use cases, orders to a venue, and what a death left behind is recovered, as bot.jobs does it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from tortoise import connections

from bot.settings import Settings
from bot.talk import Talk, build_talk
from bot.wiring import Work, build_work
from bot.world import World, build_world, now
from broker.feeds.recorded import RecordedMarket, shipped_recording
from broker.paper import PaperBroker
from engine.domain.idea import Idea
from engine.domain.order import OrderState
from engine.domain.person import Person, Role
from engine.domain.position_orders import UNDER_WAY, PositionOrderState
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, Mode, TradingState
from engine.errors import BrokerSilent, IllegalMove
from engine.flow.approvals import Choice
from engine.strategies.documents import parse, strategy_id
from storage.database import open_database
from storage.seed import seed
from storage.transaction import PostgresLedger
from tests.chaos import defects, exits
from tests.chaos.defects import UNMASKED, DefectiveStore
from tests.chaos.new_ids import NewIds
from tests.chaos.traps import (
    Trap,
    TrappedAuditor,
    TrappedBroker,
    TrappedInbox,
    TrappedLedger,
    TrappedStore,
)
from tests.chaos.venue import FATES, WildVenue
from tests.chaos.venues import kind
from tests.chaos.venues.site import quote as show_quote

PERSON = 1001
START = 306
SETTLE_SECONDS = 0.15
_CHOICES = {"ok": Choice.APPROVE, "no": Choice.REJECT, "half": Choice.HALF}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One life of the driver: where it dies, which venue it has, what is wrong with it."""

    url: str
    place: str | None = None
    nth: int = 1
    venue: str = "paper"
    mode: str = "supervised"
    defect: str | None = None
    fate: str | None = None
    settle: bool = False
    seed: int = 0
    #: Where the venue's own server is, when it has one; see ``tests.chaos.venues``.
    told: Mapping[str, Any] | None = None


class Bell:
    """Rings into a list; the loop works it off as a worker would."""

    def __init__(self) -> None:
        self.orders: list[str] = []
        self.exits: list[str] = []

    async def ring(self, job: str, *ids: str) -> None:
        if job == "send_order":
            self.orders += ids
        elif job == "send_position_order":
            self.exits += ids


@dataclass
class Life:
    """The parts of one life."""

    plan: Plan
    world: World
    work: Work
    talk: Talk
    inbox: TrappedInbox
    trap: Trap
    bell: Bell
    tapped: set[int] = field(default_factory=set)


def always(way: str, stop: str = "5 pips") -> Any:
    """A strategy that always buys, or sells, for trades that last a candle or two."""
    document = {
        "name": f"Always {way}",
        "timeframe": "H1",
        "direction": way,
        "allowed_symbols": ["EURUSD"],
        "session_windows": [
            {
                "start": "00:00Z",
                "end": "23:59Z",
                "days": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
            }
        ],
        "entry_conditions": {"rsi_above": 0},
        "exit_rules": {"stop_loss": stop, "take_profit": "RR>=1"},
        "forbidden_conditions": {
            "block_high_impact_news_minutes": 0,
            "blocked_symbols_during_news": [],
        },
        "risk_caps": {"max_lot_size": 0.05, "max_concurrent_positions": 100},
        "rr_expectation": 1.0,
    }
    return parse(strategy_id(f"always-{way}"), json.dumps(document))


def loose() -> RiskSettings:
    """Limits that refuse next to nothing."""
    return replace(
        RiskSettings(),
        min_confidence_threshold=Decimal(0),
        confidence_floor=Decimal(0),
        max_lot_size=Decimal("0.05"),
        max_concurrent_trades=1000,
        halt_on_drawdown=False,
        stop_after_target=False,
        max_daily_loss_percent=Decimal(100),
        max_drift_r=Decimal(5),
        max_exposure_percent=Decimal(100_000),
    )


async def prepare(
    url: str, ways: Sequence[str] = ("buy", "sell"), mode: Mode = Mode.SUPERVISED
) -> None:
    """What an empty database gets: loose limits, simple strategies, a running control, Ann."""
    control = Control(state=TradingState.RUNNING, reason="chaos", mode=mode, changed_at=now())
    async with open_database(url, pool=2):
        await seed([always(way) for way in ways], loose(), control)
        async with TrappedStore(Trap()).begin() as tx:
            await tx.people.save(
                Person(id=PERSON, name="Ann", role=Role.ADMIN, language="en", chat_id=PERSON)
            )


def build(plan: Plan) -> Life:
    """The product's own wiring, with trapped adapters."""
    trap = Trap(plan.place, plan.nth)
    ledger = TrappedLedger(trap)
    store: Any = DefectiveStore(trap, plan.defect) if plan.defect else TrappedStore(trap)
    market = RecordedMarket(shipped_recording(), ledger, start=START)
    venue: Any = PaperBroker(market=market, ledger=ledger, timeframe=market.recording.timeframe)
    if plan.told is not None:
        # The venue's own books are no place of the traps: they are the real adapter's affair.
        venue = kind(plan.venue).broker(plan.told, store, PostgresLedger())
        if plan.defect in UNMASKED:
            venue = NewIds(inner=venue, ledger=PostgresLedger())
    elif plan.venue == "wild":
        venue = WildVenue(
            market=market,
            ledger=ledger,
            timeframe=market.recording.timeframe,
            chance=Random(plan.seed),
            fates=(plan.fate,) if plan.fate else FATES,
        )
    broker: Any = TrappedBroker(venue, trap, ledger)
    given = build_world(Settings(database_url=plan.url, market_pace_seconds=0))
    world = replace(given, store=store, market=market, broker=broker, pace=timedelta(0))
    bell = Bell()
    work = build_work(world, bell)
    resolve: Any = replace(work.resolve_orders, settle_seconds=SETTLE_SECONDS)
    resolve, send = _defective(plan.defect, resolve, work.send_order)
    leaving = exits.exits_of(plan, work)
    recover = replace(
        work.recover,
        resolve_orders=resolve,
        resolve_position_orders=leaving,
        auditor=TrappedAuditor(work.recover.auditor, trap),  # type: ignore[arg-type]
    )
    work = replace(
        work,
        resolve_orders=resolve,
        resolve_position_orders=leaving,
        send_order=send,
        recover=recover,
    )
    talk = build_talk(world, bell, claim_code="none")
    return Life(plan, world, work, talk, TrappedInbox(trap), trap, bell)


def _defective(defect: str | None, resolve: Any, send: Any) -> tuple[Any, Any]:
    resolvers: dict[str, Callable[[], Any]] = {
        "resend_after_restart": lambda: defects.ResolveByResend(resolve),
        "not_found_is_retried": lambda: defects.ResolveByRetry(resolve),
        "nobody_resolves": defects.ResolveNothing,
        "unknown_is_forgotten": lambda: defects.ForgetUnknown(resolve),
    }
    if defect in resolvers:
        return resolvers[defect](), send
    if defect == "record_after_send":
        return resolve, defects.SendThenRecord(send)
    return resolve, send


async def live(plan: Plan, ready: Callable[[], None]) -> None:
    """One life: recover, then trade until killed; or with ``settle`` until nothing is left."""
    async with open_database(plan.url, pool=3):
        life = build(plan)
        ready()
        await life.work.recover()
        if plan.settle:
            await _settle(life)
            return
        await _set_up(life)
        await _show_price(life)
        while True:
            await _sweep(life)
            await _play(life)
            await _patiently(life, _tap_all)
            await _patiently(life, _manage)


async def _patiently(life: Life, step: Callable[[Life], Awaitable[None]]) -> None:
    """What a person does waits for no venue: they look again later."""
    try:
        await step(life)
    except BrokerSilent:
        return


async def _manage(life: Life) -> None:
    await exits.manage(life, PERSON, tap)
    await _drain(life)


async def _show_price(life: Life) -> None:
    """A venue with a server of its own deals at the prices of the tape."""
    if life.plan.told is None:
        return
    quote = await life.world.market.quote("EURUSD")
    if quote is not None:
        await show_quote(life.plan.told, str(quote.bid), str(quote.ask))


async def _set_up(life: Life) -> None:
    """Running, in the mode of the plan."""
    async with life.world.store.begin() as tx:
        control = await tx.controls.read()
    if not control.may_open:
        await life.talk.change_control.resume(None)
    if control.mode != life.plan.mode:
        await life.talk.change_control.mode(None, Mode(life.plan.mode))


async def _sweep(life: Life) -> None:
    """As bot.jobs.sweep."""
    await _drain(life)
    if life.plan.defect != "only_the_bell_sends":
        async with life.world.store.begin() as tx:
            intents = await tx.orders.in_state(OrderState.INTENT)
            wanted = await tx.position_orders.in_state(PositionOrderState.INTENT)
        for exit_ in wanted:
            await life.work.send_position_order(exit_.client_id)
        for order in intents:
            await life.work.send_order(order.client_id)
    await life.work.resolve_position_orders()
    await life.work.resolve_orders()
    await _sync(life)
    await life.work.expire_ideas()


async def _sync(life: Life) -> None:
    """As bot.jobs.sync_broker: nothing is concluded from silence."""
    try:
        await life.work.sync_broker()
    except BrokerSilent:
        return


async def _play(life: Life) -> None:
    """As bot.jobs.ingest: the last candle is judged before the next is played."""
    await _judge(life)
    if await life.world.market.advance(now, timedelta(0)) is not None:
        life.trap.at("tape:advanced")
        await _show_price(life)
        await _sync(life)
        await _judge(life)


async def _judge(life: Life) -> None:
    for symbol, timeframe in life.world.symbols:
        last = await life.world.market.candles(symbol, timeframe, 1)
        async with life.world.store.begin() as tx:
            if await tx.evaluations.known(symbol, timeframe, last[-1].time):
                continue
        if life.plan.defect == "candle_claimed_before_it_is_judged":
            async with TrappedStore(Trap()).begin() as tx:
                await tx.evaluations.claim([(symbol, timeframe, last[-1].time)])
        await life.work.run_cycle(symbol, timeframe)
        await _send_rung(life)


async def _tap_all(life: Life) -> None:
    """The person answers every idea that waits: mostly yes, now and then otherwise."""
    async with life.world.store.begin() as tx:
        waiting = [await tx.ideas.get(idea_id) for idea_id in await tx.ideas.pending()]
    for idea in waiting:
        await _answer(life, idea)


async def _answer(life: Life, idea: Idea) -> None:
    kind = idea.number % 10
    if kind == 3:
        # Nobody answers: its time runs out.
        await connections.get("default").execute_query(
            "UPDATE approval SET expires_at = clock_timestamp() WHERE idea_id = $1", [idea.id]
        )
        await life.work.expire_ideas()
        return
    if kind == 5:
        await life.talk.change_control.pause(None)
    word = "no" if kind == 2 else "half" if kind == 4 else "ok"
    await tap(life.inbox, idea.number, f"v1:{word}:{idea.id.hex}")
    await _drain(life, send=kind != 6)
    if kind == 6:
        # Approved, and stopped before it is sent.
        await life.talk.change_control.stop(None)
    await _send_rung(life)
    if kind in (5, 6):
        await life.talk.change_control.resume(None)


async def tap(inbox: TrappedInbox, number: int, data: str) -> None:
    """A tap as Telegram delivers it; its number is the idea's, so a repeat is the same update."""
    query = {"id": str(number), "from": {"id": PERSON}, "data": data}
    await inbox.put(number, {"update_id": number, "callback_query": query})


async def _drain(life: Life, *, send: bool = True) -> None:
    """As bot.dispatcher.Answerer.drain."""
    for waiting in await life.inbox.waiting():
        update_id, document = waiting.update_id, waiting.document
        await life.inbox.begin(update_id)
        if life.plan.defect == "tap_done_before_it_is_handled":
            await life.inbox.done(update_id)
        _, word, hex_ = document["callback_query"]["data"].split(":")
        if word == exits.WORD:
            await exits.confirm(life, PERSON, hex_)
            await life.inbox.done(update_id)
            await exits.send(life)
            continue
        try:
            await life.talk.decide_idea(
                UUID(hex=hex_), _CHOICES[word], person_id=PERSON, chat_id=PERSON
            )
        except IllegalMove as error:
            await life.inbox.failed(update_id, repr(error))
        else:
            await life.inbox.done(update_id)
        if send:
            await _send_rung(life)


async def _send_rung(life: Life) -> None:
    while life.bell.orders:
        await life.work.send_order(life.bell.orders.pop(0))


async def _settle(life: Life) -> None:
    """Whatever is left is brought to an end; the defects stay."""
    # A terminal is told of a command again only when its lease is over.
    for _ in range(25 if life.plan.told is None else 400):
        try:
            await _sweep(life)
        except BrokerSilent:
            continue
        await asyncio.sleep(SETTLE_SECONDS)
        async with life.world.store.begin() as tx:
            left = [*await tx.orders.unproven()]
            for state in UNDER_WAY:
                left += await tx.position_orders.in_state(state)
        if not left and not await life.inbox.waiting():
            break
    await _judge(life)
    await _sweep(life)
    for _ in range(20):
        try:
            await life.work.sync_broker()
        except BrokerSilent:
            await asyncio.sleep(SETTLE_SECONDS)
            continue
        return
    raise AssertionError("a venue in calm weather does not answer")
