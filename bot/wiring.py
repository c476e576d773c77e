"""Put the parts together: adapters chosen by the settings, use cases over them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from bot.settings import TELEGRAM, Settings
from bot.venues import build_venue, new_code
from broker.feeds.no_news import NoNews
from broker.feeds.recorded import RecordedMarket
from broker.feeds.terminal import TerminalMarket
from broker.mt_bridge.venue import MtBridge
from broker.paper import PaperBroker
from engine.domain.market import Timeframe
from engine.flow.anchors import AnchorHistory
from engine.flow.approvals import DecideIdea, ExpireIdeas
from engine.flow.diagnosis import Diagnose
from engine.flow.execution import SendOrder
from engine.flow.halts import ChangeControl
from engine.flow.market import ReadMarket
from engine.flow.outcomes import FollowIdeas, ReadCalibration, ReadMirror
from engine.flow.overview import ListHistory, ListIdeas, ReadIdea, ReadStatus, ReadToday
from engine.flow.people import ChangeLanguage, FindPerson, Join
from engine.flow.performance import ReadPerformance
from engine.flow.pipeline import RunCycle
from engine.flow.reconcile import ResolveOrders, SyncBroker
from engine.flow.recovery import Recover
from engine.flow.replay import ReplayDecision
from engine.flow.retention import RetireBundles
from engine.flow.settings import ChangeSettings, ReadSettings
from engine.flow.terminal_wishes import Watched
from engine.flow.terminals import DisconnectTerminal, IssueCode, ReadTerminals
from engine.flow.watch import Part, WatchHeartbeats
from engine.ports import Bell, Calendar
from engine.snapshot.collect import Collect
from storage.anchors import AnchorFile
from storage.audit import PostgresAuditor
from storage.signals import Listener
from storage.surroundings import surroundings
from storage.transaction import PostgresStore


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is outside: the store, the market and the venue, as adapters."""

    store: PostgresStore
    anchors: AnchorFile
    market: RecordedMarket | TerminalMarket
    broker: PaperBroker | MtBridge
    calendar: Calendar
    watched: Watched
    signals: Listener
    pace: timedelta
    waits: bool
    zone: ZoneInfo
    local_chat: bool

    @property
    def parts(self) -> tuple[Part, ...]:
        """What has to show that it is alive: workers watch the world, the bot watches them."""
        return (
            Part(name="broker", heartbeat=f"broker:{self.broker.account_id}", watch="worker"),
            *(
                Part(name="feed", heartbeat=f"feed:{symbol}", watch="worker")
                for symbol, _ in self.symbols
            ),
            Part(name="worker", heartbeat="worker", watch="bot", demotes=False),
        )

    @property
    def symbols(self) -> tuple[tuple[str, Timeframe], ...]:
        """What is watched."""
        return self.watched.streams

    @property
    def tape(self) -> RecordedMarket | None:
        """The recording that has to be moved on; None for a market that moves by itself."""
        return self.market if isinstance(self.market, RecordedMarket) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The use cases a worker runs."""

    run_cycle: RunCycle
    send_order: SendOrder
    expire_ideas: ExpireIdeas
    resolve_orders: ResolveOrders
    sync_broker: SyncBroker
    follow_ideas: FollowIdeas
    anchor_history: AnchorHistory
    watch_heartbeats: WatchHeartbeats
    recover: Recover
    retire_bundles: RetireBundles


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """The use cases a person reaches through the chat; each is a handler's argument by its name."""

    find_person: FindPerson
    join: Join
    change_language: ChangeLanguage
    decide_idea: DecideIdea
    change_control: ChangeControl
    read_settings: ReadSettings
    change_settings: ChangeSettings
    watch_heartbeats: WatchHeartbeats
    read_status: ReadStatus
    read_market: ReadMarket
    diagnose: Diagnose
    read_today: ReadToday
    read_idea: ReadIdea
    list_ideas: ListIdeas
    list_history: ListHistory
    replay_decision: ReplayDecision
    read_calibration: ReadCalibration
    read_mirror: ReadMirror
    read_performance: ReadPerformance
    issue_code: IssueCode
    read_terminals: ReadTerminals
    disconnect_terminal: DisconnectTerminal


def now() -> datetime:
    """The wall's clock: the one place that reads it."""
    return datetime.now(UTC)  # noqa: TID251


