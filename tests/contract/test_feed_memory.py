"""What is remembered of a feed: the same in PostgreSQL and in memory."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from engine.domain.feed_fault import Episode, Fault, FeedMemory, FeedRecord, SourceFacts
from engine.domain.market import Timeframe
from tests.contract.conftest import rolled_back

AT = datetime(2026, 3, 9, 10, tzinfo=UTC)
FACTS = SourceFacts(
    name="EURUSD.m", digits=5, pip=Decimal("0.0001"), contract_size=Decimal(100_000),
    clock_offset=7200,
)  # fmt: skip
FULL = FeedRecord(
    memory=FeedMemory(believed=FACTS, other=FACTS, since=AT),
    episode=Episode(fault=Fault.HOLE, since=AT, looks=2, told=True),
)


async def test_a_record_comes_back_as_it_was_saved(store: Any) -> None:
    async with store.begin() as tx:
        assert await tx.feed_memory.all() == {}
        assert await tx.feed_memory.take("EURUSD", Timeframe.H1) == FeedRecord()
        await tx.feed_memory.save("EURUSD", Timeframe.H1, FULL)
    async with store.begin() as tx:
        assert await tx.feed_memory.take("EURUSD", Timeframe.H1) == FULL
        assert await tx.feed_memory.take("EURUSD", Timeframe.M15) == FeedRecord()
    async with store.begin() as tx:
        found = await tx.feed_memory.all()
    assert found[("EURUSD", Timeframe.H1)] == FULL
    assert found[("EURUSD", Timeframe.M15)] == FeedRecord()


async def test_what_is_rolled_back_was_never_remembered(store: Any) -> None:
    async with rolled_back(store) as tx:
        await tx.feed_memory.take("EURUSD", Timeframe.H1)
        await tx.feed_memory.save("EURUSD", Timeframe.H1, FULL)
    async with store.begin() as tx:
        assert await tx.feed_memory.all() == {}
