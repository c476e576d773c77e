"""The use cases of the chat, put together: each is a handler's argument by its name."""

from dataclasses import dataclass, replace
from datetime import timedelta
from time import perf_counter

from bot.changing import build_changes
from bot.codes import new_code, new_token
from bot.diagnosing import build_diagnose
from bot.modelling import build_ask_training, build_generate_signal, build_read_drift
from bot.provider_settings import build_provider
from bot.researching import build_research
from bot.wiring import (
    build_ask,
    build_change_control,
    build_collect,
    build_look_up,
    build_performance,
    build_read_live,
    build_watch,
)
from bot.wording import build_wording
from bot.world import World, now
from engine.flow.about import ReadAbout
from engine.flow.approvals import DecideIdea
from engine.flow.ask.answer import Ask
from engine.flow.ask.inquiries import Wording
from engine.flow.change_answers import AnswerChange
from engine.flow.change_proposals import ReadChanges
from engine.flow.connection import ReadConnection
from engine.flow.diagnosis import Diagnose
from engine.flow.door import Join, TurnAway
from engine.flow.flatten import Flatten
from engine.flow.generating import GenerateSignal
from engine.flow.glance import LIFE, Glance
from engine.flow.halts import ChangeControl
from engine.flow.in_words import WantInWords
from engine.flow.live import ConfirmLive, ReadLive
from engine.flow.logins import Invite
from engine.flow.market import ReadMarket
from engine.flow.models import AskTraining, CancelTraining, DecideModel, ReadModels
from engine.flow.notices import AcknowledgeHalt, ChangeNotify, MarkUnreachable, WelcomeBack
from engine.flow.operator_commands import GiveCommand, ReadCommands
from engine.flow.outcomes import ReadCalibration, ReadMirror
from engine.flow.overview import ListHistory, ListIdeas, ReadIdea, ReadStatus, ReadToday
from engine.flow.paper import ReadPaper
from engine.flow.people import ChangeLanguage, ChangeZone, FindPerson
from engine.flow.performance import ReadPerformance
from engine.flow.positions import AskPosition, ConfirmPosition
from engine.flow.predicting import AskModel
from engine.flow.provider import CheckProvider, ReadProvider
from engine.flow.replay import ReplayDecision
from engine.flow.roles import AddPerson, AnswerRequest, ChangeRole, ReadPeople
from engine.flow.settings import ChangeSettings, ReadSettings
from engine.flow.signal_list import ReadSignals
from engine.flow.signal_status import ReadSignalQueue
from engine.flow.strategies import CheckEdit, EditStrategy, ReadVersions, SwitchStrategy
from engine.flow.strategy_book import ReadBook
from engine.flow.terminals import DisconnectTerminal, IssueCode, ReadTerminals
from engine.flow.trades import ReadPositions
from engine.flow.usage import ReadLimits
from engine.flow.watch import WatchHeartbeats
from engine.flow.watchlist import ReadWatchlist
from engine.flow.webhook_log import TestWebhook
from engine.flow.webhooks import ReadWebhooks
from engine.ports import Bell
from engine.research.advisor import Advise
from engine.research.drift import ReadDrift
from engine.research.optimizer import TrainOptimizer
from engine.research.runs import CancelBacktest, ReadBacktests, StartBacktest
from engine.research.sweeping import AskSweep, CancelSweep, ReadSweep
from storage.database import schema_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """The use cases a person reaches through the chat; each is a handler's argument by its name."""

    find_person: FindPerson
    join: Join
    turn_away: TurnAway
    change_notify: ChangeNotify
    acknowledge_halt: AcknowledgeHalt
    welcome_back: WelcomeBack
    mark_unreachable: MarkUnreachable
    read_people: ReadPeople
    answer_request: AnswerRequest
    change_role: ChangeRole
    add_person: AddPerson
    change_language: ChangeLanguage
    change_zone: ChangeZone
    read_about: ReadAbout
    decide_idea: DecideIdea
    change_control: ChangeControl
    give_command: GiveCommand
    read_commands: ReadCommands
    read_settings: ReadSettings
    change_settings: ChangeSettings
    read_limits: ReadLimits
    read_watchlist: ReadWatchlist
    read_connection: ReadConnection
    read_book: ReadBook
    read_versions: ReadVersions
    check_edit: CheckEdit
    edit_strategy: EditStrategy
    switch_strategy: SwitchStrategy
    watch_heartbeats: WatchHeartbeats
    read_status: ReadStatus
    read_market: ReadMarket
    diagnose: Diagnose
    read_live: ReadLive
    confirm_live: ConfirmLive
    read_positions: ReadPositions
    glance_positions: ReadPositions
    ask_position: AskPosition
    confirm_position: ConfirmPosition
    flatten: Flatten
    read_today: ReadToday
    read_idea: ReadIdea
    list_ideas: ListIdeas
    list_history: ListHistory
    replay_decision: ReplayDecision
    read_calibration: ReadCalibration
    read_mirror: ReadMirror
    read_performance: ReadPerformance
    read_paper: ReadPaper
    issue_code: IssueCode
    invite: Invite
    read_terminals: ReadTerminals
    disconnect_terminal: DisconnectTerminal
    read_signal_queue: ReadSignalQueue
    read_signals: ReadSignals
    generate_signal: GenerateSignal
    ask_training: AskTraining
    cancel_training: CancelTraining
    read_models: ReadModels
    decide_model: DecideModel
    read_drift: ReadDrift
    read_changes: ReadChanges
    answer_change: AnswerChange
    advise: Advise
    train_optimizer: TrainOptimizer
    read_provider: ReadProvider
    check_provider: CheckProvider
    read_webhooks: ReadWebhooks
    #: None where this process has no setting of webhooks: a test is signed.
    test_webhook: TestWebhook | None
    #: None where no language model is used.
    want_in_words: WantInWords | None
    ask: Ask
    #: None where no language model is used.
    wording: Wording | None
    start_backtest: StartBacktest
    read_backtests: ReadBacktests
    cancel_backtest: CancelBacktest
    ask_sweep: AskSweep
    read_sweep: ReadSweep
    cancel_sweep: CancelSweep


