"""Questions for a language model: the same in PostgreSQL and in memory."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from engine.domain.wording import Inquiry, Reply, Verdict
from engine.flow import retention
from tests.builders import NOW
from tests.conftest import Database

LEASE, NONE = timedelta(minutes=1), timedelta(0)
DAY = timedelta(days=1)
ONE = Inquiry(key="update:1", person_id=7, language="en", question="how so?", about=3)
REPLY = Reply(
    person_id=7, language="en", question="how so?", verdict=Verdict.SHOWN, reason=None,
    looked_up=("why;i=3",), said="It is 3.", text="It is 3.", model="m", asked_tokens=10,
    said_tokens=2, at=NOW,
)  # fmt: skip


async def test_a_question_waits_once_and_is_answered_by_one(store: Any) -> None:
    async with store.begin() as tx:
        assert await tx.inquiries.add(ONE)
        assert not await tx.inquiries.add(ONE)
        assert await tx.inquiries.add(replace(ONE, key="update:2", code="why;i=3", about=None))
        first, second = await tx.inquiries.due(10)
        assert await tx.inquiries.due(1) == [first]
        mine = await tx.inquiries.claim(first, LEASE)
        assert mine == replace(ONE, id=first, tries=1)
        assert await tx.inquiries.claim(first, LEASE) is None
        assert await tx.inquiries.due(10) == [second]
        other = await tx.inquiries.claim(second, NONE)
        assert (other.code, other.about) == ("why;i=3", None)
    async with store.begin() as tx:
        # Whoever died over it left it to the next, who sees that it was tried.
        assert (await tx.inquiries.claim(second, LEASE)).tries == 2
        assert await tx.inquiries.claim(999_999, LEASE) is None
        assert await tx.inquiries.done(first)
        assert not await tx.inquiries.done(first)
        assert await tx.inquiries.due(10) == []


async def test_only_who_asked_stops_it(store: Any) -> None:
    async with store.begin() as tx:
        await tx.inquiries.add(ONE)
        (number,) = await tx.inquiries.due(10)
        await tx.inquiries.claim(number, NONE)
        assert not await tx.inquiries.stop(8, number)
        assert not await tx.inquiries.watch(number, LEASE)
        assert await tx.inquiries.due(10) == []
        assert await tx.inquiries.stop(7, number)
        assert await tx.inquiries.watch(number, LEASE)
        assert await tx.inquiries.done(number)
        assert not await tx.inquiries.stop(7, number)
        assert not await tx.inquiries.watch(number, LEASE)


async def test_replies_are_kept_the_newest_first(store: Any) -> None:
    none = replace(REPLY, verdict=Verdict.UNAVAILABLE, reason="timeout", text="", looked_up=())
    async with store.begin() as tx:
        await tx.inquiries.keep(REPLY)
        await tx.inquiries.keep(none)
    async with store.begin() as tx:
        assert list(await tx.inquiries.replies(10)) == [none, REPLY]
        assert list(await tx.inquiries.replies(1)) == [none]


async def test_a_reply_is_written_once(opened: Database) -> None:
    from storage.transaction import PostgresStore

    async with PostgresStore().begin() as tx:
        await tx.inquiries.keep(replace(REPLY, at=await tx.now()))
    connection = await asyncpg.connect(opened.url)
    for statement in ("UPDATE model_reply SET text = 'x'", "DELETE FROM model_reply",
                      "TRUNCATE model_reply"):  # fmt: skip
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(statement)
    await connection.close()


async def test_what_is_young_stays(store: Any) -> None:
    async with store.begin() as tx:
        await tx.inquiries.add(ONE)
        await tx.inquiries.keep(replace(REPLY, at=await tx.now()))
    async with store.begin() as tx:
        assert await tx.inquiries.retire(DAY, 10) == 0
        assert len(await tx.inquiries.replies(10)) == 1
        assert len(await tx.inquiries.due(10)) == 1


async def test_old_replies_go_the_oldest_first_and_so_many_at_a_time(store: Any) -> None:
    async with store.begin() as tx:
        now = await tx.now()
        for days in (40, 30, 20, 1):
            await tx.inquiries.keep(replace(REPLY, at=now - days * DAY, text=f"{days} days"))
    for expected in (["1 days", "20 days"], ["1 days"], ["1 days"]):
        async with store.begin() as tx:
            await tx.inquiries.retire(10 * DAY, 2)
            assert [reply.text for reply in await tx.inquiries.replies(10)] == expected


async def test_an_old_question_goes_unless_somebody_answers_it(opened: Database) -> None:
    from storage.transaction import PostgresStore

    store = PostgresStore()
    async with store.begin() as tx:
        for number in range(4):
            await tx.inquiries.add(replace(ONE, key=f"update:{number}"))
        done, mine, waits, young = await tx.inquiries.due(10)
        await tx.inquiries.done(done)
        await tx.inquiries.claim(mine, LEASE)
    connection = await asyncpg.connect(opened.url)
    await connection.execute(
        "UPDATE model_inquiry SET at = at - interval '3 days' WHERE id <> $1", young
    )
    async with store.begin() as tx:
        assert await tx.inquiries.retire(2 * DAY, 10) == 2
    left = await connection.fetch("SELECT id FROM model_inquiry ORDER BY id")
    await connection.close()
    assert [row["id"] for row in left] == [mine, young]
    assert waits not in [row["id"] for row in left]


async def test_all_that_is_old_goes_in_one_night(
    opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storage.transaction import PostgresStore

    monkeypatch.setattr(retention, "ROWS", 2)
    store = PostgresStore()
    async with store.begin() as tx:
        now = await tx.now()
        for days in (95, 94, 93, 92, 91, 89):
            await tx.inquiries.keep(replace(REPLY, at=now - days * DAY))
    retire = retention.RetireReplies(store=store, keep=90 * DAY)
    assert await retire() == 5
    assert await retire() == 0


async def test_the_database_lets_no_young_reply_go(opened: Database) -> None:
    from storage.transaction import PostgresStore

    async with PostgresStore().begin() as tx:
        now = await tx.now()
        await tx.inquiries.keep(replace(REPLY, at=now - timedelta(hours=23)))
    connection = await asyncpg.connect(opened.url)
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await connection.execute("DELETE FROM model_reply")
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await connection.execute("UPDATE model_reply SET at = at - interval '9 days'")
    await connection.close()
