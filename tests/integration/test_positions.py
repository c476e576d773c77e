"""An open trade is closed and changed once; what nobody knows is looked up, never sent again."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from tortoise import connections

from bot.i18n import words_for
from bot.views.position_orders import outcome
from engine.domain.account import Position
from engine.domain.position_orders import PositionOrder, PositionOrderState
from engine.errors import BrokerSilent, NotAllowed, NotFound, Outdated, PositionRefused
from tests.integration.conftest import ANN, EVE, LUIS
from tests.integration.trades import Killed, Trades, between, one_open, told  # noqa: F401

D, S = Decimal, PositionOrderState


async def test_a_close_is_written_down_sent_once_and_told_by_the_trades_end(trades: Trades) -> None:
    trade = await trades.trade()
    asked = await trades.talk.ask_position.close(ANN.id, trade.position.id)
    assert await trades.desk.world.broker.positions() != ()
    order = await trades.talk.confirm_position(ANN.id, asked.order.client_id)
    assert order.state is S.INTENT
    await asyncio.gather(*(trades.send(order.client_id) for _ in range(6)))
    assert trades.line.sent == 1
    done = await trades.state(order)
    assert done.state is S.DONE
    assert await trades.desk.world.broker.positions() == ()
    (closed,) = await trades.closed()
    assert (closed.reason, closed.exit_price) == ("manual", done.price)
    assert (await trades.desk.actions())[-4:] == [
        "position_ordered", "position_sending", "position_changed", "position_closed",
    ]  # fmt: skip
    assert await told(f"closed:{trade.position.id}") > 0
    assert await told(f"position:{order.client_id}") == 0


async def test_a_close_that_the_venue_did_in_part_says_what_is_left(trades: Trades) -> None:
    trade = await trades.trade()
    order = await trades.confirmed(trades.talk.ask_position.close(ANN.id, trade.position.id))
    trades.line.fate = "in part"
    await trades.send(order.client_id)
    done = await trades.state(order)
    (held,) = await trades.desk.world.broker.positions()
    assert (done.state, done.reason, done.facts) == (S.DONE, "short", {"volume": "0.01"})
    assert done.volume_closed == trade.position.volume - held.volume
    assert await told(f"position:{order.client_id}") > 0
    text = outcome(words_for("en"), done, is_live=False).text
    assert "0.01 lots are still open: the broker closed no more at once." in text

    again = await trades.confirmed(trades.talk.ask_position.close(ANN.id, trade.position.id))
    trades.line.fate = "fine"
    await trades.send(again.client_id)
    assert (await trades.state(again)).reason is None
    assert await trades.desk.world.broker.positions() == ()


async def test_a_second_tap_and_a_repeated_one_change_nothing(trades: Trades) -> None:
    trade = await trades.trade()
    asked = await trades.talk.ask_position.part(ANN.id, trade.position.id)
    taps = [trades.talk.confirm_position(ANN.id, asked.order.client_id) for _ in range(8)]
    states = [order.state for order in await asyncio.gather(*taps)]
    assert set(states) == {S.INTENT}
    await trades.desk.send_all()
    again = await trades.talk.confirm_position(ANN.id, asked.order.client_id)
    assert again.state is S.DONE
    (held,) = await trades.desk.world.broker.positions()
    assert held.volume == asked.order.volume_left
    assert (await trades.desk.actions()).count("position_ordered") == 1


async def test_half_twice_by_two_people_who_saw_the_same_closes_half_once(trades: Trades) -> None:
    trade = await trades.trade()
    ann = await trades.talk.ask_position.part(ANN.id, trade.position.id)
    luis = await trades.talk.ask_position.part(LUIS.id, trade.position.id)
    await trades.talk.confirm_position(ANN.id, ann.order.client_id)
    with pytest.raises(PositionRefused, match="busy"):
        await trades.talk.confirm_position(LUIS.id, luis.order.client_id)
    await trades.desk.send_all()
    late = await trades.talk.confirm_position(LUIS.id, luis.order.client_id)
    await trades.desk.send_all()
    assert (await trades.state(late)).reason == "already"
    (held,) = await trades.desk.world.broker.positions()
    assert held.volume == ann.order.volume_left
    assert len(await trades.closed()) == 1


async def test_two_closes_confirmed_at_once_deal_once(trades: Trades) -> None:
    trade = await trades.trade()
    asked = [
        await trades.talk.ask_position.close(person, trade.position.id)
        for person in (ANN.id, LUIS.id)
    ]
    done = await asyncio.gather(
        *(
            trades.talk.confirm_position(question.order.asked_by, question.order.client_id)
            for question in asked
        ),
        return_exceptions=True,
    )
    orders = [order for order in done if isinstance(order, PositionOrder)]
    await asyncio.gather(*(trades.send(order.client_id) for order in orders))
    await trades.resolve()
    await asyncio.gather(*(trades.send(order.client_id) for order in orders))
    assert trades.line.sent == 1
    assert len(await trades.closed()) == 1
    ends = [(await trades.state(order)).state for order in orders]
    assert ends.count(S.DONE) == 1


async def test_a_question_that_is_too_old_or_somebody_elses_is_not_confirmed(
    trades: Trades,
) -> None:
    trade = await trades.trade()
    asked = await trades.talk.ask_position.close(ANN.id, trade.position.id)
    with pytest.raises(NotFound):
        await trades.talk.confirm_position(LUIS.id, asked.order.client_id)
    with pytest.raises(NotFound):
        await trades.talk.confirm_position.decline(LUIS.id, asked.order.client_id)
    await connections.get("default").execute_query(
        "UPDATE position_order SET document = jsonb_set(document, '{valid_until}',"
        " to_jsonb(now() - interval '1 second'))"
    )
    with pytest.raises(Outdated):
        await trades.talk.confirm_position(ANN.id, asked.order.client_id)
    assert len(await trades.desk.world.broker.positions()) == 1


async def test_a_declined_question_cannot_be_confirmed_any_more(trades: Trades) -> None:
    trade = await trades.trade()
    asked = await trades.talk.ask_position.close(ANN.id, trade.position.id)
    await trades.talk.confirm_position.decline(ANN.id, asked.order.client_id)
    order = await trades.talk.confirm_position(ANN.id, asked.order.client_id)
    assert order.state is S.CANCELLED
    await trades.send(order.client_id)
    assert trades.line.sent == 0


async def test_a_viewer_asks_and_confirms_nothing(trades: Trades) -> None:
    trade = await trades.trade()
    id_ = trade.position.id
    ask = trades.talk.ask_position
    for asked in (
        ask.close(EVE.id, id_),
        ask.part(EVE.id, id_),
        ask.stop(EVE.id, id_, D("1")),
        ask.break_even(EVE.id, id_),
        ask.targets(EVE.id, id_, [D("2")]),
        trades.talk.flatten(EVE.id, expected=1),
    ):
        with pytest.raises(NotAllowed):
            await asked
    question = await ask.close(ANN.id, id_)
    with pytest.raises(NotAllowed):
        await trades.talk.confirm_position(EVE.id, question.order.client_id)


async def test_a_trade_that_ended_meanwhile_is_not_closed_again(trades: Trades) -> None:
    trade = await trades.trade()
    order = await trades.confirmed(trades.talk.ask_position.close(ANN.id, trade.position.id))
    await trades.desk.world.broker.close(trade.position.id, volume_left=D(0), client_id="by-hand")
    assert (await trades.send(order.client_id)).reason == "gone"
    assert trades.line.sent == 0
    with pytest.raises(PositionRefused, match="gone"):
        await trades.talk.ask_position.close(ANN.id, trade.position.id)


async def test_what_does_not_leave_in_time_never_leaves_and_everyone_is_told(
    trades: Trades,
) -> None:
    trade = await trades.trade()
    order = await trades.confirmed(trades.talk.ask_position.close(ANN.id, trade.position.id))
    trades.line.deaf = True
    assert (await trades.send(order.client_id)).state is S.INTENT
    await connections.get("default").execute_query(
        "UPDATE position_order SET document = jsonb_set(document, '{valid_until}',"
        " to_jsonb(now() - interval '1 second'))"
    )
    assert (await trades.send(order.client_id)).reason == "expired"
    trades.line.deaf = False
    await trades.send(order.client_id)
    assert trades.line.sent == 0
    assert await told(f"position:{order.client_id}:cancelled") == 3


@pytest.mark.parametrize(("fate", "state"), [("answer lost", S.DONE), ("never arrives", S.ABSENT)])
async def test_a_lost_answer_is_unknown_then_looked_up(
    trades: Trades, fate: str, state: PositionOrderState
) -> None:
    trade = await trades.trade()
    order = await trades.confirmed(trades.talk.ask_position.part(ANN.id, trade.position.id))
    trades.line.fate, trades.line.deaf = fate, False
    assert (await trades.send(order.client_id)).state is S.UNKNOWN
    assert await told(f"position:{order.client_id}:unknown") == 3
    trades.line.deaf = True
    await trades.resolve()
    assert (await trades.state(order)).state is S.UNKNOWN
    trades.line.deaf = False
    await trades.send(order.client_id)
    await trades.resolve()
    assert (await trades.state(order)).state is state
    assert trades.line.sent == 1
    assert len(await trades.closed()) == (1 if state is S.DONE else 0)


@pytest.mark.parametrize(
    ("fate", "state"), [("we die", S.ABSENT), ("we die and it arrives", S.DONE)]
)
@pytest.mark.parametrize("whole", [True, False], ids=["all", "half"])
async def test_after_a_death_while_sending_exactly_one_close_happened_or_none(
    trades: Trades, fate: str, state: PositionOrderState, whole: bool
) -> None:
    trade = await trades.trade()
    ask = trades.talk.ask_position
    id_ = trade.position.id
    order = await trades.confirmed(ask.close(ANN.id, id_) if whole else ask.part(ANN.id, id_))
    trades.line.fate = fate
    with pytest.raises(Killed):
        await trades.send(order.client_id)
    assert (await trades.state(order)).state is S.SENDING
    # The next life: recovery, then every job that a bell or a sweep would run.
    trades.line.fate = "fine"
    recover = replace(trades.desk.work.recover, resolve_position_orders=trades.resolve)
    await recover()
    for _ in range(3):
        await trades.send(order.client_id)
        await trades.resolve()
    assert (await trades.state(order)).state is state
    assert trades.line.sent == 1
    dealt = sum((t.volume for t in await trades.closed()), D(0))
    wanted = trade.position.volume - (order.volume_left or D(0))
    assert dealt == (wanted if state is S.DONE else 0)


async def test_a_venue_without_ids_is_read_by_the_position_itself(trades: Trades) -> None:
    trade = await trades.trade()
    trades.line.vague, trades.line.fate = True, "answer lost"
    order = await trades.confirmed(trades.talk.ask_position.part(ANN.id, trade.position.id))
    await trades.send(order.client_id)
    await trades.resolve()
    assert (await trades.state(order)).state is S.DONE


async def test_an_exit_is_not_blocked_for_ever_by_one_that_was_lost(trades: Trades) -> None:
    trade = await trades.trade()
    trades.line.vague, trades.line.fate = True, "never arrives"
    lost = await trades.confirmed(trades.talk.ask_position.part(ANN.id, trade.position.id))
    await trades.send(lost.client_id)
    await trades.resolve()
    assert (await trades.state(lost)).state is S.UNKNOWN
    with pytest.raises(PositionRefused, match="busy"):
        await trades.talk.ask_position.close(ANN.id, trade.position.id)
    await replace(trades.resolve, proof_seconds=0.0)()
    assert (await trades.state(lost)).state is S.ABSENT
    trades.line.fate = "fine"
    order = await trades.confirmed(trades.talk.ask_position.close(ANN.id, trade.position.id))
    assert (await trades.send(order.client_id)).state is S.DONE


async def test_a_lost_stop_never_keeps_an_exit_waiting(trades: Trades) -> None:
    trade = await trades.trade()
    stop = await trades.confirmed(
        trades.talk.ask_position.stop(ANN.id, trade.position.id, between(trade, "0.5"))
    )
    trades.line.fate, trades.line.vague = "never arrives", True
    assert (await trades.send(stop.client_id)).state is S.UNKNOWN
    with pytest.raises(PositionRefused, match="busy"):
        await trades.talk.ask_position.stop(ANN.id, trade.position.id, between(trade, "0.6"))
    trades.line.fate = "fine"
    close = await trades.confirmed(trades.talk.ask_position.close(ANN.id, trade.position.id))
    assert (await trades.send(close.client_id)).state is S.DONE
    await trades.resolve()
    assert (await trades.state(stop)).reason == "gone"


async def test_a_refusal_is_final_and_told_with_the_venues_words(trades: Trades) -> None:
    trade = await trades.trade()
    order = await trades.confirmed(trades.talk.ask_position.close(ANN.id, trade.position.id))
    trades.line.fate = "refused"
    refused = await trades.send(order.client_id)
    assert (refused.state, refused.facts) == (S.REJECTED, {"message": "market is closed"})
    await trades.send(order.client_id)
    assert trades.line.sent == 1
    assert await told(f"position:{order.client_id}:rejected") == 3


@pytest.mark.parametrize("seed", range(12))
async def test_never_more_is_closed_than_was_asked_whatever_happens(
    trades: Trades, seed: int
) -> None:
    """Random asks, taps, sends, deaths and lost answers; each close ends, and the venue dealt what
    the orders that were done asked for, and nothing else.
    """
    chance = Random(seed)
    start = (await trades.trade()).position
    orders: list[PositionOrder] = []
    for _ in range(25):
        trades.line.fate = chance.choice(
            ["fine", "answer lost", "never arrives", "refused", "we die", "we die and it arrives"]
        )
        trades.line.deaf = chance.random() < 0.2
        try:
            orders += await _step(trades, start, orders, chance)
        except (PositionRefused, BrokerSilent, Killed):
            continue
    trades.line.fate, trades.line.deaf = "fine", False
    for _ in range(2):
        await trades.resolve()
        for order in orders:
            await trades.send(order.client_id)
    ends = [await trades.state(order) for order in orders]
    assert {end.state for end in ends} <= {S.DONE, S.REJECTED, S.ABSENT, S.CANCELLED}
    dealt = sum((t.volume for t in await trades.closed()), D(0))
    wanted = [end.volume_left for end in ends if end.state is S.DONE]
    left = min((left for left in wanted if left is not None), default=start.volume)
    assert dealt == start.volume - left
    records = await trades.desk.actions()
    assert records.count("position_sending") == trades.line.sent
    assert records.count("position_ordered") == len(orders)


async def _step(
    trades: Trades, start: Position, orders: list[PositionOrder], chance: Random
) -> list[PositionOrder]:
    what = chance.randrange(4)
    if what == 0 or not orders:
        person = chance.choice((ANN.id, LUIS.id))
        left = start.volume * chance.randrange(0, 9) / 10
        left = left.quantize(D("0.01"))
        asked = await trades.talk.ask_position.part(person, start.id, left)
        return [await trades.talk.confirm_position(person, asked.order.client_id)]
    if what == 1:
        await trades.resolve()
        return []
    picked = [chance.choice(orders) for _ in range(chance.randrange(1, 4))]
    results = await asyncio.gather(
        *(trades.send(order.client_id) for order in picked), return_exceptions=True
    )
    for result in results:
        if isinstance(result, Exception):
            raise result
    return []


def test_the_lives_of_a_question_and_of_an_order_are_short() -> None:
    from engine.flow.position_records import ASKED_LIFE, INTENT_LIFE

    assert ASKED_LIFE == INTENT_LIFE == timedelta(seconds=60)
