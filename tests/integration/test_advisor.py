"""The advisor over what is stored, and the optimizer over a past with a known optimum."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest

from bot.changing import build_changes
from bot.evaluating import PlayWindow
from bot.playing import PlayApart
from engine.domain.account import Direction
from engine.domain.change_proposal import ProposalState, Source, Target
from engine.domain.idea import Idea
from engine.domain.optimizer_run import RunState, RunWish
from engine.domain.order import ClosedTrade, Order, OrderState
from engine.domain.strategy import Strategy
from engine.errors import IllegalMove, NotAllowed, NotFound
from engine.research.advisor import situation, slippage
from engine.research.walkforward import Window
from engine.scoring.metrics import Trade
from engine.strategies.documents import parse
from tests.integration.conftest import ANN, EVE, LUIS, Desk

D = Decimal
GOOD = 55


async def traded(desk: Desk, *, count: int, slip: str) -> Idea:
    """Past trades of ideas like one that was really made: each two of three lose."""
    idea = await desk.until_idea()
    risk, sign = idea.proposal.risk, idea.proposal.direction.sign
    async with desk.world.store.begin() as tx:
        for number in range(count):
            made = replace(idea, id=_uuid(number))
            await tx.ideas.add(made)
            fill = idea.proposal.entry + risk * D(slip) * sign
            r = D(-1) if number % 3 else D("1.2")
            await tx.orders.add(_order(made, number, fill))
            await tx.orders.close_position(_end(made, number, fill, r * risk * sign))
    return idea


def _uuid(number: int) -> UUID:
    return UUID(int=1_000 + number)


def _order(idea: Idea, number: int, fill: Decimal) -> Order:
    at = idea.created_at
    return Order(
        client_id=f"past-{number}", idea_id=idea.id, account_id="paper-1",
        symbol=idea.proposal.symbol, direction=idea.proposal.direction, volume=D("0.1"),
        stop_loss=idea.proposal.stop_loss, take_profit=idea.proposal.take_profit,
        strategy_id=str(idea.strategy_id), state=OrderState.ACKED, created_at=at, valid_until=at,
        sending_at=at, broker_id=f"b{number}", fill_price=fill, filled_at=at,
    )  # fmt: skip


def _end(idea: Idea, number: int, fill: Decimal, move: Decimal) -> ClosedTrade:
    at = idea.market_time + timedelta(hours=number)
    return ClosedTrade(
        position_id=f"b{number}", client_id=f"past-{number}", symbol=idea.proposal.symbol,
        direction=idea.proposal.direction, volume=D("0.1"), entry_price=fill,
        exit_price=fill + move, profit=move * 1_000 * idea.proposal.direction.sign, opened_at=at,
        closed_at=at + timedelta(minutes=30), reason="manual",
    )  # fmt: skip


async def test_losing_trades_with_bad_fills_are_proposed_against_once(desk: Desk) -> None:
    idea = await traded(desk, count=24, slip="0.25")
    async with desk.world.store.begin() as tx:
        seen = await situation(tx)
    assert len(seen.past) == 24
    assert {(past.symbol, past.score) for past in seen.past} == {
        (idea.proposal.symbol, idea.confidence.score)
    }
    assert {past.slippage for past in seen.past} == {D("0.25")}
    (made,) = await desk.talk.advise(LUIS.id)
    draft = made.draft
    assert (draft.source, draft.subject.target) == (Source.ADVISOR, Target.SETTINGS)
    assert [change.field for change in draft.changes] == ["risk_per_trade_percent", "max_drift_r"]
    assert [ground.code for ground in draft.grounds] == ["losing", "slippage"]
    assert await desk.talk.advise(LUIS.id) == ()
    await desk.talk.answer_change.reject(ANN.id, made.id)
    assert await desk.talk.advise(None) == ()
    with pytest.raises(NotAllowed):
        await desk.talk.advise(EVE.id)


async def test_without_trades_there_is_no_advice(desk: Desk) -> None:
    assert await desk.talk.advise(ANN.id) == ()
    assert "proposal_made" not in await desk.actions()


async def test_slippage_is_a_loss_in_either_direction(desk: Desk) -> None:
    idea = await desk.until_idea()
    for direction, worse in ((Direction.BUY, 1), (Direction.SELL, -1)):
        made = replace(idea, proposal=replace(idea.proposal, direction=direction))
        fill = idea.proposal.entry + worse * idea.proposal.risk / 2
        assert slippage(made, _order(made, 1, fill)) == D("0.5")
    assert slippage(None, None) is None
    assert slippage(idea, replace(_order(idea, 1, D(1)), fill_price=None)) is None


class Past:
    """A past in which a pullback below 55 would have been right."""

    async def evaluate(self, document: Strategy, window: Window) -> tuple[Trade, ...]:
        number = int(next(c.argument for c in document.entry_conditions if c.name == "rsi_below"))
        chance, made = Random(f"{number} {window.start}"), []
        at: datetime = window.start + timedelta(hours=1)
        while at < window.end:
            r = D(str(round(chance.gauss(0.5 - abs(number - GOOD) * 0.04, 0.4), 6)))
            made.append(Trade(closed_at=at, profit=r, r=r))
            at += timedelta(hours=30)
        return tuple(made)


async def test_the_optimizer_searches_once_and_proposes_what_held(desk: Desk) -> None:
    changes = build_changes(desk.world, desk.bell, desk.talk.change_control, Past())
    book = await desk.talk.read_book(ANN.id)
    strategy = next(line.strategy for line in book if line.strategy.name == "Pullback buy")
    wish = RunWish(strategy_id=strategy.id)
    assert await changes.optimize() is None
    with pytest.raises(NotAllowed):
        await changes.train(EVE.id, wish)
    with pytest.raises(NotFound):
        await changes.train(LUIS.id, RunWish(strategy_id=_uuid(1)))
    assert await changes.train.last(EVE.id) is None
    run = await changes.train(LUIS.id, wish)
    with pytest.raises(IllegalMove):
        await changes.train(LUIS.id, wish)
    assert ("optimize",) in desk.bell.rung
    assert (await changes.optimize()) is not None
    last = await changes.train.last(EVE.id)
    assert last is not None
    assert (last.id, last.state) == (run.id, RunState.DONE)
    assert last.result is not None
    assert last.result.reason is None
    assert len(last.result.folds) == 4
    assert last.result.proposal_id is not None
    proposal = await desk.talk.read_changes.one(EVE.id, last.result.proposal_id)
    assert (proposal.draft.source, proposal.draft.folds) == (Source.OPTIMIZER, last.result.folds)
    wanted = parse(strategy.id, proposal.draft.document or "")
    assert any(c.name == "rsi_below" and c.argument == "56" for c in wanted.entry_conditions)
    settled = await desk.talk.answer_change.approve(ANN.id, proposal.id)
    assert settled.proposal.state is ProposalState.APPROVED


async def test_a_search_that_fails_says_why(desk: Desk) -> None:
    class Ahead(Past):
        async def evaluate(self, document: Strategy, window: Window) -> tuple[Trade, ...]:
            later = Window(window.start, window.end + timedelta(days=9))
            return await super().evaluate(document, later)

    changes = build_changes(desk.world, desk.bell, desk.talk.change_control, Ahead())
    book = await desk.talk.read_book(ANN.id)
    pullback = next(line.strategy for line in book if line.strategy.name == "Pullback buy")
    await changes.train(ANN.id, RunWish(strategy_id=pullback.id))
    await changes.optimize()
    last = await changes.train.last(ANN.id)
    assert last is not None
    assert last.state is RunState.FAILED
    assert last.result is not None
    assert "outside of its span" in (last.result.reason or "")


async def test_the_past_is_played_in_a_process_of_its_own(desk: Desk) -> None:
    play = PlayWindow(desk.world, PlayApart(desk.world))
    book = await desk.talk.read_book(ANN.id)
    trend = next(line.strategy for line in book if line.strategy.name == "EMA trend")
    window = Window(datetime(2017, 6, 1, tzinfo=UTC), datetime(2017, 9, 1, tzinfo=UTC))
    trades = await play.evaluate(trend, window)
    assert len(trades) > 5
    assert all(window.holds(trade.closed_at) for trade in trades)
    assert await play.evaluate(trend, window) == trades
    before = Window(datetime(2016, 6, 1, tzinfo=UTC), datetime(2016, 9, 1, tzinfo=UTC))
    assert await play.evaluate(trend, before) == ()
