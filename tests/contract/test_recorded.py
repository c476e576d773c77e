"""The port ``Recorded``: figures of the record, bounded."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.domain.approval import Ending
from engine.domain.decision import Action
from engine.domain.idea import IdeaStatus
from engine.domain.recorded import AnsweredBy, Became, Counted
from tests.builders import HOUR, NOW, approval, closed_trade, decision, idea, order
from tests.contract.conftest import ANN

LATER = NOW + 24 * HOUR


def entry(**values: Any) -> Any:
    return decision(**({"bundle_hash": None, "idea_id": None} | values)).entry


async def written(store: Any, *entries: Any) -> None:
    async with store.begin() as tx:
        await tx.history.extend(entries)


async def test_records_are_counted_by_action_and_result_within_a_time(store: Any):
    no, spread = (
        Action.NO_TRADE,
        {"action": Action.RISK_REJECTED, "risk_check_result": "fail:spread"},
    )
    await written(
        store,
        entry(action=no, risk_check_result="none:conditions"),
        entry(**spread),
        entry(**spread, symbol="GBPUSD", market_time=NOW + HOUR),
        entry(**spread, market_time=NOW + 2 * HOUR),
        entry(**spread, market_time=None),
        entry(action=Action.AI_PROPOSED, risk_check_result="pass"),
    )
    wanted: tuple[tuple[dict[str, Any], list[Counted]], ...] = (
        ({}, [Counted("risk_rejected", "fail:spread", 3, 4),
              Counted("no_trade", "none:conditions", 1, 1)]),
        ({"symbol": "GBPUSD"}, [Counted("risk_rejected", "fail:spread", 1, 3)]),
        ({"until": NOW + HOUR}, [Counted("no_trade", "none:conditions", 1, 1),
                                 Counted("risk_rejected", "fail:spread", 1, 2)]),
        ({"since": NOW + HOUR}, [Counted("risk_rejected", "fail:spread", 2, 4)]),
        ({"symbol": "USDJPY"}, []),
    )  # fmt: skip
    async with store.begin() as tx:
        for values, counted in wanted:
            span = {"since": NOW, "until": LATER, "most": 100} | values
            since, until = span.pop("since"), span.pop("until")
            found = await tx.recorded.counts((no, spread["action"]), since, until, **span)
            assert list(found) == counted, values
        assert await tx.recorded.counts((no,), NOW, LATER, most=1) is not None
        both = (no, spread["action"])
        assert len(await tx.recorded.counts(both, NOW, LATER, most=4)) == 2
        assert await tx.recorded.counts(both, NOW, LATER, most=3) is None


async def test_answers_are_counted_by_who_gave_them(store: Any):
    yes, no = Action.HUMAN_APPROVED, Action.HUMAN_REJECTED
    await written(
        store,
        entry(action=yes, actor="person:1", human_override=True),
        entry(action=yes, actor="person:1", human_override=True),
        entry(action=no, actor="person:2", human_override=True),
    )
    async with store.begin() as tx:
        found = await tx.recorded.answers((yes, no), NOW, LATER, most=10)
        assert list(found) == [
            AnsweredBy("human_approved", "person:1", 2, 2),
            AnsweredBy("human_rejected", "person:2", 1, 3),
        ]
        assert await tx.recorded.answers((yes, no), NOW, LATER, most=2) is None


async def test_what_made_ideas_is_read_in_order_without_peoples_answers(store: Any):
    await written(
        store,
        entry(action=Action.AI_AUTO_EXECUTED, idea_id=UUID(int=1)),
        entry(action=Action.RISK_REJECTED, idea_id=UUID(int=2)),
        entry(action=Action.RISK_REJECTED, idea_id=UUID(int=1), human_override=True),
        entry(action=Action.NO_TRADE),
        entry(idea_id=UUID(int=3), symbol="GBPUSD"),
    )
    async with store.begin() as tx:
        found = await tx.recorded.proposed(NOW, LATER, most=10)
        assert [one.seq for one in found] == [1, 2, 5]
        found = await tx.recorded.proposed(NOW, LATER, symbol="GBPUSD", most=1)
        assert [one.entry.idea_id for one in found] == [UUID(int=3)]
        assert await tx.recorded.proposed(NOW, LATER, most=2) is None


async def test_trades_name_the_idea_they_came_from(store: Any):
    async with store.begin() as tx:
        made = await tx.ideas.add(idea())
        await tx.orders.add(order(idea_id=made.id))
        await tx.orders.close_position(closed_trade())
        await tx.orders.close_position(
            closed_trade(position_id="2", client_id=None, symbol="GBPUSD", profit=Decimal(-3))
        )
    async with store.begin() as tx:
        ours, other = await tx.recorded.trades(NOW, LATER, most=2)
        assert (ours.number, ours.idea_id, ours.strategy) == (made.number, made.id, "EMA trend")
        assert (ours.symbol, ours.direction, ours.profit) == ("EURUSD", "buy", Decimal("39.10"))
        assert (other.number, other.strategy, other.profit) == (None, None, Decimal(-3))
        assert await tx.recorded.trades(NOW, LATER, most=1) is None
        assert await tx.recorded.trades(NOW, NOW + HOUR, most=9) == []
        (one,) = await tx.recorded.trades(NOW, LATER, symbol="GBPUSD", most=1)
        assert one.position_id == "2"


async def test_ideas_are_grouped_by_what_became_of_them(store: Any):
    endings = (Ending.PENDING, Ending.REJECTED, Ending.EXPIRED, Ending.GATE_CLOSED, Ending.APPROVED)
    async with store.begin() as tx:
        for number, ending in enumerate(endings, 1):
            made = await tx.ideas.add(idea(id=UUID(int=number)))
            asked = approval(idea_id=made.id, expires_at=NOW + 99_999 * HOUR)
            await tx.ideas.ask(asked)
            if ending is not Ending.PENDING:
                assert await tx.ideas.end(replace(asked, ending=ending, decided_at=NOW))
        refused = await tx.ideas.add(idea(id=UUID(int=9), status=IdeaStatus.REJECTED))
        sent = await tx.ideas.add(idea(id=UUID(int=10), status=IdeaStatus.AUTO_EXECUTED))
    async with store.begin() as tx:
        found = await tx.recorded.became(NOW, LATER, most=7)
        assert [(one.group, one.result, one.ideas) for one in found] == [
            ("expired", None, 1), ("refused", None, 1), ("rejected", None, 1),
            ("traded", None, 2), ("unsent", None, 1), ("waiting", None, 1),
        ]  # fmt: skip
        by = {one.group: one for one in found}
        assert by["refused"] == Became("refused", None, 1, Decimal(0), refused.number)
        assert by["traded"].last == sent.number
        assert await tx.recorded.became(NOW, LATER, most=6) is None
        assert await tx.recorded.became(LATER, LATER + HOUR, most=6) == []


async def test_what_is_recorded_at_all(store: Any):
    async with store.begin() as tx:
        assert await tx.recorded.extent() == (None, None, ())
    await written(
        store,
        entry(action=Action.NO_TRADE, symbol="XAUUSD", market_time=NOW + HOUR),
        entry(action=Action.AI_PROPOSED, symbol="EURUSD"),
        entry(action=Action.AI_HALTED, symbol=None, market_time=NOW - 9 * HOUR),
    )
    async with store.begin() as tx:
        assert await tx.recorded.extent() == (NOW, NOW + HOUR, ("EURUSD", "XAUUSD"))


async def test_questions_are_counted_for_each_person_within_a_span(store: Any):
    for number in (1, 2, 3):
        async with store.begin() as tx:
            asked, until = await tx.recorded.ask(ANN.id, 60)
            now = await tx.now()
            assert asked == number
            assert now < until <= now + timedelta(seconds=61)
    async with store.begin() as tx:
        assert (await tx.recorded.ask(2, 60))[0] == 1
        # A span that is over begins anew.
        assert (await tx.recorded.ask(ANN.id, 0))[0] == 1
        assert await tx.recorded.idea_of_message(1, 1) is None
