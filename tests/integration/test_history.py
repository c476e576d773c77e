"""The history is append-only, chained, verifiable, and every decision of it replays."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import asyncpg
import pytest

from engine.domain.decision import Action, Entry
from engine.domain.state import HaltReason, Mode, TradingState
from engine.errors import InvalidInput, SnapshotNotFound
from engine.flow.approvals import Choice
from storage.audit import PostgresAuditor
from storage.migrate import may_rewrite_history
from tests.conftest import Database
from tests.integration.conftest import ANN, START, Desk

ATTACKS = (
    "UPDATE decision_history SET rationale = 'x'",
    "DELETE FROM decision_history",
    "TRUNCATE decision_history",
    "TRUNCATE decision_history CASCADE",
    "INSERT INTO decision_history SELECT * FROM decision_history LIMIT 1"
    " ON CONFLICT (seq) DO UPDATE SET rationale = 'x'",
    "ALTER TABLE decision_history DISABLE TRIGGER ALL",
    "DROP TABLE decision_history",
    "SET session_replication_role = replica",
    "UPDATE snapshot_bundle SET body = ''",
    "CREATE TABLE of_my_own (id int)",
)


async def busy_desk(desk: Desk) -> Desk:
    """A desk with an approved, filled idea and a few candles around it."""
    idea = await desk.until_idea()
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    await desk.send_all()
    for _ in range(5):
        await desk.next_candle()
    return desk


@pytest.mark.parametrize("attack", ATTACKS)
async def test_runtime_role_cannot_rewrite_anything(
    desk: Desk, database: Database, attack: str
) -> None:
    await desk.next_candle()
    connection = await asyncpg.connect(database.url)
    with pytest.raises(asyncpg.PostgresError):
        await connection.execute(attack)
    await connection.close()


@pytest.mark.parametrize("attack", ATTACKS[:3])
async def test_even_the_owner_is_refused_by_the_triggers(
    desk: Desk, database: Database, attack: str
) -> None:
    await desk.next_candle()
    connection = await asyncpg.connect(database.owner_url)
    await connection.execute("SET session_replication_role = replica")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await connection.execute(attack)
    await connection.close()


async def test_start_knows_a_role_that_could_rewrite_the_history(database: Database) -> None:
    assert not await may_rewrite_history(database.url)
    assert await may_rewrite_history(database.owner_url)


async def test_untouched_history_has_no_faults(desk: Desk) -> None:
    await busy_desk(desk)
    records, faults = await PostgresAuditor().verify()
    assert records > 10
    assert faults == ()


@pytest.mark.parametrize(
    ("edit", "record", "problem"),
    [
        ("UPDATE decision_history SET body = replace(body, 'EURUSD', 'EURUSX') WHERE seq = 4",
         "decision 4", "its columns or its text are not those that were hashed"),
        ("UPDATE decision_history SET rationale = 'nothing happened' WHERE seq = 3",
         "decision 3", "its columns or its text are not those that were hashed"),
        ("UPDATE decision_history SET confidence_score = 99 WHERE action = 'ai_proposed'",
         None, "its columns or its text are not those that were hashed"),
        ("DELETE FROM decision_history WHERE seq = 2",
         "decision 3", "decision 2 is missing before it"),
        ("DELETE FROM decision_history WHERE seq = (SELECT max(seq) FROM decision_history)",
         None, "the head says the history ends here"),
        ("UPDATE snapshot_bundle SET body = set_byte(body, 200, get_byte(body, 200) # 1)"
         " WHERE hash = (SELECT snapshot_ref FROM decision_history WHERE seq = 1)",
         None, "its bytes are not those hashed"),
        ("DELETE FROM snapshot_bundle"
         " WHERE hash = (SELECT snapshot_ref FROM decision_history WHERE seq = 1)",
         "decision 1", "is missing or damaged"),
    ],
)  # fmt: skip
async def test_edit_behind_our_back_is_named(
    desk: Desk, database: Database, edit: str, record: str | None, problem: str
) -> None:
    await busy_desk(desk)
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("ALTER TABLE decision_history DISABLE TRIGGER ALL")
    await owner.execute("ALTER TABLE snapshot_bundle DISABLE TRIGGER ALL")
    await owner.execute(edit)
    await owner.close()
    _, faults = await PostgresAuditor().verify()
    assert any(problem in fault.problem for fault in faults)
    assert record is None or any(fault.record == record for fault in faults)


async def test_history_that_does_not_verify_halts_trading_at_the_start(
    desk: Desk, database: Database
) -> None:
    await desk.next_candle()
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("ALTER TABLE decision_history DISABLE TRIGGER ALL")
    await owner.execute("UPDATE decision_history SET rationale = 'x' WHERE seq = 1")
    await owner.close()
    found = await desk.work.recover()
    assert found.faults
    control = (await desk.talk.read_status(None)).control
    assert control.state is TradingState.HALTED
    assert control.reason == HaltReason.AUDIT_FAILURE


async def test_writers_that_come_together_make_one_chain(desk: Desk) -> None:
    async def append(number: int) -> None:
        async with desk.world.store.begin() as tx:
            entry = Entry(
                action=Action.SETTINGS_CHANGED, occurred_at=START, actor="test",
                rationale=f"write {number}", detail={"number": number},
            )  # fmt: skip
            await tx.history.append(entry)

    await asyncio.gather(*(append(number) for number in range(40)))
    records, faults = await PostgresAuditor().verify()
    assert (records, faults) == (40, ())


async def test_failed_transaction_leaves_no_record(desk: Desk) -> None:
    async def fail() -> None:
        async with desk.world.store.begin() as tx:
            entry = Entry(
                action=Action.AI_HALTED, occurred_at=START, actor="test", rationale="x", detail={}
            )
            await tx.history.append(entry)
            raise RuntimeError("the disk is full")

    before = await PostgresAuditor().verify()
    with pytest.raises(RuntimeError):
        await fail()
    assert await PostgresAuditor().verify() == before


class TestReplay:
    """Computed again from what was seen."""

    @pytest.fixture
    def mode(self) -> Mode:
        return Mode.AUTONOMOUS

    async def test_every_decision_of_a_run_is_equal_bit_for_bit(self, desk: Desk) -> None:
        for _ in range(60):
            await desk.next_candle()
            await desk.send_all()
        async with desk.world.store.begin() as tx:
            decisions = await tx.history.list(limit=10_000)
        replayed = 0
        for decision in decisions:
            if decision.entry.bundle_hash is None:
                continue
            done = await desk.talk.replay_decision(decision.seq)
            assert done.differences == (), decision
            replayed += 1
        actions = {decision.entry.action for decision in decisions}
        assert {Action.NO_TRADE, Action.AI_AUTO_EXECUTED, Action.ORDER_SENDING} <= actions
        assert replayed > 100

    async def test_what_if_answers_with_other_settings(self, desk: Desk) -> None:
        from engine.domain.idea import IdeaStatus

        idea = await desk.until_idea(IdeaStatus.AUTO_EXECUTED)
        async with desk.world.store.begin() as tx:
            decision = (await tx.history.list(idea_id=idea.id, limit=1))[0]
        score = idea.confidence.score
        done = await desk.talk.replay_decision(
            decision.seq, {"min_confidence_threshold": str(score + Decimal("0.5"))}
        )
        assert done.differences == ()
        assert done.what_if is not None
        assert done.what_if.verdict == "ask"
        with pytest.raises(InvalidInput, match="no setting"):
            await desk.talk.replay_decision(decision.seq, {"min_confidense": "1"})

    async def test_record_that_was_computed_otherwise_is_named(self, desk: Desk) -> None:
        from engine.flow.replay import replay

        await desk.next_candle()
        async with desk.world.store.begin() as tx:
            decision = (await tx.history.list(limit=1))[0]
            bundle = await tx.bundles.get(decision.entry.bundle_hash or "")
        detail = {"outcome": {**decision.entry.detail["outcome"], "sizing": {"volume": "9"}}}
        forged = replace(decision, entry=replace(decision.entry, detail=detail))
        assert replay(forged, bundle, {}).differences == ("outcome.sizing",)
        drifted = replace(bundle, indicators=replace(bundle.indicators, rsi_14=Decimal("1.00")))
        assert "indicators.rsi_14" in replay(decision, drifted, {}).differences

    async def test_record_without_a_bundle_says_so(self, desk: Desk) -> None:
        await desk.talk.change_control.pause(ANN.id)
        async with desk.world.store.begin() as tx:
            decision = (await tx.history.list(limit=1))[0]
        with pytest.raises(SnapshotNotFound):
            await desk.talk.replay_decision(decision.seq)
