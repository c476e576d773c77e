"""What retention may remove of bundles on a real database, and what it never does."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from bot import reports
from bot.settings import Settings
from engine.domain.decision import Action, Entry
from engine.errors import SnapshotNotFound
from engine.flow.replay import Replay, ReplayDecision, ReplayHistory
from engine.flow.retention import RetireBundles
from engine.snapshot import parts
from engine.snapshot.canonical import digest
from engine.snapshot.recent import Recent
from storage.audit import PostgresAuditor
from storage.transaction import PostgresStore
from tests.conftest import Database
from tests.integration.retention.conftest import DAYS, count, fold, record, seen


class TestRetention:
    """Old no-trades lose their bundle; nothing else does."""

    async def test_old_bundles_of_no_trades_go_with_the_parts_only_they_need(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        old, removed = await record(store, owner, seen(0), days=DAYS + 1)
        kept = [
            await record(store, owner, seen(1), days=DAYS - 1),
            await record(store, owner, seen(2), days=DAYS + 1, action=Action.AI_PROPOSED),
        ]
        assert await RetireBundles(store=store)() == 1
        assert await RetireBundles(store=store)() == 0
        left = {row["hash"] for row in await owner.fetch("SELECT hash FROM snapshot_bundle")}
        assert left == {hash_ for _, hash_ in kept}
        named = {n for bar in (1, 2) for n in parts.pack(seen(bar)).parts}
        assert {r["hash"] for r in await owner.fetch("SELECT hash FROM snapshot_part")} == named
        async with store.begin() as tx:
            (note,) = await tx.history.list(actions=(Action.BUNDLES_RETIRED,), limit=9)
            assert await tx.bundles.get(kept[0][1]) == seen(1)
        assert (note.entry.detail["count"], note.entry.detail["digest"]) == (
            1, digest(removed.encode())
        )  # fmt: skip
        assert await PostgresAuditor().verify() == (4, ())
        with pytest.raises(SnapshotNotFound, match=r"was removed on \d{4}-\d\d-\d\d by retention"):
            await ReplayDecision(store=store)(old)
        replayed = {seq: done async for seq, done in ReplayHistory(store=store)()}
        assert isinstance(replayed[old], SnapshotNotFound)
        for seq, _ in kept:
            done = replayed[seq]
            assert isinstance(done, Replay)
            assert done.differences == ()

    @pytest.mark.parametrize("page", [1, 2, 3])
    async def test_pages_of_the_history_lose_no_decision(
        self,
        store: PostgresStore,
        owner: asyncpg.Connection,
        monkeypatch: pytest.MonkeyPatch,
        page: int,
    ) -> None:
        for bar in (0, 0, 1, 1, 1):
            await record(store, owner, seen(bar))
        monkeypatch.setattr("engine.flow.replay._PAGE", page)
        replayed = [(seq, done) async for seq, done in ReplayHistory(store=store)()]
        assert [seq for seq, _ in replayed] == [5, 4, 3, 2, 1]
        assert all(isinstance(done, Replay) and done.differences == () for _, done in replayed)

    async def test_a_bundle_seen_again_lately_or_held_by_an_idea_stays(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        await record(store, owner, seen(0))
        await record(store, owner, seen(0), days=DAYS + 1)
        _, hash_ = await record(store, owner, seen(1), days=DAYS + 1)
        await owner.execute(
            "INSERT INTO trade_ideas (id, number, symbol, timeframe, direction, entry_price,"
            " stop_loss, take_profit, rationale, confidence_score, status, strategy_id,"
            " snapshot_ref, document, market_time, created_at, updated_at)"
            " VALUES ($1, 1, 'EURUSD', 'H1', 'buy', 1, 1, '[]', '', 1, 'expired', $1, $2, '{}',"
            " now(), now(), now())",
            UUID(int=1), hash_,
        )  # fmt: skip
        assert await RetireBundles(store=store)() == 0

    async def test_a_folded_no_loses_its_bundle_like_any_other(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        for bar, days in ((0, DAYS + 1), (1, DAYS - 1)):
            await fold(store, owner, seen(bar), days=days)
        assert await RetireBundles(store=store)() == 1
        left = await owner.fetchval("SELECT array_agg(hash) FROM snapshot_bundle")
        assert left == [parts.pack(seen(1)).hash]
        assert await PostgresAuditor().verify() == (1, ())

    @pytest.mark.parametrize("retired", [False, True])
    async def test_a_missing_bundle_of_a_folded_no_is_a_fault(
        self, store: PostgresStore, owner: asyncpg.Connection, retired: bool
    ) -> None:
        if retired:
            await record(store, owner, seen(0), days=DAYS + 1)
            assert await RetireBundles(store=store)() == 1
        await fold(store, owner, seen(1), days=1)
        assert (await PostgresAuditor().verify())[1] == ()
        await owner.execute("ALTER TABLE snapshot_bundle DISABLE TRIGGER ALL")
        await owner.execute("DELETE FROM snapshot_bundle")
        _, faults = await PostgresAuditor().verify()
        assert [fault.record for fault in faults] == ["evaluation 1"]

    async def test_nothing_waits_for_a_search_that_finds_nothing(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        await record(store, owner, seen(0))
        async with store.begin() as tx:
            assert await tx.bundles.retire(await tx.now() - timedelta(days=DAYS), 10) == ()
            held = await owner.fetchval(
                "SELECT count(*) FROM pg_locks WHERE mode = 'ShareRowExclusiveLock'"
            )
        assert held == 0

    @pytest.mark.parametrize("days", [None, -1])
    async def test_no_setting_lets_a_fresh_bundle_be_removed(
        self,
        store: PostgresStore,
        owner: asyncpg.Connection,
        role: asyncpg.Connection,
        days: int | None,
    ) -> None:
        await record(store, owner, seen(0))
        for table in ("settings_version", "strategy_version"):
            for attack in (f"DELETE FROM {table}", f"UPDATE {table} SET reason = ''"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await role.execute(attack)
        if days is None:
            await owner.execute("DELETE FROM settings_version")
        else:
            await role.execute(
                "INSERT INTO settings_version VALUES (9, $1, 'x', '', now())",
                json.dumps({"bundle_retention_days": days}),
            )
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="younger than"):
            await role.execute("DELETE FROM snapshot_bundle")

    async def test_a_retirement_with_a_cutoff_yet_to_come_excuses_nothing(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        seq, _ = await record(store, owner, seen(0))
        async with store.begin() as tx:
            now = await tx.now()
            await tx.history.append(
                Entry(action=Action.BUNDLES_RETIRED, occurred_at=now, actor="test", rationale="",
                      detail={"cutoff": (now + timedelta(days=1)).isoformat()})
            )  # fmt: skip
        await owner.execute("ALTER TABLE snapshot_bundle DISABLE TRIGGER ALL")
        await owner.execute("DELETE FROM snapshot_bundle")
        _, faults = await PostgresAuditor().verify()
        assert [fault.record for fault in faults] == [f"decision {seq}"]

    async def test_a_bundle_is_stored_whole_again_after_its_parts_were_removed(
        self, store: PostgresStore, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await record(store, owner, seen(0), days=DAYS + 1)
        assert await RetireBundles(store=store)() == 1
        assert await count(owner, "snapshot_part") == 0
        _, hash_ = await record(store, owner, seen(0))
        monkeypatch.setattr(parts, "_READ", Recent(1000))
        async with store.begin() as tx:
            assert await tx.bundles.get(hash_) == seen(0)
        assert (await PostgresAuditor().verify())[1] == ()

    async def test_a_bundle_that_comes_while_its_parts_are_removed_is_whole(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        await record(store, owner, seen(0), days=DAYS + 1)

        removing = asyncio.Event()

        async def put() -> str:
            await removing.wait()
            async with store.begin() as tx:
                return await tx.bundles.put(replace(seen(0), settings_version=2))

        # A task made inside the block below would join its transaction.
        other = asyncio.create_task(put())
        async with store.begin() as tx:
            now = await tx.now()
            assert await tx.bundles.retire(now - timedelta(days=DAYS), 10)
            removing.set()
            for _ in range(1_000):
                if await owner.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                    break
                await asyncio.sleep(0.01)
            await tx.history.append(
                Entry(action=Action.BUNDLES_RETIRED, occurred_at=now, actor="test", rationale="",
                      detail={"cutoff": (now - timedelta(days=DAYS)).isoformat()})
            )  # fmt: skip
        hash_ = await other
        async with store.begin() as tx:
            await tx.bundles.get(hash_)
        assert (await PostgresAuditor().verify())[1] == ()

    async def test_a_missing_bundle_is_a_fault_where_no_later_retirement_covers_it(
        self, store: PostgresStore, owner: asyncpg.Connection
    ) -> None:
        await record(store, owner, seen(0), days=DAYS + 1)
        assert await RetireBundles(store=store)() == 1
        late = [
            await record(store, owner, seen(1), days=DAYS + 1),  # after the retirement
            await record(store, owner, seen(2), days=1),
            await record(store, owner, seen(3), days=DAYS + 1, action=Action.AI_PROPOSED),
        ]
        assert (await PostgresAuditor().verify())[1] == ()
        await owner.execute("ALTER TABLE snapshot_bundle DISABLE TRIGGER ALL")
        await owner.execute("DELETE FROM snapshot_bundle")
        _, faults = await PostgresAuditor().verify()
        assert [fault.record for fault in faults] == [f"decision {seq}" for seq, _ in late]

    @pytest.mark.parametrize(
        ("days", "action", "words"),
        [
            (DAYS - 1, Action.NO_TRADE, "younger than the retention in force"),
            (DAYS + 1, Action.ORDER_SENDING, "more than a no-trade rests on"),
            (DAYS + 1, Action.NO_TRADE, "removed without a record"),
        ],
    )
    @pytest.mark.parametrize("replica", [False, True])
    async def test_nobody_removes_a_bundle_by_hand(
        self,
        store: PostgresStore,
        owner: asyncpg.Connection,
        role: asyncpg.Connection,
        days: float,
        action: Action,
        words: str,
        replica: bool,
    ) -> None:
        await record(store, owner, seen(0), days=days, action=action)
        who = owner if replica else role
        if replica:
            await owner.execute("SET session_replication_role = replica")
        else:
            await role.execute("CREATE TEMPORARY TABLE decision_history (snapshot_ref text)")
            await role.execute("CREATE TEMPORARY TABLE settings_version (document jsonb)")
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=words):
            await who.execute("DELETE FROM snapshot_bundle")
        assert await count(owner, "snapshot_bundle") == 1

    @pytest.mark.parametrize(
        "attack",
        [
            "DELETE FROM snapshot_part",
            "DELETE FROM snapshot_part WHERE parts = '{}'",
            "UPDATE snapshot_part SET body = ''",
            "TRUNCATE snapshot_part",
            "TRUNCATE snapshot_bundle",
        ],
    )
    async def test_parts_that_are_needed_cannot_be_touched(
        self,
        store: PostgresStore,
        owner: asyncpg.Connection,
        role: asyncpg.Connection,
        attack: str,
    ) -> None:
        await record(store, owner, seen(0), days=DAYS + 1)
        with pytest.raises((asyncpg.IntegrityConstraintViolationError,
                            asyncpg.InsufficientPrivilegeError)):  # fmt: skip
            await role.execute(attack)
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await owner.execute(attack)


class TestCommands:
    """``ai-trader replay`` over the same history."""

    @pytest.fixture
    async def settings(
        self, store: PostgresStore, owner: asyncpg.Connection, database: Database
    ) -> Settings:
        """Three records: one that is equal, one whose bundle was removed, one of the removal."""
        await record(store, owner, seen(0), days=DAYS + 1)
        await record(store, owner, seen(1))
        await RetireBundles(store=store)()
        return Settings(_env_file=None, database_url=database.url)  # type: ignore[call-arg]

    async def test_replay_of_everything_counts_what_cannot_be_replayed(
        self, settings: Settings
    ) -> None:
        said: list[str] = []
        assert await reports.replay_all(settings, say=said.append) == reports.CLEAN
        assert said == ["1 equal, 0 different, 2 without a market snapshot"]

    async def test_replay_of_everything_names_a_damaged_bundle(
        self, settings: Settings, owner: asyncpg.Connection
    ) -> None:
        await owner.execute("ALTER TABLE snapshot_bundle DISABLE TRIGGER ALL")
        await owner.execute("UPDATE snapshot_bundle SET body = '\\x00'")
        said: list[str] = []
        assert await reports.replay_all(settings, say=said.append) == reports.FAULTY
        assert "decision 2 cannot be computed again" in said[0]
        assert said[1] == "0 equal, 1 different, 2 without a market snapshot"

    async def test_replay_of_one_prints_json(self, settings: Settings) -> None:
        said: list[str] = []
        assert await reports.replay_one(settings, 2, [], say=said.append, as_json=True) == 0
        document = json.loads("".join(said))
        assert document["market"]["price"]["close"] == float(seen(1).candles[-1].close)
        assert (document["decision"]["id"], document["differences"]) == (2, [])
