"""What the settings' screens rest on: limits, watch list, strategies and the venue, as stored."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.documents import Write
from engine.domain.approval import Ending
from engine.domain.order import OrderState
from engine.errors import BrokerSilent, FeedError, NotAllowed, NotFound, Outdated
from engine.flow.approvals import Choice
from engine.strategies.documents import parse, strategy_id, text
from tests import builders as make
from tests.integration.conftest import ANN, EVE, LUIS, Desk

TREND = strategy_id("ema-trend")


async def traded(desk: Desk):
    """An idea that was approved, sent and filled."""
    idea = await desk.until_idea()
    decided = await desk.talk.decide_idea(
        idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id
    )
    assert decided.approval.ending is Ending.APPROVED
    await desk.send_all()
    await desk.work.sync_broker()
    return idea


async def test_strangers_and_those_who_wait_learn_nothing(desk: Desk) -> None:
    for read in (
        desk.talk.read_limits, desk.talk.read_watchlist, desk.talk.read_connection,
        desk.talk.read_book,
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            await read(4711)  # type: ignore[operator]


async def test_a_trade_counts_for_its_strategy_on_its_day(desk: Desk) -> None:
    before = {line.strategy.id: line for line in await desk.talk.read_book(EVE.id)}
    assert all((line.trades, line.held, line.last) == (0, 0, None) for line in before.values())
    idea = await traded(desk)
    line = await desk.talk.read_book.one(EVE.id, idea.strategy_id)
    assert (line.trades, line.held) == (1, 1)
    assert line.last is not None
    assert line.last.symbol == "EURUSD"
    others = [
        one for one in await desk.talk.read_book(EVE.id) if one.strategy.id != line.strategy.id
    ]
    assert all(one.trades == 0 for one in others)
    limits = await desk.talk.read_limits(EVE.id)
    assert limits.open_trades == 1
    assert limits.used["max_concurrent_trades"] == 1
    assert limits.used["max_exposure_percent"] > 0
    watched = (await desk.talk.read_watchlist(EVE.id)).symbols
    assert [(one.symbol, one.open_trades, one.known) for one in watched] == [("EURUSD", 1, True)]

    # It counts once it is closed too, and not on the day after.
    for _ in range(200):
        await desk.next_candle()
        line = await desk.talk.read_book.one(EVE.id, idea.strategy_id)
        if line.held == 0:
            break
    assert line.held == 0
    assert line.trades in (0, 1)
    with pytest.raises(NotFound):
        await desk.talk.read_book.one(EVE.id, strategy_id("none"))


async def test_a_silent_broker_and_a_silent_feed_leave_what_is_known(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_args):
        raise BrokerSilent("no answer")

    async def empty(*_args):
        raise FeedError("no candles")

    for name in ("account", "positions"):
        monkeypatch.setattr(type(desk.world.broker), name, silent)
    limits = await desk.talk.read_limits(EVE.id)
    assert limits.open_trades is None
    assert set(limits.used) == {"strategy_daily_budget", "max_spread_pips"}
    assert limits.would_breach(replace(limits.settings, max_drawdown_amount=Decimal(1))) is None
    assert (await desk.talk.read_connection(EVE.id)).account is None
    assert all(line.held is None for line in await desk.talk.read_book(EVE.id))
    assert (await desk.talk.read_watchlist(EVE.id)).symbols[0].open_trades is None
    monkeypatch.setattr(desk.world.market, "candles", empty)
    limits = await desk.talk.read_limits(EVE.id)
    assert (limits.bundle, limits.used, limits.version) == (None, {}, 1)


async def test_the_connection_shows_orders_nobody_knows_the_end_of(desk: Desk) -> None:
    seen = await desk.talk.read_connection(EVE.id)
    assert (seen.account_id, seen.is_live, seen.unknown) == ("paper-1", False, [])
    assert seen.synced is not None
    assert seen.latency > 0
    assert [(symbol, round(ratio)) for symbol, ratio in seen.leverage] == [("EURUSD", 30)]
    idea = await desk.until_idea()
    async with desk.world.store.begin() as tx:
        order = make.order(
            idea_id=idea.id, created_at=make.NOW, valid_until=make.NOW + timedelta(1)
        )
        await tx.orders.add(order)
        sending = order.move(OrderState.SENDING)
        assert await tx.orders.swap(order, sending)
        assert await tx.orders.swap(sending, sending.move(OrderState.UNKNOWN))
    seen = await desk.talk.read_connection(EVE.id)
    assert [found.client_id for found in seen.unknown] == ["at-1"]


async def test_a_check_writes_nothing_and_a_switch_is_for_the_version_looked_at(desk: Desk) -> None:
    async with desk.world.store.begin() as tx:
        before = next(one for one in await tx.settings.strategies() if one.id == TREND)
    wanted = text(replace(before, rr_expectation=Decimal(3)))
    made = await desk.talk.check_edit(ANN.id, TREND, wanted, expected=1)
    assert [change.path for change in made.changes] == ["rr_expectation"]
    with pytest.raises(NotAllowed):
        await desk.talk.check_edit(LUIS.id, TREND, wanted, expected=1)
    with pytest.raises(Outdated):
        await desk.talk.check_edit(ANN.id, TREND, wanted, expected=2)
    assert len(await desk.talk.read_versions(ANN.id, TREND)) == 1
    with pytest.raises(Outdated):
        await desk.talk.switch_strategy(ANN.id, TREND, on=False, reason="x", expected=2)
    await desk.talk.switch_strategy(ANN.id, TREND, on=False, reason="x", expected=1)
    assert len(await desk.talk.read_versions(ANN.id, TREND)) == 2


async def test_a_document_is_written_as_it_is_read_back(desk: Desk) -> None:
    write = Write(store=desk.world.store, read_performance=desk.talk.read_performance)
    name, data = await write({"kind": "strategy", "id": TREND.hex, "version": 1})
    assert name == "ema-trend-v1.json"
    (first,) = await desk.talk.read_versions(ANN.id, TREND)
    assert parse(TREND, data.decode()) == first.strategy
    for wrong in (
        {"kind": "strategy", "id": TREND.hex, "version": 2},
        {"kind": "strategy", "id": strategy_id("none").hex, "version": 1},
        {"kind": "holiday", "id": TREND.hex, "version": 1},
    ):
        with pytest.raises(NotFound):
            await write(wrong)
