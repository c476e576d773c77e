"""One Expert Advisor works for an account, whoever else is started."""

import pytest

from tests.mql5.world import World



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
