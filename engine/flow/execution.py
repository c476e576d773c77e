"""Send an order: every check once more, written down as SENDING, then exactly one attempt."""

import asyncio
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engine.domain.decision import Action
from engine.domain.gate import Verdict
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.order import Fill, Order, OrderState
from engine.domain.person import Role
from engine.domain.snapshot import Bundle
from engine.errors import BrokerRefused, BrokerSilent
from engine.flow.ideas import card_notice, fill_notice, refusal_notice
from engine.flow.judgement import Answer, Question, ask_again
from engine.flow.orders import cancel, order_entry
from engine.ports import Bell, Broker, Store, Transaction
from engine.snapshot.canonical import plain
from engine.snapshot.collect import Collect

#: How long a venue may take to answer before its silence counts as one.
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOrder:
    """Send one INTENT, at most once in its life.

    Safe to call any number of times, from anywhere: only the caller whose transaction moves the
    order from INTENT to SENDING talks to the venue. An answer that does not come leaves the order
    UNKNOWN; it is never sent again.
    """

    collect: Collect
    store: Store
    broker: Broker
    bell: Bell

    async def __call__(self, client_id: str) -> Order:
        while True:
            async with self.store.begin() as tx:
                order = await tx.orders.get(client_id)
                if order.state is not OrderState.INTENT:
                    return order
                idea = await tx.ideas.get(order.idea_id)
                if await tx.now() > order.valid_until:
                    # Too old whatever the market says, even if there is no market to ask.
                    cancelled = await cancel(tx, order, "order_expired", await tx.now())
                    if cancelled is None:
                        return order
                    await tx.history.append(cancelled[1])
                    return cancelled[0]
            bundle = await self.collect(order.symbol, idea.proposal.timeframe)
            question = _question(order, idea)
            answer = ask_again(question, bundle)
            async with self.store.begin() as tx:
                # Releases go one by one: two orders that cannot see each other would both pass.
                if not await self.collect.still_holds(tx, bundle, await tx.controls.take()):
                    continue
                moved = await self._release(tx, order, idea, bundle, question, answer)
            break
        if moved is None or moved.state is not OrderState.SENDING:
            await self.bell.ring("deliver")
            return moved or order
        return await self._attempt(moved, bundle)

    async def _release(
        self,
        tx: Transaction,
        order: Order,
        idea: Idea,
        bundle: Bundle,
        question: Question,
        answer: Answer,
    ) -> Order | None:
        """INTENT to SENDING, or to CANCELLED with the reason; None when someone was first."""
        now = await tx.now()
        reason = _refusal(order, idea, answer, now)
        record: dict[str, Any] = {
            "market_time": bundle.instant,
            "bundle_hash": await tx.bundles.put(bundle),
            "detail": {"question": plain(question), "answer": plain(answer)},
        }
        if reason is not None:
            cancelled = await cancel(tx, order, reason, now, **record)
            if cancelled is None:
                return None
            after, entry = cancelled
        else:
            after = replace(
                order.move(OrderState.SENDING), sending_at=now, volume=answer.sizing.volume
            )
            if not await tx.orders.swap(order, after):
                return None
            entry = order_entry(
                Action.ORDER_SENDING,
                after,
                now,
                rationale="every check passed again",
                result=answer.report.result,
                **record,
            )
        await tx.history.append(entry)
        return after

    async def _attempt(self, order: Order, bundle: Bundle) -> Order:
        try:
            attempt = await self._begin(order, bundle)
            if attempt is None:
                reason = "trading was stopped, or its rules changed, before it was sent"
                return await record_rejection(self.store, self.bell, order, reason)
            fill = await attempt
        except BrokerRefused as error:
            return await record_rejection(self.store, self.bell, order, str(error))
        except (BrokerSilent, TimeoutError) as error:
            reason = str(error) or "the broker did not answer in time"
            return await record_silence(self.store, self.bell, order, reason)
        return await record_fill(self.store, self.bell, order, fill)

    async def _begin(self, order: Order, bundle: Bundle) -> asyncio.Task[Fill] | None:
        """Start the one attempt while the trading state is held; None when it forbids opening, or
        when the rules it was judged by are no longer in force.

        A stop, a pause, another limit or another strategy waits for the lock, so that after its
        commit no send can start under what was before; it does not wait for the venue's answer.
        """
        # The attempt must not inherit this transaction's connection.
        outside = copy_context()
        attempt = None
        try:
            async with self.store.begin() as tx:
                control = await tx.controls.hold()
                if control.may_open and await self.collect.same_rules(tx, bundle, control):
                    loop = asyncio.get_running_loop()
                    attempt = loop.create_task(self._submit(order), context=outside)
                    await asyncio.sleep(0)
        except Exception:
            if attempt is None:
                raise
        return attempt

    async def _submit(self, order: Order) -> Fill:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.broker.submit(order)