def build_talk(
    world: World, bell: Bell, *, claim_code: str, test_webhook: TestWebhook | None = None
) -> Talk:
    """The use cases of the chat."""
    store = world.store
    symbols = tuple(symbol for symbol, _ in world.symbols)
    glance = Glance(
        books=world.broker,
        store=store,
        timer=perf_counter,
        # The venue of a recording is on this machine, and time stands still between candles.
        life=LIFE if world.tape is None else timedelta(0),
    )
    read_status = ReadStatus(
        store=store,
        broker=glance,
        market=world.market,
        symbols=world.symbols,
        zone=world.zone,
    )
    collect, read_live = build_collect(world), build_read_live(world)
    change_control = build_change_control(world, bell)
    changes, research = build_changes(world, bell, change_control), build_research(world, bell)
    provider = build_provider(world.provider, store, bell)
    read_limits = ReadLimits(store=store, collect=collect, feed=world.symbols[0], glance=glance)
    read_positions = ReadPositions(
        store=store,
        broker=replace(glance, life=timedelta(0)),
        market=world.market,
    )
    return Talk(
        find_person=FindPerson(store=store),
        join=Join(store=store, bell=bell, claim_code=claim_code),
        turn_away=TurnAway(store=store, bell=bell),
        change_notify=ChangeNotify(store=store),
        acknowledge_halt=AcknowledgeHalt(store=store, bell=bell),
        welcome_back=WelcomeBack(store=store, bell=bell),
        mark_unreachable=MarkUnreachable(store=store),
        read_people=ReadPeople(store=store),
        answer_request=AnswerRequest(store=store, bell=bell),
        change_role=ChangeRole(store=store, bell=bell),
        add_person=AddPerson(store=store, bell=bell),
        change_language=ChangeLanguage(store=store),
        change_zone=ChangeZone(store=store),
        read_about=ReadAbout(
            store=store,
            clock=now,
            started=now(),
            schema=schema_version,
            feed=", ".join(symbol for symbol, _ in world.symbols),
            is_recorded=world.tape is not None,
            is_live=world.broker.is_live,
        ),
        decide_idea=DecideIdea(
            collect=collect, store=store, bell=bell, account_id=world.broker.account_id
        ),
        change_control=change_control,
        give_command=GiveCommand(store=store, bell=bell, symbols=symbols),
        read_commands=ReadCommands(store=store),
        read_settings=ReadSettings(store=store),
        change_settings=ChangeSettings(store=store, market=world.market, bell=bell),
        read_limits=read_limits,
        read_watchlist=ReadWatchlist(
            store=store, market=world.market, broker=world.broker, symbols=symbols
        ),
        read_connection=ReadConnection(
            store=store,
            broker=world.broker,
            market=world.market,
            part=world.parts[0],
            symbols=symbols,
            abilities=world.abilities,
            timer=perf_counter,
        ),
        read_book=ReadBook(
            store=store,
            broker=world.broker,
            market=world.market,
            feeds=world.symbols,
            zone=world.zone,
        ),
        read_versions=ReadVersions(store=store),
        check_edit=CheckEdit(store=store),
        edit_strategy=EditStrategy(store=store),
        switch_strategy=SwitchStrategy(store=store),
        watch_heartbeats=build_watch(world, bell, "bot"),
        read_status=read_status,
        read_market=ReadMarket(
            collect=collect, symbols=world.symbols, has_news=bool(world.outside.news_feeds)
        ),
        diagnose=build_diagnose(world, collect, read_live),
        read_live=read_live,
        confirm_live=ConfirmLive(store=store, bell=bell, read_live=read_live),
        read_positions=read_positions,
        glance_positions=replace(read_positions, broker=glance),
        ask_position=AskPosition(store=store, read_positions=read_positions),
        confirm_position=ConfirmPosition(store=store, market=world.market, bell=bell),
        flatten=Flatten(store=store, broker=world.broker, market=world.market, bell=bell),
        read_today=ReadToday(store=store, read_status=read_status, zone=world.zone),
        read_idea=ReadIdea(store=store),
        list_ideas=ListIdeas(store=store),
        list_history=ListHistory(store=store),
        replay_decision=ReplayDecision(store=store),
        read_calibration=ReadCalibration(store=store),
        read_mirror=ReadMirror(store=store),
        read_performance=build_performance(world),
        read_paper=ReadPaper(store=store, broker=world.broker, zone=world.zone),
        issue_code=IssueCode(store=store, account_id=world.broker.account_id, new_code=new_code),
        invite=Invite(store=store, new_code=new_token),
        read_terminals=ReadTerminals(store=store, is_used=world.tape is None),
        disconnect_terminal=DisconnectTerminal(store=store),
        read_signal_queue=ReadSignalQueue(store=store, server=world.signal_server),
        read_signals=ReadSignals(
            store=store, market=world.market, predict=AskModel(store=store), streams=world.symbols
        ),
        generate_signal=build_generate_signal(world),
        ask_training=build_ask_training(world, bell),
        cancel_training=CancelTraining(store=store, bell=bell),
        read_models=ReadModels(store=store),
        decide_model=DecideModel(store=store, bell=bell),
        read_drift=build_read_drift(world),
        read_changes=changes.read,
        answer_change=changes.answer,
        advise=changes.advise,
        train_optimizer=changes.train,
        read_provider=provider.read,
        check_provider=provider.check,
        read_webhooks=ReadWebhooks(store=store),
        test_webhook=test_webhook,
        want_in_words=WantInWords(store=store, bell=bell) if world.provider.plan.enabled else None,
        ask=build_ask(world, read_limits),
        wording=build_wording(world, build_look_up(world, read_limits)),
        start_backtest=research.start_backtest,
        read_backtests=research.read_backtests,
        cancel_backtest=research.cancel_backtest,
        ask_sweep=research.ask_sweep,
        read_sweep=research.read_sweep,
        cancel_sweep=research.cancel_sweep,
    )
