"""What must hold after any number of deaths, read from the tables themselves."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from engine.flow.ideas import client_id
from storage.inbox import ATTEMPTS
from tests.chaos.exit_rules import exit_faults
from tests.chaos.venues import Truth

FINAL = {"acked", "rejected", "cancelled", "absent", "unknown"}
_PROPOSED = ("ai_proposed", "ai_auto_executed", "human_proposed")
_JUDGED = (*_PROPOSED, "risk_rejected", "no_trade")
_ANSWERS = {"ok", "no", "half"}
#: The record each ending of an approval must have, exactly once.
_RECORD = {
    "approved": "human_approved",
    "rejected": "human_rejected",
    "expired": "idea_expired",
    "price_moved": "risk_rejected",
    "gate_closed": "risk_rejected",
    "halted": "risk_rejected",
}
_STATE_RECORD = {
    "acked": "order_filled",
    "rejected": "order_rejected",
    "cancelled": "order_cancelled",
    "unknown": "order_unknown",
    "absent": "order_absent",
}


@dataclass
class Books:
    """Every row the rules look at."""

    ideas: dict[Any, Any]
    approvals: dict[Any, Any]
    orders: list[Any]
    fills: list[Any]
    positions: list[Any]
    records: list[Any]
    inbox: list[Any]
    alerts: set[str]
    outbox: list[Any]
    evaluations: list[Any]
    gate_snapshots: list[Any]
    exits: list[Any]
    exit_records: list[Any]
    told: set[str]
    venue: dict[str, Any]
    truth: Truth | None
    played: int | None
    control: str
    violations: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How much there was to check."""
        states = Counter(row["state"] for row in self.orders)
        endings = Counter(row["ending"] for row in self.approvals.values())
        deeds = Counter((row["deed"], row["state"]) for row in self.exits)
        at_venue = {} if self.truth is None else asdict(self.truth)
        return {
            "candles": len(self.evaluations),
            "ideas": len(self.ideas),
            "taps": len(self.inbox),
            "records": len(self.records),
            "positions": len(self.positions),
            **{f"orders {name}": count for name, count in sorted(states.items())},
            **{f"approvals {name}": count for name, count in sorted(endings.items())},
            **{f"{deed} {state}": count for (deed, state), count in sorted(deeds.items())},
            **{name: at_venue[name] for name in ("requests", "faults") if name in at_venue},
        }


async def read(owner_url: str, truth: Truth | None = None) -> Books:
    """The tables of a database at rest; ``truth`` is a venue's that has a server of its own."""
    db = await asyncpg.connect(owner_url)
    try:
        venue = await db.fetchval("SELECT document FROM document WHERE name LIKE 'paper:%'")
        tape = await db.fetchval("SELECT document FROM document WHERE name LIKE 'recording:%'")
        ideas = await db.fetch("SELECT id, number, status FROM trade_ideas")
        approvals = await db.fetch("SELECT idea_id, ending, decided_by, document FROM approval")
        return Books(
            ideas={row["id"]: row for row in ideas},
            approvals={row["idea_id"]: row for row in approvals},
            orders=await db.fetch("SELECT * FROM trade_order"),
            fills=await db.fetch("SELECT * FROM fill"),
            positions=await db.fetch("SELECT * FROM trade_position"),
            records=await db.fetch(
                "SELECT seq, action, trade_idea_id, market_time FROM decision_history ORDER BY seq"
            ),
            inbox=await db.fetch("SELECT * FROM telegram_inbox"),
            alerts={
                row["key"]
                for row in await db.fetch("SELECT key FROM outbox WHERE kind = 'unknown_order'")
            },
            outbox=await db.fetch("SELECT key, kind, state, error FROM outbox"),
            evaluations=await db.fetch("SELECT candle_time FROM evaluation ORDER BY candle_time"),
            gate_snapshots=await db.fetch("SELECT ts_utc, repeats FROM gate_snapshots"),
            exits=await db.fetch("SELECT * FROM position_order"),
            exit_records=await db.fetch(
                "SELECT action, body::jsonb -> 'detail' -> 'position_order' ->> 'client_id' AS id"
                " FROM decision_history WHERE action LIKE 'position_%'"
            ),
            told={
                row["key"]
                for row in await db.fetch("SELECT key FROM outbox WHERE kind = 'position_order'")
            },
            venue=json.loads(venue) if venue else {},
            truth=truth,
            played=json.loads(tape).get("played") if tape else None,
            control=await db.fetchval("SELECT state FROM control"),
        )
    finally:
        await db.close()


