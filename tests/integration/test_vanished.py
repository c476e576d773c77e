"""A trade that the venue neither holds nor reports as ended is given up, and people are told."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from tortoise import connections

from engine.domain.account import Position
from engine.domain.decision import Action
from engine.domain.order import ClosedTrade
from engine.errors import BrokerSilent
from engine.flow.approvals import Choice
from engine.flow.vanished import Patience
from storage.models import OutboxRow
from tests.integration.conftest import ANN, Desk

LOOKS = 3


@dataclass
class _Forgetful:
    """The paper venue without a trade it had; ``ends`` is what its history shows after all."""

    inner: Any
    hidden: bool = True
    deaf: bool = False
    ends: tuple[ClosedTrade, ...] = ()
    asked: list[datetime] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def positions(self) -> tuple[Position, ...]:
        return () if self.hidden else await self.inner.positions()

    async def closed_since(self, after: datetime) -> tuple[ClosedTrade, ...]:
        self.asked.append(after)
        if self.deaf:
            raise BrokerSilent("no answer")
        return self.ends


async def _traded(desk: Desk) -> tuple[Any, _Forgetful, Position]:
    idea = await desk.until_idea()
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    await desk.send_all()
    await desk.work.sync_broker()
    (held,) = await desk.world.broker.positions()
    broker = _Forgetful(desk.world.broker)
    patience = Patience(looks=LOOKS, seconds=0)
    return replace(desk.work.sync_broker, broker=broker, patience=patience), broker, held


async def _state(position_id: str) -> tuple[bool, bool]:
    """Whether it is open, and whether its end is known."""
    (row,) = await connections.get("default").execute_query_dict(
        "SELECT is_open, closed_at FROM trade_position WHERE id = $1", [position_id]
    )
    return row["is_open"], row["closed_at"] is not None


async def _records(desk: Desk) -> list[Any]:
    async with desk.world.store.begin() as tx:
        found = await tx.history.list(actions=[Action.POSITION_LOST], limit=9)
    return [each.entry for each in found]


async def test_a_trade_that_vanished_ends_with_a_record_and_an_alert(desk: Desk) -> None:
    sync, broker, held = await _traded(desk)
    for _ in range(LOOKS):
        assert await sync() == ()
        assert await _state(held.id) == (True, False)
    assert await sync() == ()
    assert await _state(held.id) == (False, False)
    (record,) = await _records(desk)
    assert record.detail["position"]["id"] == held.id
    assert "result is not known" in record.rationale
    # The last look asked for the whole history since the trade was opened.
    assert broker.asked[-1] < held.opened_at
    told = await OutboxRow.filter(kind="trade_lost").values_list("key", flat=True)
    assert set(told) == {f"lost:{held.id}"}
    await sync()
    assert len(await _records(desk)) == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_end_that_shows_up_late_is_what_counts(desk: Desk, when: str) -> None:
    sync, broker, held = await _traded(desk)
    for _ in range(LOOKS + (when == "after")):
        await sync()
    broker.ends = (
        ClosedTrade(
            position_id=held.id, client_id=held.client_id, symbol=held.symbol,
            direction=held.direction, volume=held.volume, entry_price=held.entry_price,
            exit_price=held.entry_price, profit=held.profit, opened_at=held.opened_at,
            closed_at=held.opened_at, reason="stop_loss",
        ),
    )  # fmt: skip
    assert [trade.position_id for trade in await sync()] == [held.id]
    assert await _state(held.id) == (False, True)
    assert len(await _records(desk)) == (when == "after")


async def test_silence_and_one_glimpse_begin_the_count_again(desk: Desk) -> None:
    sync, broker, held = await _traded(desk)
    for _ in range(2):
        for _ in range(LOOKS - 1):
            await sync()
        broker.deaf = True
        for _ in range(LOOKS):
            with pytest.raises(BrokerSilent):
                await sync()
        broker.deaf, broker.hidden = False, False
        await sync()
        broker.hidden = True
    assert await _state(held.id) == (True, False)
    assert await _records(desk) == []
