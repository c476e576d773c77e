"""Orders leave once; what nobody knows is unknown; what is stopped stays stopped."""

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from tortoise import connections

from engine.domain.order import ClosedTrade, Order, OrderState
from engine.domain.state import Mode, TradingState
from engine.errors import BrokerRefused, BrokerSilent, IllegalMove, NotAllowed
from engine.flow.approvals import Choice
from engine.flow.execution import SendOrder
from engine.flow.reconcile import ResolveOrders
from engine.ports import NotFound
from storage.models import OutboxRow
from storage.orders import OrderTable
from tests.builders import closed_trade
from tests.integration.conftest import ANN, EVE, LUIS, Desk


@dataclass
class FaultyBroker:
    """The paper broker behind a line that loses answers."""

    inner: object
    lose_answer: bool = False
    lose_order: bool = False
    refuse: str | None = None
    deaf: bool = False
    sent: int = 0

    def __getattr__(self, name: str):
        return getattr(self.inner, name)

    async def submit(self, order: Order):
        self.sent += 1
        if self.refuse:
            raise BrokerRefused(self.refuse)
        if self.lose_order:
            raise BrokerSilent("the line went dead before the order arrived")
        fill = await self.inner.submit(order)
        if self.lose_answer:
            raise BrokerSilent("the line went dead before the answer arrived")
        return fill

    async def look_up(self, client_id: str):
        if self.deaf:
            raise BrokerSilent("no answer")
        return await self.inner.look_up(client_id)


async def approved(desk: Desk, broker: FaultyBroker) -> tuple[SendOrder, ResolveOrders, str]:
    idea = await desk.until_idea()
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    async with desk.world.store.begin() as tx:
        order = await tx.orders.of_idea(idea.id)
    send = replace(desk.work.send_order, broker=broker)
    resolve = ResolveOrders(
        store=desk.world.store, broker=broker, bell=desk.bell, settle_seconds=0.0
    )
    return send, resolve, order.client_id


async def state_of(desk: Desk, client_id: str) -> OrderState:
    async with desk.world.store.begin() as tx:
        return (await tx.orders.get(client_id)).state


async def test_many_workers_send_an_order_once(desk: Desk) -> None:
    broker = FaultyBroker(desk.world.broker)
    send, _, client_id = await approved(desk, broker)
    await asyncio.gather(*(send(client_id) for _ in range(6)))
    assert broker.sent == 1
    assert await state_of(desk, client_id) is OrderState.ACKED
    await send(client_id)
    assert broker.sent == 1


async def test_lost_answer_is_unknown_then_found_and_never_sent_again(desk: Desk) -> None:
    broker = FaultyBroker(desk.world.broker, lose_answer=True)
    send, resolve, client_id = await approved(desk, broker)
    await send(client_id)
    assert await state_of(desk, client_id) is OrderState.UNKNOWN
    assert await OutboxRow.filter(key=f"unknown:{client_id}").count() == 3
    await send(client_id)
    await resolve()
    assert await state_of(desk, client_id) is OrderState.ACKED
    assert broker.sent == 1
    assert len(await desk.world.broker.positions()) == 1


async def test_lost_order_ends_absent_only_by_the_venues_proof(desk: Desk) -> None:
    broker = FaultyBroker(desk.world.broker, lose_order=True, deaf=True)
    send, resolve, client_id = await approved(desk, broker)
    await send(client_id)
    await resolve()
    assert await state_of(desk, client_id) is OrderState.UNKNOWN
    broker.deaf = False
    await resolve()
    assert await state_of(desk, client_id) is OrderState.ABSENT
    assert await desk.world.broker.positions() == ()


async def test_venue_that_cannot_prove_absence_leaves_the_order_unknown(desk: Desk) -> None:
    class Vague(FaultyBroker):
        async def look_up(self, client_id: str):
            return NotFound(proven=False)

    broker = Vague(desk.world.broker, lose_order=True)
    send, resolve, client_id = await approved(desk, broker)
    await send(client_id)
    for _ in range(3):
        await resolve()
    assert await state_of(desk, client_id) is OrderState.UNKNOWN
    assert await OutboxRow.filter(key=f"unknown:{client_id}").count() == 3


