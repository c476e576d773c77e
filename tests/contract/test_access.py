"""Who comes in over HTTP: the same in PostgreSQL and in memory."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from engine.domain.access import KeyDraft, Login, Session
from engine.domain.person import Role
from tests.contract.conftest import ANN, LUIS, rolled_back

SPAN = timedelta(minutes=15)
ANNS = Login(person_id=ANN.id, email="ann@example.com", password_hash="one")
LUISS = Login(person_id=LUIS.id, email="luis@example.com", password_hash="two")


def draft(name: str = "script", person_id: int = ANN.id, digest: str = "a" * 64) -> KeyDraft:
    return KeyDraft(
        name=name, prefix="att_abc", digest=digest, person_id=person_id, role=Role.TRADER,
        expires_at=None,
    )  # fmt: skip


async def test_a_login_is_found_by_its_address_and_by_its_person(staffed: Any) -> None:
    async with staffed.begin() as tx:
        assert await tx.access.login_of(ANNS.email) is None
        assert await tx.access.save_login(ANNS)
    async with staffed.begin() as tx:
        assert await tx.access.login_of(ANNS.email) == ANNS
        assert await tx.access.login_for(ANN.id) == ANNS
        assert await tx.access.login_for(LUIS.id) is None


async def test_no_two_people_have_the_same_address(staffed: Any) -> None:
    async with staffed.begin() as tx:
        assert await tx.access.save_login(ANNS)
        mine = Login(person_id=LUIS.id, email=ANNS.email, password_hash="two")
        assert not await tx.access.save_login(mine)
        moved = Login(person_id=ANN.id, email="a@example.com", password_hash="three")
        assert await tx.access.save_login(moved)
        assert await tx.access.save_login(mine)
    async with staffed.begin() as tx:
        assert await tx.access.login_for(ANN.id) == moved
        assert await tx.access.login_for(LUIS.id) == mine


async def test_tries_are_counted_until_a_limit_and_then_no_more(store: Any) -> None:
    async with store.begin() as tx:
        now = await tx.now()
        for _ in range(3):
            assert await tx.access.count_try({"ann": 3, "here": 9}, SPAN) is None
        until = await tx.access.count_try({"ann": 3, "here": 9}, SPAN)
        assert until is not None
        assert timedelta() < until - now <= SPAN + timedelta(seconds=5)
        # What was refused counted nowhere: the address has six left.
        for _ in range(6):
            assert await tx.access.count_try({"here": 9}, SPAN) is None
        assert await tx.access.count_try({"here": 9}, SPAN) is not None
        await tx.access.forget_tries(["ann"])
        assert await tx.access.count_try({"ann": 3}, SPAN) is None


async def test_a_span_that_is_over_begins_anew(store: Any) -> None:
    moment = timedelta(microseconds=1)
    async with store.begin() as tx:
        assert await tx.access.count_try({"ann": 1}, moment) is None
    async with store.begin() as tx:
        assert await tx.access.count_try({"ann": 1}, moment) is None


async def test_many_tries_at_once_are_no_more_than_the_limit(store: Any) -> None:
    async def one() -> bool:
        async with store.begin() as tx:
            return await tx.access.count_try({"ann": 5, "b": 50}, SPAN) is None

    assert sum(await asyncio.gather(*(one() for _ in range(20)))) == 5


async def test_a_session_ends_alone_or_with_all_of_its_person(staffed: Any) -> None:
    async with staffed.begin() as tx:
        now = await tx.now()
        for name, person in (("a", ANN), ("b", ANN), ("c", LUIS)):
            until = now + timedelta(hours=1)
            await tx.access.add_session(
                Session(id=name, person_id=person.id, created_at=now, expires_at=until)
            )
        found = await tx.access.session("a")
        assert found is not None
        assert (found.person_id, found.expires_at - found.created_at) == (
            ANN.id,
            timedelta(hours=1),
        )
        await tx.access.end_session("a")
        assert await tx.access.session("a") is None
        assert await tx.access.session("b") is not None
        await tx.access.end_sessions(ANN.id)
        assert await tx.access.session("b") is None
        assert await tx.access.session("c") is not None


async def test_a_key_is_found_by_its_digest_listed_and_revoked(staffed: Any) -> None:
    async with staffed.begin() as tx:
        first = await tx.access.add_key(draft())
        second = await tx.access.add_key(draft("other", LUIS.id, "b" * 64))
        assert await tx.access.key_of("a" * 64) == first
        assert [key.id for key in await tx.access.keys(None)] == [second.id, first.id]
        assert [key.id for key in await tx.access.keys(ANN.id)] == [first.id]
        await tx.access.used_key(first.id)
        await tx.access.revoke_key(first.id)
        await tx.access.revoke_key(first.id)
        found = await tx.access.key(first.id)
        assert found is not None
        assert found.revoked_at is not None
        assert found.used_at is not None
        assert found.used_at.second == found.used_at.microsecond == 0
        assert await tx.access.keys(ANN.id) == []
        assert await tx.access.key(first.id + 99) is None


async def test_an_invitation_works_once_and_only_the_newest(staffed: Any) -> None:
    async with staffed.begin() as tx:
        await tx.access.invite("a" * 64, ANN.id, SPAN)
        await tx.access.invite("b" * 64, ANN.id, SPAN)
        await tx.access.invite("c" * 64, LUIS.id, -SPAN)
    async with staffed.begin() as tx:
        assert await tx.access.accept("a" * 64) is None
        assert await tx.access.accept("b" * 64) == ANN.id
        assert await tx.access.accept("b" * 64) is None
        assert await tx.access.accept("c" * 64) is None, "it is too old"


@pytest.mark.parametrize("what", ["login", "key"])
async def test_what_is_rolled_back_was_never_there(staffed: Any, what: str) -> None:
    async with rolled_back(staffed) as tx:
        await (tx.access.save_login(LUISS) if what == "login" else tx.access.add_key(draft()))
    async with staffed.begin() as tx:
        assert await tx.access.login_for(LUIS.id) is None
        assert await tx.access.key_of("a" * 64) is None
