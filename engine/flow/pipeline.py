"""The loop, from market data to decision history. Open this file first.

    1 market data       broker/feeds              through the ports MarketData, Calendar, News
    2 snapshot bundle   engine/snapshot/collect   everything seen, frozen, hashed
    3 strategy          engine/strategies         proposes, or says why not
    4 idea, confidence  engine/scoring            0 to 100, with its parts
    5 gate              engine/gate/judge         every check, one verdict
    6a approval         bot/courier, a person, bot/handlers/approvals, engine/flow/approvals
    6b order            engine/flow/execution     to a broker; its truth by engine/flow/reconcile
    7 decision history  storage/history           replayed by engine/flow/replay

Stage 1 is asked by stage 2; ``RunCycle`` below runs 2 to 5 and decides between 6a and 6b; every
stage writes 7 in the transaction that makes it true.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from engine.domain.approval import Approval, Ending
from engine.domain.decision import Action, Decision, Entry
from engine.domain.gate import Verdict
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.market import Timeframe
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.order import Order, OrderState
from engine.domain.snapshot import Bundle, open_order
from engine.domain.strategy import Strategy
from engine.flow.judgement import Outcome, consider
from engine.ports import Bell, Store, Transaction
from engine.snapshot.canonical import digest, plain
from engine.snapshot.collect import Collect
from engine.strategies.base import applies

#: An order that has not left this long after it was decided never leaves.
ORDER_LIFE = timedelta(seconds=60)

_STATUS = {
    Verdict.EXECUTE: (IdeaStatus.AUTO_EXECUTED, Action.AI_AUTO_EXECUTED),
    Verdict.ASK: (IdeaStatus.NEEDS_APPROVAL, Action.AI_PROPOSED),
    Verdict.REFUSE: (IdeaStatus.REJECTED, Action.RISK_REJECTED),
    Verdict.HALTED: (IdeaStatus.HALTED_BY_RISK, Action.RISK_REJECTED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCycle:
    """Run the loop once for one symbol, on its last closed candle.

    Answers the decisions written; none when the candle was judged before or trading is in emergency
    stop. Raises :class:`FeedError` when there is no market data to decide on.
    """

    collect: Collect
    store: Store
    bell: Bell
    account_id: str

    async def __call__(self, symbol: str, timeframe: Timeframe) -> tuple[Decision, ...]:
        while True:
            bundle = await self.collect(symbol, timeframe)
            if not bundle.control.evaluates:
                return ()
            async with self.store.begin() as tx:
                # A pause or a new mode that came in between makes the picture an old one.
                if not await self.collect.still_holds(tx, bundle, await tx.controls.hold()):
                    continue
                if not await tx.evaluations.claim(symbol, timeframe, bundle.candles[-1].time):
                    return ()
                decisions = await self._decide(tx, bundle)
            break
        for decision in decisions:
            if decision.entry.action is Action.AI_AUTO_EXECUTED:
                await self.bell.ring("send_order", decision.entry.detail["client_id"])
        if any(decision.entry.idea_id for decision in decisions):
            await self.bell.ring("deliver")
        return decisions

    async def _decide(self, tx: Transaction, bundle: Bundle) -> tuple[Decision, ...]:
        entries: list[Entry] = []
        for strategy in bundle.strategies:
            if not applies(strategy, bundle):
                continue
            outcome = consider(strategy, bundle)
            hash_ = await tx.bundles.put(bundle)
            if outcome.report is None:
                entries.append(await self._no_trade(tx, strategy, bundle, hash_, outcome))
                continue
            entry, order = await self._act(tx, strategy, bundle, hash_, outcome)
            entries.append(entry)
            if order is not None:
                # The next strategy of this cycle must see the exposure this one just took.
                bundle = replace(bundle, orders=(*bundle.orders, open_order(order)))
        # The head of the history is locked by the first append, so all of them come last.
        return await tx.history.extend(entries)

    async def _no_trade(
        self, tx: Transaction, strategy: Strategy, bundle: Bundle, hash_: str, outcome: Outcome
    ) -> Entry:
        return Entry(
            action=Action.NO_TRADE,
            occurred_at=await tx.now(),
            actor="ai",
            symbol=bundle.symbol,
            market_time=bundle.instant,
            rationale=rationale(outcome),
            risk_check_result=f"none:{outcome.evaluation.reason}",
            strategy_id=strategy.id,
            strategy_version=strategy.version,
            bundle_hash=hash_,
            detail={"outcome": plain(outcome)},
        )

    async def _act(
        self, tx: Transaction, strategy: Strategy, bundle: Bundle, hash_: str, outcome: Outcome
    ) -> tuple[Entry, Order | None]:
        proposal = outcome.evaluation.proposal
        assert outcome.report is not None
        assert outcome.sizing is not None
        assert outcome.confidence is not None
        assert proposal is not None
        now = await tx.now()
        status, action = _STATUS[outcome.report.verdict]
        idea = await tx.ideas.add(
            Idea(
                id=idea_id(hash_, strategy),
                number=0,
                proposal=proposal,
                sizing=outcome.sizing,
                confidence=outcome.confidence,
                strategy_id=strategy.id,
                strategy_version=strategy.version,
                strategy_name=strategy.name,
                bundle_hash=hash_,
                status=IdeaStatus.WAITING,
                created_at=now,
            )
        )
        await tx.ideas.swap(idea, idea.move(status))
        order = None
        detail: dict[str, Any] = {"outcome": plain(outcome), "idea": idea.number}
        if outcome.report.verdict is Verdict.EXECUTE:
            order = intent(idea, self.account_id, idea.sizing.volume, now)
            await tx.orders.add(order)
            detail["client_id"] = order.client_id
        if outcome.report.verdict is Verdict.ASK:
            assert bundle.quote is not None
            await tx.ideas.ask(
                Approval(
                    idea_id=idea.id,
                    ending=Ending.PENDING,
                    expires_at=now + timedelta(seconds=bundle.settings.idea_ttl_seconds),
                    proposed_price=proposal.entry,
                    proposed_spread=bundle.quote.spread,
                )
            )
        if outcome.report.verdict in (Verdict.ASK, Verdict.EXECUTE):
            await tx.outbox.tell(idea_notice(idea), Audience())
        entry = Entry(
            action=action,
            occurred_at=now,
            actor="ai",
            symbol=bundle.symbol,
            market_time=bundle.instant,
            rationale=rationale(outcome),
            confidence_score=outcome.confidence.score,
            risk_check_result=outcome.report.result,
            strategy_id=strategy.id,
            strategy_version=strategy.version,
            idea_id=idea.id,
            bundle_hash=hash_,
            detail=detail,
        )
        return entry, order


def rationale(outcome: Outcome) -> str:
    """What was observed, condition by condition: the record's own words, in no language."""
    return "; ".join(
        f"{'+' if o.met else '-'} {o.name} {o.argument}: {o.observed}"
        for o in outcome.evaluation.observations
    )


