"""Signals pushed to an EA server: a line for the chat, documents in the shape of source 003."""

from datetime import datetime
from html import unescape
from re import sub
from typing import Any

from bot.i18n import Html, Words
from engine.domain.signal import Contact, QueuedSignal, SignalState
from engine.domain.values import utc
from engine.flow.signal_status import QueueStatus, finding
from engine.flow.signals import Pushed
from engine.ports import SignalServer


def lines(words: Words, status: QueueStatus) -> list[Html]:
    """The queue's last day, and what holds it back; nothing when signals are not pushed."""
    if status.server is None:
        return []
    counts = {str(s).lower(): words.number(status.count(s)) for s in SignalState}
    found = [Html(""), words("push.line", server=status.server, **counts)]
    if status.held is not None:
        found.append(words("push.held", state=words(f"state.{status.held}")))
    return found


def status_document(status: QueueStatus) -> dict[str, Any]:
    """What the source's queue status says, with its counters and the last failures."""
    return {
        "success": True,
        "queue_status": {
            str(state): {"count": found.count, "latest": _instant(found.latest)}
            for state in SignalState
            if (found := status.states.get(state)) is not None
        },
        "period": "last_24_hours",
        "ea_server": status.server,
        "held": None if status.held is None else str(status.held),
        "counters": {
            "ea_signals_generated_total": status.generated,
            "ea_signals_sent_total": status.sent,
            "ea_signals_failed_total": status.failed,
            "ea_connection_test_success": (
                None if status.connection is None else int(status.connection)
            ),
        },
        "failed": [_failure(one) for one in status.failures],
    }


def _failure(one: QueuedSignal) -> dict[str, Any]:
    return {
        "signal_id": str(one.signal.signal_id),
        "symbol": one.signal.symbol,
        "side": str(one.signal.side),
        "queued": _instant(one.created_at),
        "attempts": one.attempts,
        "reason": one.reason,
    }


def test_document(words: Words, contact: Contact, server: SignalServer) -> dict[str, Any]:
    """What the source's connection test says; the message names what to do."""
    if contact.connected:
        said = words(f"push.{contact.reach}")
    else:
        found = finding(contact, server)
        said = Html(
            f"❌ {words(f'doctor.{found.code}', **found.facts)}"
            f" {words(f'doctor.fix.{found.code}', **found.facts)}"
        )
    return {
        "connected": contact.connected,
        "ea_server": server.address,
        "ea_url": server.url,
        "message": _plain(said),
    }


def push_document(words: Words, done: Pushed) -> dict[str, Any]:
    """What the source's manual push says, and what was not sent."""
    said = words("push.pushed", count=done.sent)
    if done.held is not None:
        said = words("push.held", state=words(f"state.{done.held}"))
    return {
        "success": not (done.failed or done.waiting or done.held),
        "sent_count": done.sent,
        "failed_count": done.failed,
        "expired_count": done.expired,
        "waiting_count": done.waiting,
        "message": _plain(said),
    }


def _plain(text: Html) -> str:
    return unescape(sub(r"<[^>]+>", "", text))


def _instant(at: datetime) -> str:
    return utc(at).isoformat(timespec="seconds").replace("+00:00", "Z")
