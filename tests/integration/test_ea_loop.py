"""From the terminal's candles to an approved trade in the terminal's hands, and back."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.endpoint import build_endpoint
from bot.settings import Settings
from bot.talk import build_talk
from bot.venues import parse_symbols
from bot.wiring import build_work
from bot.world import build_world
from broker.feeds.recorded import shipped_recording
from broker.feeds.terminal import TerminalCalendar, TerminalMarket
from ea.app import create_app
from engine.domain.idea import IdeaStatus
from engine.domain.market import Timeframe
from engine.domain.order import OrderState
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, TradingState
from engine.errors import FeedError, InvalidInput, NotFound
from engine.flow.approvals import Choice
from engine.strategies.documents import shipped
from storage.seed import seed
from tests.conftest import Database
from tests.integration.conftest import ANN, START, RecordingBell
from tests.integration.ea import Bridge, bridge  # noqa: F401
from tests.terminals import Ea, request

HOUR = 3600


class Then:
    """A clock that stands where the recording does."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


def shown(ea: Ea, candles: list[Any]) -> dict[str, Any]:
    """A snapshot of a euro with these candles, on a broker's clock two hours ahead."""
    example, price = request("/ea/sync"), candles[-1].close
    wall = int(candles[-1].time.timestamp()) + HOUR + 7200
    euro = {
        **example["symbols"][0], "name": "EURUSD.vip", "base": "EUR", "profit": "USD",
        "digits": 5, "point": 0.00001, "tick_size": 0.00001, "tick_value": 1,
        "contract_size": 100_000, "bid": float(price), "ask": float(price + Decimal("0.00008")),
        "tick_ms": wall * 1000, "margin_per_lot": 3000, "stops_level": 0,
    }  # fmt: skip
    rows = [
        [
            int(c.time.timestamp()) + 7200,
            *(float(p) for p in (c.open, c.high, c.low, c.close)),
            c.volume,
        ]
        for c in candles
    ]
    stream = {"symbol": "EURUSD.vip", "timeframe": "H1", "rows": rows}
    calendar = {"from": wall - 86_400, "to": wall + 8 * 86_400, "events": []}
    ea.sync_no += 1
    return {
        "sync_no": ea.sync_no, "symbols": [euro], "candles": [stream], "positions": [],
        "deals": [], "names": ["EURUSD.vip"], "calendar": calendar,
        "clock": {"gmt": wall - 7200, "trade_server": wall, "offset_s": 7200},
    }  # fmt: skip


async def test_an_approved_idea_is_traded_by_the_terminal(opened: Database) -> None:
    control = Control(state=TradingState.RUNNING, reason="test", changed_at=START)
    risk = RiskSettings(min_confidence_threshold=Decimal(60), daily_profit_target=Decimal(0))
    await seed(shipped(), risk, control)
    settings = Settings(  # type: ignore[call-arg]
        _env_file=None, broker="mt_bridge", account_id="live-1", ea_symbols="EURUSD:H1",
        database_url=opened.url,
    )  # fmt: skip
    then, bell = Then(), RecordingBell()
    world = build_world(settings)
    assert isinstance(world.market, TerminalMarket)
    world = replace(world, market=replace(world.market, clock=then))
    async with world.store.begin() as tx:
        await tx.people.save(ANN)
    work, talk = build_work(world, bell), build_talk(world, bell, claim_code="code-of-the-test")
    app = create_app(build_endpoint(settings, world, bell))
    async with TestClient(TestServer(app)) as client:
        ea = Ea(client)
        code, _ = await talk.issue_code(ANN.id, await talk.issue_code.mark())
        assert (await ea.register(code))[0] == 200
        assert (await ea.beat(paused=False, last_seq=0))[0] == 200
        idea = await _until_idea(ea, world, work, then)
        began = asyncio.get_running_loop().time()
        await talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
        order = await _traded(ea, world, work, bell, idea.id)
        assert asyncio.get_running_loop().time() - began < 5
    assert order.state is OrderState.ACKED
    assert ea.executed
    assert order.fill_price == ea.seen[0]["price"]
    assert sum(c["volume"] for c in ea.seen) == order.volume
    await world.signals.close()


