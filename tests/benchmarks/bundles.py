"""Snapshot bundles: what one costs on disk, and how fast it is packed, stored and read."""

from collections.abc import Sequence
from time import perf_counter, process_time

import asyncpg
from tortoise.transactions import in_transaction

from engine.domain.snapshot import Bundle
from engine.snapshot import parts
from engine.snapshot.parts import pack
from storage.bundle_audit import check_bundles
from storage.embedded import Servers
from storage.transaction import PostgresStore
from tests import histories
from tests.benchmarks.pictures import pictures

LIMIT_BYTES, LIMIT_SECONDS = 4096, 0.6
_BARS = 400
#: Everything that storing a bundle fills, with indexes and TOAST.
_TABLES = (
    "snapshot_bundle", "snapshot_part", "snapshot_market", "snapshot_indicators",
    "snapshot_account", "snapshot_calendar", "snapshot_news",
)  # fmt: skip


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Print the figures of an empty database that is filled."""
    async with histories.scratch(servers, "bundles") as (_, owner_url):
        await _measure(owner_url)


async def _measure(owner_url: str) -> None:
    owner = await asyncpg.connect(owner_url)
    for words, frames in (("", False), (", with a longer timeframe", True)):
        shown = await pictures(_BARS // (4 if frames else 1), frames=frames)
        before = await _bytes(owner) if frames else {}
        taken = await _store(shown)
        after = await _bytes(owner)
        each = sum(size - before.get(name, 0) for name, size in after.items()) / len(shown)
        print(f"{'bytes on disk for a bundle' + words:<58} {each:8.0f}   "
              f"{LIMIT_BYTES / each:6.2f} × below 4 KiB")  # fmt: skip
        if not frames:
            for name, size in after.items():
                print(f"  of them {name:<48} {size / len(shown):8.0f}")
        _say(f"100 bundles of the next bar, stored{words}", taken)
    start = perf_counter()
    for bundle in shown:
        pack(bundle)
    print(f"{'  of them packing':<58} {(perf_counter() - start) / len(shown) * 1e5:8.1f} ms")
    many = await pictures(1, symbols=[f"SYM{i:03}" for i in range(100)])
    parts._WRITTEN.clear()
    _say("100 bundles of 100 symbols never seen before, stored", await _store(many))
    hashes = [pack(bundle).hash for bundle in shown]
    store = PostgresStore()
    start = perf_counter()
    async with store.begin() as tx:
        for hash_ in hashes:
            await tx.bundles.get(hash_)
    print(f"{'bundles read':<58} {len(hashes) / (perf_counter() - start):8.0f} /s")
    await _audit(owner)
    await owner.close()


async def _store(shown: list[Bundle]) -> tuple[float, float]:
    """Seconds to store a hundred of these, each in a transaction of its own, by the wall's clock
    and by this process's.
    """
    store = PostgresStore()
    start, busy = perf_counter(), process_time()
    for bundle in shown:
        async with store.begin() as tx:
            await tx.bundles.put(bundle)
    hundreds = len(shown) / 100
    return (perf_counter() - start) / hundreds, (process_time() - busy) / hundreds


def _say(name: str, taken: tuple[float, float]) -> None:
    wall, busy = taken
    print(
        f"{name:<58} {wall * 1e3:8.1f} ms   {LIMIT_SECONDS / wall:5.2f} × faster than 0.6 s;"
        f" {busy * 1e3:.0f} ms of them in Python"
    )


async def _bytes(owner: asyncpg.Connection) -> dict[str, int]:
    return {
        name: await owner.fetchval("SELECT pg_total_relation_size($1::regclass)", name)
        for name in _TABLES
    }


async def _audit(owner: asyncpg.Connection) -> None:
    rows = await owner.fetchval(
        "SELECT (SELECT count(*) FROM snapshot_part) + (SELECT count(*) FROM snapshot_bundle)"
    )
    async with in_transaction() as connection:
        start = perf_counter()
        _, faults = await check_bundles(connection)
        seconds = perf_counter() - start
    assert not faults
    print(f"{'bundles and parts verified':<58} {rows / seconds:8.0f} /s")
