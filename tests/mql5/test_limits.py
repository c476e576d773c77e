"""Expiry, price and filling mode: judged when it matters, by the right clock."""

from collections.abc import Callable

import pytest

from tests.mql5 import server
from tests.mql5.market import Code, Fault
from tests.mql5.world import World


@pytest.mark.parametrize("skew", [-3600.0, 0.0, 3600.0])
def test_expiry_is_judged_by_the_servers_clock(
    shifted: Callable[[float], World], skew: float
) -> None:
    world = shifted(skew)
    world.start()
    world.run()
    dead, alive = world.open(expires_s=-1), world.open(expires_s=5)
    world.run(3)
    assert [world.server.outcome(n) for n in (dead, alive)] == ["expired", "done"]


@pytest.mark.parametrize(("expires_s", "outcome"), [(10, "done"), (4, "expired")])
def test_time_on_the_way_counts_towards_expiry(
    started: World, expires_s: int, outcome: str
) -> None:
    """The request takes 2.5 s to arrive; the server's clock cannot say how long the answer took."""
    started.server.settings = {"heartbeat_ms": 60_000, "sync_ms": 600_000}
    started.run()
    name = started.open(expires_s=expires_s)
    started.line.latency_s = 2.5
    started.run(4)
    assert started.server.outcome(name) == outcome


def test_expiry_is_judged_again_before_each_repeat(started: World) -> None:
    started.terminal.faults = [Fault("answer", 10024)] * 3  # too many requests: a second each
    before = len(started.terminal.sent)
    name = started.open(expires_s=3)
    started.run(8)
    assert started.server.outcome(name) == "expired"
    assert started.dealt(name) == 0
    assert len(started.terminal.sent) - before in (2, 3)


def test_the_price_is_judged_again_before_each_repeat(started: World) -> None:
    started.terminal.faults = [Fault("answer", Code.REQUOTE)]
    name = started.open()
    assert started.ea

    def move(called: str, arguments: list[str]) -> None:
        if called == "Sleep":
            started.terminal.quote("EURUSD", 1.2, 1.2001)

    started.ea.before = move
    started.run()
    assert started.server.outcome(name) == "rejected: price_moved"


@pytest.mark.parametrize(("mask", "exemode"), [(1, 2), (2, 2), (3, 2), (0, 1), (4, 3)])
def test_the_filling_mode_is_the_brokers(world: World, mask: int, exemode: int) -> None:
    world.terminal.symbols["EURUSD"].filling = mask
    world.terminal.symbols["EURUSD"].exemode = exemode
    world.start()
    name = world.open()
    world.run()
    assert world.server.outcome(name) == "done"
    assert len(world.terminal.sent) == 1


def test_another_filling_mode_is_tried_when_the_broker_refuses_one(started: World) -> None:
    started.terminal.faults = [Fault("answer", Code.INVALID_FILL)]
    started.terminal.symbols["EURUSD"].filling = 3
    name = started.open()
    started.run()
    assert started.server.outcome(name) == "done"
    assert [request.type_filling for request in started.terminal.sent] == [0, 1]


def test_a_command_of_an_unknown_kind_is_answered(
    started: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.mql5.wire.check", lambda table, value: None)
    monkeypatch.setitem(server._ORDER, "HEDGE", 3)
    name = started.server.put("HEDGE")
    started.run()
    assert started.server.outcome(name) == "rejected: invalid"
    assert started.server.result(name)["type"] == "UNKNOWN"
