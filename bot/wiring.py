"""Put the parts together: adapters chosen by the settings, use cases over them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.feed_settings import Outside
from bot.push_settings import server_of
from bot.settings import TELEGRAM, Settings
from bot.venues import Market, build_venue
from broker.binance.venue import BinanceBroker
from broker.feeds.recorded import RecordedMarket
from broker.mt5.venue import Mt5Broker
from broker.mt_bridge.venue import MtBridge
from broker.paper import PaperBroker
from broker.signal_push.server import HttpSignalServer
from engine.domain.market import Timeframe
from engine.flow.anchors import AnchorHistory
from engine.flow.approvals import ExpireIdeas
from engine.flow.execution import SendOrder
from engine.flow.feed_faults import FindFeedFaults
from engine.flow.feeds import PollFeeds
from engine.flow.flatten import PursueFlatten
from engine.flow.managing import ManagePositions
from engine.flow.notices import RemindOfHalt, SumUpQuietHours
from engine.flow.outcomes import FollowIdeas
from engine.flow.performance import ReadPerformance
from engine.flow.pipeline import RunCycle
from engine.flow.position_sending import ResolvePositionOrders, SendPositionOrder
from engine.flow.reconcile import ResolveOrders, SyncBroker
from engine.flow.recovery import Recover
from engine.flow.retention import RetireBundles
from engine.flow.terminal_watch import WatchTerminal
from engine.flow.terminal_wishes import Watched
from engine.flow.time_limits import CloseOnTime
from engine.flow.watch import Part, WatchHeartbeats
from engine.ports import Bell
from engine.snapshot.collect import Collect
from storage.anchors import AnchorFile
from storage.audit import PostgresAuditor
from storage.signals import Listener
from storage.transaction import PostgresStore


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is outside: the store, the market and the venue, as adapters."""

    store: PostgresStore
    anchors: AnchorFile
    market: Market
    broker: PaperBroker | MtBridge | Mt5Broker | BinanceBroker
    outside: Outside
    watched: Watched
    signals: Listener
    pace: timedelta
    waits: bool
    zone: ZoneInfo
    local_chat: bool
    remind_every: timedelta
    #: Where model signals are pushed; None when they are not.
    signal_server: HttpSignalServer | None

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
    send_position_order: SendPositionOrder
    resolve_position_orders: ResolvePositionOrders
    pursue_flatten: PursueFlatten
    sync_broker: SyncBroker
    follow_ideas: FollowIdeas
    anchor_history: AnchorHistory
    watch_heartbeats: WatchHeartbeats
    watch_terminal: WatchTerminal
    close_on_time: CloseOnTime
    manage_positions: ManagePositions
    recover: Recover
    retire_bundles: RetireBundles
    remind_of_halt: RemindOfHalt
    sum_up_quiet_hours: SumUpQuietHours
    poll_feeds: PollFeeds


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
        outside=venue.outside,
        watched=venue.watched,
        signals=signals,
        pace=timedelta(seconds=settings.market_pace_seconds),
        waits=settings.market_waits,
        zone=ZoneInfo(settings.broker_timezone),
        local_chat=settings.telegram_api_url != TELEGRAM,
        remind_every=timedelta(minutes=settings.halt_reminder_minutes),
        signal_server=server_of(settings) if settings.ea_push_enabled else None,
    )


def build_collect(world: World) -> Collect:
    """The one way a picture of the market is taken."""
    return Collect(
        market=world.market,
        calendar=world.outside.calendar,
        news=world.outside.news,
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
    resolve_position_orders = ResolvePositionOrders(store=store, broker=broker, bell=bell)
    sync_broker = SyncBroker(store=store, broker=broker, market=market, bell=bell, zone=world.zone)
    return Work(
        run_cycle=RunCycle(collect=collect, store=store, bell=bell, account_id=broker.account_id),
        send_order=SendOrder(collect=collect, store=store, broker=broker, bell=bell),
        expire_ideas=ExpireIdeas(store=store, market=market, bell=bell),
        resolve_orders=resolve_orders,
        send_position_order=SendPositionOrder(store=store, broker=broker, market=market, bell=bell),
        resolve_position_orders=resolve_position_orders,
        pursue_flatten=PursueFlatten(store=store, broker=broker, market=market, bell=bell),
        sync_broker=sync_broker,
        follow_ideas=FollowIdeas(store=store, market=market),
        anchor_history=build_anchor_history(world, bell),
        watch_heartbeats=build_watch(world, bell, "worker"),
        watch_terminal=WatchTerminal(store=store, account_id=broker.account_id),
        close_on_time=CloseOnTime(store=store, broker=broker, market=market, bell=bell),
        manage_positions=ManagePositions(store=store, broker=broker, market=market, bell=bell),
        recover=Recover(
            store=store,
            auditor=PostgresAuditor(anchors=world.anchors),
            market=market,
            resolve_orders=resolve_orders,
            resolve_position_orders=resolve_position_orders,
            sync_broker=sync_broker,
        ),
        retire_bundles=RetireBundles(store=store),
        remind_of_halt=RemindOfHalt(store=store, every=world.remind_every),
        sum_up_quiet_hours=SumUpQuietHours(store=store),
        poll_feeds=build_poll(world),
    )


def build_poll(world: World) -> PollFeeds:
    """What fetches the feeds of today's world."""
    outside = world.outside
    return PollFeeds(
        store=world.store,
        calendar=outside.calendar_feed,
        calendar_every=outside.calendar_every,
        news=outside.news_feeds,
        news_every=outside.news_every,
    )


def build_feed_faults(world: World) -> FindFeedFaults:
    """What finds the faults of those feeds."""
    feed = world.outside.calendar_feed
    return FindFeedFaults(
        store=world.store,
        kind=world.outside.kind,
        calendar=None if feed is None else feed.name,
        news=tuple(each.name for each in world.outside.news_feeds),
    )


def build_watch(world: World, bell: Bell, watch: str) -> WatchHeartbeats:
    """What looks for signs of life; ``watch`` names the process that looks."""
    return WatchHeartbeats(
        store=world.store,
        market=world.market,
        bell=bell,
        watch=watch,
        parts=world.parts,
        feeds=world.symbols if watch == "worker" else (),
    )
