"""What became of a request whose answer was lost: by the mark it left at the broker, or by none."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from broker.mt5.connector.facts import exact, small
from broker.mt5.connector.journal import Entry, Journal, Leg, State
from broker.mt5.connector.link import Failed, Lost, NotConnected
from broker.mt5.connector.problems import Problem
from broker.mt5.connector.terminal import Terminal

Told = Mapping[str, Any]

#: Two looks that are further apart say nothing about the time between them.
_TOGETHER_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Books:
    """What the account shows at one look."""

    deals: Sequence[Told]
    positions: Sequence[Told]
    orders: Sequence[Told]


@dataclass
class Tracer:
    """Looks for what was begun. It never sends anything.

    Without a trace something counts as never done only when the terminal was seen connected to its
    broker for ``absence_seconds`` without a break, and showed none all that time.
    """

    terminal: Terminal
    journal: Journal
    absence_seconds: float
    _quiet: dict[int, tuple[float, float]] = field(default_factory=dict)

    async def look(self, entry: Entry) -> bool:
        """Whether every leg of an entry has an end now; what shows is written down."""
        begun = [leg for leg in self.journal.legs(entry.key) if leg.state is State.BEGUN]
        if not begun:
            return True
        try:
            standing = await self.terminal.look()
            books = Books(
                await self.terminal.deals(entry.begun_at),
                await self.terminal.positions(),
                await self.terminal.orders(),
            )
        except (Problem, Failed, Lost, NotConnected):
            self._quiet.clear()
            return False
        for leg in begun:
            self._judge(leg, books, connected=standing.connected)
        return all(leg.state is not State.BEGUN for leg in self.journal.legs(entry.key))

    def _judge(self, leg: Leg, books: Books, *, connected: bool) -> None:
        found = trace(leg, books)
        if found is not None:
            self.journal.mark(leg, State.DONE, {**found, "at": self._at(found).isoformat()})
        elif not connected or any(order["magic"] == leg.magic for order in books.orders):
            self._quiet.pop(leg.magic, None)
            return
        elif self._is_quiet(leg.magic):
            self.journal.mark(leg, State.ABSENT)
        else:
            return
        self._quiet.pop(leg.magic, None)

    def _at(self, found: Told) -> datetime:
        """When it was dealt, if that and the broker's clock are known, else now."""
        seconds, time = found["seconds"], self.terminal.time
        return time.utc(seconds) if seconds and time is not None else self.terminal.clock()

    def _is_quiet(self, magic: int) -> bool:
        now = asyncio.get_running_loop().time()
        first, last = self._quiet.get(magic, (now, now))
        if not now - last <= _TOGETHER_SECONDS:
            first = now
        self._quiet[magic] = (first, now)
        return now - first >= self.absence_seconds


def trace(leg: Leg, books: Books) -> dict[str, Any] | None:
    """What shows that a leg was done, as its result; None when nothing does."""
    if leg.plan["action"] == "sltp":
        return _levels(leg, books.positions)
    kinds = (1, 2, 3) if leg.plan["position"] else (0, 2)
    deals = [d for d in books.deals if d["magic"] == leg.magic and d["entry"] in kinds]
    if deals:
        return result_of(deals, leg.plan["digits"])
    held = next((p for p in books.positions if p["magic"] == leg.magic), None)
    if held is None or leg.plan["position"]:
        return None
    return {
        "order": held["ticket"], "deal": 0, "position": held["identifier"],
        "volume": str(small(held["volume"])),
        "price": str(exact(held["price_open"], leg.plan["digits"])),
        "seconds": held["time"],
    }  # fmt: skip


def result_of(deals: Sequence[Told], digits: int) -> dict[str, Any]:
    """Deals of one request as its result: the whole volume at its mean price."""
    volume = sum((small(deal["volume"]) for deal in deals), Decimal(0))
    paid = sum((small(deal["volume"]) * exact(deal["price"], digits) for deal in deals), Decimal(0))
    return {
        "order": deals[0]["order"], "deal": deals[0]["ticket"],
        "position": deals[0]["position_id"], "volume": str(volume),
        "price": str(round(paid / volume, digits)),
        "seconds": max(deal["time_msc"] for deal in deals) / 1000,
    }  # fmt: skip


def _levels(leg: Leg, positions: Sequence[Told]) -> dict[str, Any] | None:
    """Levels are absolute: a position that has them says that they were set."""
    held = next((p for p in positions if p["identifier"] == leg.plan["position"]), None)
    digits = leg.plan["digits"]
    wanted = [Decimal(leg.plan["sl"]), Decimal(leg.plan["tp"])]
    if held is None or [exact(held["sl"], digits), exact(held["tp"], digits)] != wanted:
        return None
    return {"order": 0, "deal": 0, "position": held["identifier"], "seconds": 0}
