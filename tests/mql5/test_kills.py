"""Kills at any moment and spoilt files: executed once, and a definite answer."""

import pytest

from tests.mql5.host import Ea
from tests.mql5.market import Fault
from tests.mql5.terminal import Death
from tests.mql5.world import World


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


# ---- kills


@pytest.mark.parametrize("kind", ["die_before", "die_after", "die_late"])
@pytest.mark.parametrize("command", ["OPEN", "CLOSE", "MOVE_SL"])
def test_a_kill_inside_the_trade_call(started: World, kind: str, command: str) -> None:
    """A late deal shows after the lease ended and before the patience does."""
    position = started.opened()
    started.terminal.faults = [Fault(kind, seconds=45)]
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
    started.run(12)  # connected, and the positions and history not there yet
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
    seconds = 120 if lost == "journal" else 60  # a new identity waits 90 s, unless it registers
    started.terminal.faults = [Fault(kind, seconds=seconds)] if kind else []
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
    started.run(300)
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


def test_a_journal_without_its_tail(started: World) -> None:
    """The computer lost power, and with it what the disk had not written yet."""
    before = started.journal.read_bytes()
    name = started.open(expires_s=300)
    started.line.faults = [("/ea/result", "lost")] * 20
    started.run(3)
    assert started.dealt(name) == 1
    started.kill()
    started.journal.write_bytes(before)
    started.line.faults = []
    assert settle(started, name) == "done" and started.dealt(name) == 1


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


def test_a_restart_is_no_second_terminal(started: World) -> None:
    started.start()
    name = started.open()
    started.run(10)
    assert started.server.outcome(name) == "done"