def build_world(settings: Settings) -> World:
    """The adapters; the database must be open before they are used."""
    store, signals = PostgresStore(), Listener(settings.database_url or "")
    venue = build_venue(settings, store, signals, now)
    return World(
        store=store,
        anchors=AnchorFile(settings.anchor_path),
        market=venue.market,
        broker=venue.broker,
        calendar=venue.calendar,
        watched=venue.watched,
        signals=signals,
        pace=timedelta(seconds=settings.market_pace_seconds),
        waits=settings.market_waits,
        zone=ZoneInfo(settings.broker_timezone),
        local_chat=settings.telegram_api_url != TELEGRAM,
    )


def build_collect(world: World) -> Collect:
    """The one way a picture of the market is taken."""
    return Collect(
        market=world.market,
        calendar=world.calendar,
        news=NoNews(),
        broker=world.broker,
        store=world.store,
    )


def build_performance(world: World) -> ReadPerformance:
    """How trading went; the chat shows it and the courier draws it."""
    return ReadPerformance(
        store=world.store, broker=world.broker, market=world.market, zone=world.zone
    )


def build_anchor_history(world: World, bell: Bell) -> AnchorHistory:
    """What notes outside where the history stands."""
    return AnchorHistory(store=world.store, anchors=world.anchors, bell=bell)


def build_work(world: World, bell: Bell) -> Work:
    """The use cases of a worker."""
    store, broker, market = world.store, world.broker, world.market
    collect = build_collect(world)
    resolve_orders = ResolveOrders(store=store, broker=broker, bell=bell)
    sync_broker = SyncBroker(store=store, broker=broker, market=market, bell=bell, zone=world.zone)
    return Work(
        run_cycle=RunCycle(collect=collect, store=store, bell=bell, account_id=broker.account_id),
        send_order=SendOrder(collect=collect, store=store, broker=broker, bell=bell),
        expire_ideas=ExpireIdeas(store=store, market=market, bell=bell),
        resolve_orders=resolve_orders,
        sync_broker=sync_broker,
        follow_ideas=FollowIdeas(store=store, market=market),
        anchor_history=build_anchor_history(world, bell),
        watch_heartbeats=_watch(world, bell, "worker"),
        recover=Recover(
            store=store,
            auditor=PostgresAuditor(anchors=world.anchors),
            market=market,
            resolve_orders=resolve_orders,
            sync_broker=sync_broker,
        ),
        retire_bundles=RetireBundles(store=store),
    )


def _watch(world: World, bell: Bell, watch: str) -> WatchHeartbeats:
    return WatchHeartbeats(
        store=world.store,
        market=world.market,
        bell=bell,
        watch=watch,
        parts=world.parts,
        feeds=world.symbols if watch == "worker" else (),
    )


def build_talk(world: World, bell: Bell, *, claim_code: str) -> Talk:
    """The use cases of the chat."""
    store = world.store
    read_status = ReadStatus(
        store=store,
        broker=world.broker,
        market=world.market,
        symbols=world.symbols,
        zone=world.zone,
    )
    collect = build_collect(world)
    return Talk(
        find_person=FindPerson(store=store),
        join=Join(store=store, claim_code=claim_code),
        change_language=ChangeLanguage(store=store),
        decide_idea=DecideIdea(
            collect=collect,
            store=store,
            bell=bell,
            account_id=world.broker.account_id,
        ),
        change_control=ChangeControl(
            store=store,
            market=world.market,
            broker=world.broker,
            bell=bell,
            symbols=tuple(symbol for symbol, _ in world.symbols),
            parts=world.parts,
            zone=world.zone,
        ),
        read_settings=ReadSettings(store=store),
        change_settings=ChangeSettings(store=store, market=world.market, bell=bell),
        watch_heartbeats=_watch(world, bell, "bot"),
        read_status=read_status,
        read_market=ReadMarket(collect=collect, symbols=world.symbols),
        diagnose=Diagnose(
            store=store,
            broker=world.broker,
            market=world.market,
            calendar=collect.calendar,
            news=collect.news,
            symbols=world.symbols,
            surroundings=partial(surroundings, local_chat=world.local_chat),
        ),
        read_today=ReadToday(store=store, read_status=read_status, zone=world.zone),
        read_idea=ReadIdea(store=store),
        list_ideas=ListIdeas(store=store),
        list_history=ListHistory(store=store),
        replay_decision=ReplayDecision(store=store),
        read_calibration=ReadCalibration(store=store),
        read_mirror=ReadMirror(store=store),
        read_performance=build_performance(world),
        issue_code=IssueCode(store=store, account_id=world.broker.account_id, new_code=new_code),
        read_terminals=ReadTerminals(store=store, is_used=world.tape is None),
        disconnect_terminal=DisconnectTerminal(store=store),
    )
