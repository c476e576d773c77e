"""Retention: bundles that only old no-trades rest on are removed, and the history says so; candles
that are old enough as well, of which bundles have their own; and what a language model was asked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.domain.decision import Action, Entry
from engine.ports import Store
from engine.snapshot.canonical import digest

#: Bundles removed in one transaction; it must be short, because nothing is stored meanwhile.
BATCH = 500
#: Rows removed in one where nothing waits for it, and candles of a stream that always stay.
ROWS, LEAST = 10_000, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireBundles:
    """Remove the bundles of no-trades that are older than the settings keep them, by the wall's
    clock, and the parts nothing else needs; the answer is how many.

    What an idea, an approval or an order rests on stays for ever. Every batch is one transaction
    with one record of the cutoff, the count and a digest of the removed hashes in their order.
    """

    store: Store

    async def __call__(self) -> int:
        removed = 0
        while True:
            batch = await self._retire()
            removed += batch
            if batch < BATCH:
                return removed

    async def _retire(self) -> int:
        async with self.store.begin() as tx:
            now = await tx.now()
            days = (await tx.settings.risk())[1].bundle_retention_days
            cutoff = now - timedelta(days=days)
            hashes = sorted(await tx.bundles.retire(cutoff, BATCH))
            if hashes:
                await tx.history.append(_entry(now, cutoff, days, hashes))
        return len(hashes)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireCandles:
    """Remove candles that opened longer ago than they are kept, with their revisions; the answer is
    how many rows. The last of each stream stay, however old they are.
    """

    store: Store
    keep: timedelta

    async def __call__(self) -> int:
        removed = 0
        while True:
            async with self.store.begin() as tx:
                batch = await tx.candles.retire(self.keep, LEAST, ROWS)
            removed += batch
            if batch < ROWS:
                return removed


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireReplies:
    """Remove what a language model was asked longer ago than it is kept, and what came of it; the
    answer is how many rows. No decision and no record rests on them.
    """

    store: Store
    keep: timedelta

    async def __call__(self) -> int:
        removed = 0
        while True:
            async with self.store.begin() as tx:
                batch = await tx.inquiries.retire(self.keep, ROWS)
            removed += batch
            if batch < ROWS:
                return removed


def _entry(now: datetime, cutoff: datetime, days: int, hashes: list[str]) -> Entry:
    return Entry(
        action=Action.BUNDLES_RETIRED,
        occurred_at=now,
        actor="system",
        rationale=f"{len(hashes)} snapshots of no-trades older than {days} days",
        detail={
            "cutoff": cutoff.isoformat(),
            "count": len(hashes),
            "digest": digest("\n".join(hashes).encode()),
        },
    )
