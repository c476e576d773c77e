"""A feed that does not answer: a no is still taken, ideas expire, and what is open is seen."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tortoise import connections

from engine.domain.approval import Approval, Ending
from engine.domain.idea import Idea
from engine.domain.position_orders import PositionOrderState
from engine.errors import FeedError
from engine.flow.approvals import Choice, Decided, DecideIdea
from tests.integration.conftest import EVE, LUIS, Desk


class Away:
    """A market whose venue is away: it knows what it has stored, and nothing of now."""

    def __init__(self, market: Any, *, tells_symbols: bool = True) -> None:
        self._market, self.tells_symbols = market, tells_symbols

    def __getattr__(self, name: str) -> Any:
        return getattr(self._market, name)

    async def instant(self) -> Any:
        raise FeedError("the venue is away")

    async def quote(self, symbol: str) -> Any:
        raise FeedError("the venue is away")

    async def instrument(self, symbol: str) -> Any:
        if self.tells_symbols:
            return await self._market.instrument(symbol)
        raise FeedError("the venue is away")


async def answer(decide: DecideIdea, idea: Idea, choice: Choice) -> Decided:
    return await decide(idea.id, choice, person_id=LUIS.id, chat_id=LUIS.chat_id)


async def approval_of(desk: Desk, idea: Idea) -> Approval:
    async with desk.world.store.begin() as tx:
        approval = await tx.ideas.approval(idea.id)
    assert approval is not None
    return approval


async def test_a_no_keeps_the_price_it_was_said_at(desk: Desk) -> None:
    idea = await desk.until_idea()
    quote = await desk.world.market.quote("EURUSD")
    assert quote is not None
    await answer(desk.talk.decide_idea, idea, Choice.REJECT)
    kept = await approval_of(desk, idea)
    assert idea.proposal.direction == "buy"
    assert (kept.ending, kept.tap_price, kept.tap_spread, kept.drift_r) == (
        Ending.REJECTED,
        quote.ask,
        quote.spread,
        Decimal(0),
    )


async def test_a_no_waits_for_no_feed(desk: Desk) -> None:
    idea = await desk.until_idea()
    eyes = replace(desk.talk.decide_idea.collect, market=Away(desk.world.market))
    decided = await answer(replace(desk.talk.decide_idea, collect=eyes), idea, Choice.REJECT)
    assert (decided.mine, decided.approval.ending) == (True, Ending.REJECTED)
    kept = await approval_of(desk, idea)
    assert (kept.ending, kept.tap_price, kept.drift_r) == (Ending.REJECTED, None, None)
    async with desk.world.store.begin() as tx:
        (record,) = await tx.history.list(limit=1)
    assert (record.entry.action, record.entry.market_time) == ("human_rejected", None)


async def test_a_yes_does_wait_for_it_and_leaves_the_question_open(desk: Desk) -> None:
    idea = await desk.until_idea()
    eyes = replace(desk.talk.decide_idea.collect, market=Away(desk.world.market))
    with pytest.raises(FeedError):
        await answer(replace(desk.talk.decide_idea, collect=eyes), idea, Choice.APPROVE)
    assert (await approval_of(desk, idea)).ending is Ending.PENDING
    assert "human_approved" not in await desk.actions()


async def test_ideas_expire_without_a_feed(desk: Desk) -> None:
    idea = await desk.until_idea()
    await connections.get("default").execute_query(
        "UPDATE approval SET expires_at = now() - interval '1 second'"
    )
    expire = replace(desk.work.expire_ideas, market=Away(desk.world.market))
    assert await expire() == (idea.id,)
    assert (await approval_of(desk, idea)).ending is Ending.EXPIRED
    assert (await desk.actions())[-1] == "idea_expired"


async def test_what_is_open_is_seen_and_can_be_closed_without_a_feed(desk: Desk) -> None:
    idea = await desk.until_idea()
    await answer(desk.talk.decide_idea, idea, Choice.APPROVE)
    await desk.send_all()
    away = Away(desk.world.market)
    status = await replace(desk.talk.read_status, market=away)(EVE.id)
    assert [held.symbol for held in status.positions] == ["EURUSD"]
    read = replace(desk.talk.read_positions, market=away)
    (trade,) = (await read(EVE.id)).trades
    assert (trade.number, trade.quote, trade.r) == (idea.number, None, None)
    ask = replace(desk.talk.ask_position, read_positions=read)
    asked = await ask.close(LUIS.id, trade.position.id)
    order = await desk.talk.confirm_position(LUIS.id, asked.order.client_id)
    assert order.state is PositionOrderState.INTENT


async def test_strategies_and_results_are_seen_without_a_feed(desk: Desk) -> None:
    away = Away(desk.world.market, tells_symbols=False)
    lines = await replace(desk.talk.read_book, market=away)(EVE.id)
    assert [line.strategy.name for line in lines][:2] == ["EMA trend", "Pullback buy"]
    assert {line.off_market for line in lines} == {()}
    seen = await replace(desk.talk.read_performance, market=away)(EVE.id)
    assert seen.trades == ()
    status = replace(desk.talk.read_status, market=away)
    assert (await status.watch()) == ()
