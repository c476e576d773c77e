"""What every change of an order shares: its record, and the one way to cancel it."""

from datetime import datetime
from typing import Any

from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience
from engine.domain.order import Order, OrderState
from engine.flow.ideas import card_notice, refusal_notice
from engine.ports import Transaction
from engine.snapshot.canonical import plain


async def cancel(
    tx: Transaction,
    order: Order,
    reason: str,
    now: datetime,
    *,
    market_time: datetime | None = None,
    bundle_hash: str | None = None,
    detail: dict[str, Any] | None = None,
) -> tuple[Order, Entry] | None:
    """Cancel an order that was never sent, and have its card told; None when someone was first.

    The record is the caller's to append, last in its transaction.
    """
    after = order.move(OrderState.CANCELLED, reason=reason)
    if not await tx.orders.swap(order, after):
        return None
    await tx.outbox.tell(card_notice(order.idea_id, "order_cancelled"), Audience())
    told = refusal_notice(order.idea_id, "order", "cancelled", reason)
    await tx.outbox.tell(told, Audience())
    entry = order_entry(
        Action.ORDER_CANCELLED,
        after,
        now,
        rationale=reason,
        market_time=market_time,
        result=f"fail:{reason}",
        bundle_hash=bundle_hash,
        detail=detail or {},
    )
    return after, entry


def order_entry(
    action: Action,
    order: Order,
    now: datetime,
    *,
    rationale: str,
    market_time: datetime | None,
    result: str | None,
    bundle_hash: str | None,
    detail: dict[str, Any],
) -> Entry:
    """The history record of an order's step."""
    return Entry(
        action=action,
        occurred_at=now,
        actor="system",
        symbol=order.symbol,
        market_time=market_time,
        rationale=rationale,
        risk_check_result=result,
        idea_id=order.idea_id,
        bundle_hash=bundle_hash,
        detail={"order": plain(order), **detail},
    )
