"""What the API does beside what the chat does: the use cases of its paths alone."""

import asyncio
from dataclasses import dataclass
from time import monotonic

from bot.changing import Changes, build_changes
from bot.pushing import Push, build_push
from bot.settings import Settings
from bot.talk import Talk
from bot.world import World
from engine.domain.signal import Contact
from engine.errors import NotSetUp
from engine.flow.answering import ApproveIdea
from engine.flow.approval_desk import AnswerApproval, ExpireNow, ListApprovals
from engine.flow.approvals import ExpireIdeas
from engine.flow.by_hand import OrderByHand
from engine.flow.pipeline import RunCycle
from engine.flow.readiness import CheckReadiness
from engine.flow.signals import Pushed
from engine.flow.steering import ReadReadiness, Steer
from engine.flow.trial import RunPaperCycle, TryCandles
from engine.ports import Bell


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """Signals and the server they are pushed to; ``push`` is None where none is set."""

    push: Push | None

    @property
    def _set_up(self) -> Push:
        if self.push is None:
            raise NotSetUp("signals are pushed nowhere: set EA_SERVER_URL and EA_API_KEY")
        return self.push

    async def send(self, person_id: int) -> Pushed:
        """Push what waits now; raises :class:`NotSetUp`."""
        push = self._set_up
        async with push.server.connected() as line:
            return await push.push_signals(line)(person_id)

    async def test(self, person_id: int) -> tuple[Contact, Push]:
        """Ask the server whether it is there; raises :class:`NotSetUp`."""
        push = self._set_up
        return await push.check_connection(person_id), push


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """Use cases of the API's own."""

    steer: Steer
    read_readiness: ReadReadiness
    try_candles: TryCandles
    run_paper_cycle: RunPaperCycle
    list_approvals: ListApprovals
    answer_approval: AnswerApproval
    expire_now: ExpireNow
    changes: Changes
    order_by_hand: OrderByHand
    signals: Signals


def build_acts(
    settings: Settings, world: World, bell: Bell, talk: Talk, check_readiness: CheckReadiness
) -> Acts:
    """The use cases; raises :class:`InvalidInput` for a server of signals that is set wrong."""
    store, collect = world.store, talk.decide_idea.collect
    readiness = ReadReadiness(store=store, check_readiness=check_readiness)
    cycle = RunCycle(collect=collect, store=store, bell=bell, account_id=world.broker.account_id)
    changes = build_changes(world, bell, talk.change_control)
    has_server = settings.ea_server_url is not None or settings.ea_server_ip is not None
    return Acts(
        steer=Steer(store=store, change_control=talk.change_control, read_readiness=readiness),
        read_readiness=readiness,
        try_candles=TryCandles(store=store, collect=collect),
        run_paper_cycle=RunPaperCycle(
            store=store, run_cycle=cycle, is_live=world.broker.is_live, symbols=world.symbols
        ),
        list_approvals=ListApprovals(store=store),
        answer_approval=AnswerApproval(store=store, decide_idea=talk.decide_idea),
        expire_now=ExpireNow(
            store=store,
            expire_ideas=ExpireIdeas(store=store, market=world.market, bell=bell),
            expire_changes=changes.expire,
        ),
        changes=changes,
        order_by_hand=OrderByHand(
            collect=collect,
            bell=bell,
            approve_idea=ApproveIdea(
                store=store, decide_idea=talk.decide_idea, timer=monotonic, sleep=asyncio.sleep
            ),
            is_live=world.broker.is_live,
            symbols=world.symbols,
        ),
        signals=Signals(push=build_push(settings, store) if has_server else None),
    )
