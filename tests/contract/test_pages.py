"""The port ``Pages``: lists as columns, and the board."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.domain.approval import Ending
from engine.domain.decision import Action
from engine.domain.idea import IdeaStatus
from engine.domain.order import Order, OrderState
from engine.domain.pages import Board
from engine.domain.settings import RiskSettings
from tests.builders import (
    HOUR,
    NOW,
    account,
    approval,
    bundle,
    closed_trade,
    control,
    day,
    decision,
    idea,
    order,
    position,
)
from tests.contract.conftest import EVE

MARKS = (Action.ORDER_FILLED, Action.POSITION_CLOSED)


def entry(**values: Any) -> Any:
    return decision(**({"bundle_hash": None} | values)).entry


async def test_records_are_told_as_their_columns(store: Any):
    async with store.begin() as tx:
        full = await tx.history.append(entry(confidence_score=Decimal("91.345")))
        bare = await tx.history.append(
            entry(
                action=Action.AI_HALTED, symbol=None, market_time=None, confidence_score=None,
                risk_check_result=None, strategy_id=None, idea_id=None, human_override=True,
            )
        )  # fmt: skip
    async with store.begin() as tx:
        last, first = await tx.pages.history(limit=10)
    assert (first.id, last.id) == (UUID(full.hash[:32]), UUID(bare.hash[:32]))
    assert (first.number, first.action, first.symbol) == (1, "ai_proposed", full.entry.symbol)
    assert first.confidence_score in (Decimal("91.34"), Decimal("91.35"))
    assert first.occurred_at == full.entry.occurred_at
    assert first.market_time == full.entry.market_time
    assert (first.trade_idea_id, first.strategy_id) == (full.entry.idea_id, full.entry.strategy_id)
    assert (first.rationale, first.actor) == (full.entry.rationale, full.entry.actor)
    assert (last.symbol, last.market_time, last.confidence_score) == (None, None, None)
    assert (last.risk_check_result, last.strategy_id, last.trade_idea_id) == (None, None, None)
    assert last.human_override


async def test_records_come_in_pages_by_symbol_action_and_idea(store: Any):
    async with store.begin() as tx:
        for number in range(12):
            symbol = ("EURUSD", "XAUUSD")[number % 2]
            action = (Action.NO_TRADE, Action.AI_PROPOSED, Action.AI_HALTED)[number % 3]
            id_ = UUID(int=number)
            await tx.history.append(entry(symbol=symbol, action=action, idea_id=id_))
    wanted: tuple[tuple[dict[str, Any], list[int]], ...] = (
        ({}, [12, 11]),
        ({"before": 11}, [10, 9]),
        ({"symbol": "EURUSD"}, [11, 9]),
        ({"symbol": "EURUSD", "before": 9}, [7, 5]),
        ({"action": Action.AI_PROPOSED}, [11, 8]),
        ({"action": Action.AI_PROPOSED, "before": 5}, [2]),
        ({"action": Action.AI_PROPOSED, "symbol": "XAUUSD"}, [8, 2]),
        ({"idea_id": UUID(int=4)}, [5]),
        ({"symbol": "GBPUSD"}, []),
    )
    async with store.begin() as tx:
        for filters, numbers in wanted:
            found = await tx.pages.history(limit=2, **filters)
            assert [line.number for line in found] == numbers, filters


async def test_a_record_is_found_by_its_id(store: Any):
    async with store.begin() as tx:
        written = [await tx.history.append(entry()) for _ in range(3)]
    async with store.begin() as tx:
        for one in written:
            assert await tx.pages.decision(UUID(one.hash[:32])) == one.seq
        near = UUID(int=UUID(written[1].hash[:32]).int ^ 1)
        assert await tx.pages.decision(near) is None
        assert await tx.pages.decision(UUID(int=0)) is None


async def test_ideas_are_told_as_their_columns(store: Any):
    async with store.begin() as tx:
        made = await tx.ideas.add(idea(status=IdeaStatus.NEEDS_APPROVAL))
        asked = approval(idea_id=made.id, expires_at=await tx.now() + HOUR)
        await tx.ideas.ask(asked)
    async with store.begin() as tx:
        (line,) = await tx.pages.ideas(limit=5)
    proposal = made.proposal
    assert (line.id, line.number, line.status) == (made.id, made.number, "needs_approval")
    assert (line.symbol, line.direction) == (proposal.symbol, str(proposal.direction))
    assert (line.entry_price, line.stop_loss) == (proposal.entry, proposal.stop_loss)
    assert (line.take_profit, line.time_limit_min) == (proposal.take_profit, None)
    assert (line.volume, line.confidence_score) == (made.sizing.volume, made.confidence.score)
    assert (line.strategy_id, line.snapshot_ref) == (made.strategy_id, made.bundle_hash)
    assert (line.created_at, line.timeframe) == (made.created_at, str(proposal.timeframe))
    assert made.strategy_name in line.rationale
    assert line.expires_at == asked.expires_at
    async with store.begin() as tx:
        assert await tx.ideas.end(asked.end(Ending.REJECTED, at=NOW))
    async with store.begin() as tx:
        assert (await tx.pages.ideas(limit=5))[0].expires_at is None


async def test_ideas_come_in_pages_by_status(store: Any):
    async with store.begin() as tx:
        for number in range(5):
            status = (IdeaStatus.REJECTED, IdeaStatus.EXPIRED)[number % 2]
            await tx.ideas.add(idea(id=UUID(int=number), status=status))
    async with store.begin() as tx:
        lines = await tx.pages.ideas(limit=2)
        rest = await tx.pages.ideas(limit=9, before=lines[-1].number)
        expired = await tx.pages.ideas(limit=9, status=IdeaStatus.EXPIRED)
    assert [line.id.int for line in (*lines, *rest)] == [4, 3, 2, 1, 0]
    assert [line.id.int for line in expired] == [3, 1]


def numbered(number: int, state: OrderState = OrderState.INTENT, **values: Any) -> Order:
    id_ = f"at-{number}"
    made = {"created_at": NOW + timedelta(minutes=number), **values}
    return order(client_id=id_, idea_id=UUID(int=number), state=state, **made)


async def test_open_ideas_are_those_that_wait_or_are_traded(store: Any):
    statuses = {
        1: IdeaStatus.NEEDS_APPROVAL,
        2: IdeaStatus.REJECTED,
        3: IdeaStatus.APPROVED,  # its order is not sent yet
        4: IdeaStatus.AUTO_EXECUTED,  # its trade is open
        5: IdeaStatus.AUTO_EXECUTED,  # its trade has ended
        6: IdeaStatus.APPROVED,  # the venue refused
        7: IdeaStatus.APPROVED,  # it was just filled
    }
    async with store.begin() as tx:
        for number, status in statuses.items():
            await tx.ideas.add(idea(id=UUID(int=number), status=status))
        for number in (3, 4, 5, 6):
            await tx.orders.add(numbered(number))
        await tx.orders.add(numbered(7, OrderState.ACKED, created_at=await tx.now()))
        for number in (4, 5, 6):
            end = OrderState.REJECTED if number == 6 else OrderState.UNKNOWN
            sending = numbered(number).move(OrderState.SENDING)
            await tx.orders.swap(numbered(number), sending)
            await tx.orders.swap(sending, sending.move(end))
            if number != 6:
                filled = replace(
                    sending.move(OrderState.ACKED), broker_id=str(number),
                    fill_price=Decimal("1.1"), filled_at=NOW,
                )  # fmt: skip
                await tx.orders.swap(sending.move(end), filled)
        await tx.orders.save_positions(
            [position(id=f"p-{number}", client_id=f"at-{number}") for number in (4, 5)]
        )
        await tx.orders.close_position(closed_trade(position_id="p-5", client_id="at-5"))
    async with store.begin() as tx:
        assert [line.id.int for line in await tx.pages.open_ideas(9)] == [7, 4, 3, 1]
        assert [line.id.int for line in await tx.pages.open_ideas(2)] == [7, 4]


async def test_orders_and_fills_come_in_pages(store: Any):
    async with store.begin() as tx:
        for number in range(4):
            await tx.orders.add(numbered(number))
        for number in (1, 2):
            sending = numbered(number).move(OrderState.SENDING)
            await tx.orders.swap(numbered(number), sending)
            filled = replace(
                sending.move(OrderState.ACKED), broker_id=f"b-{number}",
                fill_price=Decimal("1.10005"), filled_at=NOW + timedelta(hours=number),
            )  # fmt: skip
            await tx.orders.swap(sending, filled)
    async with store.begin() as tx:
        orders = await tx.pages.orders(limit=2)
        assert [one.client_id for one in orders] == ["at-3", "at-2"]
        rest = await tx.pages.orders(limit=9, before=orders[-1].created_at)
        assert [one.client_id for one in rest] == ["at-1", "at-0"]
        acked = await tx.pages.orders(limit=9, state=OrderState.ACKED)
        assert [one.client_id for one in acked] == ["at-2", "at-1"]
        (last,) = await tx.pages.fills(limit=1)
        assert (last.order_id, last.broker_id) == ("at-2", "b-2")
        assert (last.price, last.volume) == (Decimal("1.10005"), orders[1].volume)
        assert (last.symbol, last.direction) == (orders[1].symbol, str(orders[1].direction))
        (first,) = await tx.pages.fills(limit=9, before=last.time)
        assert (first.order_id, first.time) == ("at-1", NOW + HOUR)


async def test_equity_is_what_bundles_saw_of_an_account(store: Any):
    async with store.begin() as tx:
        for hours in range(3):
            at = NOW + timedelta(hours=hours)
            seen = account(equity=Decimal(10_000 + hours), captured_at=at)
            await tx.bundles.put(bundle(account=seen, instant=at))
        await tx.bundles.put(bundle(account=account(id="another")))
        await tx.bundles.put(bundle(account=None))
    async with store.begin() as tx:
        lines = await tx.pages.equity(account().id, limit=2)
        assert [line.equity for line in lines] == [10_002, 10_001]
        rest = await tx.pages.equity(account().id, limit=9, before=lines[-1].time)
        assert [(line.equity, line.time) for line in rest] == [(10_000, NOW)]
        assert await tx.pages.equity("nobody", limit=9) == []


async def test_the_board_is_the_state_the_goals_and_the_day(store: Any):
    settings = RiskSettings(daily_profit_target=Decimal("2000.50"), max_concurrent_trades=4)
    async with store.begin() as tx:
        await tx.controls.save(control())
        await tx.settings.save_risk(RiskSettings(), by="a", reason="b")
        await tx.settings.save_risk(settings, by="a", reason="b")
    async with store.begin() as tx:
        board = await tx.pages.board(day().account_id, MARKS, EVE.id)
    stands = control()
    assert board == Board(
        state=str(stands.state), reason=stands.reason, mode=str(stands.mode),
        daily_profit_target=Decimal("2000.50"),
        weekly_profit_target=settings.weekly_profit_target,
        max_drawdown_amount=settings.max_drawdown_amount,
        min_confidence_threshold=settings.min_confidence_threshold, max_concurrent_trades=4,
        day=None, start_equity=None, peak_equity=None, waiting=0, mark=0, role=None,
    )  # fmt: skip
    async with store.begin() as tx:
        await tx.settings.save_day(day("9000.00", "9500.00"))
        await tx.ideas.add(idea())
        await tx.ideas.ask(approval(expires_at=await tx.now() + HOUR))
        await tx.people.save(EVE)
        await tx.history.append(entry(action=Action.ORDER_FILLED))
        await tx.history.append(entry(action=Action.NO_TRADE))
    async with store.begin() as tx:
        board = await tx.pages.board(day().account_id, MARKS, EVE.id)
    assert (board.day, board.start_equity, board.peak_equity) == (day().day, 9_000, 9_500)
    assert (board.waiting, board.mark, board.role) == (1, 1, "viewer")
