"""An idea and what it becomes: its id, its question, its order, its past, what people are told."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid5

from engine.domain.approval import Approval, Ending
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.notice import Kind, Notice, Priority
from engine.domain.order import Order, OrderState
from engine.domain.snapshot import Bundle, PastIdea
from engine.domain.strategy import Strategy
from engine.flow.judgement import Outcome
from engine.snapshot.canonical import digest

#: An order that has not left this long after it was decided never leaves.
ORDER_LIFE = timedelta(seconds=60)


def idea_id(bundle_hash: str, strategy: Strategy) -> UUID:
    """The idea's id: the same bundle and strategy version can only ever make one idea."""
    return uuid5(strategy.id, f"{strategy.version}:{bundle_hash}")


def made_of(
    outcome: Outcome, bundle: Bundle, *, id_: UUID, bundle_hash: str, name: str, now: datetime
) -> Idea:
    """The idea of an outcome that has one, not yet numbered; ``name`` is its strategy's."""
    evaluation = outcome.evaluation
    assert evaluation.proposal is not None
    assert outcome.sizing is not None
    assert outcome.confidence is not None
    return Idea(
        id=id_,
        number=0,
        proposal=evaluation.proposal,
        sizing=outcome.sizing,
        confidence=outcome.confidence,
        strategy_id=evaluation.strategy_id,
        strategy_version=evaluation.strategy_version,
        strategy_name=name,
        bundle_hash=bundle_hash,
        status=IdeaStatus.WAITING,
        market_time=bundle.instant,
        created_at=now,
    )


def question_of(idea: Idea, bundle: Bundle) -> Approval:
    """The question whether an idea shall be traded, at the quote it was made from."""
    assert bundle.quote is not None
    return Approval(
        idea_id=idea.id,
        ending=Ending.PENDING,
        expires_at=idea.created_at + timedelta(seconds=bundle.settings.idea_ttl_seconds),
        proposed_price=idea.proposal.entry,
        proposed_spread=bundle.quote.spread,
    )


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
        take_profit=idea.proposal.take_profit,
        time_limit_min=idea.proposal.time_limit_min,
        strategy_id=str(idea.strategy_id),
        state=OrderState.INTENT,
        created_at=now,
        valid_until=now + ORDER_LIFE,
    )


def past_idea(idea: Idea) -> PastIdea:
    """An idea as the guardrails count it."""
    return PastIdea(
        id=idea.id,
        strategy_id=idea.strategy_id,
        symbol=idea.proposal.symbol,
        direction=idea.proposal.direction,
        at=idea.market_time,
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
        cause=f"card:{idea_id}",
    )


def fill_notice(order: Order) -> Notice:
    """An order was filled."""
    return Notice(
        kind=Kind.FILLED,
        key=f"filled:{order.client_id}",
        priority=Priority.TRADE,
        detail={"idea_id": str(order.idea_id), "client_id": order.client_id},
    )


def refusal_notice(idea_id: UUID, key: str, reason: str, code: str) -> Notice:
    """An idea or its order came to nothing: by which kind of reason, and exactly why."""
    return Notice(
        kind=Kind.REFUSED,
        key=f"refused:{idea_id}:{key}",
        priority=Priority.NORMAL,
        detail={"idea_id": str(idea_id), "reason": reason, "code": code},
        reason=reason,
    )
