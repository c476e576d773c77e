"""An order by hand (source 001's ``live/order``): the path of every idea, with a person's levels in
the place of a strategy's.

It becomes an idea of its own, judged by every check and written down; then it is approved by the
person who gave it, through the same use case as a tap, and is sent as any order is.
"""

from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from engine.domain.decision import Action, Entry
from engine.domain.gate import Verdict
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.market import Timeframe
from engine.domain.notice import Audience
from engine.domain.operator_command import AccountMode
from engine.domain.person import Person, Role
from engine.domain.snapshot import Bundle
from engine.errors import IllegalMove, InvalidInput, NotFound
from engine.flow.answering import Approved, ApproveIdea, Became
from engine.flow.evaluations import rationale
from engine.flow.ideas import idea_notice, made_of, question_of
from engine.flow.judgement import ByHand, Outcome, consider_by_hand
from engine.flow.overview import story
from engine.flow.people import person_at_least
from engine.ports import Bell, Transaction
from engine.snapshot.canonical import plain, restore
from engine.snapshot.collect import Collect
from engine.strategies.by_hand import BY_HAND

_STATUS = {
    Verdict.REFUSE: (IdeaStatus.REJECTED, Action.RISK_REJECTED),
    Verdict.HALTED: (IdeaStatus.HALTED_BY_RISK, Action.RISK_REJECTED),
}
_PUT_FORWARD = (IdeaStatus.NEEDS_APPROVAL, Action.HUMAN_PROPOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOrder:
    """What is ordered. The same ``key`` of the same person is one order; ``mode`` is the kind of
    account that is meant, None whichever it is. Of ``wanted``, ``by`` is filled in here.
    """

    symbol: str
    wanted: ByHand
    key: str
    mode: AccountMode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """How it stands: the idea it became, what the gate said of it at first, and its order."""

    idea: Idea
    outcome: Outcome
    approved: Approved
    mode: AccountMode


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderByHand:
    """Order by hand and wait for the venue, as :class:`ApproveIdea` does.

    Asked again under the same key, it answers how the first one stands. A refusal of the gate is no
    error. Raises :class:`NotAllowed` below a trader, :class:`NotFound` for a symbol that is not
    watched, :class:`InvalidInput` for a stop or a target that is no price of it,
    :class:`FeedError` without prices, and :class:`IllegalMove` for the other kind of
    account, and for a key that was given with another order.
    """

    collect: Collect
    bell: Bell
    approve_idea: ApproveIdea
    is_live: bool
    symbols: tuple[tuple[str, Timeframe], ...]

    async def __call__(self, order: HandOrder, *, person_id: int, chat_id: int) -> Placed:
        mode = AccountMode.LIVE if self.is_live else AccountMode.PAPER
        async with self.collect.store.begin() as tx:
            person = await person_at_least(tx, person_id, Role.TRADER)
        if order.mode not in (None, mode):
            raise IllegalMove(f"this account is {mode}, not {order.mode}", mode=str(mode))
        order = replace(order, wanted=replace(order.wanted, by=person.name))
        account_id = self.collect.broker.account_id
        idea_id = uuid5(BY_HAND, f"{account_id}|{person_id}|{order.key}")
        await self._propose(idea_id, order, person)
        async with self.collect.store.begin() as tx:
            found = await story(tx, idea_id)
        detail = found.decision.entry.detail
        self._must_be_same(order, found.idea, restore(ByHand, detail["by_hand"]))
        outcome = restore(Outcome, detail["outcome"])
        if found.approval is None:
            first = None if outcome.report is None else outcome.report.first_failed
            reason = None if first is None else str(first.code)
            approved = Approved(became=Became.BLOCKED, reason=reason)
        else:
            approved = await self.approve_idea(
                idea_id, person_id=person_id, chat_id=chat_id, at_most=None
            )
        return Placed(idea=found.idea, outcome=outcome, approved=approved, mode=mode)

    def _must_be_same(self, order: HandOrder, idea: Idea, before: ByHand) -> None:
        same = replace(before, by=order.wanted.by) == order.wanted
        if not same or idea.proposal.symbol != order.symbol:
            raise IllegalMove(
                f"the key {order.key} belongs to another order, idea {idea.number}",
                idea=idea.number,
            )

    async def _propose(self, idea_id: UUID, order: HandOrder, person: Person) -> None:
        """Write the idea down, unless it is there already."""
        timeframe = next((frame for name, frame in self.symbols if name == order.symbol), None)
        if timeframe is None:
            known = ", ".join(name for name, _ in self.symbols)
            raise NotFound(f"{order.symbol} is not watched here; these are: {known}")
        while True:
            async with self.collect.store.begin() as tx:
                if await _is_there(tx, idea_id):
                    return
            bundle = await self.collect(order.symbol, timeframe)
            outcome = consider_by_hand(order.wanted, bundle)
            _must_be_prices(outcome, bundle)
            async with self.collect.store.begin() as tx:
                # One by one: two that cannot see each other would both pass, and both be added.
                if not await self.collect.still_holds(tx, bundle, await tx.controls.take()):
                    continue
                if not await _is_there(tx, idea_id):
                    await _write(tx, idea_id, order, person, bundle, outcome)
            await self.bell.ring("deliver")
            return


def _must_be_prices(outcome: Outcome, bundle: Bundle) -> None:
    """Raise :class:`InvalidInput` for what is nothing in the symbol's digits."""
    proposal = outcome.evaluation.proposal
    assert proposal is not None
    wanted = {"stop_loss": (proposal.stop_loss,), "take_profit": proposal.take_profit}
    for field, prices in wanted.items():
        if not min(prices) > 0:
            digits = bundle.instrument.digits
            raise InvalidInput(f"is no price of {bundle.symbol}, with {digits} digits", field=field)


async def _is_there(tx: Transaction, idea_id: UUID) -> bool:
    try:
        await tx.ideas.get(idea_id)
    except NotFound:
        return False
    return True


async def _write(
    tx: Transaction,
    idea_id: UUID,
    order: HandOrder,
    person: Person,
    bundle: Bundle,
    outcome: Outcome,
) -> None:
    """The idea, its question where the gate lets it be asked, and its record."""
    report = outcome.report
    assert report is not None
    now, hash_ = await tx.now(), await tx.bundles.put(bundle)
    idea = await tx.ideas.add(
        made_of(outcome, bundle, id_=idea_id, bundle_hash=hash_, name="By hand", now=now)
    )
    status, action = _STATUS.get(report.verdict, _PUT_FORWARD)
    await tx.ideas.swap(idea, idea.move(status))
    if status is IdeaStatus.NEEDS_APPROVAL:
        await tx.ideas.ask(question_of(idea, bundle))
        await tx.outbox.tell(idea_notice(idea), Audience())
    await tx.history.append(
        Entry(
            action=action,
            occurred_at=now,
            actor=f"person:{person.id}",
            symbol=bundle.symbol,
            market_time=bundle.instant,
            rationale=rationale(outcome),
            confidence_score=idea.confidence.score,
            risk_check_result=report.result,
            strategy_id=idea.strategy_id,
            strategy_version=idea.strategy_version,
            idea_id=idea.id,
            bundle_hash=hash_,
            human_override=True,
            detail={
                "outcome": plain(outcome),
                "by_hand": plain(order.wanted),
                "idea": idea.number,
                "folded": 0,
            },
        )
    )
