"""What a request of a terminal looks at, and the note that it lives, in every store."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.market import Timeframe
from engine.domain.state import Control, TradingState
from engine.domain.terminal import Beat, Stream, Terminal, Wishes
from engine.ports import Look, Polls
from storage.polls import PostgresPolls
from tests.builders import NOW
from tests.contract.test_commands import ACCOUNT, closing, opening, terminal
from tests.memory import MemoryPolls, MemoryStore

WISHES = Wishes(
    symbols=("GOLD",), candles=(Stream(symbol="GOLD", timeframe=Timeframe.M15, count=3),)
)
BEAT = Beat(
    connected=True, trade_terminal=True, trade_ea=True, trade_account=True, trade_experts=True,
    paused=False, open_positions=1, pending_results=0, unresolved=0, journal_ok=True, last_seq=0,
    equity=Decimal("10.50"), skew_seconds=0,
)  # fmt: skip


@pytest.fixture
async def polls(store: Any) -> Polls:
    """Over a store with two terminals and a running control."""
    control = Control(state=TradingState.RUNNING, reason="test", changed_at=NOW)
    async with store.begin() as tx:
        await tx.controls.save(control)
        await tx.terminals.save(terminal(wishes=WISHES))
        await tx.terminals.save(terminal("other", base=5000))
    return MemoryPolls(store) if isinstance(store, MemoryStore) else PostgresPolls()


async def look(polls: Polls, token: str = "digest-1000") -> Look:
    found = await polls.look(token)
    assert found is not None
    return found


async def read(store: Any) -> Terminal:
    async with store.begin() as tx:
        found: Terminal = await tx.terminals.read(ACCOUNT)
    return found


def heard(found: Look, after: timedelta = timedelta(seconds=5)) -> Terminal:
    at = found.terminal.heard_at + after
    return replace(found.terminal, beat=BEAT, beat_at=at, heard_at=at, token_used_at=at)


async def test_a_look_shows_everything_at_once(store: Any, polls: Polls) -> None:
    found = await look(polls)
    assert found.terminal == terminal(wishes=WISHES) == await read(store)
    assert found.control.may_open
    assert not found.is_waiting
    assert abs(found.now - (NOW if isinstance(store, MemoryStore) else datetime.now(UTC))) < (
        timedelta(minutes=1)
    )
    assert await polls.look("digest-of-nobody") is None
    assert await polls.look("") is None


async def test_a_look_is_never_older_than_the_question(store: Any, polls: Polls) -> None:
    await look(polls)
    async with store.begin() as tx:
        control = await tx.controls.take()
        await tx.controls.save(replace(control, state=TradingState.HALTED, version=2))
        await tx.commands.put([opening("a"), closing("b")])
        await tx.terminals.save(terminal(instance="instance-b", wishes=Wishes()))
    found = await look(polls)
    assert (found.control.may_open, found.is_waiting) == (False, True)
    assert (found.terminal.instance, found.terminal.wishes) == ("instance-b", Wishes())
    async with store.begin() as tx:
        lease = {"limit": 9, "opens": True, "may_open": True, "busy": ()}
        await tx.commands.lease(ACCOUNT, "instance-b", **lease)
        await tx.terminals.remove("other")
    assert not (await look(polls)).is_waiting
    assert await polls.look("digest-5000") is None


async def test_many_looks_at_once_answer_each_its_own(store: Any, polls: Polls) -> None:
    async with store.begin() as tx:
        await tx.commands.put([opening("a")])
    tokens = ["digest-1000", "digest-5000", "digest-none"] * 100
    found = await asyncio.gather(*(polls.look(token) for token in tokens))
    seen = [one and (one.terminal.account_id, one.is_waiting) for one in found]
    assert seen == [(ACCOUNT, True), ("other", False), None] * 100


async def test_a_note_is_stored_and_nothing_else_with_it(store: Any, polls: Polls) -> None:
    found = await look(polls)
    after = heard(found)
    assert await polls.note(found, after)
    assert await read(store) == after
    assert (await look(polls)).terminal == after


async def test_a_note_of_what_has_changed_meanwhile_is_not_taken(store: Any, polls: Polls) -> None:
    found = await look(polls)
    async with store.begin() as tx:
        await tx.terminals.save(terminal(run="run-b", wishes=WISHES))
    assert not await polls.note(found, heard(found))
    assert await read(store) == terminal(run="run-b", wishes=WISHES)
    found = await look(polls)
    async with store.begin() as tx:
        await tx.terminals.remove(ACCOUNT)
    assert not await polls.note(found, heard(found))
    # Of two notes of one look the later is too late.
    async with store.begin() as tx:
        await tx.terminals.save(terminal())
    found = await look(polls)
    assert await polls.note(found, heard(found))
    assert not await polls.note(found, heard(found, timedelta(seconds=6)))


async def test_a_note_waits_for_nobody_who_holds_the_terminal(store: Any, polls: Polls) -> None:
    found, other = await look(polls), await look(polls, "digest-5000")
    async with store.begin() as tx:
        await tx.terminals.take(ACCOUNT)
        async with asyncio.timeout(5):
            both = await asyncio.gather(
                polls.note(found, heard(found)), polls.note(other, heard(other))
            )
    assert both == [False, True]
    assert (await read(store)).beat is None
