"""A bad line and a bad trade server: executed once, and a definite answer."""

import pytest

from tests.mql5.market import Code, Fault
from tests.mql5.world import World

UNCLEAR = [0, 10008, 10011, 10012, 10031, 10099]
CERTAIN = [10006, 10007, 10013, 10014, 10015, 10016, 10017, 10018, 10019, 10022, 10026, 10029,
           10032, 10035, 10040, 10046]  # fmt: skip
REPEATED = [10004, 10020, 10021, 10024]


# ---- the line


@pytest.mark.parametrize("fault", ["lost", "unanswered", "slow", "down", "500", "503", "garbage", "again", "400"])
def test_a_result_is_sent_until_it_arrives(started: World, fault: str) -> None:
    name = started.open()
    started.line.faults = [("/ea/result", fault)] * 3
    started.run(100)
    assert started.server.outcome(name) == "done" and started.dealt(name) == 1
    assert started.server.anomalies == []


def test_a_lost_offer_comes_again_when_its_lease_ends(started: World) -> None:
    name = started.open(expires_s=50)
    started.line.faults = [("/ea/execute", "unanswered")]
    started.run(20)
    assert started.server.outcome(name) == "" and started.dealt(name) == 0
    started.run(20)
    assert started.server.outcome(name) == "done" and started.dealt(name) == 1


def test_a_result_that_the_server_forgot_is_told_again(started: World) -> None:
    name = started.open()
    started.run()
    started.server.commands[name].result = None
    started.run(35)
    assert started.server.outcome(name) == "done" and started.dealt(name) == 1


def test_a_lost_result_is_sent_again_at_once(started: World) -> None:
    name = started.open()
    started.line.faults = [("/ea/result", "lost")]
    started.run(15)
    assert started.server.outcome(name) == "done"  # long before its lease ends


def test_a_refusal_that_the_server_forgot_is_told_again_and_not_tried_again(started: World) -> None:
    started.terminal.faults = [Fault("answer", Code.MARKET_CLOSED)]
    name = started.open(expires_s=300)
    started.run()
    started.server.commands[name].result = None
    started.run(35)
    assert started.server.outcome(name) == "rejected: broker" and started.dealt(name) == 0


def test_the_wait_after_failures_grows_and_is_reset(started: World) -> None:
    started.line.faults = [("*", "503")] * 6
    before = len(started.line.requests)
    started.run(59)
    assert len(started.line.requests) - before == 6
    started.run(10)
    assert started.ea and "Problem" not in started.ea.panel


def test_retry_after_is_honoured(started: World) -> None:
    started.line.faults = [("*", "429")]
    started.line.headers = "Content-Type: text/plain\r\nRetry-After: 40\r\n"
    started.run(2)
    before = len(started.line.requests)
    started.run(36)
    assert len(started.line.requests) == before
    started.run(5)
    assert len(started.line.requests) > before


def test_a_passing_401_costs_nothing(started: World) -> None:
    started.line.faults = [("*", "401")] * 3
    name = started.open()
    started.run(20)
    assert started.server.outcome(name) == "done"
    assert len([p for p, _ in started.line.requests if p == "/ea/register"]) == 1


def test_a_lost_token_needs_a_new_code_and_takes_it(started: World) -> None:
    started.server.token = "rotated"
    started.run(20)
    assert started.ea and "401" in started.ea.panel
    started.server.codes["CODE-0002"] = None
    started.start(InpConnectCode="CODE-0002")
    name = started.open()
    started.run(20)
    assert started.server.outcome(name) == "done"


@pytest.mark.parametrize("fault", ["unanswered", "slow"])
def test_a_lost_registration_is_repeated_with_the_same_code(world: World, fault: str) -> None:
    world.line.faults = [("/ea/register", fault)]
    world.start()
    world.run(15)
    assert world.server.beats and world.server.anomalies == []


def test_a_wrong_code_is_tried_once(world: World) -> None:
    ea = world.start(InpConnectCode="CODE-WRONG")
    world.run(300)
    assert len(world.line.requests) == 1 and "not valid" in ea.panel


def test_an_address_that_is_not_allowed_is_explained(world: World) -> None:
    ea = world.start(InpServerUrl="https://elsewhere.example")
    world.run(3)
    assert "Allow WebRequest for https://elsewhere.example" in ea.panel


# ---- the trade server


@pytest.mark.parametrize("code", UNCLEAR)
def test_an_unclear_answer_of_an_executed_order(started: World, code: int) -> None:
    before = len(started.terminal.sent)
    started.terminal.faults = [Fault("executed", code)]
    name = started.open()
    started.run()
    assert started.server.outcome(name) == "done" and started.server.result(name)["traced"]
    assert started.dealt(name) == 1 and len(started.terminal.sent) == before + 1


@pytest.mark.parametrize("code", UNCLEAR)
def test_an_unclear_answer_of_an_order_that_was_not_executed(started: World, code: int) -> None:
    started.terminal.faults = [Fault("answer", code)]
    name, other = started.open(), started.open(expires_s=200)
    started.run(50)
    assert started.server.outcome(name) == "" and started.server.outcome(other) == ""
    started.run(50)
    assert started.server.outcome(name) == "not_executed: no_trace"
    assert started.server.outcome(other) == "done"
    assert [started.dealt(name), started.dealt(other)] == [0, 1]


