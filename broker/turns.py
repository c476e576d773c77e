"""A venue's own books, apart from what its far side keeps: what was sent, and what became of it.

Everything is written down before the far side is asked to do it, so that whoever comes after a
crash knows what to look for. One process at a time works on them: it takes a turn, which ends by
itself when the process does.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.domain.order import ClosedTrade, Fill
from engine.domain.position_orders import PositionChange
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import Clock, VenueLedger
from engine.snapshot.canonical import plain, restore

#: A turn that was not renewed for so long is over; each call to the far side takes less.
_TURN = timedelta(seconds=15)
_WAIT_SECONDS, _ASK_SECONDS = 6.0, 0.05
#: So many of each are kept once they are over. An older order is one that the books do not know.
_KEPT = 300


@dataclass(kw_only=True)
class Books:
    """The books while it is our turn. ``orders`` and ``changes`` are by client id: None is struck
    off for good, a document with ``sent`` waits for its outcome, any other one is the outcome.
    ``marks`` are a venue's own: how far it has read, for one.
    """

    ledger: VenueLedger
    name: str
    token: str
    clock: Clock
    orders: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    held: list[dict[str, Any]] = field(default_factory=list)
    closed: list[dict[str, Any]] = field(default_factory=list)
    marks: dict[str, Any] = field(default_factory=dict)

    async def save(self, *, last: bool = False) -> None:
        """Commit the books and renew the turn, or end it with the ``last`` of them; raises
        ``BrokerSilent`` when it was lost.
        """
        async with self.ledger.open(self.name) as document:
            turn = document.get("turn")
            if turn is None or turn["token"] != self.token:
                raise BrokerSilent("the turn at the books was lost")
            document.update(
                orders=_latest(self.orders),
                changes=_latest(self.changes),
                held=self.held,
                closed=self.closed[-_KEPT:],
                marks=self.marks,
                turn=None if last else _turn(self.token, self.clock()),
            )

    def find(self, position_id: str) -> dict[str, Any] | None:
        """A position that is held."""
        return next((held for held in self.held if held["id"] == position_id), None)

    def fill(self, client_id: str) -> Fill | None:
        """An order's fill, when it is known."""
        known = self.orders.get(client_id)
        return None if known is None or "sent" in known else restore(Fill, known)

    def change(self, client_id: str) -> PositionChange | None:
        """A change that was made, when it is known."""
        known = self.changes.get(client_id)
        return None if known is None or "sent" in known else restore(PositionChange, known)

    def is_new(self, client_id: str, known: dict[str, Any]) -> None:
        """Refuse an id that was struck off; one that was given before is looked up instead."""
        if client_id in known:
            if known[client_id] is None:
                raise BrokerRefused(f"{client_id} was struck off")
            raise BrokerSilent(f"{client_id} was given before")

    def end(self, trade: ClosedTrade) -> None:
        """Note the end of a trade, or of a part of one."""
        self.closed.append(plain(trade))

    def number(self, held: dict[str, Any]) -> str:
        """The next id of an order of ours that belongs to a position: 24 + 8 of 36 letters."""
        held["number"] += 1
        return f"{held['key']}-{held['number']}"


def _latest(known: dict[str, Any]) -> dict[str, Any]:
    """What still waits for its outcome, and the latest of what is over."""
    over = [name for name, what in known.items() if what is None or "sent" not in what]
    gone = set(over[:-_KEPT])
    return {name: what for name, what in known.items() if name not in gone}


def part_of(held: dict[str, Any], volume: Decimal) -> tuple[str, Decimal]:
    """Take a part of a position: the id of the part, and what was paid for it. The last part keeps
    the position's own id.
    """
    all_of_it, paid = Decimal(held["volume"]), Decimal(held["paid"])
    if volume >= all_of_it:
        held["volume"], held["paid"] = "0", "0"
        return str(held["id"]), paid
    share = paid * volume / all_of_it
    held["volume"], held["paid"] = str(all_of_it - volume), str(paid - share)
    held["taken"] += 1
    return f"{held['id']}/{held['taken']}", share


@asynccontextmanager
async def turn(ledger: VenueLedger, name: str, clock: Clock) -> AsyncIterator[Books]:
    """Take a turn at the books; raises ``BrokerSilent`` when somebody else's does not end.

    What was changed and not saved is saved when nothing was raised.
    """
    token = secrets.token_hex(8)
    books = await _taken(ledger, name, clock, token)
    try:
        yield books
        await books.save(last=True)
    except BaseException:
        # Whoever is cancelled gives the turn back all the same; a killed one's ends by itself.
        await asyncio.shield(_given_back(ledger, name, token))
        raise


async def _taken(ledger: VenueLedger, name: str, clock: Clock, token: str) -> Books:
    loop = asyncio.get_running_loop()
    until = loop.time() + _WAIT_SECONDS
    while True:
        async with ledger.open(name) as document:
            other = document.get("turn")
            if other is None or _is_over(datetime.fromisoformat(other["until"]), clock()):
                document["turn"] = _turn(token, clock())
                kept = {key: document[key] for key in _PARTS if key in document}
                return Books(ledger=ledger, name=name, token=token, clock=clock, **kept)
        if loop.time() > until:
            raise BrokerSilent("somebody else is at the books")
        await asyncio.sleep(_ASK_SECONDS)


def _is_over(until: datetime, now: datetime) -> bool:
    # A turn that would last longer than any can was taken before the clock was set back.
    return not now < until <= now + _TURN


_PARTS = ("orders", "changes", "held", "closed", "marks")


async def _given_back(ledger: VenueLedger, name: str, token: str) -> None:
    async with ledger.open(name) as document:
        if (document.get("turn") or {}).get("token") == token:
            document["turn"] = None


def _turn(token: str, now: datetime) -> dict[str, str]:
    return {"token": token, "until": (now + _TURN).isoformat()}
