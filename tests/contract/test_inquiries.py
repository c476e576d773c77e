"""Questions for a language model: the same in PostgreSQL and in memory."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from engine.domain.wording import Inquiry, Reply, Verdict
from tests.builders import NOW
from tests.conftest import Database

LEASE, NONE = timedelta(minutes=1), timedelta(0)
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
        await tx.inquiries.keep(REPLY)
    connection = await asyncpg.connect(opened.url)
    for statement in ("UPDATE model_reply SET text = 'x'", "DELETE FROM model_reply",
                      "TRUNCATE model_reply"):  # fmt: skip
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(statement)
    await connection.close()
