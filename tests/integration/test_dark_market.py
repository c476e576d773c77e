"""A market that does not answer, or does not tell its time, keeps nobody from saying no, from
looking, or from closing; and nothing is concluded from it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tortoise import connections

from bot import jobs
from engine.domain.account import Position
from engine.domain.approval import Ending
from engine.domain.idea import IdeaStatus
from engine.domain.position_orders import PositionOrderState
from engine.errors import BrokerSilent, FeedError, NotFound, PositionRefused
from engine.flow.approvals import Choice
from engine.flow.glance import Glance
from tests.integration.conftest import ANN, Desk
from tests.integration.trades import Trades, one_open  # noqa: F401

PLACES = ["instant", "instrument", "quote", "rates"]


class Dark:
    """A market that answers to some questions with this error."""

    def __init__(self, inner: Any, error: Exception, names: list[str]) -> None:
        self._inner, self._error, self._names = inner, error, names

    def __getattr__(self, name: str) -> Any:
        return self._fail if name in self._names else getattr(self._inner, name)

    async def _fail(self, *_: Any) -> Any:
        raise self._error


class Foreign:
    """A venue where somebody opened a trade of a symbol that nobody watches."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def positions(self) -> tuple[Position, ...]:
        held = await self._inner.positions()
        theirs = replace(
            held[0], id="theirs", symbol="AAPL.US", client_id=None, strategy_id=None,
            opened_at=held[0].opened_at + timedelta(minutes=1),
        )  # fmt: skip
        return *held, theirs


def timeless(desk: Desk) -> Dark:
    return Dark(desk.world.market, FeedError("the exchange does not answer"), ["instant"])


async def test_a_no_is_taken_while_the_market_does_not_tell_its_time(desk: Desk) -> None:
    idea = await desk.until_idea()
    decide = desk.talk.decide_idea
    decide = replace(decide, collect=replace(decide.collect, market=timeless(desk)))
    decided = await decide(idea.id, Choice.REJECT, person_id=ANN.id, chat_id=1)
    assert (decided.mine, decided.approval.ending) == (True, Ending.REJECTED)
    assert (await desk.actions())[-1] == "human_rejected"


async def test_a_yes_is_not(desk: Desk) -> None:
    idea = await desk.until_idea()
    decide = desk.talk.decide_idea
    decide = replace(decide, collect=replace(decide.collect, market=timeless(desk)))
    with pytest.raises(FeedError):
        await decide(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=1)
    async with desk.world.store.begin() as tx:
        assert await tx.ideas.pending() == [idea.id]
        assert await tx.orders.unproven() == ()


async def test_what_nobody_answers_ends_all_the_same(desk: Desk) -> None:
    idea = await desk.until_idea()
    await connections.get("default").execute_query(
        "UPDATE approval SET expires_at = clock_timestamp() - interval '1 second'"
    )
    assert await replace(desk.work.expire_ideas, market=timeless(desk))() == (idea.id,)
    async with desk.world.store.begin() as tx:
        assert (await tx.ideas.get(idea.id)).status is IdeaStatus.EXPIRED


async def test_a_start_without_it_leaves_trading_off_and_the_chat_on(desk: Desk) -> None:
    sync = replace(desk.work.sync_broker, market=timeless(desk))
    with pytest.raises(BrokerSilent):
        await sync()
    found = await replace(desk.work.recover, sync_broker=sync, market=timeless(desk))()
    assert not found.venue_answered


@pytest.mark.parametrize("places", [["instant"], ["instrument"], ["quote"], ["rates"], PLACES])
async def test_a_trade_is_seen_and_closed_in_the_dark(
    trades: Trades,
    places: list[str],
) -> None:
    market = Dark(trades.desk.world.market, FeedError("the line is dead"), places)
    read = replace(trades.talk.read_positions, market=market)
    ask = replace(trades.talk.ask_position, read_positions=read)
    (trade,) = (await read(ANN.id)).trades
    asked = await ask.close(ANN.id, trade.position.id)
    order = await trades.talk.confirm_position(ANN.id, asked.order.client_id)
    await replace(trades.send, market=market)(order.client_id)
    assert (await trades.state(order)).state is PositionOrderState.DONE
    assert await trades.desk.world.broker.positions() == ()


async def test_levels_wait_for_what_the_market_shows(trades: Trades) -> None:
    market = Dark(trades.desk.world.market, FeedError("the line is dead"), PLACES)
    read = replace(trades.talk.read_positions, market=market)
    ask = replace(trades.talk.ask_position, read_positions=read)
    (trade,) = (await read(ANN.id)).trades
    assert trade.position.stop_loss is not None
    held = (ANN.id, trade.position.id)
    wanted: list[Callable[[], Any]] = [
        lambda: ask.stop(*held, trade.position.stop_loss),
        lambda: ask.part(*held),
        lambda: ask.break_even(*held),
        lambda: ask.targets(*held, [trade.position.entry_price]),
    ]
    for call in wanted:
        with pytest.raises(PositionRefused):
            await call()


async def test_somebody_elses_symbol_hides_no_trade(trades: Trades) -> None:
    read = trades.talk.read_positions
    glance = Glance(
        books=Foreign(read.broker.books), store=read.store, timer=read.broker.timer,
        life=timedelta(0),
    )  # fmt: skip
    with pytest.raises(NotFound):
        await trades.desk.world.market.instrument("AAPL.US")
    ours, theirs = (await replace(read, broker=glance)(ANN.id)).trades
    assert (ours.quote is None, theirs.quote, theirs.instrument) == (False, None, None)
    assert (ours.position.symbol, theirs.position.symbol) == ("EURUSD", "AAPL.US")


async def test_the_status_is_shown_in_the_dark(desk: Desk) -> None:
    dark = Dark(desk.world.market, FeedError("the line is dead"), PLACES)
    status = await replace(desk.talk.read_status, market=dark)(ANN.id)
    assert (status.account is None, status.watched) == (False, ())


async def test_how_the_venue_stands_is_shown_while_it_is_away(desk: Desk) -> None:
    read = desk.talk.read_connection
    assert (await read(ANN.id)).leverage
    dark = Dark(desk.world.market, FeedError("the line is dead"), PLACES)
    shown = await replace(read, market=dark)(ANN.id)
    assert (shown.account is None, shown.leverage) == (False, [])


async def test_a_cycle_without_it_is_one_line_of_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    cycle = desk.work.run_cycle
    cycle = replace(cycle, collect=replace(cycle.collect, market=timeless(desk)))
    await jobs.evaluate({"work": replace(desk.work, run_cycle=cycle)}, "EURUSD", "H1")
    assert "not judged: the exchange does not answer" in caplog.text
    assert await desk.actions() == []
