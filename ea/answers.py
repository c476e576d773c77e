"""What the server says, in the protocol's own form."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.domain.terminal import Command, Wishes

#: Fields of commands that are numbers with decimals; they are kept as text.
_DECIMALS = ("volume", "price", "max_deviation", "sl", "tp", "keep")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often a terminal is to speak, in milliseconds, and how far ahead to tell the calendar."""

    poll_ms: int = 250
    hold_ms: int = 2000
    heartbeat_ms: int = 5000
    sync_ms: int = 5000
    calendar_hours: int = 192


def milliseconds(instant: datetime) -> int:
    """An instant since 1970."""
    return int(instant.timestamp() * 1000)


def settings_of(wishes: Wishes, pace: Pace, *, paused: bool) -> dict[str, Any]:
    """How a terminal is to go on."""
    return {
        "paused": paused,
        "poll_ms": pace.poll_ms,
        "hold_ms": pace.hold_ms,
        "heartbeat_ms": pace.heartbeat_ms,
        "sync_ms": pace.sync_ms,
        "sync_now": wishes.sync_now,
        "symbols": list(wishes.symbols),
        "candles": [
            {"symbol": each.symbol, "timeframe": str(each.timeframe), "count": each.count}
            for each in wishes.candles
        ],
        "deals_since": wishes.deals_since,
        "calendar_hours": pace.calendar_hours,
        "names": wishes.names,
    }


def command_of(command: Command) -> dict[str, Any]:
    """A command as it is offered."""
    return {
        "id": command.id,
        "seq": command.seq,
        "type": str(command.type),
        "issued_ms": milliseconds(command.issued_at),
        "expires_ms": 0 if command.expires_at is None else milliseconds(command.expires_at),
        "attempt": command.attempt,
        "lookup_only": command.lookup_only,
        **{
            name: Decimal(value) if name in _DECIMALS else value
            for name, value in command.fields.items()
        },
    }