async def check(owner_url: str, truth: Truth | None = None) -> Books:
    """Read the books and note every violation."""
    books = await read(owner_url, truth)
    books.violations += [
        *_no_order_twice(books),
        *_venue_equals_books(books),
        *_no_approval_lost(books),
        *_nothing_stuck(books),
        *_history_tells_it(books),
        *_no_tap_lost(books),
        *_no_candle_skipped(books),
        *exit_faults(books),
    ]
    return books


def _no_order_twice(books: Books) -> list[str]:
    per_idea = Counter(row["idea_id"] for row in books.orders)
    found = [f"idea {i} has {n} orders" for i, n in per_idea.items() if n > 1]
    found += [
        f"order {row['client_id']} is not the one of its idea"
        for row in books.orders
        if row["client_id"] != client_id(row["account_id"], row["idea_id"])
    ]
    per_id = Counter(client_id for client_id, _ in _trades(books.positions))
    found += [f"{id_} is {n} positions in our books" for id_, n in per_id.items() if n > 1]
    return found


def _trades(rows: Iterable[Any]) -> set[tuple[str, str]]:
    """Orders and the positions they became; parts have their position's id and a number."""
    return {
        (row["client_id"], str(row.get("position_id") or row["id"]).split("/")[0]) for row in rows
    }


def venue_trades(venue: dict[str, Any]) -> Counter[str]:
    """How often the venue took each id, open and closed trades together."""
    trades = [*venue.get("positions", []), *venue.get("closed", [])]
    return Counter(client_id for client_id, _ in _trades(trades))


def _venue_equals_books(books: Books) -> list[str]:
    trades = venue_trades(books.venue) if books.truth is None else Counter(books.truth.taken)
    found = [f"the venue took {id_} {n} times" for id_, n in trades.items() if n > 1]
    acked = {row["client_id"] for row in books.orders if row["state"] == "acked"}
    held = {id_ for id_, fill in books.venue.get("orders", {}).items() if fill is not None}
    held = held if books.truth is None else set(trades)
    for name, ids in {
        "the venue's trades": set(trades),
        "the venue's orders": held,
        "our fills": {row["client_id"] for row in books.fills},
        "our positions": {row["client_id"] for row in books.positions},
    }.items():
        found += [f"{id_} is in {name} and not ACKED" for id_ in sorted(ids - acked, key=str)]
        found += [f"{id_} is ACKED and not in {name}" for id_ in sorted(acked - ids)]
    return found + _money(books)


def _money(books: Books) -> list[str]:
    """Our closed trades add up to the venue's balance."""
    if "balance" not in books.venue:
        return []
    ours = sum((row["profit"] for row in books.positions if not row["is_open"]), Decimal(0))
    theirs = Decimal(books.venue["balance"]) - Decimal("10000.00")
    return [] if ours == theirs else [f"our profit is {ours}, the venue's is {theirs}"]


def _no_approval_lost(books: Books) -> list[str]:
    of_idea = {row["idea_id"]: row for row in books.orders}
    found = []
    for idea_id, row in books.approvals.items():
        number, order = books.ideas[idea_id]["number"], of_idea.get(idea_id)
        if row["ending"] == "approved" and order is None:
            found.append(f"idea {number} is approved and has no order")
        if row["ending"] != "approved" and order is not None:
            found.append(f"idea {number} is {row['ending']} and has an order")
        if json.loads(row["document"])["ending"] != row["ending"]:
            found.append(f"the approval of idea {number} says two things")
    for idea_id, idea in books.ideas.items():
        if idea["status"] == "auto_executed" and idea_id not in of_idea:
            found.append(f"idea {idea['number']} was executed by itself and has no order")
        ending = books.approvals[idea_id]["ending"] if idea_id in books.approvals else None
        if ending is not None and idea["status"] != _status(ending):
            found.append(f"idea {idea['number']} is {idea['status']}, its approval {ending}")
    return found


