"""A terminal's queue: numbered, offered under a lease, finished once, taken back by a stop."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from engine.domain.terminal import (
    Command,
    CommandState,
    CommandType,
    ConnectCode,
    Draft,
    Result,
    ResultStatus,
    Terminal,
)
from engine.errors import IllegalMove, NotFound
from tests.builders import NOW, order
from tests.contract.conftest import rolled_back

ACCOUNT = "live-1"
DONE = Result(status=ResultStatus.DONE, retcode=10009, position=7, volume=Decimal("0.10"))


def terminal(account: str = ACCOUNT, *, base: int = 1000, **values: Any) -> Terminal:
    fields: dict[str, Any] = {
        "account_id": account, "login": base, "server": "Demo", "company": "", "currency": "USD",
        "margin_mode": "hedging", "trade_mode": "demo", "leverage": 100, "ea_version": "1.00",
        "build": 1, "magic_base": base, "last_seq": 0, "token_digest": f"digest-{base}",
        "token_used_at": NOW, "registered_at": NOW, "instance": "instance-a", "run": "run-a",
        "run_before": "", "heard_at": NOW,
    }  # fmt: skip
    return Terminal(**(fields | values))


def opening(name: str, *, order: str | None = "order-1", account: str = ACCOUNT) -> Draft:
    return Draft(
        id=name, account_id=account, type=CommandType.OPEN, client_id=order,
        fields={"symbol": "GOLD", "volume": "0.10"}, expires_at=NOW + timedelta(days=9000),
    )  # fmt: skip


def closing(name: str, position: int = 7) -> Draft:
    return Draft(
        id=name, account_id=ACCOUNT, type=CommandType.CLOSE,
        fields={"position": position, "keep": "0"},
    )  # fmt: skip


@pytest.fixture
async def known(store: Any) -> Any:
    """A store with the terminal of one account."""
    async with store.begin() as tx:
        await tx.terminals.save(terminal())
    return store


async def put(store: Any, *drafts: Draft) -> tuple[Command, ...]:
    async with store.begin() as tx:
        return await tx.commands.put(drafts)


async def lease(store: Any, instance: str = "instance-a", **values: Any) -> list[str]:
    options: dict[str, Any] = {"limit": 8, "opens": True, "may_open": True, "busy": []}
    async with store.begin() as tx:
        found: Sequence[Command] = await tx.commands.lease(ACCOUNT, instance, **options | values)
    return [("?" if command.lookup_only else "") + command.id for command in found]


async def is_waiting(store: Any, account: str) -> bool:
    async with store.begin() as tx:
        return bool(await tx.commands.is_waiting(account))


async def get(store: Any, name: str) -> Command:
    async with store.begin() as tx:
        found = await tx.commands.get(name)
    assert found is not None
    return found


async def test_commands_are_numbered_from_the_magic_base_and_kept_as_given(known: Any) -> None:
    first, second = await put(known, opening("a"), closing("b"))
    assert (first.seq, first.magic, second.seq, second.magic) == (1, 1001, 2, 1002)
    assert (first.fields, first.client_id) == (opening("a").fields, "order-1")
    assert (second.position, second.state) == (7, CommandState.QUEUED)


async def test_an_id_is_given_once_and_an_account_needs_a_terminal(known: Any) -> None:
    await put(known, opening("a"))
    with pytest.raises(IllegalMove):
        await put(known, opening("b"), opening("a"))
    async with known.begin() as tx:
        assert await tx.commands.get("b") is None
    with pytest.raises(NotFound):
        await put(known, opening("c", account="nobody"))


async def test_what_is_struck_off_cannot_be_given_and_what_was_given_not_struck(known: Any) -> None:
    await put(known, opening("a"))
    async with known.begin() as tx:
        assert not await tx.commands.strike(ACCOUNT, "a")
        assert await tx.commands.strike(ACCOUNT, "b")
        assert not await tx.commands.strike(ACCOUNT, "b")
    with pytest.raises(IllegalMove):
        await put(known, opening("b"))
    assert await lease(known) == ["a"]


async def test_pauses_go_first_and_opens_last_and_each_is_offered_once(known: Any) -> None:
    await put(known, opening("o"), closing("c"))
    async with known.begin() as tx:
        await tx.commands.pause(paused=True)
    names = await lease(known)
    assert [name.split("-")[0] for name in names] == ["pause", "c", "o"]
    assert await lease(known) == []
    async with known.begin() as tx:
        assert not await tx.commands.is_waiting(ACCOUNT)


async def test_the_last_commands_come_first(known: Any) -> None:
    await put(known, opening("a"), closing("b"), closing("c"))
    async with known.begin() as tx:
        assert [command.id for command in await tx.commands.recent(ACCOUNT, 2)] == ["c", "b"]
        assert await tx.commands.recent("nobody", 2) == ()


async def test_a_limit_a_busy_position_and_a_closed_door_hold_commands_back(known: Any) -> None:
    await put(known, opening("o"), closing("c"), closing("d", 8))
    assert await lease(known, limit=1, busy=[7]) == ["d"]
    assert await lease(known, opens=False, busy=[7]) == []
    assert await lease(known, may_open=False, busy=[7]) == []
    assert await lease(known) == ["c", "o"]


async def test_the_opens_of_a_paused_symbol_are_held_back(known: Any) -> None:
    async with known.begin() as tx:
        await tx.orders.add(order(client_id="gold", idea_id=UUID(int=1), symbol="XAUUSD"))
        await tx.orders.add(order(client_id="euro", idea_id=UUID(int=2)))
    await put(known, opening("g", order="gold"), opening("e", order="euro"), closing("c"))
    assert await lease(known, paused=["GBPUSD", "XAUUSD"]) == ["c", "e"]
    assert await lease(known, paused=["XAUUSD"]) == []
    assert await lease(known, paused=["EURUSD"]) == ["g"]


async def test_a_position_has_one_answer_at_a_time(known: Any) -> None:
    await put(known, closing("c"))
    assert await lease(known) == ["c"]
    await put(known, closing("d"))
    assert await lease(known) == []
    async with known.begin() as tx:
        assert await tx.commands.finish("c", DONE)
    assert await lease(known) == ["d"]


async def test_a_lease_counts_and_another_instance_may_only_look() -> None:
    (command,) = (
        Command(
            id="a", account_id=ACCOUNT, type=CommandType.CLOSE, seq=1, magic=1, issued_at=NOW
        ),
    )  # fmt: skip
    first = command.offer("one", NOW, may_open=True)
    again = first.offer("one", NOW, may_open=True)
    other = again.offer("two", NOW, may_open=True)
    back = other.offer("one", NOW, may_open=True)
    found = [(c.attempt, c.lookup_only) for c in (first, again, other, back)]
    assert found == [(1, False), (2, False), (3, True), (4, True)]
    assert replace(command, type=CommandType.OPEN).offer("one", NOW, may_open=False).lookup_only


async def test_the_first_result_is_final(known: Any) -> None:
    await put(known, opening("a"))
    await lease(known)
    other = Result(status=ResultStatus.REJECTED, reason="paused")
    async with known.begin() as tx:
        assert await tx.commands.finish("a", DONE)
        assert not await tx.commands.finish("a", other)
        assert not await tx.commands.finish("nothing", other)
    found = await get(known, "a")
    assert (found.state, found.result) == (CommandState.FINISHED, DONE)


async def test_a_stop_takes_back_what_was_not_offered_and_asks_about_the_rest(known: Any) -> None:
    await put(known, opening("a", order="order-1"))
    await lease(known)
    await put(known, opening("b", order="order-1"), opening("c", order="order-2"))
    async with known.begin() as tx:
        assert await tx.commands.stop_opens() == {"order-2"}
    states = [(await get(known, name)).state for name in "abc"]
    assert states == [CommandState.LEASED, CommandState.CANCELLED, CommandState.CANCELLED]
    assert (await get(known, "a")).lookup_only
    assert await lease(known) == []


async def test_a_stop_that_is_rolled_back_takes_nothing_back(known: Any) -> None:
    await put(known, opening("a"))
    async with rolled_back(known) as tx:
        await tx.commands.stop_opens()
        await tx.commands.pause(paused=True)
    assert await lease(known) == ["a"]


async def test_an_order_is_withdrawn_while_nobody_fetched_it(known: Any) -> None:
    await put(known, opening("a", order="order-1"), opening("b", order="order-2"))
    await lease(known, limit=1)
    async with known.begin() as tx:
        assert not await tx.commands.withdraw("order-1")
        assert await tx.commands.withdraw("order-2")
        assert not await tx.commands.withdraw("order-3")
        assert await tx.commands.finish("a", Result(status=ResultStatus.EXPIRED))
        assert await tx.commands.withdraw("order-1")


async def test_a_newer_pause_takes_the_place_of_one_that_waits(known: Any) -> None:
    async with known.begin() as tx:
        await tx.terminals.save(terminal("other", base=5000))
    for paused in (True, False):
        async with known.begin() as tx:
            await tx.commands.pause(paused=paused)
    assert [name.split("-")[0] for name in await lease(known)] == ["resume"]
    async with known.begin() as tx:
        await tx.commands.pause(paused=False)
    assert not await is_waiting(known, ACCOUNT)
    async with known.begin() as tx:
        await tx.commands.pause(paused=True, account_id="other")
    assert not await is_waiting(known, ACCOUNT)
    assert await is_waiting(known, "other")


async def test_a_terminal_is_found_by_its_token_until_that_is_taken_away(known: Any) -> None:
    async with known.begin() as tx:
        found = await tx.terminals.of_token("digest-1000")
        assert found == await tx.terminals.take(ACCOUNT) == terminal()
        assert await tx.terminals.of_token("") is None
        assert await tx.terminals.remove(ACCOUNT)
        assert not await tx.terminals.remove(ACCOUNT)
        assert await tx.terminals.of_token("digest-1000") is None


async def test_numbers_are_never_set_back(known: Any) -> None:
    await put(known, opening("a"), opening("b"))
    async with known.begin() as tx:
        await tx.terminals.save(terminal(last_seq=0, instance="instance-b"))
        found = await tx.terminals.read(ACCOUNT)
    assert (found.last_seq, found.instance) == (2, "instance-b")


async def test_a_new_code_takes_the_place_of_one_nobody_used(known: Any) -> None:
    def code(digest: str) -> ConnectCode:
        until = NOW + timedelta(minutes=10)
        return ConnectCode(digest=digest, account_id=ACCOUNT, issued_by="Ann", expires_at=until)

    used = replace(code("a"), used_at=NOW, used_by=(1, "Demo", "instance-a"))
    async with known.begin() as tx:
        await tx.terminals.add_code(code("a"))
        await tx.terminals.save_code(used)
        await tx.terminals.add_code(code("b"))
        await tx.terminals.add_code(code("c"))
    async with known.begin() as tx:
        assert await tx.terminals.take_code("a") == used
        assert await tx.terminals.take_code("b") is None
        assert await tx.terminals.take_code("c") == code("c")
        assert await tx.terminals.newest_code(code("c").account_id) == used
        later = replace(code("d"), expires_at=code("c").expires_at + timedelta(seconds=1))
        await tx.terminals.add_code(later)
        assert await tx.terminals.newest_code(later.account_id) == later
        assert await tx.terminals.newest_code("nobody") is None


async def test_guesses_are_counted_by_the_worst_key(known: Any) -> None:
    window = timedelta(minutes=15)
    async with known.begin() as tx:
        await tx.terminals.guess(["address", "one"], window)
    async with known.begin() as tx:
        assert await tx.terminals.guess(["address", "two"], window) == 2
        assert await tx.terminals.guess(["three"], window) == 1
