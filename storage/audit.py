"""Verify what is stored: each record's hash, link and number, each bundle's bytes, each anchor."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import BaseORMException

from engine.domain.decision import Retirement
from engine.errors import HistoryBroken
from engine.ports import Anchor, Anchors, Break, Fault
from storage.bundle_audit import check_bundles, check_evaluations, retirements
from storage.chain import GENESIS, content, link
from storage.database import transaction

_PAGE = 2_000
#: Of a history that is broken everywhere this many faults are told, then how many more there are.
_TOLD = 200

# The columns in the order in which they were hashed, as texts: nothing an editor can put into one
# of them may stop the reading.
_ROWS = """
SELECT seq, previous_hash, hash, replace(id::text, '-', '') = left(hash, 32), snapshot_ref, body,
       encode(timestamptz_send(occurred_at), 'hex'), encode(timestamptz_send(market_time), 'hex'),
       symbol, action, actor, rationale, confidence_score::text, risk_check_result,
       strategy_id::text, trade_idea_id::text, snapshot_ref, human_override::text
FROM decision_history ORDER BY seq
"""
_MOVED = """
SELECT moved.seq, follower.seq - 1 AS place
FROM decision_history moved JOIN decision_history follower ON follower.previous_hash = moved.hash
WHERE follower.seq <> moved.seq + 1 ORDER BY moved.seq LIMIT 20
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAuditor:
    """The port ``Auditor``; without ``anchors`` the database is compared with itself alone."""

    anchors: Anchors | None = None

    async def verify(self) -> tuple[int, tuple[Fault, ...]]:
        """Check every decision and every bundle inside one unchanging view of the database."""
        anchors, unreadable = await self.anchors.read() if self.anchors else ((), ())
        try:
            async with transaction() as connection:
                await connection.execute_query(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
                )
                sound, faults = await check_bundles(connection)
                retired = await retirements(connection)
                faults += await check_evaluations(connection, sound, retired)
                walk = _Walk(sound, retired, anchors)
                async for page in _pages(connection):
                    for row in page:
                        walk.step(row)
                walk.faults += await _moved(connection) if walk.faults else []
                walk.faults += await _head(connection, walk)
        except (asyncpg.PostgresError, BaseORMException) as error:
            raise HistoryBroken(f"the history cannot be read: {error}") from error
        return walk.count, _told((*unreadable, *faults, *walk.faults, *walk.unmet()))


class _Walk:
    """From the first record to the last: what the next one must be tied to."""

    def __init__(
        self, bundles: set[str], retired: Sequence[Retirement], anchors: Sequence[Anchor]
    ) -> None:
        self.count = 0
        self.seq, self.hash = 0, GENESIS
        self.faults: list[Fault] = []
        self._bundles = bundles
        self._retired = retired
        self._anchors: dict[int, set[str]] = {}
        for anchor in anchors:
            self._anchors.setdefault(anchor.seq, set()).add(anchor.hash)

    def step(self, row: Any) -> None:
        """Check one record and stand on it."""
        seq, previous, hash_, has_its_id, bundle, body = row[:6]
        self.count += 1
        if seq != self.seq + 1:
            self._misplaced(seq)
        elif previous != self.hash:
            self._add(seq, Break.LINK, "it is not tied to the record before it")
        if link(previous, seq, content(row[6:], body)) != hash_:
            self._add(seq, Break.HASH, "its columns or its text are not those that were hashed")
        elif not has_its_id:
            self._add(seq, Break.HASH, "its id is not that of its hash")
        if bundle is not None and bundle not in self._bundles and not self._excused(row):
            self._add(seq, Break.BUNDLE, f"its bundle {bundle[:12]} is missing or damaged")
        if seq in self._anchors and self._anchors.pop(seq) != {hash_}:
            self._add(seq, Break.ANCHOR, "the anchor file knows another record of this number")
        self.seq, self.hash = seq, hash_

    def _excused(self, row: Any) -> bool:
        """Whether the record's bundle was removed by a retirement that the history tells of."""
        at, action = _instant(row[6]), row[9]
        return any(retired.covers(row[0], action, at) for retired in self._retired)

    def unmet(self) -> list[Fault]:
        """Anchors of records that are not there."""
        return [
            Fault(f"decision {seq}", Break.ANCHOR, "the anchor file knows it, the history does not")
            for seq in sorted(self._anchors)
        ]

    def _misplaced(self, seq: int) -> None:
        if seq > self.seq + 1:
            missing = f"{self.seq + 1}" if seq == self.seq + 2 else f"{self.seq + 1} to {seq - 1}"
            self._add(seq, Break.GAP, f"decision {missing} is missing before it")
        else:
            self._add(seq, Break.ORDER, "its number was used before")

    def _add(self, seq: int, kind: Break, problem: str) -> None:
        self.faults.append(Fault(f"decision {seq}", kind, problem))


def _told(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    if len(faults) <= _TOLD:
        return tuple(faults)
    last = faults[-1]
    more = Fault("and so on", last.kind, f"{len(faults) - _TOLD} more faults, to {last.record}")
    return (*faults[:_TOLD], more)


async def _pages(connection: BaseDBAsyncClient) -> AsyncIterator[list[Any]]:
    async with connection.acquire_connection() as raw:
        cursor = await raw.cursor(_ROWS)
        while page := await cursor.fetch(_PAGE):
            yield page


async def _moved(connection: BaseDBAsyncClient) -> list[Fault]:
    """Records that stand at another place than the one after them says."""
    return [
        Fault(f"decision {row['seq']}", Break.ORDER, f"it belongs at place {row['place']}")
        for row in await connection.execute_query_dict(_MOVED)
    ]


async def _head(connection: BaseDBAsyncClient, walk: _Walk) -> list[Fault]:
    rows = await connection.execute_query_dict("SELECT seq, hash FROM history_head")
    if not rows:
        return [Fault("head", Break.HEAD, "the row that names the last record is gone")]
    ends = rows[0]["seq"]
    if (ends, rows[0]["hash"]) == (walk.seq, walk.hash):
        return []
    problem = f"the head says the history ends here, the records end at {walk.seq}"
    return [Fault(f"decision {ends}", Break.HEAD, problem)]


def _instant(sent: str) -> datetime:
    """PostgreSQL's binary timestamp: microseconds since 2000."""
    since = int.from_bytes(bytes.fromhex(sent), signed=True)
    return datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=since)
