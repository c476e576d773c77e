"""Candles of before, page by page with progress and gaps, against a raw COPY of the same rows.

    python -m tests.benchmarks backfill --candles 60000

A page is 1,000 candles, as exchanges show them. The COPY has the rows ready, writes as many in a
transaction as a page, and into a table of the same shape with the same key; the pages go the whole
way: claim, look at what is there, insert, holes, progress. In turns, so that both meet the same
machine.
"""

import argparse
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from typing import Any

import asyncpg

from broker.feeds.recorded import shipped_recording
from engine.domain.market import Candle, Timeframe
from engine.flow.ingest import IngestCandles
from engine.snapshot.indicators import WINDOW
from storage.embedded import Servers
from storage.transaction import PostgresStore
from tests import histories
from tests.benchmarks.common import rate
from tests.integration.conftest import RecordingBell

_PAGE, _ROUNDS = 1_000, 5
_WANTED = 0.5
_COLUMNS = ("stream_id", "time", "revision", "open", "high", "low", "close", "volume", "learnt_at")


class _Shelf:
    """The port ``CandleSource`` over candles that lie ready."""

    def __init__(self, candles: Sequence[Candle]) -> None:
        self._candles, self._times = candles, [candle.time for candle in candles]

    async def instant(self) -> datetime:
        return self._times[-1] + timedelta(minutes=1)

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        return tuple(self._candles[-count:])

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        first = bisect_right(self._times, after)
        return tuple(self._candles[first : first + _PAGE])


def made(count: int) -> list[Candle]:
    """So many one-minute candles without a hole, of the recording's prices."""
    recorded = shipped_recording().candles
    begin = datetime(2026, 1, 5, tzinfo=UTC)
    return [
        replace(recorded[number % len(recorded)], time=begin + timedelta(minutes=number))
        for number in range(count)
    ]


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Print rows a second of both, and the ratio."""
    parser = argparse.ArgumentParser(prog="backfill")
    parser.add_argument("--candles", type=int, default=20_000)
    wanted = parser.parse_args(arguments)
    candles = made(wanted.candles)
    async with histories.scratch(servers, "backfill") as (_url, owner_url):
        connection = await asyncpg.connect(owner_url)
        ours, pages, raw = [], [], []
        for number in range(_ROUNDS + 1):
            raw.append(await _copied(connection, candles))
            ours.append(await _filled(candles, f"S{number}"))
            pages.append(await _put(candles, number))
            rows = await connection.fetchval("SELECT count(*) FROM candle")
            assert rows == 2 * len(candles), rows
            await connection.execute("TRUNCATE candle")
        await connection.close()
    copied = median(raw[1:])
    rate("backfill: raw COPY, rows", copied, copied)
    for name, taken in (("the whole way", ours), ("storing the pages alone", pages)):
        shares = [one / other for one, other in zip(taken[1:], raw[1:], strict=True)]
        print(
            f"backfill: {name:<34} {median(taken[1:]):9.0f} /s   {median(shares):5.2f} of COPY"
            f" ({min(shares):.2f} to {max(shares):.2f}; wanted {_WANTED:.2f})"
        )


async def _copied(connection: asyncpg.Connection, candles: Sequence[Candle]) -> float:
    await connection.execute(
        "DROP TABLE IF EXISTS raw; CREATE TABLE raw (LIKE candle INCLUDING ALL)"
    )
    learnt = candles[0].time
    rows = [(1, c.time, 1, c.open, c.high, c.low, c.close, c.volume, learnt) for c in candles]
    start = perf_counter()
    for first in range(0, len(rows), _PAGE):
        page = rows[first : first + _PAGE]
        await connection.copy_records_to_table("raw", records=page, columns=_COLUMNS)
    return len(rows) / (perf_counter() - start)


async def _filled(candles: Sequence[Candle], symbol: str) -> float:
    source: Any = _Shelf(candles)
    ingest = IngestCandles(
        store=PostgresStore(), source=source, name="bench", bell=RecordingBell(),
        watched=((symbol, Timeframe.M1),), holder="bench", every=timedelta(minutes=1),
        history=timedelta(minutes=len(candles) + 1), rests=False,
    )  # fmt: skip
    start = perf_counter()
    await ingest.spread()
    await ingest()
    while (await ingest())[0].percent != 100:
        pass
    return len(candles) / (perf_counter() - start)


async def _put(candles: Sequence[Candle], number: int) -> float:
    """Pages of a stream of its own; the first is as long as a window."""
    store, start = PostgresStore(), perf_counter()
    ends = [*range(WINDOW, len(candles), _PAGE), len(candles)]
    for first, end in zip([0, *ends], ends, strict=False):
        async with store.begin() as tx:
            await tx.candles.put(-1 - number, candles[first:end])
    return len(candles) / (perf_counter() - start)
