"""What is written down and told of webhooks, and the one way an endpoint is switched off."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Role
from engine.domain.webhook_events import EventType
from engine.domain.webhooks import Delivery, Endpoint, Off, Reply
from engine.ports import Transaction


def changed(endpoint: Endpoint, what: str, actor: str, now: datetime, **detail: Any) -> Entry:
    """The record of a change of an endpoint, which a caller appends last. It names the server and
    not the whole address, which may hold a token.
    """
    return Entry(
        action=Action.WEBHOOK_CHANGED,
        occurred_at=now,
        actor=actor,
        rationale=f"webhook {endpoint.id} ({endpoint.host}): {what}",
        human_override=actor not in ("system", "settings"),
        detail={"endpoint": endpoint.id, "host": endpoint.host, "change": what, **detail},
    )


async def switch_off(tx: Transaction, endpoint: Endpoint, why: Off, now: datetime) -> None:
    """Stop sending to an endpoint that cannot be reached any more, and tell the admins. What waits
    for it is taken back.
    """
    await tx.webhooks.save(replace(endpoint, off=why))
    cancelled = await tx.webhooks.cancel(endpoint.id, "it was switched off")
    await tx.outbox.tell(
        Notice(
            kind=Kind.WEBHOOK,
            key=f"webhook_off:{endpoint.id}:{now.isoformat()}",
            priority=Priority.NORMAL,
            detail={**_of(endpoint), "what": str(why), "cancelled": cancelled},
        ),
        Audience(at_least=Role.ADMIN),
    )
    what = f"off: {why}"
    await tx.history.append(changed(endpoint, what, "system", now, cancelled=cancelled))


async def delivery_failed(
    tx: Transaction, endpoint: Endpoint, delivery: Delivery, reply: Reply, now: datetime
) -> None:
    """Tell the admins of a delivery that was given up, and write it down. The admins have one
    message of an endpoint in an hour, with a counter.

    That a message about such a failure failed is not written down again: it would never end.
    """
    await tx.outbox.tell(
        Notice(
            kind=Kind.WEBHOOK,
            key=f"webhook_failed:{delivery.id}:{delivery.attempts}",
            priority=Priority.NORMAL,
            detail={
                **_of(endpoint),
                "what": "failed",
                "type": str(delivery.event.type),
                "attempts": delivery.tries,
                "why": str(reply.why),
                "status": reply.status,
            },
            cause=f"webhook:{endpoint.id}",
        ),
        Audience(at_least=Role.ADMIN),
    )
    if delivery.event.type is EventType.DELIVERY_FAILED:
        return
    await tx.history.append(
        Entry(
            action=Action.WEBHOOK_DELIVERY_FAILED,
            occurred_at=now,
            actor="system",
            rationale=f"webhook {endpoint.id} ({endpoint.host}) did not take {delivery.event.type}"
            f" in {delivery.tries} attempts: {reply.reason}",
            risk_check_result="fail:webhook",
            detail={
                "endpoint": endpoint.id,
                "description": endpoint.description,
                "delivery": delivery.id,
                "event": delivery.event.id,
                "type": str(delivery.event.type),
                "attempts": delivery.tries,
                "reason": reply.reason,
            },
        )
    )


def _of(endpoint: Endpoint) -> dict[str, Any]:
    return {"id": endpoint.id, "host": endpoint.host, "description": endpoint.description}
