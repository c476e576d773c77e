"""One question, one answer, one effect; everyone else is told in words of their own."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from tortoise import connections

from engine.domain.approval import Ending
from engine.domain.idea import IdeaStatus
from engine.domain.order import OrderState
from engine.domain.person import Role
from engine.errors import NotAllowed, NotFound
from engine.flow.approvals import Choice
from storage.models import OrderRow, OutboxRow
from tests.integration.conftest import ANN, EVE, LUIS, Desk


async def decide(desk: Desk, idea, choice=Choice.APPROVE, who=ANN):
    return await desk.talk.decide_idea(idea.id, choice, person_id=who.id, chat_id=who.chat_id)


async def order_of(desk: Desk, idea):
    async with desk.world.store.begin() as tx:
        return await tx.orders.of_idea(idea.id)


async def test_approval_becomes_one_filled_order_and_the_history_tells_it(desk: Desk) -> None:
    idea = await desk.until_idea()
    decided = await decide(desk, idea)
    assert decided.mine
    assert decided.approval.ending is Ending.APPROVED
    await desk.send_all()
    order = await order_of(desk, idea)
    assert order.state is OrderState.ACKED
    assert order.volume == idea.sizing.volume
    assert [p.client_id for p in await desk.world.broker.positions()] == [order.client_id]
    assert await desk.actions() == [
        "ai_proposed", "human_approved", "order_sending", "order_filled",
    ]  # fmt: skip


async def test_rejection_ends_the_idea_and_no_order_exists(desk: Desk) -> None:
    idea = await desk.until_idea()
    decided = await decide(desk, idea, Choice.REJECT)
    assert decided.mine
    assert decided.approval.ending is Ending.REJECTED
    assert await order_of(desk, idea) is None
    assert (await desk.actions())[-1] == "human_rejected"


async def test_half_size_sends_half_rounded_down_to_the_step(desk: Desk) -> None:
    idea = await desk.until_idea()
    await decide(desk, idea, Choice.HALF)
    await desk.send_all()
    order = await order_of(desk, idea)
    assert order.volume <= idea.sizing.volume / 2
    assert order.volume > idea.sizing.volume / 2 - Decimal("0.01")


async def test_two_people_and_many_taps_at_once_give_one_effect(desk: Desk) -> None:
    for _ in range(3):
        idea = await desk.until_idea()
        taps = [
            decide(desk, idea, choice, who)
            for choice in (Choice.APPROVE, Choice.REJECT, Choice.HALF, Choice.APPROVE)
            for who in (ANN, LUIS)
        ]
        answers = await asyncio.gather(*taps)
        winners = [answer for answer in answers if answer.mine]
        assert len(winners) == 1
        for answer in answers:
            assert answer.approval.ending is winners[0].approval.ending
            assert answer.approval.decided_name == winners[0].approval.decided_name
        await desk.send_all()
        approved = winners[0].approval.ending is Ending.APPROVED
        assert await OrderRow.filter(idea_id=idea.id).count() == int(approved)


async def test_tap_after_the_expiry_never_trades_and_says_expired(desk: Desk) -> None:
    idea = await desk.until_idea()
    await connections.get("default").execute_query(
        "UPDATE approval SET expires_at = clock_timestamp() - interval '1 millisecond'"
    )
    decided = await decide(desk, idea)
    assert not decided.mine
    assert decided.approval.ending is Ending.EXPIRED
    assert await order_of(desk, idea) is None
    assert (await desk.actions())[-1] == "idea_expired"


async def test_idea_nobody_answers_expires_once_by_the_database_clock(desk: Desk) -> None:
    idea = await desk.until_idea()
    assert await desk.work.expire_ideas() == ()
    await connections.get("default").execute_query(
        "UPDATE approval SET expires_at = clock_timestamp()"
    )
    assert await desk.work.expire_ideas() == (idea.id,)
    assert await desk.work.expire_ideas() == ()
    async with desk.world.store.begin() as tx:
        assert (await tx.ideas.get(idea.id)).status is IdeaStatus.EXPIRED


async def test_tap_while_paused_trades_nothing_and_says_halted(desk: Desk) -> None:
    idea = await desk.until_idea()
    await desk.talk.change_control.pause(LUIS.id)
    decided = await decide(desk, idea)
    assert decided.mine
    assert decided.approval.ending is Ending.HALTED
    assert decided.approval.detail == "state"
    assert await order_of(desk, idea) is None


async def test_price_that_moved_too_far_has_its_own_ending(desk: Desk) -> None:
    await desk.change_risk(max_drift_r=Decimal("0.01"))
    idea = await desk.until_idea()
    await desk.world.market.advance(lambda: datetime.now(UTC), timedelta(0))
    decided = await decide(desk, idea)
    assert decided.approval.ending is Ending.PRICE_MOVED
    assert await order_of(desk, idea) is None


async def test_gate_that_closed_in_between_names_its_check(desk: Desk) -> None:
    idea = await desk.until_idea()
    await desk.change_risk(max_spread_pips=Decimal("0.1"))
    decided = await decide(desk, idea)
    assert decided.approval.ending is Ending.GATE_CLOSED
    assert decided.approval.detail == "spread"
    assert await order_of(desk, idea) is None


async def test_strategy_edited_since_the_idea_refuses_it(desk: Desk) -> None:
    idea = await desk.until_idea()
    async with desk.world.store.begin() as tx:
        mine = next(s for s in await tx.settings.strategies() if s.id == idea.strategy_id)
        await tx.settings.save_strategy(mine, by="test", reason="edited")
    decided = await decide(desk, idea)
    assert decided.approval.ending is Ending.GATE_CLOSED
    assert decided.approval.detail == "strategy"


async def test_viewer_and_stranger_decide_nothing(desk: Desk) -> None:
    idea = await desk.until_idea()
    with pytest.raises(NotAllowed):
        await decide(desk, idea, who=EVE)
    with pytest.raises(NotAllowed):
        await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=4711, chat_id=4711)
    async with desk.world.store.begin() as tx:
        assert (await tx.ideas.approval(idea.id)).ending is Ending.PENDING


async def test_idea_that_asks_nobody_cannot_be_answered(desk: Desk) -> None:
    await desk.talk.change_control.pause(ANN.id)
    idea = await desk.until_idea(IdeaStatus.HALTED_BY_RISK)
    with pytest.raises(NotFound):
        await decide(desk, idea)


async def test_approval_that_waits_in_the_queue_too_long_never_leaves(desk: Desk) -> None:
    idea = await desk.until_idea()
    await decide(desk, idea)
    await connections.get("default").execute_query(
        "UPDATE trade_order SET document = jsonb_set(document, '{valid_until}',"
        " to_jsonb('2020-01-01T00:00:00Z'::text))"
    )
    await desk.send_all()
    order = await order_of(desk, idea)
    assert order.state is OrderState.CANCELLED
    assert order.reason == "order_expired"
    assert await desk.world.broker.positions() == ()


async def test_every_person_is_told_once_of_the_idea_and_of_its_end(desk: Desk) -> None:
    idea = await desk.until_idea()
    await decide(desk, idea)
    await desk.send_all()
    keys = await OutboxRow.all().values_list("key", "person_id")
    told = sorted(person for key, person in keys if key == f"idea:{idea.id}")
    assert told == [1001, 1002, 1003]
    assert len(keys) == len(set(keys))
    changes = {key.rsplit(":", 1)[1] for key, _ in keys if key.startswith("card:")}
    assert changes == {"approved", "order_acked"}


class Slow:
    """A market at which something happens while it is asked for its time."""

    def __init__(self, inner: Any, happens: Callable[[], Awaitable[Any]]) -> None:
        self._inner, self._happens = inner, happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def instant(self) -> Any:
        await self._happens()
        return await self._inner.instant()


@pytest.mark.parametrize("choice", [Choice.APPROVE, Choice.REJECT])
async def test_who_is_put_out_meanwhile_decides_nothing(desk: Desk, choice: Choice) -> None:
    idea = await desk.until_idea()
    put_out = partial(desk.talk.change_role, ANN.id, LUIS.id, Role.REFUSED)
    decide = desk.talk.decide_idea
    collect = replace(decide.collect, market=Slow(decide.collect.market, put_out))
    with pytest.raises(NotAllowed):
        await replace(decide, collect=collect)(idea.id, choice, person_id=LUIS.id, chat_id=1)
    async with desk.world.store.begin() as tx:
        assert await tx.ideas.pending() == [idea.id]
        assert await tx.orders.unproven() == ()
