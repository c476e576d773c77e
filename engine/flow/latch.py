"""Changes of the trading state inside a caller's transaction, which holds the control.

Each answers the records to append, last in that transaction.
"""

from asyncio import timeout
from dataclasses import replace
from datetime import datetime
from typing import Any

from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.order import OrderState
from engine.domain.state import Control, HaltReason, Mode, TradingState
from engine.errors import TraderError
from engine.flow.orders import cancel, order_entry
from engine.ports import MarketData, Store, Transaction
from engine.snapshot.canonical import plain

#: States in which what is queued must never leave any more.
_CANCELS = frozenset((TradingState.HALTED, TradingState.EMERGENCY_STOP))
#: States a halt is latched in; a pause too, or lifting it would trade on into a reached limit.
LATCHES = frozenset((TradingState.RUNNING, TradingState.PAUSED))
#: After these a person decides on each trade again.
_DEMOTES = frozenset((HaltReason.DAILY_LOSS, HaltReason.HEARTBEAT_LOST))
#: Seconds a feed may take to answer; then it counts as one that does not.
ANSWERS_WITHIN = 2.0


async def halt(
    tx: Transaction,
    control: Control,
    reason: HaltReason,
    *,
    market_time: datetime | None,
    facts: dict[str, Any] | None = None,
) -> list[Entry]:
    """Latch a halt, cancel what is queued, and alert; ``facts`` are figures for the alert.

    One that is latched already takes the new reason, so that whoever resumes knows of it.
    A daily loss and a lost part also end the autonomous mode, with a record of its own.
    """
    now = await tx.now()
    entries = []
    before, facts = control, dict(facts or {})
    if reason in _DEMOTES and control.mode is Mode.AUTONOMOUS:
        before = control.with_mode(Mode.SUPERVISED, by="system", at=now)
        facts["demoted"] = True
        entries = [
            _record(control, before, Action.MODE_CHANGED, "system", now, market_time, reason, facts)
        ]
    if before.state is TradingState.HALTED:
        after = replace(
            before,
            reason=str(reason),
            changed_by="system",
            changed_at=now,
            version=before.version + 1,
        )
    else:
        after = before.move(TradingState.HALTED, reason=str(reason), by="system", at=now)
    return entries + await apply(
        tx, before, after, Action.AI_HALTED,
        actor="system", now=now, market_time=market_time, facts=facts,
    )  # fmt: skip


async def demote(
    tx: Transaction,
    control: Control,
    because: str,
    *,
    market_time: datetime | None,
    facts: dict[str, Any],
) -> list[Entry]:
    """End the autonomous mode; a person has to switch it on again."""
    now = await tx.now()
    after = control.with_mode(Mode.SUPERVISED, by="system", at=now)
    return await apply(
        tx, control, after, Action.MODE_CHANGED,
        actor="system", now=now, market_time=market_time, why=because,
        facts={**facts, "demoted": True},
    )  # fmt: skip


async def stop_unrecorded(tx: Transaction, *, by: str) -> Control:
    """The emergency stop without its record, for when there is no history to write it to.

    :func:`owed` writes the record later. A stop that is in force stays as it is.
    """
    before = await tx.controls.take()
    if before.state is TradingState.EMERGENCY_STOP:
        return before
    now = await tx.now()
    after = replace(
        before,
        state=TradingState.EMERGENCY_STOP,
        reason=str(HaltReason.STOP_UNRECORDED),
        changed_by=by,
        changed_at=now,
        version=before.version + 1,
    )
    await apply(tx, before, after, Action.AI_HALTED, actor="system", now=now)
    return after


async def owed(tx: Transaction, control: Control) -> list[Entry]:
    """The records that an unrecorded stop still owes: its own, and one per order it cancelled."""
    if control.reason != HaltReason.STOP_UNRECORDED:
        return []
    now = await tx.now()
    when = f"{control.changed_at:%Y-%m-%dT%H:%M:%SZ}"
    entries = [
        Entry(
            action=Action.AI_HALTED,
            occurred_at=now,
            actor="system",
            rationale=f"an emergency stop was pulled by {control.changed_by} at {when}, while the"
            " history could not be written",
            risk_check_result=f"fail:{control.reason}",
            human_override=control.changed_by != "system",
            detail={"after": plain(control)},
        )
    ]
    for order in await tx.orders.cancelled(control.reason):
        told = await tx.history.list(
            idea_id=order.idea_id, actions=(Action.ORDER_CANCELLED,), limit=1
        )
        if not told:
            entries.append(
                order_entry(
                    Action.ORDER_CANCELLED,
                    order,
                    now,
                    rationale=f"cancelled by the unrecorded stop at {when}",
                    market_time=None,
                    result=f"fail:{order.reason}",
                    bundle_hash=None,
                    detail={},
                )
            )
    return entries


