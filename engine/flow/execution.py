"""Send an order: every check once more, written down as SENDING, then exactly one attempt."""

import asyncio
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engine.domain.decision import Action
from engine.domain.gate import Verdict
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.order import Fill, Order, OrderState
from engine.domain.snapshot import Bundle
from engine.errors import BrokerRefused, BrokerSilent
from engine.flow.judgement import Answer, Question, ask_again
from engine.flow.order_outcomes import Outcome, filled, record, rejected, silent
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
    order from INTENT to SENDING talks to the venue. While trading or the symbol is paused it stays
    an INTENT, until it is resumed or too old. An answer that does not come leaves the order
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
            if bundle.control.holds(order.symbol):
                return order
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
    """The venue has the order."""
    return await _recorded(store, bell, filled(order, fill))


async def record_rejection(store: Store, bell: Bell, order: Order, reason: str) -> Order:
    """The venue did not take the order."""
    return await _recorded(store, bell, rejected(order, reason))


async def record_silence(store: Store, bell: Bell, order: Order, reason: str) -> Order:
    """Nobody knows what became of the order."""
    return await _recorded(store, bell, silent(order, reason))


async def _recorded(store: Store, bell: Bell, outcome: Outcome) -> Order:
    await record(store, bell, [outcome])
    return outcome.after
