"""Confirmations of real accounts are kept alike by both stores."""

from dataclasses import replace
from typing import Any

from tests.contract.conftest import rolled_back
from tests.unit.test_live import WORD


async def test_a_confirmation_is_kept_replaced_and_withdrawn(store: Any) -> None:
    other = replace(WORD, by="Luis", checklist=9)
    async with store.begin() as tx:
        assert await tx.live.of("a") is None
        await tx.live.save(WORD)
        await tx.live.save(replace(WORD, account_id="b"))
    async with store.begin() as tx:
        assert await tx.live.of("a") == WORD
        await tx.live.save(other)
    async with rolled_back(store) as tx:
        await tx.live.remove("a")
    async with store.begin() as tx:
        assert await tx.live.of("a") == other
        assert await tx.live.remove("a")
        assert not await tx.live.remove("a")
    async with store.begin() as tx:
        assert await tx.live.of("a") is None
        assert await tx.live.of("b") is not None
