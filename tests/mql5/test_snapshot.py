"""Registration, heartbeat and snapshot say what the terminal shows."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mql5.host import Ea, Socket
from tests.mql5.market import Release, WorkingOrder
from tests.mql5.world import INPUTS, World


def test_registration_says_who_asks(started: World) -> None:
    told = started.server.registered
    assert (told["login"], told["server"]) == (5012345, "Sim-Demo 1-MT5")
    assert told["company"] == 'Sim "Ltd" ü'
    assert (told["margin_mode"], told["trade_mode"]) == ("hedging", "demo")
    assert [p for p, _ in started.line.requests][:2] == ["/ea/register", "/ea/heartbeat"]


def test_snapshot_is_complete(started: World) -> None:
    position = started.opened(symbol="GOLD", volume=0.1)
    terminal = started.terminal
    terminal.orders[7] = WorkingOrder(7, "GOLD", 2, 0.2, 2300.0, 0, 0, terminal.broker_time)
    started.server.settings = {
        "symbols": ["GOLD", "NONE"], "names": True, "sync_now": True,
        "candles": [{"symbol": "GOLD", "timeframe": "M15", "count": 3},
                    {"symbol": "NONE", "timeframe": "H1", "count": 3}],
    }  # fmt: skip
    started.run()
    told = started.server.syncs[-1]
    (held,) = told["positions"]
    assert (held["id"], held["symbol"], float(held["volume"])) == (position, "GOLD", 0.1)
    assert held["magic"] == 7_700_000_001 and held["comment"] == "at#c-1"
    assert [order["ticket"] for order in told["orders"]] == [7]
    assert [deal["position"] for deal in told["deals"]] == [position]
    assert told["clock"]["offset_s"] == 7200
    (gold,) = told["symbols"]
    assert (gold["name"], gold["filling"], gold["stops_level"]) == ("GOLD", 2, 50)
    assert float(gold["margin_per_lot"]) == 480.06
    (candles,) = told["candles"]
    rows = candles["rows"]
    assert len(rows) == 3 and rows[-1][0] + 900 <= terminal.broker_time < rows[-1][0] + 1800 + 900
    assert all(row[0] + 900 <= terminal.broker_time for row in rows), "a candle was not closed"
    assert told["names"] == ["EURUSD", "GOLD"] and told["calendar"] is None


def test_deals_come_in_pieces_when_there_are_many(started: World) -> None:
    for _ in range(3):
        started.opened()
    first = started.terminal.deals[0]
    started.terminal.deals += [first] * 600
    started.run(20)
    told = started.server.syncs[-1]
    assert len(told["deals"]) == 500 and told["deals_more"] is True
    started.server.settings = {"deals_since": started.terminal.deals[2].time}
    started.terminal.deals = started.terminal.deals[:3]
    started.run(20)
    told = started.server.syncs[-1]
    assert len(told["deals"]) == 1 and told["deals_more"] is False


def test_the_calendar_is_whole_or_not_there(started: World) -> None:
    started.server.settings = {"calendar_hours": 48, "sync_now": True}
    started.run()
    assert started.server.syncs[-1]["calendar"] is None  # the terminal has none: not known
    now = started.terminal.broker_time
    started.terminal.releases = [
        Release(1, now + 3600, "Nonfarm Payrolls", forecast=110_000_000_000),
        Release(2, now - 3600, "CPI m/m", 2, actual=300_000, previous=200_000),
        Release(3, now + 7200, "Bank Holiday", 0, exact=False),
        Release(4, now + 49 * 3600 + 600, "Later"),
    ]
    started.run()
    told = started.server.syncs[-1]["calendar"]
    assert [event["title"] for event in told["events"]] == [
        "Nonfarm Payrolls", "CPI m/m", "Bank Holiday",
    ]  # fmt: skip
    assert [event["importance"] for event in told["events"]] == ["high", "moderate", "none"]
    assert [event["exact"] for event in told["events"]] == [True, True, False]
    assert told["events"][0]["actual_micro"] is None
    assert told["events"][1]["actual_micro"] == 300_000
    assert told["to"] - started.server.syncs[-1]["clock"]["trade_server"] == 48 * 3600


def test_a_snapshot_that_was_too_large_is_followed_by_a_small_one(started: World) -> None:
    started.server.settings = {
        "symbols": ["GOLD"], "names": True, "sync_now": True,
        "candles": [{"symbol": "GOLD", "timeframe": "M15", "count": 3}],
    }  # fmt: skip
    started.run(2)
    started.line.faults = [("/ea/sync", "413")]
    count = len(started.server.syncs)
    while len(started.server.syncs) == count:
        started.run(1)
    told = started.server.syncs[count]
    assert told["candles"] == [] and told["names"] is None and told["positions"] == []


def test_no_snapshot_without_the_broker(started: World) -> None:
    started.terminal.connected = False
    count = len(started.server.syncs)
    started.run(60)
    assert len(started.server.syncs) == count
    assert started.server.beats[-1]["connected"] is False


def test_heartbeats_come_in_time_and_settings_are_taken(started: World) -> None:
    count = len(started.server.beats)
    started.run(60)
    assert 10 <= len(started.server.beats) - count <= 13
    started.server.settings = {"heartbeat_ms": 20_000, "poll_ms": 2000}
    started.run(10)
    assert started.ea and started.ea.calls.timer_ms == 2000
    count = len(started.server.beats)
    started.run(60)
    assert 2 <= len(started.server.beats) - count <= 3


@pytest.mark.parametrize("inputs", [{"InpResolveSec": "5"}, {"InpMaxLot": "-1"}, {"InpMaxLot": "nan"}])
def test_senseless_inputs_stop_the_start(world: World, inputs: dict[str, str]) -> None:
    assert world.start(init=False, **inputs).event("OnInit") != "0"


def test_the_panel_can_be_switched_off(world: World) -> None:
    ea = world.start(InpShowPanel="0")
    world.run()
    assert ea.panel == "" and world.server.beats


def test_the_end_leaves_a_clean_chart_and_frees_the_lock(started: World) -> None:
    ea = started.ea
    assert ea
    ea.stop()
    assert ea.panel == "" and ea.calls.timer_ms == 0
    assert set(started.terminal.variables.values()) == {0.0}


@pytest.fixture
def port(world: World) -> Iterator[int]:
    """The in-memory server behind a real socket."""

    class Face(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = world.server.handle(self.path, dict(self.headers), body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Nothing to the console."""

    with http.server.HTTPServer(("127.0.0.1", 0), Face) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_it_works_over_a_real_socket(world: World, binary: Path, tmp_path: Path, port: int) -> None:
    ea = Ea(binary, world.terminal, tmp_path, Socket(port), INPUTS)
    name = world.open()
    try:
        assert ea.event("OnInit") == "0"
        world.run(8, ea)
    finally:
        ea.kill()
    assert world.server.outcome(name) == "done"
