"""What became of orders, written down: the state, who is told, and the record, in one commit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.order import Fill, Order, OrderState
from engine.domain.person import Role
from engine.flow.ideas import card_notice, fill_notice, refusal_notice
from engine.flow.orders import order_entry
from engine.ports import Bell, Store
from engine.snapshot.canonical import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One step of one order, with the words of its record."""

    before: Order
    after: Order
    action: Action
    rationale: str
    detail: dict[str, Any] = field(default_factory=dict)
    market_time: datetime | None = None


def filled(order: Order, fill: Fill) -> Outcome:
    """The venue has the order: ACKED, from SENDING or from UNKNOWN."""
    part = f", {fill.volume} of {order.volume} lots" if fill.unfilled else ""
    after = replace(
        order.move(OrderState.ACKED),
        broker_id=fill.broker_id,
        fill_price=fill.price,
        filled_at=fill.time,
        volume=fill.volume,
        unfilled=fill.unfilled,
    )
    return Outcome(
        before=order, after=after, action=Action.ORDER_FILLED,
        rationale=f"filled at {fill.price}{part}", detail={"fill": plain(fill)},
        market_time=fill.time,
    )  # fmt: skip


def rejected(order: Order, reason: str) -> Outcome:
    """The venue proved that it did not take the order."""
    after = order.move(OrderState.REJECTED, reason=reason)
    return Outcome(before=order, after=after, action=Action.ORDER_REJECTED, rationale=reason)


def silent(order: Order, reason: str) -> Outcome:
    """Nobody knows: UNKNOWN, with an alert, and the symbol is blocked until it is known."""
    after = order.move(OrderState.UNKNOWN, reason=reason)
    return Outcome(before=order, after=after, action=Action.ORDER_UNKNOWN, rationale=reason)


def absent(order: Order) -> Outcome:
    """The venue proved that an UNKNOWN order never arrived and never will."""
    reason = "the venue proved that it never arrived"
    after = order.move(OrderState.ABSENT, reason=reason)
    return Outcome(before=order, after=after, action=Action.ORDER_ABSENT, rationale=reason)


async def record(store: Store, bell: Bell, outcomes: Sequence[Outcome]) -> None:
    """Write these down in one commit, in their order, each only if its order still is what it was
    before; ring for who tells people and reads the venue's books.
    """
    async with store.begin() as tx:
        made = [each for each in outcomes if await tx.orders.swap(each.before, each.after)]
        await tx.outbox.tell_all([told for each in made for told in _notices(each)])
        now = await tx.now()
        # Last: whoever else writes history waits for this commit.
        await tx.history.extend([_entry(each, now) for each in made])
    if made:
        await bell.ring("deliver")
    if any(outcome.after.state is OrderState.ACKED for outcome in made):
        await bell.ring("sync_broker")


def _notices(outcome: Outcome) -> Iterator[tuple[Notice, Audience]]:
    before, after = outcome.before, outcome.after
    if after.state is OrderState.UNKNOWN:
        yield _alert(after, "unknown"), Audience(at_least=Role.VIEWER)
    elif before.state is OrderState.UNKNOWN:
        yield replace(_alert(after, "known"), is_resolved=True), Audience(at_least=Role.VIEWER)
    if after.state is OrderState.ACKED:
        yield fill_notice(after), Audience()
    elif after.state is OrderState.REJECTED:
        reason = after.reason or ""
        yield refusal_notice(after.idea_id, "order", "broker", reason), Audience()
    yield card_notice(after.idea_id, f"order_{after.state}"), Audience()


def _entry(outcome: Outcome, now: datetime) -> Entry:
    after = outcome.after
    return order_entry(
        outcome.action,
        after,
        now,
        rationale=outcome.rationale,
        market_time=outcome.market_time,
        result="pass" if after.state is OrderState.ACKED else f"fail:{after.state}",
        bundle_hash=None,
        detail=outcome.detail,
    )


def _alert(order: Order, what: str) -> Notice:
    return Notice(
        kind=Kind.UNKNOWN_ORDER,
        key=f"{what}:{order.client_id}",
        priority=Priority.SAFETY,
        detail={"client_id": order.client_id, "idea_id": str(order.idea_id)},
        cause=f"unknown:{order.client_id}",
    )
