"""What an idea becomes: its id, its order, its past, and what people are told of it."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid5

from engine.domain.idea import Idea
from engine.domain.notice import Kind, Notice, Priority
from engine.domain.order import Order, OrderState
from engine.domain.snapshot import PastIdea
from engine.domain.strategy import Strategy
from engine.snapshot.canonical import digest

#: An order that has not left this long after it was decided never leaves.
ORDER_LIFE = timedelta(seconds=60)


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
