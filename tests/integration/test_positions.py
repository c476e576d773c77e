"""An open trade is closed and changed once; what nobody knows is looked up, never sent again."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from tortoise import connections

from engine.domain.account import Direction, Position
from engine.domain.order import ClosedTrade
from engine.domain.position_orders import PositionOrder, PositionOrderState
from engine.errors import (
    BrokerRefused,
    BrokerSilent,
    NotAllowed,
    NotFound,
    Outdated,
    PositionRefused,
)
from engine.flow.approvals import Choice
from engine.flow.flatten import PursueFlatten
from engine.flow.position_sending import ResolvePositionOrders, SendPositionOrder
from engine.flow.trades import OpenTrade
from engine.ports import NotFound as NoChange
from storage.models import OutboxRow
from tests.integration.conftest import ANN, EVE, LUIS, Desk

D, S = Decimal, PositionOrderState


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Line:
    """The paper broker behind a line that loses questions and answers."""

    inner: Any
    fate: str = "fine"
    deaf: bool = False
    vague: bool = False
    sent: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def close(self, *args: Any, **values: Any) -> Any:
        return await self._send(self.inner.close(*args, **values))

    async def modify(self, *args: Any, **values: Any) -> Any:
        return await self._send(self.inner.modify(*args, **values))

    async def _send(self, call: Awaitable[Any]) -> Any:
        self.sent += 1
        if self.fate in ("refused", "never arrives", "we die"):
            call.close()  # type: ignore[attr-defined]
        if self.fate == "refused":
            raise BrokerRefused("market is closed")
        if self.fate == "never arrives":
            raise BrokerSilent("the line is dead")
        if self.fate == "we die":
            raise Killed
        done = await call
        if self.fate == "answer lost":
            raise BrokerSilent("the line is dead")
        if self.fate == "we die and it arrives":
            raise Killed
        return done

    async def look_up_change(self, client_id: str) -> Any:
        if self.deaf:
            raise BrokerSilent("no answer")
        return NoChange(proven=False) if self.vague else await self.inner.look_up_change(client_id)

    async def positions(self) -> tuple[Position, ...]:
        if self.deaf:
            raise BrokerSilent("no answer")
        return await self.inner.positions()


@dataclass
class Trades:
    """A desk with trades open, and a line to its venue."""

    desk: Desk
    line: Line

    @property
    def talk(self):
        return self.desk.talk

    @property
    def send(self) -> SendPositionOrder:
        return replace(self.desk.work.send_position_order, broker=self.line)

    @property
    def resolve(self) -> ResolvePositionOrders:
        return replace(self.desk.work.resolve_position_orders, broker=self.line, settle_seconds=0.0)

    @property
    def pursue(self) -> PursueFlatten:
        return replace(self.desk.work.pursue_flatten, broker=self.line)

    async def open(self) -> None:
        """Approve the next idea that comes, and have it filled."""
        desk = self.desk
        idea = await desk.until_idea()
        await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
        await desk.send_all()
        await desk.work.sync_broker()
        assert len(await desk.world.broker.positions()) == 1

    async def trade(self) -> OpenTrade:
        return (await self.talk.read_positions(ANN.id)).trades[0]

    async def confirmed(self, asked: Awaitable[Any], person: int = ANN.id) -> PositionOrder:
        order = (await asked).order
        return await self.talk.confirm_position(person, order.client_id)

    async def state(self, order: PositionOrder) -> PositionOrder:
        async with self.desk.world.store.begin() as tx:
            return await tx.position_orders.get(order.client_id)

    async def closed(self) -> list[ClosedTrade]:
        await self.desk.work.sync_broker()
        async with self.desk.world.store.begin() as tx:
            return list(await tx.orders.closed(since=None, limit=50))


@pytest.fixture
async def trades(desk: Desk) -> Trades:
    """One open trade of ours."""
    made = Trades(desk, Line(desk.world.broker))
    await made.open()
    return made


def between(trade: OpenTrade, part: str) -> Decimal:
    """A price on the way from the stop to the market."""
    assert trade.quote is not None
    assert trade.position.stop_loss is not None
    long = trade.position.direction is Direction.BUY
    market = trade.quote.bid if long else trade.quote.ask
    return (trade.position.stop_loss + (market - trade.position.stop_loss) * D(part)).quantize(
        D("0.00001")
    )


async def told(key: str) -> int:
    return await OutboxRow.filter(key__contains=key).count()


# ---- closing ---------------------------------------------------------------------------------


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


# ---- lost answers and deaths -----------------------------------------------------------------


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


# ---- stops and targets -----------------------------------------------------------------------


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


# ---- the trading state -----------------------------------------------------------------------


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


# ---- flatten ---------------------------------------------------------------------------------


async def stopped(trades: Trades) -> int:
    return (await trades.talk.change_control.stop(ANN.id)).version


async def flat(trades: Trades, order: PositionOrder) -> PositionOrder:
    for _ in range(3):
        await trades.pursue()
        async with trades.desk.world.store.begin() as tx:
            intents = await tx.position_orders.in_state(S.INTENT)
        for close in intents:
            await trades.send(close.client_id)
        await trades.resolve()
    return await trades.state(order)


async def test_flatten_closes_everything_once_and_says_when_it_is_flat(trades: Trades) -> None:
    version = await stopped(trades)
    taps = [trades.talk.flatten(who, expected=version) for who in (ANN.id, LUIS.id, ANN.id)]
    orders = await asyncio.gather(*taps)
    assert len({order.client_id for order in orders}) == 1
    await asyncio.gather(*(trades.pursue() for _ in range(4)))
    done = await flat(trades, orders[0])
    assert done.state is S.DONE
    assert trades.line.sent <= 1
    assert await trades.desk.world.broker.positions() == ()
    assert len(await trades.closed()) == 1
    assert await told(f"position:{done.client_id}:done") == 3


async def test_flatten_needs_the_stop_that_was_shown(trades: Trades) -> None:
    with pytest.raises(Outdated):
        await trades.talk.flatten(ANN.id, expected=1)
    version = await stopped(trades)
    with pytest.raises(Outdated):
        await trades.talk.flatten(ANN.id, expected=version - 1)


async def test_flatten_waits_for_a_silent_venue_and_for_lost_answers(trades: Trades) -> None:
    order = await trades.talk.flatten(ANN.id, expected=await stopped(trades))
    trades.line.deaf = True
    assert (await flat(trades, order)).state is S.INTENT
    assert await told(f"position:{order.client_id}:silent") == 3
    trades.line.deaf, trades.line.fate = False, "never arrives"
    assert (await flat(trades, order)).state is S.INTENT
    trades.line.fate = "answer lost"
    assert (await flat(trades, order)).state is S.DONE
    assert len(await trades.closed()) == 1


async def test_flatten_asks_again_after_a_refusal_and_says_so_once(trades: Trades) -> None:
    order = await trades.talk.flatten(ANN.id, expected=await stopped(trades))
    trades.line.fate = "refused"
    await flat(trades, order)
    assert trades.line.sent == 1
    for pause in (31, 61):
        await connections.get("default").execute_query(
            "UPDATE position_order SET created_at = created_at - make_interval(secs => $1),"
            " document = jsonb_set(document, '{created_at}', to_jsonb((document ->> 'created_at')"
            "::timestamptz - make_interval(secs => $1))) WHERE deed = 'close'",
            [float(pause)],
        )
        await flat(trades, order)
    assert trades.line.sent == 3
    assert await told(":rejected") == 3
    trades.line.fate = "fine"
    assert (await trades.state(order)).state is S.INTENT


async def test_flatten_closes_a_trade_that_arrives_late_and_ends_with_the_stop(
    trades: Trades,
) -> None:
    order = await trades.talk.flatten(ANN.id, expected=await stopped(trades))
    await trades.talk.change_control.resume(ANN.id)
    assert await trades.pursue() == ()
    ended = await trades.state(order)
    assert (ended.state, ended.reason) == (S.CANCELLED, "released")
    assert len(await trades.desk.world.broker.positions()) == 1


# ---- any course of events --------------------------------------------------------------------


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