def _status(ending: str) -> str:
    return {
        "pending": "needs_approval",
        "price_moved": "rejected",
        "gate_closed": "rejected",
        "halted": "halted_by_risk",
    }.get(ending, ending)


def _nothing_stuck(books: Books) -> list[str]:
    found = []
    for row in books.orders:
        document = json.loads(row["document"])
        if row["state"] not in FINAL:
            found.append(f"order {row['client_id']} is stuck in {row['state']}")
        elif row["state"] != document["state"]:
            found.append(f"order {row['client_id']} is {row['state']} and {document['state']}")
        elif row["state"] != "acked" and not document["reason"]:
            found.append(f"order {row['client_id']} is {row['state']} and nobody knows why")
        if row["state"] == "unknown" and f"unknown:{row['client_id']}" not in books.alerts:
            found.append(f"order {row['client_id']} is unknown and nobody was told")
    return found


def _history_tells_it(books: Books) -> list[str]:
    told: Counter[tuple[Any, str]] = Counter(
        (row["trade_idea_id"], row["action"]) for row in books.records
    )
    found = [
        f"record {row['seq']} is number {number}"
        for number, row in enumerate(books.records, 1)
        if row["seq"] != number
    ]
    for idea_id, idea in books.ideas.items():
        if sum(told[idea_id, action] for action in (*_PROPOSED, "risk_rejected")) < 1:
            found.append(f"idea {idea['number']} was never proposed")
        found += [
            f"idea {idea['number']} is {action} {told[idea_id, action]} times"
            for action in (*_PROPOSED, "human_approved", "order_filled", "order_sending")
            if told[idea_id, action] > 1
        ]
    for idea_id, row in books.approvals.items():
        record = _RECORD.get(row["ending"])
        if record is not None and told[idea_id, record] != 1:
            count = told[idea_id, record]
            found.append(f"idea {books.ideas[idea_id]['number']} has {count} records of {record}")
    for row in books.orders:
        record = _STATE_RECORD.get(row["state"])
        if record is not None and told[row["idea_id"], record] != 1:
            found.append(f"order {row['client_id']} is {row['state']} without its one record")
    return found


def _no_tap_lost(books: Books) -> list[str]:
    """A stored tap is what Telegram will never bring again."""
    found = []
    for row in books.inbox:
        if row["done_at"] is None:
            if row["attempts"] < ATTEMPTS or not row["error"]:
                error = row["error"] or "no error"
                found.append(
                    f"update {row['update_id']} waits after {row['attempts']} attempts, {error}"
                )
            continue
        data = (json.loads(row["payload"]).get("callback_query") or {}).get("data", "")
        _, word, hex_ = [*data.split(":"), "", "", ""][:3]
        if word not in _ANSWERS:
            continue
        answered = next((a for i, a in books.approvals.items() if i.hex == hex_), None)
        if answered is None or answered["ending"] == "pending":
            found.append(f"update {row['update_id']} is done and its idea was never answered")
    return found


def _no_candle_skipped(books: Books) -> list[str]:
    """Every candle that was judged is on record, and none was played without being judged."""
    judged = {row["market_time"] for row in books.records if row["action"] in _JUDGED}
    # A no that repeats the one before it stands in the table of evaluations only.
    judged |= {row["ts_utc"] for row in books.gate_snapshots if row["repeats"] > 0}
    hour = timedelta(hours=1)
    found = [
        f"the candle of {row['candle_time']} was claimed and never judged"
        for row in books.evaluations
        if row["candle_time"] + hour not in judged
    ]
    if books.played is not None and books.evaluations:
        found += _gaps(books)
    return found


def _gaps(books: Books) -> list[str]:
    from broker.feeds.recorded import shipped_recording

    times = shipped_recording().times
    first = times.index(books.evaluations[0]["candle_time"])
    known = {row["candle_time"] for row in books.evaluations}
    # The last candle may still wait to be judged when all is stopped; the next start does it.
    return [
        f"the candle of {time} was played and never judged"
        for time in times[first : books.played - 1]
        if time not in known
    ]
