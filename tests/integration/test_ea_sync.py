"""A snapshot of the terminal: what is kept of it, and the breaker it trips."""

import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.broker_time import BrokerTime, offset_of
from engine.domain.market import Timeframe
from engine.domain.state import TradingState
from engine.flow.terminal_wishes import matched
from tests.integration.ea import ACCOUNT, Bridge, bridge  # noqa: F401
from tests.integration.test_ea_endpoint import opening
from tests.terminals import Ea, request


async def sync(ea: Ea, **fields: Any) -> tuple[int, dict[str, Any]]:
    """A snapshot like the protocol's example, the next of its run."""
    ea.sync_no += 1
    return await ea.post("/ea/sync", **{"sync_no": ea.sync_no, **fields})


def account(**figures: Any) -> dict[str, Any]:
    return {**request("/ea/sync")["account"], **figures}


async def test_the_protocols_example_is_kept_whole(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    assert (await sync(ea))[0] == 200
    (raw,) = await bridge.sql("SELECT body FROM ea_snapshot")
    assert json.loads(zlib.decompress(raw["body"]))["account"]["equity"] == 10012.5
    async with bridge.store.begin() as tx:
        shown = await tx.snapshots.last(ACCOUNT)
        candles = await tx.snapshots.candles(ACCOUNT, "GOLD", Timeframe.M15, count=5)
        symbols = await tx.snapshots.symbols(ACCOUNT, ["GOLD", "EURUSD"])
        calendar = await tx.snapshots.calendar(ACCOUNT)
        terminal = await tx.terminals.read(ACCOUNT)
        day = await tx.settings.day(ACCOUNT)
    assert shown is not None
    assert Decimal(shown.account["balance"]) == 10_000
    # Broker time is two hours ahead of UTC there.
    opened = datetime.fromtimestamp(1795272000 - 7200, UTC)
    assert shown.positions[0]["at"] == opened.isoformat()
    assert candles[0][0] == datetime.fromtimestamp(1795271400 - 7200, UTC)
    assert candles[0][1:] == tuple(map(Decimal, ("2384.10", "2386.00", "2383.90", "2385.20", 412)))
    assert list(symbols) == ["GOLD"]
    assert calendar is not None
    assert calendar["events"][0]["title"] == "Nonfarm Payrolls"
    assert terminal is not None
    assert (terminal.open_positions, terminal.sync_no) == (1, 1)
    assert day is not None
    assert day.start_equity == Decimal("10012.50")


async def test_a_snapshot_replaces_and_an_old_one_is_dropped(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    await sync(ea)
    await sync(ea, positions=[])
    status, answer = await sync(ea, sync_no=1)
    assert (status, answer["sync_no"]) == (200, 1)
    async with bridge.store.begin() as tx:
        shown = await tx.snapshots.last(ACCOUNT)
    assert shown is not None
    assert shown.positions == []
    ea.run = "20261121-second-run"
    await sync(ea, sync_no=1)
    async with bridge.store.begin() as tx:
        shown = await tx.snapshots.last(ACCOUNT)
    assert shown is not None
    assert len(shown.positions) == 1


async def test_a_snapshot_of_another_login_is_refused(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    status, answer = await sync(ea, account=account(login=77))
    assert (status, answer["error"]["code"]) == (403, "account_refused")
    assert await bridge.sql("SELECT 1 FROM ea_snapshot") == []


async def test_a_daily_loss_halts_in_the_request_that_shows_it(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea = await bridge.joined()
    await sync(ea, account=account(equity=10_000))
    await bridge.put(opening("fetched", "order-1"))
    assert len(await ea.fetch(hold_ms=0)) == 1
    await bridge.put(opening("queued", "order-2"))
    status, _ = await sync(ea, account=account(equity=9_000))
    assert status == 200
    async with bridge.store.begin() as tx:
        control = await tx.controls.read()
        terminal = await tx.terminals.read(ACCOUNT)
        history = await tx.history.list(limit=5)
    assert (control.state, control.reason) == (TradingState.HALTED, "daily_loss")
    assert terminal is not None
    assert terminal.daily_loss_percent == Decimal("10.00")
    assert [str(d.entry.action) for d in history] == ["ai_halted"]
    found = await bridge.sql("SELECT id, state, lookup_only FROM ea_command WHERE type = 'OPEN'")
    assert {row["id"]: (row["state"], row["lookup_only"]) for row in found} == {
        "fetched": ("leased", True),
        "queued": ("cancelled", False),
    }
    # What reaches the terminal now is the order to pause, and no open.
    assert [command["type"] for command in await ea.fetch(hold_ms=0)] == ["PAUSE"]
    await bridge.sql("UPDATE ea_command SET lease_until = lease_until - interval '31 s'")
    asked = {command["id"]: command for command in await ea.fetch(hold_ms=0)}
    assert asked["fetched"]["lookup_only"] is True


async def test_a_limit_that_is_reached_again_does_not_halt_again(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea = await bridge.joined()
    await sync(ea, account=account(equity=10_000))
    for _ in range(3):
        await sync(ea, account=account(equity=9_000))
    async with bridge.store.begin() as tx:
        assert len(await tx.history.list(limit=5)) == 1


async def test_the_terminal_is_asked_for_what_is_missing(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    assert ea.settings["names"] is True
    await sync(ea, names=["EURUSD", "GOLD", "GOLDmicro"], candles=[], symbols=[])
    await ea.beat(paused=False)
    wanted = {"symbol": "GOLD", "timeframe": "M15", "count": 300}
    assert (ea.settings["names"], ea.settings["symbols"]) == (False, ["GOLD"])
    assert (ea.settings["candles"], ea.settings["sync_now"]) == ([wanted], True)
    await sync(ea)
    await ea.beat(paused=False)
    assert ea.settings["candles"] == [{**wanted, "count": 3}]
    rows = [[1795271400 + 900 * i, 1, 2, 1, 2, 5] for i in (0, 1, 2)]
    await sync(ea, candles=[{"symbol": "GOLD", "timeframe": "M15", "rows": rows}])
    await ea.beat(paused=False)
    assert ea.settings["candles"] == [{**wanted, "count": 3}]
    later = [[time + 9_000, *rest] for time, *rest in rows]
    await sync(ea, candles=[{"symbol": "GOLD", "timeframe": "M15", "rows": later}])
    await ea.beat(paused=False)
    assert ea.settings["candles"] == [wanted]


async def test_candles_replace_what_they_overlap(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    first, *_ = request("/ea/sync")["candles"]
    start = first["rows"][0][0]
    rows = [[start + 900 * i, 10, 20, 5, 10 + i, i] for i in range(4)]
    await sync(ea, candles=[{**first, "rows": rows}])
    await sync(ea, candles=[{**first, "rows": [[*rows[1][:4], 15, 9], rows[3]]}])
    async with bridge.store.begin() as tx:
        found = await tx.snapshots.candles(ACCOUNT, "GOLD", Timeframe.M15, count=9)
    assert [(int(row[4]), row[5]) for row in found] == [(10, 0), (15, 9), (13, 3)]


async def test_old_raw_snapshots_go(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    await sync(ea)
    await bridge.age_raw(6)
    await sync(ea)
    assert len(await bridge.sql("SELECT 1 FROM ea_snapshot")) == 2
    await bridge.age_raw(2)
    await sync(ea)
    assert len(await bridge.sql("SELECT 1 FROM ea_snapshot")) == 2


async def test_a_deal_that_shows_late_is_recorded_once_and_told(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea = await bridge.joined()
    await bridge.put(opening("a", "order-1"))
    (command,) = await ea.fetch(hold_ms=0)
    await ea.tell(command, status="not_executed", reason="no_trace")
    deal = {**request("/ea/sync")["deals"][0], "magic": ea.magic_base + command["seq"]}
    for _ in range(2):
        await sync(ea, deals=[deal])
    assert await bridge.alerts() == ["late_deal"]
    async with bridge.store.begin() as tx:
        (decision,) = await tx.history.list(limit=5)
    assert decision.entry.risk_check_result == "fail:late_deal"


# ---- pure


@pytest.mark.parametrize(
    ("symbol", "names", "wanted"),
    [
        ("XAUUSD", ["GOLD", "XAUUSD"], "XAUUSD"),
        ("XAUUSD", ["GOLD", "SILVER"], "GOLD"),
        ("EURUSD", ["EURUSD.vip", "GBPUSD.vip"], "EURUSD.vip"),
        ("EURUSD", ["EURUSDm", "EURUSD.vip"], None),
        ("EURUSD", ["eurusd"], "eurusd"),
        ("EURUSD", [], None),
    ],
)
def test_a_name_is_matched_only_where_it_is_clear(
    symbol: str, names: list[str], wanted: str | None
) -> None:
    assert matched(symbol, names) == wanted


def test_a_zone_knows_the_offset_of_another_season() -> None:
    from zoneinfo import ZoneInfo

    winter = datetime(2026, 1, 15, 12, tzinfo=UTC)
    clock = BrokerTime(offset_seconds=10_800, zone=ZoneInfo("Europe/Athens"))
    wall = int(winter.timestamp()) + 7_200
    assert clock.utc(wall) == winter
    assert clock.seconds(winter) == wall
    assert replace(clock, zone=None).utc(wall) == winter - timedelta(hours=1)


@pytest.mark.parametrize(
    ("ahead", "wanted"),
    [(7200.0, 7200), (7190.5, 7200), (-17_999.0, -18_000), (7300.0, None), (200_000.0, None)],
)
def test_a_fresh_tick_shows_the_offset(ahead: float, wanted: int | None) -> None:
    now = datetime(2026, 1, 15, 12, tzinfo=UTC)
    assert offset_of(int((now.timestamp() + ahead) * 1000), now) == wanted
