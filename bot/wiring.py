"""Put the parts together: the use cases over the adapters that the settings chose."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from os import getpid
from socket import gethostname
from time import perf_counter

from bot.analyst_settings import build_analyst
from bot.changing import Changes, build_changes, build_suggest
from bot.ingesting import Ingestion, build_ingestion
from bot.lexicon import lexicons
from bot.modelling import build_generate_signal, build_retrain
from bot.provider_settings import build_provider
from bot.world import World, now
from engine.flow.analyst_budget import ForgetAnswers
from engine.flow.anchors import AnchorHistory
from engine.flow.approvals import ExpireIdeas
from engine.flow.ask.answer import Ask
from engine.flow.ask.lookups import LookUp
from engine.flow.briefs import QueueBriefs, ReadBrief
from engine.flow.execution import SendOrder
from engine.flow.executor import ExecuteCommands
from engine.flow.explaining import ExplainIdeas
from engine.flow.feed_faults import FindFeedFaults
from engine.flow.feed_watch import WatchFeeds
from engine.flow.feeds import PollFeeds
from engine.flow.flatten import PursueFlatten
from engine.flow.generating import GenerateSignal
from engine.flow.glance import Glance
from engine.flow.halts import ChangeControl
from engine.flow.live import ReadLive
from engine.flow.managing import ManagePositions
from engine.flow.models import Retrain
from engine.flow.notices import RemindOfHalt, SumUpQuietHours
from engine.flow.outcomes import FollowIdeas
from engine.flow.performance import ReadPerformance
from engine.flow.pipeline import RunCycle
from engine.flow.position_sending import ResolvePositionOrders, SendPositionOrder
from engine.flow.predicting import AskModel
from engine.flow.provider_refresh import RefreshProvider
from engine.flow.readiness import CheckReadiness
from engine.flow.reconcile import ResolveOrders, SyncBroker
from engine.flow.recovery import Recover
from engine.flow.reload import ReloadParams
from engine.flow.retention import RetireBundles, RetireReplies
from engine.flow.terminal_watch import WatchTerminal
from engine.flow.time_limits import CloseOnTime
from engine.flow.usage import ReadLimits
from engine.flow.watch import WatchHeartbeats
from engine.ports import Bell
from engine.research.suggesting import Suggest
from engine.snapshot.collect import Collect
from storage.audit import PostgresAuditor


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
    watch_feeds: WatchFeeds
    watch_terminal: WatchTerminal
    close_on_time: CloseOnTime
    manage_positions: ManagePositions
    recover: Recover
    retire_bundles: RetireBundles
    remind_of_halt: RemindOfHalt
    sum_up_quiet_hours: SumUpQuietHours
    queue_briefs: QueueBriefs
    poll_feeds: PollFeeds
    execute_commands: ExecuteCommands
    refresh_provider: RefreshProvider
    forget_answers: ForgetAnswers
    retire_replies: RetireReplies
    ingestion: Ingestion
    retrain: Retrain
    generate_signal: GenerateSignal
    changes: Changes
    #: None where no language model is used.
    suggest: Suggest | None


def build_collect(world: World) -> Collect:
    """The one way a picture of the market is taken."""
    return Collect(
        market=world.market,
        calendar=world.outside.calendar,
        news=world.outside.news,
        broker=world.broker,
        store=world.store,
        look_live=build_read_live(world).view,
        predict=AskModel(store=world.store),
    )


def build_read_live(world: World) -> ReadLive:
    """What looks at everything that real money needs."""
    return ReadLive(
        store=world.store,
        broker=world.broker,
        identify=world.identify,
        market=world.market,
        calendar=world.outside.calendar,
        anchors=world.anchors,
        clock=now,
        symbols=tuple(symbol for symbol, _ in world.symbols),
        enabled=world.live_enabled,
        real_chat=not world.local_chat,
    )


def build_check_readiness(world: World, queue: Callable[[], Awaitable[object]]) -> CheckReadiness:
    """What is asked whether the product could trade now."""
    return CheckReadiness(
        store=world.store,
        broker=world.broker,
        market=world.market,
        symbols=world.symbols,
        queue=queue,
    )


def build_performance(world: World) -> ReadPerformance:
    """How trading went; the chat shows it and the courier draws it."""
    return ReadPerformance(
        store=world.store, broker=world.broker, market=world.market, zone=world.zone
    )


def build_look_up(world: World, read_limits: ReadLimits) -> LookUp:
    """What reads the record for questions."""
    return LookUp(
        store=world.store,
        market=world.market,
        glance=read_limits.glance,
        read_limits=read_limits,
        symbols=world.symbols,
        zone=world.zone,
    )


def build_read_brief(world: World) -> ReadBrief:
    """What a brief says; it is for the process that sends it."""
    glance = Glance(books=world.broker, store=world.store, timer=perf_counter, life=timedelta(0))
    limits = ReadLimits(
        store=world.store, collect=build_collect(world), feed=world.symbols[0], glance=glance
    )
    return ReadBrief(
        store=world.store,
        look_up=build_look_up(world, limits),
        market=world.market,
        calendar=world.outside.calendar,
        parts=world.parts,
    )


def build_ask(world: World, read_limits: ReadLimits) -> Ask:
    """What answers questions about the record."""
    return Ask(
        store=world.store,
        look_up=build_look_up(world, read_limits),
        lexicons=lexicons(),
        per_minute=world.ask_per_minute,
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
    change_control = build_change_control(world, bell)
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
        watch_feeds=WatchFeeds(store=store, market=market, bell=bell, symbols=world.symbols),
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
        queue_briefs=QueueBriefs(store=store, bell=bell),
        poll_feeds=build_poll(world),
        execute_commands=ExecuteCommands(
            store=store,
            broker=broker,
            market=market,
            bell=bell,
            change_control=change_control,
            reload_params=ReloadParams(stale=world.reread),
            live_enabled=world.live_enabled,
            worker=f"{gethostname()}:{getpid()}",
        ),
        forget_answers=ForgetAnswers(store=store),
        retire_replies=RetireReplies(store=store, keep=world.model.kept),
        refresh_provider=build_provider(world.provider, store, bell).refresh,
        ingestion=build_ingestion(
            world.cadence, store, market, broker, bell, is_recorded=world.tape is not None
        ),
        retrain=build_retrain(world),
        generate_signal=build_generate_signal(world),
        changes=build_changes(world, bell, change_control),
        suggest=build_suggest(world, bell),
    )


def build_explain(world: World, bell: Bell) -> ExplainIdeas | None:
    """What has ideas explained; None where no language model is used. One for each process, and
    nothing that trades knows of it.
    """
    analyst = build_analyst(world.provider.plan, world.model, world.store)
    if analyst is None:
        return None
    return ExplainIdeas(store=world.store, analyst=analyst, bell=bell)


def build_change_control(world: World, bell: Bell) -> ChangeControl:
    """What stops and starts."""
    return ChangeControl(
        store=world.store,
        market=world.market,
        broker=world.broker,
        bell=bell,
        symbols=tuple(symbol for symbol, _ in world.symbols),
        parts=world.parts,
        zone=world.zone,
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