def _question(order: Order, idea: Idea) -> Question:
    return Question(
        idea_id=idea.id,
        proposal=idea.proposal,
        confidence=idea.confidence,
        strategy_id=idea.strategy_id,
        strategy_version=idea.strategy_version,
        at_most=order.volume,
        own_order=order.client_id,
    )


def _refusal(order: Order, idea: Idea, answer: Answer, now: datetime) -> str | None:
    """Why the order must not leave, or None. A person's yes stands in for what only asks."""
    if now > order.valid_until:
        return "order_expired"
    first = answer.report.first_failed
    if first is None:
        return None
    approved = idea.status is IdeaStatus.APPROVED
    if answer.report.verdict is Verdict.ASK and approved:
        return None
    return str(first.code)


async def record_fill(store: Store, bell: Bell, order: Order, fill: Fill) -> Order:
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
    await _record(
        store, bell, order, after, Action.ORDER_FILLED, f"filled at {fill.price}{part}",
        {"fill": plain(fill)}, market_time=fill.time,
    )  # fmt: skip
    await bell.ring("sync_broker")
    return after


async def record_rejection(store: Store, bell: Bell, order: Order, reason: str) -> Order:
    """The venue proved that it did not take the order."""
    after = order.move(OrderState.REJECTED, reason=reason)
    await _record(store, bell, order, after, Action.ORDER_REJECTED, reason, {})
    return after


async def record_silence(store: Store, bell: Bell, order: Order, reason: str) -> Order:
    """Nobody knows: UNKNOWN, with an alert, and the symbol is blocked until it is known."""
    after = order.move(OrderState.UNKNOWN, reason=reason)
    await _record(store, bell, order, after, Action.ORDER_UNKNOWN, reason, {})
    return after


async def record_doubt(store: Store, bell: Bell, order: Order, reason: str) -> Order:
    """An INTENT or SENDING of a copy of these books: whoever went on without the copy may have sent
    it, so it is UNKNOWN and never sent by the copy.
    """
    sent = order if order.state is OrderState.SENDING else order.move(OrderState.SENDING)
    after = sent.move(OrderState.UNKNOWN, reason=reason)
    await _record(store, bell, order, after, Action.ORDER_UNKNOWN, reason, {})
    return after


async def record_absence(store: Store, bell: Bell, order: Order) -> Order:
    """The venue proved that an UNKNOWN order never arrived and never will."""
    after = order.move(OrderState.ABSENT, reason="the venue proved that it never arrived")
    await _record(store, bell, order, after, Action.ORDER_ABSENT, str(after.reason), {})
    return after


async def _record(
    store: Store,
    bell: Bell,
    before: Order,
    after: Order,
    action: Action,
    rationale: str,
    detail: dict[str, Any],
    *,
    market_time: datetime | None = None,
) -> None:
    async with store.begin() as tx:
        if not await tx.orders.swap(before, after):
            return
        if after.state is OrderState.UNKNOWN:
            await tx.outbox.tell(_alert(after, "unknown"), Audience(at_least=Role.VIEWER))
        elif before.state is OrderState.UNKNOWN:
            known = replace(_alert(after, "known"), is_resolved=True)
            await tx.outbox.tell(known, Audience(at_least=Role.VIEWER))
        if after.state is OrderState.ACKED:
            await tx.outbox.tell(fill_notice(after), Audience())
        elif after.state is OrderState.REJECTED:
            code = after.reason or ""
            told = refusal_notice(after.idea_id, "order", "broker", code)
            await tx.outbox.tell(told, Audience())
        await tx.outbox.tell(card_notice(after.idea_id, f"order_{after.state}"), Audience())
        result = "pass" if after.state is OrderState.ACKED else f"fail:{after.state}"
        await tx.history.append(
            order_entry(
                action,
                after,
                await tx.now(),
                rationale=rationale,
                market_time=market_time,
                result=result,
                bundle_hash=None,
                detail=detail,
            )
        )
    await bell.ring("deliver")


def _alert(order: Order, what: str) -> Notice:
    return Notice(
        kind=Kind.UNKNOWN_ORDER,
        key=f"{what}:{order.client_id}",
        priority=Priority.SAFETY,
        detail={"client_id": order.client_id, "idea_id": str(order.idea_id)},
        cause=f"unknown:{order.client_id}",
    )
