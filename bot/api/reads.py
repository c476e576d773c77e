"""The use cases of scripts and pages that the chat does not have."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, perf_counter

from bot.talk import Talk
from bot.world import World
from engine.flow.answering import ApproveIdea, RejectIdea
from engine.flow.dashboard import ReadDashboard
from engine.flow.glance import LIFE, Glance
from engine.flow.lists import PageHistory, PageIdeas, PageTrading, ReadRecord
from engine.flow.risk_config import PutRiskConfig, ReadRiskConfig
from engine.flow.strategies import AddStrategy, ReadStrategies
from engine.flow.strategy_puts import PutStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """What the paths of these subjects call."""

    risk: ReadRiskConfig
    put_risk: PutRiskConfig
    strategies: ReadStrategies
    put_strategy: PutStrategy
    add_strategy: AddStrategy
    ideas: PageIdeas
    approve: ApproveIdea
    reject: RejectIdea
    history: PageHistory
    record: ReadRecord
    trading: PageTrading
    dashboard: ReadDashboard


def build_reads(world: World, talk: Talk, *, life: timedelta | None = None) -> Reads:
    """The same use cases as the chat's, put together for a dashboard. ``life`` is how long an
    account is shown without asking the venue again.
    """
    store = world.store
    if life is None:
        # The venue of a recording is on this machine, and time stands still between candles.
        life = LIFE if world.tape is None else timedelta(0)
    glance = Glance(books=world.broker, store=store, timer=perf_counter, life=life)
    return Reads(
        risk=ReadRiskConfig(store=store),
        put_risk=PutRiskConfig(
            store=store, change_settings=talk.change_settings, change_control=talk.change_control
        ),
        strategies=ReadStrategies(store=store),
        put_strategy=PutStrategy(
            read=ReadStrategies(store=store),
            edit=talk.edit_strategy,
            switch=talk.switch_strategy,
        ),
        add_strategy=AddStrategy(store=store),
        ideas=PageIdeas(store=store),
        approve=ApproveIdea(
            store=store, decide_idea=talk.decide_idea, timer=monotonic, sleep=asyncio.sleep
        ),
        reject=RejectIdea(store=store, decide_idea=talk.decide_idea),
        history=PageHistory(store=store),
        record=ReadRecord(store=store),
        trading=PageTrading(store=store, account_id=world.broker.account_id),
        dashboard=ReadDashboard(
            store=store, status=talk.read_status, glance=glance, timer=perf_counter, life=life
        ),
    )
