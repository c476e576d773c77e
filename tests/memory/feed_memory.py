"""What is remembered of each symbol's feed, in memory."""

from engine.domain.feed_fault import FeedRecord
from engine.domain.market import Timeframe
from engine.ports import Watch
from tests.memory.rows import View

_TABLE = "feed_memory"


class MemoryFeedMemories:
    """The port ``FeedMemories`` in one transaction."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def all(self) -> dict[Watch, FeedRecord]:
        return dict(self._view.items(_TABLE))

    async def take(self, symbol: str, timeframe: Timeframe) -> FeedRecord:
        key = (symbol, timeframe)
        await self._view.lock(_TABLE, key)
        kept = self._view.get(_TABLE, key)
        if kept is None:
            kept = FeedRecord()
            await self._view.put(_TABLE, key, kept)
        return kept

    async def save(self, symbol: str, timeframe: Timeframe, record: FeedRecord) -> None:
        await self._view.put(_TABLE, (symbol, timeframe), record)
