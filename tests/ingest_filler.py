"""A process that reads candles of before until it is killed: ``ingest_filler DATABASE_URL``."""

import asyncio
import sys
from datetime import timedelta

from engine.domain.market import Timeframe
from engine.flow.ingest import IngestCandles
from storage.database import open_database
from storage.transaction import PostgresStore
from tests.clock_venue import ClockVenue, named
from tests.integration.conftest import RecordingBell

SOURCE, SYMBOLS = "clock", named(6)
HISTORY = timedelta(hours=3000)


def filler(latency: float, holder: str) -> IngestCandles:
    """What reads, with pages that are small enough for many turns."""
    return IngestCandles(
        store=PostgresStore(), source=ClockVenue(latency, page=300), name=SOURCE,
        watched=tuple((symbol, Timeframe.H1) for symbol in SYMBOLS), bell=RecordingBell(),
        holder=holder, every=timedelta(seconds=60), history=HISTORY, rests=False,
    )  # fmt: skip


async def main(url: str, holder: str) -> None:
    """Turn after turn."""
    async with open_database(url, pool=3):
        ingest = filler(0.05, holder)
        while True:
            await ingest()
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
