"""Verify what is stored: each record's hash, link, number and columns, each bundle's bytes."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.transactions import in_transaction

from engine.domain.decision import Entry, Retirement
from engine.errors import InvalidInput
from engine.ports import Fault
from engine.snapshot.canonical import restore
from storage import mapping
from storage.bundle_audit import check_bundles, retirements
from storage.chain import GENESIS, link
from storage.models import DecisionRow, HistoryHeadRow

_PAGE = 500


class PostgresAuditor:
    """The port ``Auditor``."""

    async def verify(self) -> tuple[int, tuple[Fault, ...]]:
        """Check every decision and every bundle inside one unchanging view of the database."""
        count = 0
        async with in_transaction() as connection:
            await connection.execute_query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            known, faults = await check_bundles(connection)
            retired = await retirements(connection)
            previous, expected = GENESIS, 1
            async for row in _rows(connection):
                faults += _check(row, previous, expected, known, retired)
                previous, expected = row.hash, row.seq + 1
                count += 1
            faults += await _check_head(connection, previous, expected - 1)
        return count, tuple(faults)


async def _rows(connection: BaseDBAsyncClient) -> AsyncIterator[DecisionRow]:
    last = -1
    while True:
        query = DecisionRow.filter(seq__gt=last).using_db(connection)
        page = await query.order_by("seq").limit(_PAGE)
        for row in page:
            yield row
        if len(page) < _PAGE:
            return
        last = page[-1].seq


def _check(
    row: DecisionRow, previous: str, expected: int, known: set[str], retired: Sequence[Retirement]
) -> list[Fault]:
    name = f"decision {row.seq}"
    faults = []
    if row.seq != expected:
        faults.append(Fault(name, f"decision {expected} is missing before it"))
    if row.previous_hash != previous:
        faults.append(Fault(name, "it is not tied to the record before it"))
    if link(row.previous_hash, row.seq, row.body) != row.hash:
        faults.append(Fault(name, "its text is not the one that was hashed"))
    faults += [Fault(name, f"column {column} differs from its text") for column in _columns(row)]
    if not (
        row.snapshot_ref is None
        or row.snapshot_ref in known
        or any(r.covers(row.seq, row.action, row.occurred_at) for r in retired)
    ):
        faults.append(Fault(name, f"its bundle {row.snapshot_ref[:12]} is missing or damaged"))
    return faults


def _columns(row: DecisionRow) -> list[str]:
    """The columns that do not repeat what the hashed text says."""
    try:
        entry = restore(Entry, json.loads(row.body))
    except (ValueError, InvalidInput):
        return ["body"]
    expected: dict[str, Any] = mapping.entry_columns(entry)
    return [name for name, value in expected.items() if getattr(row, name) != value]


async def _check_head(connection: BaseDBAsyncClient, last_hash: str, last_seq: int) -> list[Fault]:
    head = await HistoryHeadRow.filter(id=1).using_db(connection).get_or_none()
    if head is None:
        return [Fault("head", "the row that names the last record is gone")]
    if (head.seq, head.hash) != (last_seq, last_hash):
        return [
            Fault(
                f"decision {head.seq}",
                f"the head says the history ends here, the records end at {last_seq}",
            )
        ]
    return []
