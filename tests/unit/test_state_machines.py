"""Ideas, orders, approvals and the trading state: each legal move, and each illegal one refused."""

from datetime import timedelta
from itertools import product

import pytest

from engine.domain.account import Direction
from engine.domain.approval import Ending
from engine.domain.idea import IdeaStatus
from engine.domain.notice import Priority
from engine.domain.order import UNPROVEN, OrderState
from engine.domain.person import Person, Role
from engine.domain.state import Control, Mode, TradingState
from engine.domain.strategy import Side
from engine.errors import IllegalMove, NotAllowed
from tests.builders import NOW, answered, approval, control, idea, order

LATER = NOW + timedelta(minutes=1)

IDEA_MOVES = {
    ("waiting", "needs_approval"),
    ("waiting", "auto_executed"),
    ("waiting", "rejected"),
    ("waiting", "halted_by_risk"),
    ("needs_approval", "approved"),
    ("needs_approval", "rejected"),
    ("needs_approval", "expired"),
    ("needs_approval", "halted_by_risk"),
}
ORDER_MOVES = {
    ("intent", "sending"),
    ("intent", "cancelled"),
    ("sending", "acked"),
    ("sending", "rejected"),
    ("sending", "unknown"),
    ("unknown", "acked"),
    ("unknown", "rejected"),
    ("unknown", "absent"),
}
CONTROL_MOVES = {
    ("running", "paused"),
    ("running", "halted"),
    ("running", "emergency_stop"),
    ("paused", "running"),
    ("paused", "halted"),
    ("paused", "emergency_stop"),
    ("halted", "running"),
    ("halted", "emergency_stop"),
    ("emergency_stop", "running"),
}


@pytest.mark.parametrize(("here", "there"), list(product(IdeaStatus, IdeaStatus)))
def test_an_idea_makes_the_moves_it_has_and_no_other(here, there):
    before = idea(status=here)
    if (here, there) in IDEA_MOVES:
        after = before.move(there)
        assert after.status is there
        assert (after.id, after.number) == (before.id, before.number)
    else:
        with pytest.raises(IllegalMove, match=f"is {here} and cannot become {there}"):
            before.move(there)
    assert before.status is here


@pytest.mark.parametrize(("here", "there"), list(product(OrderState, OrderState)))
def test_an_order_makes_the_moves_it_has_and_no_other(here, there):
    before = order(state=here)
    if (here, there) in ORDER_MOVES:
        assert before.move(there).state is there
    else:
        with pytest.raises(IllegalMove, match=f"is {here} and cannot become {there}"):
            before.move(there)


@pytest.mark.parametrize("here", sorted({here for here, _ in ORDER_MOVES}))
def test_no_order_that_left_can_leave_again(here):
    assert ("sending" in {there for a, there in ORDER_MOVES if a == here}) == (here == "intent")


def test_an_order_keeps_its_reason_until_another_is_given():
    lost = order(state=OrderState.SENDING).move(OrderState.UNKNOWN, reason="no answer")
    assert lost.reason == "no answer"
    assert lost.move(OrderState.ACKED).reason == "no answer"
    assert lost.move(OrderState.REJECTED, reason="refused").reason == "refused"


def test_an_order_without_a_proven_end_counts_as_open():
    ends = {state for state in OrderState if not any(state == here for here, _ in ORDER_MOVES)}
    assert set(OrderState) - ends == UNPROVEN


@pytest.mark.parametrize(("here", "there"), list(product(Ending, Ending)))
def test_an_approval_is_ended_once(here, there):
    before = approval() if here is Ending.PENDING else answered(here)
    if here is Ending.PENDING and there is not Ending.PENDING:
        after = before.end(there, at=LATER, detail="spread")
        assert (after.ending, after.decided_at, after.detail) == (there, LATER, "spread")
    else:
        with pytest.raises(IllegalMove) as caught:
            before.end(there, at=LATER)
        assert caught.value.details == {"ending": here}


@pytest.mark.parametrize(("here", "there"), list(product(TradingState, TradingState)))
def test_trading_makes_the_moves_it_has_and_no_other(here, there):
    before = control(state=here, version=7)
    if (here, there) in CONTROL_MOVES:
        after = before.move(there, reason="why", by="Ada", at=LATER)
        assert after == control(
            state=there, reason="why", changed_by="Ada", changed_at=LATER, version=8
        )
    else:
        with pytest.raises(IllegalMove, match=f"is {here} and cannot become {there}"):
            before.move(there, reason="why", by="Ada", at=LATER)


@pytest.mark.parametrize("state", list(TradingState))
def test_only_running_opens_and_only_an_emergency_stops_judging(state):
    assert control(state=state).may_open is (state is TradingState.RUNNING)
    assert control(state=state).evaluates is (state is not TradingState.EMERGENCY_STOP)


def test_a_fresh_install_is_paused_and_supervised():
    fresh = Control(changed_at=NOW)
    assert (fresh.state, fresh.mode) == (TradingState.PAUSED, Mode.SUPERVISED)
    assert not fresh.may_open


@pytest.mark.parametrize(("here", "there"), list(product(Mode, Mode)))
def test_the_mode_changes_only_to_another(here, there):
    before = control(mode=here, version=3)
    if here is there:
        with pytest.raises(IllegalMove, match=f"mode is {there} already"):
            before.with_mode(there, by="Ada", at=LATER)
    else:
        after = before.with_mode(there, by="Ada", at=LATER)
        assert (after.mode, after.version, after.changed_by) == (there, 4, "Ada")
        assert after.state is before.state


def test_symbols_are_paused_and_released_one_by_one():
    first = control(version=1).with_symbol("USDJPY", paused=True, by="Ada", at=LATER)
    both = first.with_symbol("EURUSD", paused=True, by="Ada", at=LATER)
    assert both.paused_symbols == ("EURUSD", "USDJPY")
    assert both.version == 3
    assert both.with_symbol("USDJPY", paused=False, by="Ada", at=LATER).paused_symbols == (
        "EURUSD",
    )


@pytest.mark.parametrize("paused", [True, False])
def test_a_symbol_is_not_paused_or_released_twice(paused):
    before = control(paused_symbols=("EURUSD",) if paused else ())
    with pytest.raises(IllegalMove, match="already"):
        before.with_symbol("EURUSD", paused=paused, by="Ada", at=LATER)


@pytest.mark.parametrize(("held", "needed"), list(product(Role, Role)))
def test_a_role_includes_those_below_it(held, needed):
    person = Person(id=1, name="Ada", role=held, chat_id=1)
    order_of_power = ["refused", "pending", "viewer", "trader", "admin"]
    if order_of_power.index(held) >= order_of_power.index(needed):
        person.must_be(needed)
    else:
        with pytest.raises(NotAllowed) as caught:
            person.must_be(needed)
        assert caught.value.details == {"needs": needed}


def test_safety_is_told_first_and_refreshes_last():
    ranks = sorted(Priority, key=lambda priority: priority.rank)
    assert ranks[0] is Priority.SAFETY
    assert ranks[-1] is Priority.REFRESH


def test_a_side_names_the_directions_it_allows():
    assert Side.BUY.directions == (Direction.BUY,)
    assert Side.SELL.directions == (Direction.SELL,)
    assert Side.BOTH.directions == (Direction.BUY, Direction.SELL)
