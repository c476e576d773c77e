"""Lost answers, unclear orders, kills and spoilt files: executed once, and a definite answer."""

import pytest

from tests.mql5.host import Ea
from tests.mql5.market import Code, Fault
from tests.mql5.terminal import Death
from tests.mql5.world import World

UNCLEAR = [0, 10008, 10011, 10012, 10031, 10099]
CERTAIN = [10006, 10007, 10013, 10014, 10015, 10016, 10017, 10018, 10019, 10022, 10026, 10029,
           10032, 10035, 10040, 10046]  # fmt: skip
REPEATED = [10004, 10020, 10021, 10024]


def die_in(ea: Ea, call: str, times: int = 1) -> None:
    """The program ends when it makes that call for the n-th time."""
    left = [times]

    def before(called: str, arguments: list[str]) -> None:
        left[0] -= called == call
        if left[0] == 0:
            raise Death

    ea.before = before


def settle(world: World, name: str) -> str:
    """Restart, wait long enough for everything to be found out; the outcome."""
    world.start()
    world.run(110)
    return world.server.outcome(name)


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


# ---- kills


@pytest.mark.parametrize("kind", ["die_before", "die_after", "die_late"])
@pytest.mark.parametrize("command", ["OPEN", "CLOSE", "MOVE_SL"])
def test_a_kill_inside_the_trade_call(started: World, kind: str, command: str) -> None:
    position = started.opened()
    started.terminal.faults = [Fault(kind, seconds=20)]
    fields: dict[str, dict[str, float]] = {
        "CLOSE": {"position": position, "keep": 0},
        "MOVE_SL": {"position": position, "sl": 1.095},
    }
    name = started.open() if command == "OPEN" else started.server.put(command, **fields[command])
    with pytest.raises(Death):
        started.run()
    outcome = settle(started, name)
    done = kind != "die_before" and not (command == "MOVE_SL" and kind == "die_late")
    if done:
        assert outcome in ("done", "already_closed")
    else:
        assert outcome == "not_executed: no_trace"
    if command != "MOVE_SL":
        assert started.dealt(name) == done


@pytest.mark.parametrize("call", ["OrderSend", "FileOpen", "FileWrite", "WebRequest", "Print", "Comment"])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_kill_at_any_call(started: World, call: str, times: int) -> None:
    name = started.open(expires_s=300)
    assert started.ea
    die_in(started.ea, call, times)
    try:
        started.run(6)
    except Death:
        pass
    outcome = settle(started, name)
    assert outcome in ("done", "not_executed: no_trace")
    assert started.dealt(name) == (outcome == "done")


def test_nothing_is_concluded_without_the_broker(started: World) -> None:
    started.terminal.faults = [Fault("die_after")]
    name = started.open()
    with pytest.raises(Death):
        started.run()
    started.terminal.connected = started.terminal.synced = False
    started.start()
    started.run(300)
    assert started.server.outcome(name) == "" and started.ea
    assert "not connected" in started.ea.panel
    syncs = len(started.server.syncs)
    started.terminal.connected = True
    started.run(4)  # connected, and the positions and history not there yet
    started.terminal.synced = True
    started.run(10)
    assert started.server.outcome(name) == "done" and started.dealt(name) == 1
    assert len(started.server.syncs) > syncs


def test_a_close_is_not_called_done_because_the_terminal_shows_nothing(started: World) -> None:
    position = started.opened()
    started.terminal.synced = False
    name = started.server.put("CLOSE", position=position, keep=0)
    started.run(30)
    assert started.server.outcome(name) == ""
    started.terminal.synced = True
    started.run(60)
    assert started.server.outcome(name) == "not_executed: no_trace"
    assert position in started.terminal.positions


# ---- the journal


@pytest.mark.parametrize("size", [0, 1, 2, 20, 60, 200])
def test_a_line_torn_by_a_power_cut(started: World, size: int) -> None:
    name = started.open(expires_s=300)
    started.disk.tear = size
    with pytest.raises(Death):
        started.run()
    outcome = settle(started, name)
    assert outcome in ("done", "not_executed: no_trace")
    assert started.dealt(name) == (outcome == "done")


def test_a_torn_outcome_is_found_again(started: World) -> None:
    name = started.open()
    started.line.faults = [("/ea/result", "lost")]
    started.run(2)
    started.kill()
    journal = started.journal
    whole = journal.read_bytes()
    journal.write_bytes(whole[: whole.rindex(b'"status"')])
    assert settle(started, name) == "done" and started.dealt(name) == 1
    assert started.server.result(name)["traced"]


def test_zeros_at_the_end_of_the_journal(started: World) -> None:
    name = started.open()
    started.run()
    started.kill()
    with started.journal.open("ab") as file:
        file.write(b"\0" * 64)
    started.server.commands[name].result = None
    assert settle(started, name) == "done" and started.dealt(name) == 1


@pytest.mark.parametrize("damage", ["full", "locked"])
def test_without_a_journal_nothing_is_traded(started: World, damage: str) -> None:
    setattr(started.disk, damage, True)
    position_free = started.open(expires_s=300)
    started.run(12)
    assert started.dealt(position_free) == 0 and started.ea
    assert "journal" in started.ea.panel
    setattr(started.disk, damage, False)
    started.run(40)
    assert started.server.outcome(position_free) == "done" and started.dealt(position_free) == 1
    assert started.server.beats[-1]["journal_ok"] is True