async def apply(
    tx: Transaction,
    before: Control,
    after: Control,
    action: Action,
    *,
    actor: str,
    now: datetime,
    market_time: datetime | None = None,
    symbol: str | None = None,
    person_id: int | None = None,
    why: str | None = None,
    facts: dict[str, Any] | None = None,
) -> list[Entry]:
    """Save a change, tell it, and cancel what must not leave under the new state."""
    await tx.controls.save(after)
    # What no terminal has fetched yet is not at a venue: it is taken back in this commit.
    taken_back = await tx.commands.stop_opens() if after.state in _CANCELS else frozenset()
    if after.may_open is not before.may_open:
        await tx.commands.pause(paused=not after.may_open)
    at_venue = [
        order.client_id
        for state in (OrderState.SENDING, OrderState.UNKNOWN)
        for order in await tx.orders.in_state(state)
        if order.client_id not in taken_back
    ]
    facts = {"at_venue": at_venue, **(facts or {})}
    kind = Kind.HALT if after.state in _CANCELS and after.state != before.state else Kind.STATE
    # Whoever made a plain change is answered directly; a halt is pinned for everyone.
    audience = Audience(but=person_id) if kind is Kind.STATE else Audience()
    await tx.outbox.tell(
        Notice(
            kind=kind,
            key=f"control:{after.version}",
            priority=Priority.SAFETY,
            detail={"before": plain(before), "after": plain(after), **facts},
        ),
        audience,
    )
    if before.state in _CANCELS and after.state not in _CANCELS:
        await tx.outbox.tell(
            Notice(
                kind=Kind.HALT_CARD,
                key=f"halt_over:{after.version}",
                priority=Priority.SAFETY,
                detail={"over": True, "by": after.changed_by, "at": after.changed_at.isoformat()},
                cause="halt_over",
            ),
            Audience(),
        )
    reason = why or after.reason
    entries = [_record(before, after, action, actor, now, market_time, reason, facts, symbol)]
    if after.state in _CANCELS:
        entries += await _cancel_queued(tx, after, now, market_time)
    return entries


def _record(
    before: Control,
    after: Control,
    action: Action,
    actor: str,
    now: datetime,
    market_time: datetime | None,
    reason: str,
    facts: dict[str, Any],
    symbol: str | None = None,
) -> Entry:
    halted = action is Action.AI_HALTED
    return Entry(
        action=action,
        occurred_at=now,
        actor=actor,
        symbol=symbol,
        market_time=market_time,
        rationale=_rationale(before, after, action, reason),
        risk_check_result=f"fail:{reason}" if halted else None,
        human_override=actor != "system",
        detail={"before": plain(before), "after": plain(after), **facts},
    )


def _rationale(before: Control, after: Control, action: Action, reason: str) -> str:
    """A halt and a resume in the words of source 004 §14.2; any other change by what it changed."""
    if action is Action.AI_HALTED:
        return f"AI halted due to {reason}"
    if action is Action.AI_RESUMED:
        return "Human resumed after review"
    return f"{before.state}/{before.mode} -> {after.state}/{after.mode}: {reason}"


async def _cancel_queued(
    tx: Transaction, control: Control, now: datetime, market_time: datetime | None
) -> list[Entry]:
    # An order without its record is found by this reason when the record is made up for.
    unrecorded = control.reason == HaltReason.STOP_UNRECORDED
    reason = control.reason if unrecorded else str(control.state)
    queued = await tx.orders.in_state(OrderState.INTENT)
    done = [await cancel(tx, order, reason, now, market_time=market_time) for order in queued]
    return [cancelled[1] for cancelled in done if cancelled is not None]


async def market_time(market: MarketData) -> datetime | None:
    """The market's time for a record, if there is one: a stop must neither fail nor wait for want
    of a feed.
    """
    try:
        async with timeout(ANSWERS_WITHIN):
            return await market.instant()
    except (TraderError, OSError):
        return None


async def shown_time(store: Store, market: MarketData) -> datetime:
    """The market's time for what people look at; the wall's while the market does not tell its own,
    because that is when they look.
    """
    at = await market_time(market)
    if at is not None:
        return at
    async with store.begin() as tx:
        return await tx.now()
