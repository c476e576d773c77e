"""A person's answer to an idea: one transaction, one effect, and words for everyone else."""

from asyncio import timeout
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from engine.domain.account import Direction
from engine.domain.approval import Approval, Ending
from engine.domain.decision import Action, Entry
from engine.domain.gate import GateReport
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.market import Quote
from engine.domain.notice import Audience
from engine.domain.person import Role
from engine.domain.snapshot import Bundle
from engine.errors import NotFound, TraderError
from engine.flow.asking import ask, ending_of
from engine.flow.ideas import card_notice, client_id, intent, refusal_notice
from engine.flow.judgement import Answer, Question, ask_again
from engine.flow.latch import ANSWERS_WITHIN, market_time
from engine.flow.people import must_be, person_at_least
from engine.ports import Bell, MarketData, Store, Transaction
from engine.snapshot.canonical import plain
from engine.snapshot.collect import Collect


class Choice(StrEnum):
    """What a person answered."""

    APPROVE = "approve"
    HALF = "half"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """How the idea stands after the answer; ``mine`` is True for the one that took effect."""

    idea: Idea
    approval: Approval
    mine: bool
    report: GateReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideIdea:
    """Approve or reject an idea; ``at_most`` is a smaller size than the card's, in lots.

    Raises :class:`NotAllowed` for anyone below a trader, :class:`NotFound` for an idea that asks
    nobody, and :class:`InvalidInput` for more than the card's size, or too little. An answer that
    comes too late, second, while halted, or after the price or the gate changed is no error: it has
    its own ending.
    """

    collect: Collect
    store: Store
    bell: Bell
    account_id: str

    async def __call__(
        self,
        idea_id: UUID,
        choice: Choice,
        *,
        person_id: int,
        chat_id: int,
        at_most: Decimal | None = None,
    ) -> Decided:
        decided: Decided | None = None
        while decided is None:
            decided = await self._attempt(idea_id, choice, person_id, chat_id, at_most)
        if decided.mine:
            if decided.approval.ending is Ending.APPROVED:
                await self.bell.ring("send_order", client_id(self.account_id, idea_id))
            await self.bell.ring("deliver")
        return decided

    async def _attempt(
        self,
        idea_id: UUID,
        choice: Choice,
        person_id: int,
        chat_id: int,
        at_most: Decimal | None,
    ) -> Decided | None:
        """One try; None when the trading state changed under it and it must look again."""
        async with self.store.begin() as tx:
            person = await person_at_least(tx, person_id, Role.TRADER)
            idea, approval = await self._asked(tx, idea_id)
        if approval.ending is not Ending.PENDING:
            return Decided(idea=idea, approval=approval, mine=False)
        approval = replace(
            approval, decided_by=person.id, decided_name=person.name, decided_chat=chat_id
        )
        if choice is Choice.REJECT:
            at, quote = await self._look(idea)
            if quote is not None:
                price = quote.ask if idea.proposal.direction is Direction.BUY else quote.bid
                approval = approval.seen_at(idea.proposal, price, quote.spread)
            async with self.store.begin() as tx:
                await must_be(tx, person_id, Role.TRADER)
                return await self._reject(tx, idea, approval, at)
        bundle = await self.collect(idea.proposal.symbol, idea.proposal.timeframe)
        question = ask(idea, bundle, half=choice is Choice.HALF, at_most=at_most)
        answer = ask_again(question, bundle)
        async with self.store.begin() as tx:
            if not await self.collect.still_holds(tx, bundle, await tx.controls.hold()):
                return None
            # Once more: to look at the market takes a while.
            await must_be(tx, person_id, Role.TRADER)
            return await self._approve(tx, idea, approval, bundle, question, answer)

    async def _look(self, idea: Idea) -> tuple[datetime | None, Quote | None]:
        """The market's time and price for the record of a no, which waits for neither."""
        market, at, quote = self.collect.market, None, None
        with suppress(TraderError, OSError):
            async with timeout(ANSWERS_WITHIN):
                at = await market.instant()
                quote = await market.quote(idea.proposal.symbol)
        return at, quote

    async def _asked(self, tx: Transaction, idea_id: UUID) -> tuple[Idea, Approval]:
        idea = await tx.ideas.get(idea_id)
        approval = await tx.ideas.approval(idea_id)
        if approval is None:
            raise NotFound(f"idea {idea.number} asks nobody: it is {idea.status}")
        return idea, approval

    async def _reject(
        self, tx: Transaction, idea: Idea, approval: Approval, at: datetime | None
    ) -> Decided:
        now = await tx.now()
        ended = approval.end(Ending.REJECTED, at=now)
        if not await tx.ideas.end(ended):
            return await self._lost(tx, idea.id, at)
        return await self._close(
            tx,
            idea,
            ended,
            IdeaStatus.REJECTED,
            Action.HUMAN_REJECTED,
            detail={},
            at=at,
        )

    async def _approve(
        self,
        tx: Transaction,
        idea: Idea,
        approval: Approval,
        bundle: Bundle,
        question: Question,
        answer: Answer,
    ) -> Decided:
        assert bundle.quote is not None
        now = await tx.now()
        ending, code = ending_of(answer.report)
        seen = approval.seen_at(idea.proposal, answer.proposal.entry, bundle.quote.spread)
        ended = replace(
            seen.end(ending, at=now, detail=code),
            volume=answer.sizing.volume if ending is Ending.APPROVED else None,
        )
        if not await tx.ideas.end(ended):
            return await self._lost(tx, idea.id, bundle.instant)
        status, action = _MEANS[ending]
        if ending is Ending.APPROVED:
            await tx.orders.add(intent(idea, self.account_id, answer.sizing.volume, now))
        detail = {
            "question": plain(question),
            "answer": plain(answer),
            "bundle": await tx.bundles.put(bundle),
        }
        return await self._close(
            tx,
            idea,
            ended,
            status,
            action,
            detail=detail,
            at=bundle.instant,
            report=answer.report,
        )

    async def _lost(self, tx: Transaction, idea_id: UUID, at: datetime | None) -> Decided:
        """Someone was first, or the idea is past its expiry: say which."""
        if idea_id in await tx.ideas.overdue():
            return await expire(tx, idea_id, at)
        idea, approval = await self._asked(tx, idea_id)
        return Decided(idea=idea, approval=approval, mine=False)

    async def _close(
        self,
        tx: Transaction,
        idea: Idea,
        ended: Approval,
        status: IdeaStatus,
        action: Action,
        *,
        detail: dict[str, object],
        at: datetime | None,
        report: GateReport | None = None,
    ) -> Decided:
        assert ended.decided_at is not None
        after = idea.move(status)
        await tx.ideas.swap(idea, after)
        await tx.outbox.tell(card_notice(idea.id, str(ended.ending)), Audience())
        if action is Action.RISK_REJECTED:
            kind = "price_moved" if ended.ending is Ending.PRICE_MOVED else "gate"
            told = refusal_notice(idea.id, "tap", kind, ended.detail or "")
            await tx.outbox.tell(told, Audience())
        hash_ = detail.pop("bundle", None)
        await tx.history.append(
            Entry(
                action=action,
                occurred_at=ended.decided_at,
                actor=f"person:{ended.decided_by}",
                symbol=idea.proposal.symbol,
                market_time=at,
                rationale=f"{ended.ending}{f' {ended.detail}' if ended.detail else ''}",
                confidence_score=idea.confidence.score,
                risk_check_result=report.result if report else None,
                strategy_id=idea.strategy_id,
                strategy_version=idea.strategy_version,
                idea_id=idea.id,
                bundle_hash=str(hash_) if hash_ else None,
                human_override=True,
                detail={"idea": idea.number, "approval": plain(ended), **detail},
            )
        )
        return Decided(idea=after, approval=ended, mine=True, report=report)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireIdeas:
    """End every idea nobody answered in time; an unanswered idea is never executed."""

    store: Store
    market: MarketData
    bell: Bell

    async def __call__(self) -> tuple[UUID, ...]:
        async with self.store.begin() as tx:
            overdue = await tx.ideas.overdue()
        at = await market_time(self.market) if overdue else None
        for idea_id in overdue:
            async with self.store.begin() as tx:
                await expire(tx, idea_id, at)
        if overdue:
            await self.bell.ring("deliver")
        return tuple(overdue)