async def _until_idea(ea: Ea, world: Any, work: Any, then: Then) -> Any:
    """Show the shipped candles, one more each time, until there is an idea to answer."""
    recorded = list(shipped_recording().candles)
    for end in range(306, 706):
        then.at = recorded[end - 1].time + timedelta(hours=1)
        count = 300 if end == 306 else 3
        status, answer = await ea.post("/ea/sync", **shown(ea, recorded[end - count : end]))
        assert status == 200, answer
        for decision in await work.run_cycle("EURUSD", Timeframe.H1):
            if decision.entry.idea_id is None:
                continue
            async with world.store.begin() as tx:
                idea = await tx.ideas.get(decision.entry.idea_id)
            if idea.status is IdeaStatus.NEEDS_APPROVAL:
                return idea
    raise AssertionError("no idea in 400 candles")


async def _traded(ea: Ea, world: Any, work: Any, bell: RecordingBell, idea_id: Any) -> Any:
    jobs = [ids for job, *ids in bell.rung if job == "send_order"]
    task = asyncio.ensure_future(work.send_order(*jobs[-1]))
    while not task.done():
        await ea.work(hold_ms=500)
    return await task


async def test_the_market_is_what_the_terminal_shows(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    at = datetime.fromtimestamp(1795271400 - 7200, UTC)
    market = TerminalMarket(store=bridge.store, account_id="live-1", clock=lambda: at)
    calendar = TerminalCalendar(store=bridge.store, account_id="live-1")
    with pytest.raises(FeedError):
        await market.candles("XAUUSD", Timeframe.M15, 5)
    with pytest.raises(FeedError, match="nothing yet"):
        await market.instrument("XAUUSD")
    assert await calendar.around(at) is None
    await ea.post("/ea/sync", names=["GOLD"])
    (candle,) = await market.candles("XAUUSD", Timeframe.M15, 5)
    assert (candle.time, str(candle.close), candle.volume) == (at, "2385.20", 412)
    assert await market.candles_since("XAUUSD", Timeframe.M15, at) == ()
    before = at - timedelta(hours=1)
    assert await market.candles_since("XAUUSD", Timeframe.M15, before) == (candle,)
    quote = await market.quote("XAUUSD")
    assert quote is not None
    assert (quote.bid, quote.ask) == (Decimal("2386.55"), Decimal("2386.85"))
    assert list(await market.rates(["XAUUSD", "EURUSD"])) == ["XAUUSD"]
    assert str(quote.bid) == "2386.55"
    with pytest.raises(NotFound):
        await market.instrument("EURUSD")
    gold = await market.instrument("XAUUSD")
    assert (gold.base, gold.quote, gold.pip) == ("XAU", "USD", Decimal("0.1"))
    assert gold.stops_level == Decimal("0.30")
    # 596.34 for a lot of 100 ounces at 2386.85: leverage 400.
    assert round(gold.margin_rate, 5) == Decimal("0.00250")
    view = await calendar.around(at)
    assert view is not None
    (event,) = view.events
    assert (event.title, event.forecast, event.actual) == ("Nonfarm Payrolls", "110000", "")
    assert await calendar.around(at + timedelta(days=30)) is None


def test_symbols_are_told_with_their_names_and_timeframes() -> None:
    watched = parse_symbols("XAUUSD=GOLD:M15, EURUSD:H1,XAUUSD=GOLD:H4")
    assert watched.symbols == ("XAUUSD", "EURUSD")
    assert watched.names == {"XAUUSD": "GOLD"}
    assert watched.streams[2] == ("XAUUSD", Timeframe.H4)
    for wrong in ("", "EURUSD", "EURUSD:H3", ":H1"):
        with pytest.raises(InvalidInput):
            parse_symbols(wrong)
