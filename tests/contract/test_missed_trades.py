"""Trades that a venue does not show any more: the same in PostgreSQL and in memory."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from engine.domain.account import Position
from engine.domain.order import ClosedTrade
from tests.builders import closed_trade, order, position

OURS = "paper-1"


async def _open(store: Any, *names: str) -> None:
    async with store.begin() as tx:
        for number, name in enumerate(names, 1):
            await tx.orders.add(order(client_id=f"at-{name}", idea_id=UUID(int=number)))
            await tx.orders.save_positions([position(id=name, client_id=f"at-{name}")])


async def _look(store: Any, *shown: str, account: str = OURS) -> None:
    async with store.begin() as tx:
        await tx.missed.look(account, set(shown))


async def _vanished(store: Any, looks: int, seconds: float = 0, account: str = OURS) -> list[str]:
    async with store.begin() as tx:
        found = await tx.missed.vanished(account, looks=looks, seconds=seconds)
    return [held.id for held in found]


async def test_only_what_is_missed_in_looks_in_a_row_has_vanished(store: Any) -> None:
    await _open(store, "1", "2")
    await _look(store, "1")
    await _look(store, "1")
    assert await _vanished(store, 2) == ["2"]
    assert await _vanished(store, 3) == []
    assert await _vanished(store, 2, 3600) == []
    await _look(store, "1", "2")
    assert await _vanished(store, 1) == []
    await _look(store)
    assert await _vanished(store, 1) == ["1", "2"]


async def test_trades_of_another_account_and_of_nobody_are_not_missed(store: Any) -> None:
    await _open(store, "1")
    async with store.begin() as tx:
        await tx.orders.save_positions([position(id="9", client_id=None)])
    await _look(store, account="other")
    assert await _vanished(store, 1, account="other") == []
    await _look(store)
    assert await _vanished(store, 1) == ["1"]
    assert await _vanished(store, 1, account="other") == []


async def test_what_was_given_up_is_neither_open_nor_closed(store: Any) -> None:
    await _open(store, "1")
    await _look(store)
    async with store.begin() as tx:
        assert await tx.missed.give_up("1")
        assert not await tx.missed.give_up("1")
        assert not await tx.missed.give_up("7")
    assert await _vanished(store, 1) == []
    await _look(store)
    assert await _vanished(store, 1) == []
    async with store.begin() as tx:
        assert await tx.orders.closed(since=None, limit=9) == []
        assert await tx.orders.ended(["1"]) == frozenset()
        assert await tx.orders.trade_of("at-1") is None


async def test_a_trade_that_was_given_up_can_be_shown_again_or_end_after_all(store: Any) -> None:
    await _open(store, "1", "2")
    async with store.begin() as tx:
        assert await tx.missed.give_up("1")
        assert await tx.missed.give_up("2")
    ended = closed_trade(position_id="2", client_id="at-2")
    async with store.begin() as tx:
        await tx.orders.save_positions([position(id="1", client_id="at-1")])
        assert await tx.orders.close_position(ended)
        assert not await tx.orders.close_position(replace(ended, reason="other"))
    async with store.begin() as tx:
        assert isinstance(await tx.orders.trade_of("at-1"), Position)
        found = await tx.orders.trade_of("at-2")
        assert isinstance(found, ClosedTrade)
        assert await tx.orders.ended(["1", "2"]) == {"2"}
        assert not await tx.missed.give_up("2")