async def expire(tx: Transaction, idea_id: UUID, at: datetime | None) -> Decided:
    """End one overdue idea, unless somebody else just did."""
    idea = await tx.ideas.get(idea_id)
    approval = await tx.ideas.approval(idea_id)
    assert approval is not None
    if approval.ending is not Ending.PENDING:
        return Decided(idea=idea, approval=approval, mine=False)
    now = await tx.now()
    ended = replace(approval.end(Ending.EXPIRED, at=now), decided_by=None, decided_name=None)
    if not await tx.ideas.end(ended, expired=True):
        return Decided(idea=idea, approval=approval, mine=False)
    after = idea.move(IdeaStatus.EXPIRED)
    await tx.ideas.swap(idea, after)
    await tx.outbox.tell(card_notice(idea.id, str(Ending.EXPIRED)), Audience())
    await tx.history.append(
        Entry(
            action=Action.IDEA_EXPIRED,
            occurred_at=now,
            actor="system",
            symbol=idea.proposal.symbol,
            market_time=at,
            rationale="nobody answered in time",
            confidence_score=idea.confidence.score,
            strategy_id=idea.strategy_id,
            strategy_version=idea.strategy_version,
            idea_id=idea.id,
            detail={"idea": idea.number, "approval": plain(ended)},
        )
    )
    return Decided(idea=after, approval=ended, mine=False)


_MEANS = {
    Ending.APPROVED: (IdeaStatus.APPROVED, Action.HUMAN_APPROVED),
    Ending.PRICE_MOVED: (IdeaStatus.REJECTED, Action.RISK_REJECTED),
    Ending.GATE_CLOSED: (IdeaStatus.REJECTED, Action.RISK_REJECTED),
    Ending.HALTED: (IdeaStatus.HALTED_BY_RISK, Action.RISK_REJECTED),
}