@pytest.mark.parametrize("kind", ["late", "working"])
def test_an_order_that_shows_up_late(started: World, kind: str) -> None:
    seconds = 30 if kind == "late" else 150
    started.terminal.faults = [Fault(kind, 10012, seconds=seconds)]
    name = started.open()
    started.run(seconds + 20)
    assert started.server.outcome(name) == "done" and started.dealt(name) == 1


def test_exits_of_other_positions_go_on_while_an_order_is_unclear(started: World) -> None:
    first, second = started.opened(), started.opened()
    started.terminal.faults = [Fault("answer", 10012)]
    unclear = started.server.put("CLOSE", position=first, keep=0, expires_s=0)
    started.run(5)
    stop = started.server.put("MOVE_SL", position=second, sl=1.095, expires_s=0)
    same = started.server.put("MOVE_SL", position=first, sl=1.095, expires_s=0)
    new = started.open()
    started.run(20)
    outcomes = [started.server.outcome(n) for n in (unclear, stop, same, new)]
    assert outcomes == ["", "done", "", ""]
    started.run(80)
    assert started.server.outcome(unclear) == "not_executed: no_trace"
    assert started.server.outcome(same) == "done"


@pytest.mark.parametrize("code", REPEATED)
def test_what_proves_that_nothing_happened_is_repeated(started: World, code: int) -> None:
    started.terminal.faults = [Fault("answer", code)] * 3
    before = len(started.terminal.sent)
    name = started.open()
    started.run()
    assert started.server.outcome(name) == "done" and started.dealt(name) == 1
    assert len(started.terminal.sent) - before == 4
    started.terminal.faults = [Fault("answer", code)] * 4
    name = started.open()
    started.run()
    assert started.server.outcome(name) == "rejected: broker"
    assert len(started.terminal.sent) - before == 8


@pytest.mark.parametrize("code", CERTAIN)
def test_a_refusal_is_reported_and_not_repeated(started: World, code: int) -> None:
    started.terminal.faults = [Fault("answer", code)]
    before = len(started.terminal.sent)
    name = started.open()
    started.run()
    assert started.server.outcome(name) == "rejected: broker"
    assert started.server.result(name)["retcode"] == code
    assert len(started.terminal.sent) == before + 1


def test_a_partial_fill_says_how_much(started: World) -> None:
    started.terminal.faults = [Fault("partial", part=0.4)]
    name = started.open(volume=0.5)
    started.run()
    told = started.server.result(name)
    assert (told["status"], float(told["volume"]), told["retcode"]) == ("partial", 0.2, 10010)
    started.terminal.faults = [Fault("partial", part=0.5)]
    name = started.server.put("CLOSE", position=int(told["position"]), keep=0)
    started.run()
    told = started.server.result(name)
    assert (told["status"], float(told["remaining"])) == ("partial", 0.1)


def test_a_position_closed_meanwhile_is_success(started: World) -> None:
    position = started.opened()
    started.terminal.faults = [Fault("answer", Code.POSITION_CLOSED)]
    name = started.server.put("CLOSE", position=position, keep=0)
    started.run()
    assert started.server.outcome(name) == "already_closed"


@pytest.mark.parametrize("code", [0, 10012, 10031])
def test_an_unclear_stop_is_set_again(started: World, code: int) -> None:
    position = started.opened()
    started.terminal.faults = [Fault("answer", code), Fault("executed", code)]
    name = started.server.put("MOVE_SL", position=position, sl=1.095)
    started.run()
    assert started.server.outcome(name) == "done"
    assert started.terminal.positions[position].sl == 1.095
    started.terminal.faults = [Fault("answer", code)] * 4
    name = started.server.put("MOVE_SL", position=position, sl=1.096)
    started.run(25)
    assert started.server.outcome(name) == "not_executed: no_trace"


def test_a_stop_that_was_hit_is_no_second_opening(started: World) -> None:
    started.terminal.faults = [Fault("late", 10012, seconds=6)]
    name = started.open(volume=0.2)
    started.run(3)
    started.terminal.advance(4)
    started.terminal.quote("EURUSD", 1.08, 1.0801)
    started.run(10)
    assert started.server.outcome(name) == "done"
    assert float(started.server.result(name)["volume"]) == 0.2


def test_a_busy_position_is_left_alone_within_one_answer(started: World) -> None:
    position = started.opened()
    started.terminal.faults = [Fault("late", 10012, seconds=20)]
    half = started.server.put("CLOSE", position=position, keep=0.05, expires_s=0)
    stop = started.server.put("MOVE_SL", position=position, sl=1.095, expires_s=0)
    started.run(10)
    assert [started.server.outcome(n) for n in (half, stop)] == ["", ""]
    started.run(60)
    assert [started.server.outcome(n) for n in (half, stop)] == ["done", "done"]
