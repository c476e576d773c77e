"""Bundles of market data in parts on a real database: stored once, read as they were."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from engine.domain.snapshot import Headline
from engine.errors import InvalidInput
from engine.snapshot import parts
from engine.snapshot.indicators import WINDOW
from engine.snapshot.recent import Recent
from storage.audit import PostgresAuditor
from storage.transaction import PostgresStore
from tests.builders import HOUR, NOW, account, calendar, position, release
from tests.integration.retention.conftest import count, record, seen


class TestParts:
    """What is stored of a bundle, and how it is read."""

    async def test_bundles_of_successive_bars_come_back_from_shared_parts(
        self, store: PostgresStore, role: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = [seen(bar) for bar in range(12)]
        async with store.begin() as tx:
            hashes = [await tx.bundles.put(one) for one in made]
        monkeypatch.setattr(parts, "_READ", Recent(1000))
        async with store.begin() as tx:
            assert [await tx.bundles.get(hash_) for hash_ in hashes] == made
        assert await count(role, "snapshot_bundle") == 12
        stored = await role.fetch("SELECT hash FROM snapshot_part")
        assert {row["hash"] for row in stored} == {n for one in made for n in parts.pack(one).parts}

    async def test_tables_of_source_004_are_drawn_once_for_each_bundle(
        self, store: PostgresStore, role: asyncpg.Connection
    ) -> None:
        made = replace(seen(3), positions=(position(),))

        async def put() -> None:
            async with store.begin() as tx:
                await tx.bundles.put(made)

        await asyncio.gather(*(put() for _ in range(5)))
        candle = made.candles[-1]
        row = await role.fetchrow("SELECT * FROM snapshot_market")
        assert (row["symbol"], row["timeframe"], row["time"]) == ("EURUSD", "H1", candle.time)
        assert [row[n] for n in ("open", "high", "low", "close", "volume")] == [
            candle.open, candle.high, candle.low, candle.close, candle.volume,
        ]  # fmt: skip
        row = await role.fetchrow(
            "SELECT *, macd ->> 'signal' AS signal, values ->> 'ema_20' AS ema"
            " FROM snapshot_indicators"
        )
        assert row["rsi_14"] == made.indicators.rsi_14
        assert abs(row["atr"] - made.indicators.atr_14) < 1e-6
        assert (row["signal"], row["ema"]) == (
            str(made.indicators.macd_signal), str(made.indicators.ema_20)
        )  # fmt: skip
        row = await role.fetchrow("SELECT * FROM snapshot_account")
        assert (row["account_id"], row["equity"], row["open_positions"]) == (
            "paper-1", account().equity, 1
        )  # fmt: skip
        row = await role.fetchrow("SELECT * FROM snapshot_calendar")
        assert (row["title"], row["impact_level"]) == ("Payrolls", "high")
        row = await role.fetchrow("SELECT * FROM snapshot_news")
        assert (row["source"], row["symbols"]) == ("wire", '["EURUSD"]')
        for table in ("market", "indicators", "account", "calendar", "news"):
            assert await count(role, f"snapshot_{table}") == 1, table

    async def test_texts_longer_than_their_columns_are_whole_in_the_bundle_and_clipped_in_tables(
        self, store: PostgresStore, role: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Four bytes each and no two alike: what no index entry of a btree could hold.
        text = "".join(chr(0x1F300 + n * 37 % 1501) for n in range(1_000))
        event = replace(release(HOUR), title=text, previous=text, forecast=text, actual=text)
        made = replace(
            seen(0),
            news=(Headline(time=NOW, source=text, text=text),),
            calendar=calendar(event, known_until=seen(0).instant + 100 * HOUR),
        )
        async with store.begin() as tx:
            hash_ = await tx.bundles.put(made)
        monkeypatch.setattr(parts, "_READ", Recent(1000))
        async with store.begin() as tx:
            assert await tx.bundles.get(hash_) == made
        assert await role.fetchval("SELECT headline FROM snapshot_news") == text[:500]
        assert await role.fetchval("SELECT title FROM snapshot_calendar") == text[:200]

    async def test_two_transactions_that_store_the_same_new_parts_do_not_wait_in_a_circle(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        first, second = asyncio.Event(), asyncio.Event()
        apart = WINDOW + 100  # bundles so far apart have no candle in common
        async with store.begin() as tx:
            await tx.bundles.put(seen(2 * apart))

        async def put(bars: tuple[int, int], mine: asyncio.Event, other: asyncio.Event) -> None:
            async with store.begin() as tx:
                for bar in bars:
                    # Not the same bundles: what the two share is their parts alone.
                    await tx.bundles.put(replace(seen(bar), settings_version=bars[0] + 1))
                    mine.set()
                    for _ in range(1_000):
                        if other.is_set() or await owner.fetchval(
                            "SELECT count(*) FROM pg_locks WHERE NOT granted"
                        ):
                            break
                        await asyncio.sleep(0.01)

        mine = asyncio.create_task(put((0, apart), first, second))
        await first.wait()
        await asyncio.gather(mine, put((apart, 0), second, first))
        assert await count(owner, "snapshot_bundle") == 5
        assert (await PostgresAuditor().verify())[1] == ()

    async def test_parts_of_a_transaction_that_failed_are_stored_by_the_next(
        self, store: PostgresStore, role: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail() -> None:
            async with store.begin() as tx:
                await tx.bundles.put(seen(0))
                raise RuntimeError("the disk is full")

        with pytest.raises(RuntimeError):
            await fail()
        assert await count(role, "snapshot_part") == 0
        async with store.begin() as tx:
            hash_ = await tx.bundles.put(seen(0))
        monkeypatch.setattr(parts, "_READ", Recent(1000))
        async with store.begin() as tx:
            assert await tx.bundles.get(hash_) == seen(0)

    async def test_a_bundle_whose_part_is_gone_is_not_read_as_whole(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        async with store.begin() as tx:
            hash_ = await tx.bundles.put(seen(0))
        await owner.execute("ALTER TABLE snapshot_part DISABLE TRIGGER ALL")
        await owner.execute("DELETE FROM snapshot_part WHERE cardinality(parts) = 0")
        with pytest.raises(InvalidInput, match="is missing"):
            async with store.begin() as tx:
                await tx.bundles.get(hash_)

    @pytest.mark.parametrize(
        ("edit", "problem"),
        [
            ("UPDATE snapshot_part SET body = set_byte(body, 9, get_byte(body, 9) # 1)"
             " WHERE hash = (SELECT hash FROM snapshot_part WHERE parts = '{}' LIMIT 1)",
             "its bytes are not those hashed"),
            ("UPDATE snapshot_part SET parts = parts[2:] WHERE parts <> '{}'",
             "column parts differs from its bytes"),
            ("UPDATE snapshot_bundle SET parts = '{}'", "column parts differs from its bytes"),
            ("DELETE FROM snapshot_part WHERE hash = (SELECT parts[3] FROM snapshot_part"
             " WHERE cardinality(parts) > 3 LIMIT 1)", "is missing or damaged"),
        ],
    )  # fmt: skip
    async def test_edit_of_a_part_behind_our_back_is_named(
        self, store: PostgresStore, owner: asyncpg.Connection, edit: str, problem: str
    ) -> None:
        seq, _ = await record(store, owner, seen(0))
        await owner.execute("ALTER TABLE snapshot_part DISABLE TRIGGER ALL")
        await owner.execute("ALTER TABLE snapshot_bundle DISABLE TRIGGER ALL")
        assert (await PostgresAuditor().verify())[1] == ()
        await owner.execute(edit)
        _, faults = await PostgresAuditor().verify()
        assert any(problem in fault.problem for fault in faults)
        assert any(fault.record == f"decision {seq}" for fault in faults)