async def test_unknown_order_blocks_its_symbol(desk: Desk) -> None:
    broker = FaultyBroker(desk.world.broker, lose_order=True, deaf=True)
    send, _, client_id = await approved(desk, broker)
    await send(client_id)
    for _ in range(60):
        for decision in await desk.next_candle():
            outcome = decision.entry.detail.get("outcome")
            if outcome is None or outcome["evaluation"]["proposal"] is None:
                continue
            report = outcome["report"] or {"checks": outcome["before"]}
            failed = {c["code"] for c in report["checks"] if not c["passed"]}
            assert "unknown_order" in failed
            assert decision.entry.risk_check_result != "pass"
            return
    raise AssertionError("no setup was judged in 60 candles")


async def test_late_attempt_after_the_venue_struck_it_off_is_refused(desk: Desk) -> None:
    _, _, client_id = await approved(desk, FaultyBroker(desk.world.broker))
    async with desk.world.store.begin() as tx:
        order = await tx.orders.get(client_id)
    assert await desk.world.broker.look_up(client_id) == NotFound(proven=True)
    with pytest.raises(BrokerRefused):
        await desk.world.broker.submit(order)


async def test_refusal_is_final_and_explained(desk: Desk) -> None:
    broker = FaultyBroker(desk.world.broker, refuse="not enough money")
    send, _, client_id = await approved(desk, broker)
    await send(client_id)
    assert await state_of(desk, client_id) is OrderState.REJECTED
    assert (await desk.actions())[-1] == "order_rejected"


async def test_crash_while_sending_is_looked_up_and_not_repeated(desk: Desk) -> None:
    broker = FaultyBroker(desk.world.broker)
    send, resolve, client_id = await approved(desk, broker)

    class Killed(BaseException):
        pass

    async def die(order: Order):
        raise Killed

    broker.submit = die  # type: ignore[method-assign]
    with pytest.raises(Killed):
        await send(client_id)
    assert await state_of(desk, client_id) is OrderState.SENDING
    del broker.submit
    await send(client_id)
    assert broker.sent == 0
    await resolve()
    assert await state_of(desk, client_id) is OrderState.ABSENT


async def test_emergency_stop_cancels_what_is_queued_in_the_same_commit(desk: Desk) -> None:
    broker = FaultyBroker(desk.world.broker)
    send, _, client_id = await approved(desk, broker)
    control = await desk.talk.change_control.stop(None)
    assert control.state is TradingState.EMERGENCY_STOP
    assert await state_of(desk, client_id) is OrderState.CANCELLED
    await send(client_id)
    assert broker.sent == 0
    assert await desk.next_candle() == ()


async def test_stop_against_send_races_and_nothing_leaves_after_it(desk: Desk) -> None:
    for _ in range(8):
        broker = FaultyBroker(desk.world.broker)
        send, _, client_id = await approved(desk, broker)
        stopped = asyncio.create_task(desk.talk.change_control.stop(None))
        await asyncio.gather(stopped, send(client_id))
        async with desk.world.store.begin() as tx:
            order = await tx.orders.get(client_id)
            records = await tx.history.list(limit=20)
        stop_seq = next(d.seq for d in records if d.entry.action == "ai_halted")
        sends = [d.seq for d in records if d.entry.action == "order_sending" and d.seq > stop_seq]
        assert sends == []
        assert (broker.sent == 0) is (order.state is OrderState.CANCELLED)
        await desk.talk.change_control.resume(ANN.id)
        await connections.get("default").execute_query(
            "UPDATE document SET document = document - 'positions' WHERE name LIKE 'paper:%'"
        )


