"""OANDA's log of an account's transactions, read on and on: what became of everything we asked.

What happened to the account is in it, one transaction after the other, ours and anybody's. The
venue's books note how far it was read.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from broker.oanda.client import Client
from broker.oanda.facts import (
    Json,
    closed_of,
    commission_of,
    extension,
    fill_of,
    is_close_of,
    padded,
    parts_of,
    transaction_id,
    understood,
)  # fmt: skip
from broker.oanda.market import at
from broker.oanda.refusals import TAKEN
from broker.oanda.rules import Rules
from broker.oanda.symbols import Symbols
from broker.turns import Books
from engine.domain.position_orders import PositionChange
from engine.errors import BrokerSilent
from engine.snapshot.canonical import plain

log = logging.getLogger(__name__)

_SEEN = "seen"
#: A trade that was closed, and the commission of its opening.
_Ended = tuple[Json, Decimal]
#: Of a request whose answer was lost, OANDA's own servers hold nothing back for so long.
CHANGE_PROOF = timedelta(minutes=1)
_LEVELS = frozenset(("STOP_LOSS_ORDER", "TAKE_PROFIT_ORDER"))
#: The endings of the ids that a change gives to the orders of a trade.
STOP, TARGET = "s", "t"


@dataclass(frozen=True, kw_only=True)
class Log:
    """What is changed in the books here is changed at once, after the last question: whoever is
    interrupted leaves nothing half written.
    """

    client: Client
    symbols: Symbols

    async def catch_up(self, books: Books) -> None:
        """Note everything that happened since the last time, to the end; raises ``BrokerSilent``.
        The first time it begins with what happens from now on.
        """
        if _SEEN not in books.marks:
            told = await self.client.read(self.client.of_account("/summary"))
            with understood():
                books.marks[_SEEN] = transaction_id(told["lastTransactionID"])
            await books.save()
        while await self._page(books):
            await books.save()

    async def _page(self, books: Books) -> bool:
        """Note what one answer shows; whether there is more."""
        seen = books.marks[_SEEN]
        told = await self.client.read(
            self.client.of_account("/transactions/sinceid"), {"id": str(seen)}
        )
        with understood():
            last = transaction_id(told["lastTransactionID"])
            rows = sorted(told["transactions"], key=lambda row: transaction_id(row["id"]))
            rows = [row for row in rows if transaction_id(row["id"]) > seen]
        if not rows:
            if last > seen:
                raise BrokerSilent("OANDA does not show all of its log yet")
            return False
        rules, trades = await self._facts(rows)
        with understood():
            for row in rows:
                self.note(books, row, rules.get(row.get("instrument", "")))
                self._book(books, row, rules, trades)
            books.marks[_SEEN] = transaction_id(rows[-1]["id"])
        return True

    async def _facts(self, rows: list[Json]) -> tuple[Mapping[str, Rules], Mapping[str, _Ended]]:
        """The rules of the instruments that were dealt, and the trades that were closed."""
        with understood():
            filled = [row for row in rows if row["type"] == "ORDER_FILL"]
            names = {str(row["instrument"]) for row in filled}
            ended = {part.trade for row in filled for part in parts_of(row)}
        trades = {number: await self._ended(number) for number in sorted(ended)}
        return (
            {name: await self.symbols.of(name) for name in sorted(names)},
            {number: trade for number, trade in trades.items() if trade is not None},
        )

    async def _ended(self, number: str) -> _Ended | None:
        """A trade, and the commission of the transaction that opened it, whose number it has."""
        trade = await self.trade(number)
        if trade is None:
            return None
        found = await self.client.find(self.client.of_account(f"/transactions/{number}"))
        with understood():
            row = {} if found is None else found["transaction"]
            return trade, commission_of(row)

    async def trade(self, number: str) -> Json | None:
        """A trade, open or closed; None where OANDA knows of none."""
        found = await self.client.find(self.client.of_account(f"/trades/{number}"))
        with understood():
            return None if found is None else dict(found["trade"])

    def _book(
        self, books: Books, row: Json, rules: Mapping[str, Rules], trades: Mapping[str, _Ended]
    ) -> None:
        for part in parts_of(row) if row["type"] == "ORDER_FILL" else ():
            if part.trade not in trades:
                log.error("trade %s was closed, and OANDA does not show it", part.trade)
                continue
            trade, paid = trades[part.trade]
            books.end(closed_of(row, part, trade, rules[row["instrument"]], paid=paid))

    # ---- outcomes

    def note(self, books: Books, row: Json, rules: Rules | None) -> None:
        """Note what a transaction says of an order or a change of ours. Of an answer the same
        transactions come a second time in the log, which changes nothing.
        """
        kind = row["type"]
        if kind == "ORDER_FILL" and rules is not None:
            self._filled(books, row, rules)
        elif kind == "ORDER_CANCEL" and row.get("reason") not in TAKEN:
            _refused(books, row.get("clientOrderID"))
        elif kind == "MARKET_ORDER_REJECT" and row.get("rejectReason") not in TAKEN:
            _refused(books, extension(row))
        elif kind in _LEVELS:
            _moved(books, row)

    def _filled(self, books: Books, row: Json, rules: Rules) -> None:
        if row.get("clientOrderID") and row.get("tradeOpened"):
            fill = fill_of(row, rules)
            if books.orders.get(fill.client_id, fill) is None:
                log.error("order %s was dealt after it had been called absent", fill.client_id)
            books.orders[fill.client_id] = plain(fill)
        for part in parts_of(row):
            for client_id, change in _open(books):
                if change["kind"] == "close" and is_close_of(row, part, change):
                    done = _done(client_id, change, at(row["time"]))
                    price, volume = padded(part.price, rules), rules.lots(part.units)
                    books.changes[client_id] = plain(
                        replace(done, price=price, volume_closed=volume)
                    )

    async def settle(self, books: Books) -> None:
        """Catch up, and strike off changes that OANDA can no longer have on the way: their time was
        over when the log, read to its end once more, did not show them. Raises ``BrokerSilent``.
        """
        await self.catch_up(books)
        late = []
        for client_id, change in _open(books):
            # The clocks were compared by the answer that has just come.
            if await self.client.time() > datetime.fromisoformat(change["sent"]) + CHANGE_PROOF:
                late.append(client_id)
        if late:
            await self.catch_up(books)
        for client_id, _ in _open(books):
            if client_id in late:
                books.changes[client_id] = None


def pending(books: Books, trade: str) -> list[str]:
    """The kinds of what may still happen to a trade."""
    return [str(change["kind"]) for _, change in _open(books) if change["trade"] == trade]


def begun(change: Any) -> bool:
    """Whether a change of levels was made in a part."""
    return bool(change and change.get("made"))


def _open(books: Books) -> list[tuple[str, dict[str, Any]]]:
    return [(name, what) for name, what in books.changes.items() if what and "sent" in what]


def _refused(books: Books, client_id: Any) -> None:
    known = books.orders.get(client_id)
    if known is not None and "sent" in known:
        books.orders[client_id] = None


def _moved(books: Books, row: Json) -> None:
    name = extension(row) or ""
    client_id, ending = name[:-1], name[-1:]
    change = books.changes.get(client_id)
    if not change or "sent" not in change or ending not in change.get("want", ()):
        return
    change["made"] = sorted({*change.get("made", ()), ending})
    if change["made"] == sorted(change["want"]):
        books.changes[client_id] = plain(_done(client_id, change, at(row["time"])))


def _done(client_id: str, change: Mapping[str, Any], time: datetime) -> PositionChange:
    return PositionChange(
        client_id=client_id,
        position_id=change["trade"],
        volume_left=Decimal(change["left"]),
        time=time,
    )