@pytest.mark.parametrize("lost", ["journal", "everything"])
@pytest.mark.parametrize("kind", ["die_before", "die_after", "die_late", ""])
def test_deleted_state_repeats_nothing(started: World, lost: str, kind: str) -> None:
    name = started.open(expires_s=400)
    started.terminal.faults = [Fault(kind, seconds=20)] if kind else []
    started.line.faults = [("/ea/result", "lost")] * 20
    try:
        started.run(4)
    except Death:
        pass
    started.kill()
    for file in started.files.iterdir():
        if lost == "everything" or "journal" in file.name:
            file.unlink()
    started.line.faults = []
    started.server.codes["CODE-0002"] = None
    started.start(**({"InpConnectCode": "CODE-0002"} if lost == "everything" else {}))
    started.run(240)
    expected = "not_executed: no_trace" if kind == "die_before" else "done"
    assert started.server.outcome(name) == expected
    assert started.dealt(name) == (expected == "done")


def test_the_journal_is_shortened_and_keeps_what_counts(started: World) -> None:
    names = [started.server.put("RESUME", expires_s=0) for _ in range(4)]
    started.run(10)
    started.kill()
    journal = started.journal
    lines = [f"B\tx-{i}\t{i}\tRESUME\t1\t0\t0\t0\t0\t0\t1\t.\r\nE\tx-{i}\t\"id\":1\t.\r\nA\tx-{i}\t.\r\n"
             for i in range(1, 1800)]  # fmt: skip
    journal.write_text(journal.read_text() + "".join(lines))
    started.start()
    started.run(8)
    kept = journal.read_text()
    assert kept.count("\nB\t") == 1000
    assert "x-1799\t" in kept and "x-700\t" not in kept and kept.startswith("I\t")
    assert [started.server.outcome(n) for n in names] == ["done"] * 4
    name = started.open()
    started.run()
    assert started.server.outcome(name) == "done"


# ---- one at a time


def test_the_second_chart_of_a_terminal_stands_by(started: World) -> None:
    second = started.another()
    assert second.event("OnInit") == "0"
    name = started.open()
    for _ in range(8):
        started.run(1)
        started.run(1, second)
    assert "STANDING BY" in second.panel and started.dealt(name) == 1
    assert started.ea
    started.ea.stop()
    started.ea = second
    name = started.open()
    started.run(10)
    assert started.server.outcome(name) == "done" and started.dealt(name) == 1
    assert "READY" in second.panel


def test_a_chart_that_hung_finds_its_lock_taken(started: World) -> None:
    first = started.ea
    assert first
    second = started.another()
    second.event("OnInit")
    started.terminal.advance(70)
    name = started.open(expires_s=300)
    started.run(10, second)
    started.run(10, first)
    started.run(10, second)
    assert "STANDING BY" in first.panel
    assert started.server.outcome(name) == "done" and started.dealt(name) == 1
    second.kill()


@pytest.mark.parametrize("copied", [False, True])
def test_the_second_terminal_of_an_account_is_refused(
    started: World, tmp_path_factory: pytest.TempPathFactory, copied: bool
) -> None:
    """Its files hold the token only, or are a whole copy."""
    other = tmp_path_factory.mktemp("other")
    for file in started.files.iterdir():
        if copied or "token" in file.name:
            (other / file.name).write_bytes(file.read_bytes())
    kept = dict(started.terminal.variables)
    started.terminal.variables.clear()
    second = started.another(other)
    second.event("OnInit")
    started.run(8, second)
    theirs = dict(started.terminal.variables)
    for _ in range(15):
        name = started.open(expires_s=300)
        started.terminal.variables = dict(kept)
        started.run(2)
        kept = dict(started.terminal.variables)
        started.terminal.variables = dict(theirs)
        started.run(2, second)
        theirs = dict(started.terminal.variables)
        assert started.dealt(name) <= 1
    first = started.ea
    assert first
    refused = first if copied else second
    assert "Another terminal" in refused.panel or "started again" in refused.panel
    assert sum(started.dealt(n) for n in started.server.commands) >= 10
    second.kill()


def test_registering_elsewhere_takes_the_account_over(
    started: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first = started.ea
    assert first
    started.server.codes["CODE-0002"] = None
    started.terminal.variables.clear()
    second = started.another(tmp_path_factory.mktemp("other"), InpConnectCode="CODE-0002")
    second.event("OnInit")
    name = started.open()
    started.run(10, second)
    assert started.server.outcome(name) == "done"
    started.terminal.variables.clear()
    started.run(10, first)
    assert "not known" in first.panel
    second.kill()


def test_a_change_of_account_in_the_terminal_changes_the_files(started: World) -> None:
    started.terminal.login = 777
    started.server.codes["CODE-0001"] = None
    started.run(10)
    assert len(list(started.files.glob("AiTrader_*_journal.txt"))) == 2
    assert started.server.registered["login"] == 777


def test_restarts_repeat_nothing(started: World) -> None:
    names = [started.open(expires_s=10_000) for _ in range(5)]
    for _ in range(20):
        started.start()
        started.run(6)
        for name in names:
            started.server.commands[name].result = None
            started.server.commands[name].lease_ms = 0
    started.run(20)
    assert [started.dealt(name) for name in names] == [1] * 5
    assert [started.server.outcome(name) for name in names] == ["done"] * 5