async def test_stop_pulled_twice_stays_pulled_and_only_an_admin_releases_it(desk: Desk) -> None:
    await desk.talk.change_control.stop(LUIS.id)
    await desk.talk.change_control.stop(LUIS.id)
    with pytest.raises(NotAllowed):
        await desk.talk.change_control.resume(LUIS.id)
    with pytest.raises(NotAllowed):
        await desk.talk.change_control.pause(EVE.id)
    with pytest.raises(IllegalMove):
        await desk.talk.change_control.pause(ANN.id)
    assert (await desk.talk.change_control.resume(ANN.id)).state is TradingState.RUNNING


class TestAutonomous:
    """An idea that passes every check is sent without asking."""

    @pytest.fixture
    def mode(self) -> Mode:
        return Mode.AUTONOMOUS

    async def test_idea_that_passes_everything_is_executed_by_itself(self, desk: Desk) -> None:
        from engine.domain.idea import IdeaStatus

        idea = await desk.until_idea(IdeaStatus.AUTO_EXECUTED)
        await desk.send_all()
        async with desk.world.store.begin() as tx:
            order = await tx.orders.of_idea(idea.id)
        assert order.state is OrderState.ACKED
        assert (await desk.actions())[0] == "ai_auto_executed"

    async def test_switch_to_supervised_stops_an_order_that_nobody_approved(
        self, desk: Desk
    ) -> None:
        from engine.domain.idea import IdeaStatus

        idea = await desk.until_idea(IdeaStatus.AUTO_EXECUTED)
        await desk.talk.change_control.mode(ANN.id, Mode.SUPERVISED)
        await desk.send_all()
        async with desk.world.store.begin() as tx:
            order = await tx.orders.of_idea(idea.id)
        assert order.state is OrderState.CANCELLED
        assert order.reason == "mode"

    async def test_confidence_below_the_threshold_asks_a_person(self, desk: Desk) -> None:
        from decimal import Decimal

        await desk.change_risk(min_confidence_threshold=Decimal(100))
        idea = await desk.until_idea()
        assert idea.confidence.score < 100


async def test_trades_known_as_ended_are_not_looked_at_again_while_the_control_is_held(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Venue:
        """The paper venue with a past of its own."""

        past = tuple(closed_trade(position_id=f"old-{i}", client_id=None) for i in range(40))

        def __getattr__(self, name: str):
            return getattr(desk.world.broker, name)

        async def closed_since(self, after: object):
            return self.past

    async def close(self, trade):
        closing.append(trade.position_id)
        return await real(self, trade)

    real, closing = OrderTable.close_position, []
    monkeypatch.setattr(OrderTable, "close_position", close)
    venue = Venue()
    sync = replace(desk.work.sync_broker, broker=venue)
    assert len(await sync()) == len(closing) == 40
    closing.clear()
    assert await sync() == ()
    assert closing == []
    venue.past += (closed_trade(position_id="new", client_id=None),)
    found = await asyncio.gather(*(sync() for _ in range(3)))
    assert sorted(len(new) for new in found) == [0, 0, 1]
    assert set(closing) == {"new"}
    assert (await desk.actions()).count("position_closed") == 41


async def test_trade_with_two_targets_is_told_as_one(desk: Desk) -> None:
    async with desk.world.store.begin() as tx:
        for known in await tx.settings.strategies():
            exits = replace(known.exit_rules, take_profit=("0.1 * atr", "0.2 * atr"))
            await tx.settings.save_strategy(
                replace(known, exit_rules=exits, rr_expectation=Decimal("0.05")),
                by="test",
                reason="test",
            )
    idea = await desk.until_idea()
    assert len(idea.proposal.take_profit) == 2
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    await desk.send_all()
    for _ in range(60):
        await desk.next_candle()
    story = await desk.talk.read_idea(ANN.id, idea.id)
    assert isinstance(story.trade, ClosedTrade)
    async with desk.world.store.begin() as tx:
        parts = [
            t
            for t in await tx.orders.closed(since=None, limit=50)
            if t.client_id == story.trade.client_id
        ]
    assert len(parts) == 2
    assert parts[-1].reason == "take_profit"
    assert story.trade.profit == sum(t.profit for t in parts)
    assert story.trade.volume == story.order.volume
    assert (await desk.actions()).count("position_closed") >= 2
