"""What must hold of closes, parts and levels after any number of deaths, and of what is left."""

import json
from collections import Counter
from decimal import Decimal
from typing import Any

#: Records of one position order that may stand at most once.
_ONCE = ("position_ordered", "position_sending", "position_changed", "position_refused",
         "position_unknown", "position_absent", "position_cancelled")  # fmt: skip
_ENDS = {
    "done": "position_changed", "rejected": "position_refused", "absent": "position_absent",
    "unknown": "position_unknown", "cancelled": "position_cancelled",
}  # fmt: skip


def exit_faults(books: Any) -> list[str]:
    """Every violation."""
    found = [*_ended(books), *_volumes(books)]
    if books.truth is not None:
        found += [*_changes(books), *_levels(books)]
    return found


def _ended(books: Any) -> list[str]:
    found = []
    told = Counter((row["id"], row["action"]) for row in books.exit_records)
    for row in books.exits:
        name, state = row["client_id"], row["state"]
        record = _ENDS.get(state)
        if record is None and state != "asked":
            found.append(f"{row['deed']} {name} is stuck in {state}")
        # One that was declined or never confirmed was nobody's decision.
        decided = told[name, "position_ordered"] == 1
        if state not in ("asked", "cancelled") and not decided:
            found.append(f"{row['deed']} {name} is {state}, and nobody wanted it")
        if record is not None and decided and told[name, record] != 1:
            found.append(f"{row['deed']} {name} is {state} with {told[name, record]} records of it")
        found += [
            f"{row['deed']} {name} has {told[name, action]} records of {action}"
            for action in _ONCE
            if told[name, action] > 1
        ]
        if state == "unknown" and f"position:{name}:unknown" not in books.told:
            found.append(f"{row['deed']} {name} is unknown and nobody was told")
    return found


def _volumes(books: Any) -> list[str]:
    """What is open and what was closed of a trade is what was filled."""
    parts: Counter[Any] = Counter()
    for row in books.positions:
        parts[row["client_id"]] += Decimal(json.loads(row["document"])["volume"])
    return [
        f"{row['client_id']} was filled with {row['volume']}, our positions are {volume}"
        for row in books.fills
        if (volume := parts[row["client_id"]]) != row["volume"]
    ]


def _changes(books: Any) -> list[str]:
    """A close was dealt once where it is done, and never where it is said that it was not."""
    if books.truth.changes is None:
        return []
    found = []
    states = {row["client_id"]: row for row in books.exits}
    for name, count in books.truth.changes.items():
        row = states.get(name)
        if count > 1:
            found.append(f"close {name} was dealt {count} times")
        if row is None or row["state"] in ("asked", "intent", "rejected", "absent", "cancelled"):
            found.append(f"close {name} was dealt and is {row and row['state']}")
    for name, row in states.items():
        dealt = json.loads(row["document"])["price"] is not None
        if row["state"] == "done" and dealt and books.truth.changes.get(name, 0) != 1:
            found.append(f"close {name} is done and was not dealt")
    return found


def _levels(books: Any) -> list[str]:
    """What is open is the same on both sides, and so are the stops."""
    ours = [json.loads(row["document"]) for row in books.positions if row["is_open"]]
    held = sum((Decimal(each["volume"]) for each in ours), Decimal(0))
    theirs, dust = Decimal(books.truth.held), Decimal(books.truth.dust)
    found = [] if 0 <= theirs - held <= dust else [f"{held} open here, {theirs} at the venue"]
    mine = Counter((_number(each["volume"]), _number(each["stop_loss"])) for each in ours)
    stops = Counter((_number(volume), _number(price)) for volume, price in books.truth.stops)
    if mine != stops:
        found.append(f"our stops are {dict(mine)}, the venue's {dict(stops)}")
    if books.truth.others:
        found.append(f"{books.truth.others} deals at the venue belong to nobody")
    return found


def _number(text: Any) -> Decimal:
    return Decimal(str(text or 0)).normalize()
