"""What is remembered of each symbol's feed."""

import json

from engine.domain.feed_fault import FeedRecord
from engine.domain.market import Timeframe
from engine.ports import Watch
from engine.snapshot.canonical import plain, restore
from storage.mapping import json_text
from storage.table import Table

_TAKE = """
INSERT INTO feed_memory (symbol, timeframe) VALUES ($1, $2)
ON CONFLICT (symbol, timeframe) DO UPDATE SET document = feed_memory.document
RETURNING document::text AS document
"""


class FeedMemoryTable(Table):
    """The port ``FeedMemories`` in one transaction."""

    async def all(self) -> dict[Watch, FeedRecord]:
        rows = await self._rows(
            "SELECT symbol, timeframe, document::text AS document FROM feed_memory"
        )
        return {
            (row["symbol"], Timeframe(row["timeframe"])): _record(row["document"]) for row in rows
        }

    async def take(self, symbol: str, timeframe: Timeframe) -> FeedRecord:
        rows = await self._rows(_TAKE, symbol, str(timeframe))
        return _record(rows[0]["document"])

    async def save(self, symbol: str, timeframe: Timeframe, record: FeedRecord) -> None:
        await self._connection.execute_query(
            "UPDATE feed_memory SET document = $3 WHERE symbol = $1 AND timeframe = $2",
            [symbol, str(timeframe), json_text(plain(record))],
        )


def _record(text: str) -> FeedRecord:
    return restore(FeedRecord, json.loads(text))