def idea_id(bundle_hash: str, strategy: Strategy) -> UUID:
    """The idea's id: the same bundle and strategy version can only ever make one idea."""
    return uuid5(strategy.id, f"{strategy.version}:{bundle_hash}")


def client_id(account_id: str, idea: UUID) -> str:
    """The order's id on both sides, 27 characters: fits MetaTrader's comment and Binance's id."""
    return "at-" + digest(f"{account_id}|{idea}|1".encode())[:24]


def intent(idea: Idea, account_id: str, volume: Decimal, now: datetime) -> Order:
    """The order an idea becomes, not yet sent."""
    return Order(
        client_id=client_id(account_id, idea.id),
        idea_id=idea.id,
        account_id=account_id,
        symbol=idea.proposal.symbol,
        direction=idea.proposal.direction,
        volume=volume,
        stop_loss=idea.proposal.stop_loss,
        take_profit=idea.proposal.take_profit[0],
        strategy_id=str(idea.strategy_id),
        state=OrderState.INTENT,
        created_at=now,
        valid_until=now + ORDER_LIFE,
    )


def idea_notice(idea: Idea) -> Notice:
    """The card of a new idea."""
    return Notice(
        kind=Kind.IDEA,
        key=f"idea:{idea.id}",
        priority=Priority.TRADE,
        detail={"idea_id": str(idea.id)},
    )


def card_notice(idea_id: UUID, change: str) -> Notice:
    """The card of an idea is to be drawn again; ``change`` says why, once."""
    return Notice(
        kind=Kind.CARD,
        key=f"card:{idea_id}:{change}",
        priority=Priority.TRADE,
        detail={"idea_id": str(idea_id)},
    )
