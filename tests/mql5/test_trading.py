"""What each command does when nothing goes wrong but the market and the user's limits."""

from collections.abc import Callable

import pytest

from tests.mql5.market import Code, Fault
from tests.mql5.world import World


def test_open_is_rounded_marked_and_reported(started: World) -> None:
    name = started.open("GOLD", "sell", 0.129, sl=2410.004, tp=2380.0)
    started.run()
    (held,) = started.terminal.positions.values()
    assert (held.volume, held.sl, held.tp, held.magic) == (0.12, 2410.0, 2380.0, 7_700_000_001)
    assert held.comment == f"at#{name}"
    told = started.server.result(name)
    assert told["status"] == "done" and told["position"] == held.identifier
    assert (float(told["volume"]), float(told["price"])) == (0.12, 2400.0)


def test_several_targets_are_several_positions(started: World) -> None:
    names = [started.open(tp=tp, leg=leg, legs=2) for leg, tp in ((1, 1.12), (2, 1.14))]
    started.run()
    assert sorted(p.tp for p in started.terminal.positions.values()) == [1.12, 1.14]
    assert [started.dealt(name) for name in names] == [1, 1]
    started.terminal.quote("EURUSD", 1.1201, 1.1202)
    assert [p.tp for p in started.terminal.positions.values()] == [1.14]


@pytest.mark.parametrize(("fields", "reason"), [({"leg": 1, "legs": 2}, "netting"), ({}, "")])
def test_an_account_that_nets_takes_one_position_per_symbol(
    world: World, fields: dict[str, int], reason: str
) -> None:
    world.terminal.hedging = False
    world.start()
    first = world.open(**fields)
    world.run()
    second = world.open()
    world.run()
    if reason:
        assert world.server.outcome(first) == "rejected: netting"
        assert world.server.outcome(second) == "done"
    else:
        assert world.server.outcome(first) == "done"
        assert world.server.outcome(second) == "rejected: netting"


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"volume": 0.009}, "rejected: volume"),
        ({"volume": 60.0}, "rejected: volume"),
        ({"symbol": "DOGE"}, "rejected: unknown_symbol"),
        ({"sl": 0.0}, "rejected: invalid"),
        ({"side": "up"}, "rejected: invalid"),
        ({"price": 1.2}, "rejected: price_moved"),
        ({"price": 1.0999, "max_deviation": 0.0001}, "rejected: price_moved"),
        ({"price": 1.1000, "max_deviation": 0.0001}, "done"),
        ({"expires_s": 0}, "rejected: invalid"),
        ({"sl": 1.2}, "rejected: broker"),
        ({"volume": 49.0, "sl": 1.09, "tp": 0.0}, "done"),
    ],
)
def test_open_is_refused_for_a_reason(
    started: World, monkeypatch: pytest.MonkeyPatch, fields: dict[str, object], outcome: str
) -> None:
    monkeypatch.setattr("tests.mql5.wire.check", lambda table, value: None)
    base = {"symbol": "EURUSD"}
    wrong = {key: fields[key] for key in fields if key in ("symbol", "side")}
    name = started.open(**base, **{k: v for k, v in fields.items() if k not in wrong})  # type: ignore[arg-type]
    started.server.commands[name].document.update(wrong)
    started.run()
    assert started.server.outcome(name) == outcome
    assert len(started.terminal.positions) == (outcome == "done")


def test_limits_of_the_owner_hold(world: World) -> None:
    world.start(InpMaxLot="0.5")
    small, large = world.open(volume=0.5), world.open(volume=0.51)
    world.run()
    assert [world.server.outcome(n) for n in (small, large)] == ["done", "rejected: volume"]


def test_a_real_account_needs_the_input(world: World) -> None:
    world.terminal.flags.trade_mode = 2
    world.start()
    refused = world.open()
    world.run()
    assert world.server.registered["trade_mode"] == "real"
    assert world.server.outcome(refused) == "rejected: live_not_allowed"
    assert world.server.beats[-1]["trade_ea"] is False
    world.start(InpAllowLive="1")
    allowed = world.open()
    world.run()
    assert world.server.outcome(allowed) == "done"


@pytest.mark.parametrize("flag", ["terminal", "ea", "account", "experts"])
def test_nothing_is_traded_without_every_permission(started: World, flag: str) -> None:
    position = started.opened()
    setattr(started.terminal.flags, flag, False)
    names = [started.open(), started.server.put("CLOSE", position=position, keep=0)]
    started.run()
    assert [started.server.outcome(n) for n in names] == ["rejected: trading_disabled"] * 2
    beat = started.server.beats[-1]
    assert [beat[f"trade_{f}"] for f in ("terminal", "ea", "account", "experts")].count(False) == 1
    assert started.ea and "NOT TRADING" in started.ea.panel


