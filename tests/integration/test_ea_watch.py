"""The terminal falls silent and is back; a trade whose time is up is closed at the terminal."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.i18n import Words
from bot.settings import Settings
from bot.talk import build_talk
from bot.views.ea import alert
from bot.world import build_world
from broker.feeds.terminal import TerminalMarket
from engine.domain.order import OrderState
from engine.domain.position_orders import PositionOrderState
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, TradingState
from engine.domain.strategy import BreakEven, ExitRules, PartialClose
from engine.flow.latch import stop_unrecorded
from engine.flow.managing import ManagePositions
from engine.flow.position_sending import SendPositionOrder
from engine.flow.terminal_watch import WatchTerminal
from engine.flow.time_limits import CloseOnTime
from engine.strategies.documents import shipped
from storage.seed import seed
from tests.builders import idea, strategy
from tests.conftest import Database
from tests.integration.conftest import START, RecordingBell
from tests.integration.ea import ACCOUNT, Bridge, bridge  # noqa: F401
from tests.integration.test_ea_trading import Desk, desk  # noqa: F401
from tests.terminals import filled, request


async def rows(bridge: Bridge) -> list[tuple[str, bool]]:  # noqa: F811
    found = await bridge.sql(
        "SELECT payload -> 'detail' ->> 'what' AS what, is_resolved FROM outbox"
        " WHERE kind = 'terminal' ORDER BY id"
    )
    return [(row["what"], row["is_resolved"]) for row in found]


async def silence(bridge: Bridge, seconds: int) -> None:  # noqa: F811
    """The last heartbeat was so long ago."""
    await bridge.sql(
        "UPDATE ea_terminal SET document = jsonb_set(document, '{beat_at}',"
        f" to_jsonb(now() - interval '{seconds} s'))"
    )


async def test_a_silence_is_told_once_and_so_is_its_end(bridge: Bridge) -> None:  # noqa: F811
    look = WatchTerminal(store=bridge.store, account_id=ACCOUNT)
    assert await look() is False
    ea = await bridge.joined()
    assert await look() is False
    await silence(bridge, 14)
    assert await look() is False
    assert await rows(bridge) == []
    await silence(bridge, 16)
    for _ in range(3):
        assert await look() is True
    assert await rows(bridge) == [("lost", False)]
    await ea.beat(paused=False, last_seq=0)
    for _ in range(3):
        assert await look() is False
    assert await rows(bridge) == [("lost", False), ("lost", True)]


@pytest.mark.parametrize(("positions", "told"), [(0, False), (1, True)])
async def test_a_silence_matters_while_trading_is_on_or_a_trade_is_open(
    bridge: Bridge,  # noqa: F811
    positions: int,
    told: bool,
) -> None:
    ea = await bridge.joined()
    shown = request("/ea/sync")["positions"][:positions]
    assert (await ea.post("/ea/sync", sync_no=1, positions=shown))[0] == 200
    async with bridge.store.begin() as tx:
        control = await stop_unrecorded(tx, by="test")
    assert control.state is TradingState.EMERGENCY_STOP
    await silence(bridge, 60)
    assert await WatchTerminal(store=bridge.store, account_id=ACCOUNT)() is told
    assert ("lost", False) in await rows(bridge) or not told


@pytest.mark.parametrize("language", ["en", "es", "pt-BR", "de", "ru", "ar"])
def test_the_alert_says_whose_terminal_and_for_how_long(language: str) -> None:
    detail = {"what": "lost", "account_id": "live-1", "seconds": 17}
    text = alert(Words(language), detail)
    assert "live-1" in text
    assert "MetaTrader" in text


async def _held(desk: Desk, minutes: int | None, opened_ago: int) -> None:  # noqa: F811
    """A trade of ours is open since so many minutes."""
    order = replace(desk.order(), time_limit_min=minutes, state=OrderState.ACKED)
    async with desk.bridge.store.begin() as tx:
        await tx.ideas.add(idea(id=order.idea_id))
        await tx.orders.add(order)
    await desk.served(desk.venue.submit(desk.order()))
    opened = int((datetime.now(UTC) - timedelta(minutes=opened_ago)).timestamp()) + 7200
    magic = desk.ea.magic_base + desk.ea.seen[0]["seq"]
    desk.positions = [{**request("/ea/sync")["positions"][0], "magic": magic, "time": opened}]
    await desk.sync()


@pytest.mark.parametrize(("minutes", "closes"), [(None, 0), (90, 0), (30, 1)])
async def test_a_trade_whose_time_is_up_is_closed_once(
    desk: Desk,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    minutes: int | None,
    closes: int,
) -> None:
    await _held(desk, minutes, opened_ago=60)
    store, bell = desk.bridge.store, desk.bridge.bell
    market = TerminalMarket(
        store=store,
        account_id=ACCOUNT,
        clock=lambda: datetime.now(UTC),
    )
    parts = {"store": store, "broker": desk.venue, "market": market, "bell": bell}
    close_on_time, send = CloseOnTime(**parts), SendPositionOrder(**parts)  # type: ignore[arg-type]
    desk.ea.seen.clear()
    for state in (TradingState.EMERGENCY_STOP, TradingState.RUNNING):
        async with store.begin() as tx:
            control = await tx.controls.hold()
            at = await tx.now()
            await tx.controls.save(control.move(state, reason="test", by="test", at=at))
        if state is TradingState.EMERGENCY_STOP:
            assert await close_on_time() == ()
    added = await close_on_time()
    assert len(added) == closes
    assert await close_on_time() == ()
    if not closes:
        return
    desk.ea.broker = lambda c: {**filled(c), "volume": 0.1, "price": 2390.1, "remaining": 0}
    order = await desk.served(send(added[0].client_id))
    assert order.state is PositionOrderState.DONE
    assert (order.price, order.volume_closed) == (Decimal("2390.1"), Decimal("0.1"))
    assert [c["type"] for c in desk.ea.seen] == ["CLOSE"]
    async with store.begin() as tx:
        told = await tx.history.list(idea_id=order.idea_id, limit=10)
    records = [(str(d.entry.action), d.entry.actor, d.entry.human_override) for d in told]
    assert ("position_ordered", "system", False) in records
    assert ("position_changed", "system", False) in records


async def test_the_status_is_readable_before_any_terminal_is_connected(
    opened: Database,
) -> None:
    control = Control(state=TradingState.RUNNING, reason="test", changed_at=START)
    await seed(shipped(), RiskSettings(), control)
    settings = Settings(  # type: ignore[call-arg]
        _env_file=None, broker="mt_bridge", account_id=ACCOUNT, ea_symbols="XAUUSD=GOLD:M15",
        database_url=opened.url,
    )  # fmt: skip
    world = build_world(settings)
    talk = build_talk(world, RecordingBell(), claim_code="code-of-the-test")
    status = await talk.read_status(None)
    assert (status.account, status.watched) == (None, ())
    assert status.control.state is TradingState.RUNNING
    await world.signals.close()


async def test_a_stop_is_moved_and_a_part_closed_at_the_terminal_by_rules(
    desk: Desk,  # noqa: F811
) -> None:
    store = desk.bridge.store
    await seed(
        (), RiskSettings(),
        Control(state=TradingState.PAUSED, reason="test", changed_at=START),
    )  # fmt: skip
    rules = ExitRules(
        "2 * atr", ("RR>=2",), break_even=BreakEven("0.1 R", "10 points"),
        partial_close=(PartialClose("0.1 R", 50),),
    )  # fmt: skip
    async with store.begin() as tx:
        await tx.settings.save_strategy(strategy(exit_rules=rules), by="test", reason="test")
    await _held(desk, None, opened_ago=60)
    market = TerminalMarket(store=store, account_id=ACCOUNT, clock=lambda: datetime.now(UTC))
    parts = {"store": store, "broker": desk.venue, "market": market, "bell": desk.bridge.bell}
    manage, send = ManagePositions(**parts), SendPositionOrder(**parts)  # type: ignore[arg-type]
    # Opened at 2385.30 with the stop at 2378.50, the bid at 2386.55: at 0.18 R.
    added = await manage()
    assert [(order.rule, order.stop_loss, order.volume_left) for order in added] == [
        ("break_even", Decimal("2385.40"), None), ("partial_target", None, Decimal("0.05")),
    ]  # fmt: skip
    desk.ea.seen.clear()
    desk.ea.broker = lambda c: {**filled(c), "volume": 0.05, "price": 2386.5, "remaining": 0.05}
    done = [await desk.served(send(order.client_id)) for order in added]
    assert [order.state for order in done] == [PositionOrderState.DONE] * 2
    moved, closed = desk.ea.seen
    assert (moved["type"], str(moved["sl"])) == ("MOVE_SL", "2385.40")
    assert (closed["type"], str(closed["keep"])) == ("CLOSE", "0.05")
    assert await manage() == ()
