"""The stop and the targets of an open trade, and what may leave while trading is not on."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.position_orders import PositionOrderState
from engine.errors import PositionRefused
from tests.integration.conftest import ANN, LUIS
from tests.integration.trades import Trades, between, one_open  # noqa: F401

D, S = Decimal, PositionOrderState


async def test_a_stop_is_moved_and_the_target_stays(trades: Trades) -> None:
    trade = await trades.trade()
    price = between(trade, "0.5")
    order = await trades.confirmed(trades.talk.ask_position.stop(ANN.id, trade.position.id, price))
    await trades.desk.send_all()
    assert (await trades.state(order)).state is S.DONE
    after = await trades.trade()
    assert after.position.stop_loss == price
    assert after.position.take_profit == trade.position.take_profit
    assert after.first_stop == trade.first_stop


async def test_a_stop_is_never_wider_than_the_first_one_but_may_go_back_to_it(
    trades: Trades,
) -> None:
    trade = await trades.trade()
    first, sign = trade.first_stop, trade.position.direction.sign
    assert first is not None
    ask = trades.talk.ask_position
    await trades.confirmed(ask.stop(ANN.id, trade.position.id, between(trade, "0.5")))
    await trades.desk.send_all()
    with pytest.raises(PositionRefused, match="stop_wider"):
        await ask.stop(ANN.id, trade.position.id, first - sign * D("0.00001"))
    await trades.confirmed(ask.stop(ANN.id, trade.position.id, first))
    await trades.desk.send_all()
    assert (await trades.trade()).position.stop_loss == first


async def test_a_stop_that_somebody_moved_meanwhile_is_not_moved_back(trades: Trades) -> None:
    trade = await trades.trade()
    ask, id_ = trades.talk.ask_position, trade.position.id
    late = await ask.stop(LUIS.id, id_, between(trade, "0.3"))
    await trades.confirmed(ask.stop(ANN.id, id_, between(trade, "0.6")))
    await trades.desk.send_all()
    order = await trades.talk.confirm_position(LUIS.id, late.order.client_id)
    await trades.desk.send_all()
    assert (await trades.state(order)).reason == "changed"
    assert (await trades.trade()).position.stop_loss == between(trade, "0.6")


async def test_a_stop_the_market_reached_before_it_left_is_not_sent(trades: Trades) -> None:
    trade = await trades.trade()
    order = await trades.confirmed(
        trades.talk.ask_position.stop(ANN.id, trade.position.id, between(trade, "0.9"))
    )

    class Moved:
        """The market beyond the stop."""

        def __getattr__(self, name: str) -> Any:
            return getattr(trades.desk.world.market, name)

        async def quote(self, symbol: str) -> Any:
            quote = await trades.desk.world.market.quote(symbol)
            assert quote is not None
            shift = trade.position.stop_loss - quote.bid  # type: ignore[operator]
            return replace(quote, bid=quote.bid + shift, ask=quote.ask + shift)

    sent = await replace(trades.send, market=Moved())(order.client_id)
    assert (sent.state, sent.reason) == (S.CANCELLED, "stop_side")
    assert trades.line.sent == 0


async def test_targets_are_set_in_their_order_and_shown_as_they_are_left(trades: Trades) -> None:
    trade = await trades.trade()
    assert trade.quote is not None
    sign = trade.position.direction.sign
    near, far = (trade.quote.bid + sign * D(distance) for distance in ("0.0100", "0.0200"))
    order = await trades.confirmed(
        trades.talk.ask_position.targets(ANN.id, trade.position.id, [far, near, near])
    )
    assert order.take_profit == (near, far)
    await trades.desk.send_all()
    after = await trades.trade()
    assert after.position.take_profit == near
    assert after.targets == (near, far)
    assert after.position.stop_loss == trade.position.stop_loss


async def test_break_even_waits_for_the_market_and_is_then_at_the_entry(trades: Trades) -> None:
    while (trade := await trades.trade()).position.profit <= D("0.01"):
        with pytest.raises(PositionRefused, match="not_beyond"):
            await trades.talk.ask_position.break_even(ANN.id, trade.position.id)
        await trades.desk.next_candle()
        if not await trades.desk.world.broker.positions():
            await trades.open()
    asked = await trades.talk.ask_position.break_even(ANN.id, trade.position.id)
    assert trade.position.profit > 0
    assert asked.order.stop_loss == trade.position.entry_price
    await trades.talk.confirm_position(ANN.id, asked.order.client_id)
    await trades.desk.send_all()
    assert (await trades.trade()).position.stop_loss == trade.position.entry_price


async def test_exits_and_levels_work_while_paused_and_only_a_full_close_while_stopped(
    trades: Trades,
) -> None:
    trade = await trades.trade()
    ask, id_ = trades.talk.ask_position, trade.position.id
    asked = await ask.stop(ANN.id, id_, between(trade, "0.5"))
    await trades.talk.change_control.pause(ANN.id)
    await ask.stop(ANN.id, id_, between(trade, "0.4"))
    queued = await trades.confirmed(ask.part(ANN.id, id_))
    await trades.talk.change_control.stop(ANN.id)
    for refused in (
        ask.part(ANN.id, id_),
        ask.stop(ANN.id, id_, between(trade, "0.4")),
        ask.break_even(ANN.id, id_),
        ask.targets(ANN.id, id_, [trade.position.take_profit + D("0.001")]),  # type: ignore[operator]
        trades.talk.confirm_position(ANN.id, asked.order.client_id),
    ):
        with pytest.raises(PositionRefused, match=r"stopped|not_beyond"):
            await refused
    assert (await trades.send(queued.client_id)).reason == "stopped"
    close = await trades.confirmed(ask.close(LUIS.id, id_), LUIS.id)
    assert (await trades.send(close.client_id)).state is S.DONE


async def test_after_a_stop_no_part_and_no_level_is_sent(trades: Trades) -> None:
    trade = await trades.trade()
    for _ in range(12):
        order = await trades.confirmed(
            trades.talk.ask_position.stop(ANN.id, trade.position.id, between(trade, "0.5"))
        )
        await asyncio.gather(trades.send(order.client_id), trades.talk.change_control.stop(ANN.id))
        async with trades.desk.world.store.begin() as tx:
            records = await tx.history.list(limit=20)
        stopped = next(d.seq for d in records if d.entry.action == "ai_halted")
        after = [d for d in records if d.seq > stopped and d.entry.action == "position_sending"]
        assert after == []
        end = await trades.state(order)
        assert end.state in (S.DONE, S.REJECTED, S.CANCELLED)
        await trades.talk.change_control.resume(ANN.id)
        if end.state is S.DONE:
            await trades.desk.world.broker.modify(
                trade.position.id, stop_loss=trade.first_stop, client_id=f"back-{order.client_id}"
            )
