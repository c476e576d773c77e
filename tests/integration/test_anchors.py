"""The history is anchored outside, and every verification compares."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from bot.i18n import words_for
from bot.notices import Reader, Render
from engine.domain.decision import Action, Entry
from engine.domain.notice import Kind
from engine.domain.person import Role
from engine.domain.state import HaltReason, TradingState
from engine.errors import HistoryBroken
from engine.ports import Anchor, Break
from storage.anchors import AnchorFile
from storage.audit import PostgresAuditor
from storage.models import OutboxRow
from tests.chaos import harness
from tests.conftest import Database
from tests.integration.conftest import ANN, START, Desk

ENTRY = Entry(
    action=Action.SETTINGS_CHANGED, occurred_at=START, actor="test", rationale="x", detail={}
)


async def append(desk: Desk, count: int = 3) -> None:
    async with desk.world.store.begin() as tx:
        await tx.history.extend([ENTRY] * count)


async def cut(database: Database, keep: int) -> None:
    """Cut the tail off, and make the head agree."""
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("ALTER TABLE decision_history DISABLE TRIGGER ALL")
    await owner.execute("ALTER TABLE history_head DISABLE TRIGGER ALL")
    await owner.execute("DELETE FROM decision_history WHERE seq > $1", keep)
    await owner.execute(
        "UPDATE history_head SET (seq, hash) ="
        " (SELECT seq, hash FROM decision_history ORDER BY seq DESC LIMIT 1)"
    )
    await owner.close()


async def faults(desk: Desk) -> list[tuple[str, Break]]:
    _, found = await PostgresAuditor(anchors=desk.world.anchors).verify()
    return [(fault.record, fault.kind) for fault in found]


async def test_anchor_names_the_last_record_once(desk: Desk) -> None:
    anchor_history = desk.work.anchor_history
    assert await anchor_history() is None
    await append(desk)
    made = await anchor_history()
    assert made is not None
    async with desk.world.store.begin() as tx:
        last = await tx.history.get(3)
    assert (made.seq, made.hash) == (3, last.hash)
    assert await anchor_history() is None
    assert await desk.world.anchors.read() == ([made], [])
    assert await faults(desk) == []


async def test_daily_anchor_is_made_once_a_day(desk: Desk) -> None:
    await append(desk)
    made = await desk.work.anchor_history(daily=True)
    assert made is not None
    await append(desk)
    assert await desk.work.anchor_history(daily=True) is None
    path = desk.world.anchors.path
    path.unlink()
    await desk.world.anchors.add(replace(made, instant=made.instant - timedelta(days=1)))
    later = await desk.work.anchor_history(daily=True)
    assert later is not None
    assert later.seq == 6


async def test_admins_are_told_and_nobody_else(desk: Desk) -> None:
    await append(desk)
    made = await desk.work.anchor_history()
    assert made is not None
    rows = await OutboxRow.filter(kind=Kind.ANCHOR)
    assert [row.person_id for row in rows] == [ANN.id]
    render = Render(store=desk.world.store, broker=desk.world.broker)
    detail = {"seq": made.seq, "hash": made.hash}
    for language in ("en", "es"):
        parcel = await render(Kind.ANCHOR, detail, Reader(words_for(language), Role.ADMIN))
        assert parcel is not None
        assert parcel.silent
        assert made.hash[:16] in str(parcel.text)
        assert made.hash[:17] not in str(parcel.text)


async def test_quiet_anchor_tells_nobody(desk: Desk) -> None:
    await append(desk)
    assert await desk.work.anchor_history(quietly=True) is not None
    assert await OutboxRow.filter(kind=Kind.ANCHOR).count() == 0


async def test_cut_tail_is_found_by_the_anchor_alone_and_halts(
    desk: Desk, database: Database
) -> None:
    await append(desk)
    await desk.work.anchor_history()
    await cut(database, keep=2)
    assert (await PostgresAuditor().verify())[1] == ()
    assert await faults(desk) == [("decision 3", Break.ANCHOR)]
    with pytest.raises(HistoryBroken):
        await desk.work.anchor_history()
    await desk.work.recover()
    control = (await desk.talk.read_status(None)).control
    assert (control.state, control.reason) == (TradingState.HALTED, HaltReason.AUDIT_FAILURE)


async def test_history_written_anew_is_found_by_the_anchor(desk: Desk, database: Database) -> None:
    await append(desk)
    await desk.work.anchor_history()
    await cut(database, keep=2)
    async with desk.world.store.begin() as tx:
        await tx.history.append(replace(ENTRY, rationale="what never was"))
    assert (await PostgresAuditor().verify())[1] == ()
    assert await faults(desk) == [("decision 3", Break.ANCHOR)]


@pytest.mark.parametrize(
    "line", [b"{", b"\xff\xfe", b"null", b'{"seq":1}', b"[" * 100_000, b'{"seq":"x","hash":1}']
)
async def test_line_that_cannot_be_read_is_a_fault_and_the_others_hold(
    desk: Desk, line: bytes
) -> None:
    await append(desk)
    made = await desk.work.anchor_history()
    path = desk.world.anchors.path
    path.write_bytes(line + b"\n" + path.read_bytes())
    assert (await desk.world.anchors.read())[0] == [made]
    assert await faults(desk) == [("anchor file, line 1", Break.ANCHOR)]


async def test_line_cut_short_by_a_crash_does_not_take_the_next_one_along(tmp_path: Path) -> None:
    file = AnchorFile(tmp_path / "deeper" / "anchors.jsonl")
    anchor = Anchor(seq=1, hash="ab" * 32, instant=START)
    await file.add(anchor)
    file.path.write_bytes(file.path.read_bytes()[:-9])
    await file.add(anchor)
    anchors, unreadable = await file.read()
    assert anchors == [anchor]
    assert [fault.record for fault in unreadable] == ["anchor file, line 1"]


async def test_file_nobody_may_read_is_a_fault(tmp_path: Path) -> None:
    anchors, unreadable = await AnchorFile(tmp_path).read()
    assert anchors == ()
    assert [fault.record for fault in unreadable] == ["anchor file"]


async def test_verify_answers_by_its_exit_code(desk: Desk, database: Database) -> None:
    await append(desk)
    done = harness.command("anchor", DATABASE_URL=database.url)
    assert (done.returncode, "record 3 is anchored" in done.stdout) == (0, True)
    done = harness.command("verify", DATABASE_URL=database.url)
    assert (done.returncode, done.stdout) == (0, "3 records checked, 0 faults\n")
    await cut(database, keep=2)
    done = harness.command("verify", DATABASE_URL=database.url)
    assert done.returncode == 1
    assert "decision 3: anchor: the anchor file knows it" in done.stdout
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("DROP TABLE decision_history")
    await owner.close()
    done = harness.command("verify", DATABASE_URL=database.url)
    assert done.returncode == 2
    assert done.stderr.startswith("ai-trader: the history cannot be read")