def test_stop_and_target_are_moved_and_leave_each_other_alone(started: World) -> None:
    position = started.opened(symbol="GOLD", side="sell", sl=2410.0, tp=2380.0)
    names = [
        started.server.put("MOVE_SL", position=position, sl=2405.004),
        started.server.put("SET_TP", position=position, tp=2390.0),
    ]
    started.run()
    held = started.terminal.positions[position]
    assert (held.sl, held.tp) == (2405.0, 2390.0)
    near = started.server.put("MOVE_SL", position=position, sl=2400.4)
    same = started.server.put("SET_TP", position=position, tp=2390.0)
    none = started.server.put("SET_TP", position=position, tp=0)
    started.run()
    assert [started.server.outcome(n) for n in (*names, near, same, none)] == [
        "done", "done", "rejected: broker", "done", "done",
    ]  # fmt: skip
    assert started.server.result(near)["retcode"] == Code.INVALID_STOPS
    assert (held.sl, held.tp) == (2405.0, 0.0)


def test_the_later_of_two_stops_wins_whatever_comes_first(started: World) -> None:
    position = started.opened()
    early = started.server.put("MOVE_SL", position=position, sl=1.08)
    late = started.server.put("MOVE_SL", position=position, sl=1.09)
    started.server.commands[early].lease_ms = 2**60  # its answer was lost, its lease runs
    started.server.commands[early].document["position"] = position + 1
    started.run()
    assert started.terminal.positions[position].sl == 1.09
    started.server.commands[early].lease_ms = 0
    started.server.commands[early].document["position"] = position
    started.run()
    assert started.server.outcome(early) == "rejected: superseded"
    assert started.server.outcome(late) == "done"
    assert started.terminal.positions[position].sl == 1.09


def test_close_goes_down_to_what_is_to_be_kept(started: World) -> None:
    position = started.opened(volume=0.3)
    half = started.server.put("CLOSE", position=position, keep=0.145)
    started.run()
    assert started.terminal.positions[position].volume == 0.15
    assert float(started.server.result(half)["remaining"]) == 0.15
    again = started.server.put("CLOSE", position=position, keep=0.15)
    rest = started.server.put("CLOSE", position=position, keep=0)
    gone = started.server.put("CLOSE", position=position, keep=0)
    unknown = started.server.put("MOVE_SL", position=position, sl=1.0)
    started.run()
    assert not started.terminal.positions
    assert [started.server.outcome(n) for n in (half, again, rest, gone, unknown)] == [
        "done", "already_closed", "done", "already_closed", "rejected: no_position",
    ]  # fmt: skip
    assert sum(started.dealt(n) for n in (half, again, rest, gone)) == 2


def test_a_position_is_known_by_its_identifier_not_by_its_ticket(started: World) -> None:
    position = started.opened()
    held = started.terminal.positions.pop(position)
    held.ticket = 999
    started.terminal.positions[999] = held
    name = started.server.put("CLOSE", position=position, keep=0)
    started.run()
    assert started.server.outcome(name) == "done" and not started.terminal.positions


def test_a_position_above_the_largest_order_is_closed_in_parts(started: World) -> None:
    position = started.opened(volume=0.5)
    started.terminal.symbols["EURUSD"].vmax = 0.3
    first = started.server.put("CLOSE", position=position, keep=0)
    started.run()
    assert started.server.result(first)["volume"] < 0.5
    assert float(started.server.result(first)["remaining"]) == 0.2


def test_pause_stops_opens_and_nothing_else_and_survives(started: World) -> None:
    position = started.opened()
    started.server.put("PAUSE", expires_s=0)
    refused = started.open()
    closed = started.server.put("CLOSE", position=position, keep=0)
    started.run()
    assert started.server.outcome(refused) == "rejected: paused"
    assert started.server.outcome(closed) == "done"
    assert started.ea and "PAUSED" in started.ea.panel
    started.start()
    started.server.settings = {"paused": False}  # what the settings say no longer counts
    still = started.open()
    started.run()
    assert started.server.outcome(still) == "rejected: paused"
    assert started.server.beats[-1]["paused"] is True


def test_a_pause_that_differs_from_the_servers_is_put_right(started: World) -> None:
    started.server.put("PAUSE", expires_s=0)
    started.run()
    started.server.paused = False
    started.run(20)
    assert started.server.beats[-1]["paused"] is False


def test_a_late_resume_does_not_undo_a_newer_pause(started: World) -> None:
    resume = started.server.put("RESUME", expires_s=0)
    pause = started.server.put("PAUSE", expires_s=0)
    started.server.commands[resume].lease_ms = started.server.clock() + 5000
    started.run(12)
    assert [started.server.outcome(n) for n in (resume, pause)] == ["done", "done"]
    assert started.server.beats[-1]["paused"] is True


def test_a_new_journal_takes_the_pause_from_the_server(world: World) -> None:
    world.server.paused = True
    world.start()
    name = world.open()
    world.run()
    assert world.server.outcome(name) == "rejected: paused"


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
    assert started.server.outcome(name) == "expired" and started.dealt(name) == 0
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
    assert world.server.outcome(name) == "done" and len(world.terminal.sent) == 1


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
    monkeypatch.setitem(__import__("tests.mql5.server", fromlist=["_ORDER"])._ORDER, "HEDGE", 3)
    name = started.server.put("HEDGE")
    started.run()
    assert started.server.outcome(name) == "rejected: invalid"
    assert started.server.result(name)["type"] == "UNKNOWN"
