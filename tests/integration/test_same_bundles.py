"""The same bars through every way in give the same bundles, bit for bit.

A new venue joins by a row in ``SOURCES``: it is given the shipped candles that have closed, shows
them in its own manner, and its adapter is read through the ingestion.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.endpoint import build_endpoint
from bot.settings import Settings
from bot.talk import build_talk
from bot.world import build_world
from broker.feeds.csv_candles import write_candles
from broker.feeds.no_news import NoNews
from broker.feeds.recorded import RecordedMarket, read_recording, shipped_recording
from broker.feeds.stored import StoredMarket
from broker.oanda.market import written
from ea.app import create_app
from engine.domain.market import Candle, Timeframe
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import Bundle, CalendarView
from engine.domain.state import Control, TradingState
from engine.flow.ingest import IngestCandles
from engine.snapshot.canonical import canonical, plain
from engine.snapshot.collect import Collect
from engine.snapshot.indicators import WINDOW
from engine.strategies.documents import shipped
from storage.seed import seed
from storage.transaction import PostgresStore
from tests.benchmarks.still import StillBroker
from tests.binance.exchange import euro
from tests.binance.rig import rigged
from tests.conftest import Database
from tests.fakes import MemoryLedger
from tests.integration.conftest import ANN, START, RecordingBell
from tests.integration.test_ea_loop import shown
from tests.oanda.rig import rigged as oanda_rigged
from tests.tapes import Tape, Tapes, tape
from tests.terminals import Ea

STREAM = ("EURUSD", Timeframe.H1)
HOUR = timedelta(hours=1)
#: How many candles have closed at each look; the last two are on either side of a weekend.
LOOKS = (700, 701, 780, 781)
BARS = shipped_recording().candles

#: Answers the market when so many candles have closed.
Show = Callable[[int], Awaitable[Any]]


@dataclass(frozen=True)
class Place:
    """Where a source may keep things."""

    opened: Database
    folder: Path


def closed_at(played: int) -> datetime:
    """When the last of so many candles closed."""
    return BARS[played - 1].time + HOUR


def ingested(remote: Any) -> Show:
    """A remote market whose candles are read through the ingestion, by a new worker each time."""
    store = PostgresStore()
    ingest = IngestCandles(
        store=store, source=remote, name="venue", watched=(STREAM,), bell=RecordingBell(),
        holder="test", every=timedelta(),
    )  # fmt: skip
    market = StoredMarket(store=store, remote=remote, source="venue", watched=(STREAM,))

    async def show(_: int) -> Any:
        await ingest.spread()
        (done,) = await ingest()
        assert (done.error, done.is_closed) == (None, True)
        return market

    return show


@asynccontextmanager
async def recording(_: Place) -> AsyncIterator[Show]:
    async def show(played: int) -> Any:
        return RecordedMarket(shipped_recording(), MemoryLedger(), start=played)

    yield show


@asynccontextmanager
async def file(place: Place) -> AsyncIterator[Show]:
    """A file of one's own, as ``ai-trader import`` writes it."""

    async def show(played: int) -> Any:
        path = place.folder / "eurusd-h1.csv"
        write_candles(path, BARS[: played + 1])
        return RecordedMarket(read_recording(path), MemoryLedger(), start=played)

    yield show


@asynccontextmanager
async def terminal(place: Place) -> AsyncIterator[Show]:
    """An Expert Advisor, over HTTP, on a broker's clock that is two hours ahead."""
    settings = Settings(  # type: ignore[call-arg]
        _env_file=None, broker="mt_bridge", account_id="live-1", ea_symbols="EURUSD:H1",
        database_url=place.opened.url,
    )  # fmt: skip
    world = build_world(settings)
    talk = build_talk(world, RecordingBell(), claim_code="code-of-the-test")
    async with TestClient(
        TestServer(create_app(build_endpoint(settings, world, RecordingBell())))
    ) as client:
        ea = Ea(client)
        code, _ = await talk.issue_code(ANN.id, await talk.issue_code.mark())
        assert (await ea.register(code))[0] == 200
        assert (await ea.beat(paused=False, last_seq=0))[0] == 200
        before = LOOKS[0] - WINDOW

        async def show(played: int) -> Any:
            nonlocal before
            status, answer = await ea.post("/ea/sync", **shown(ea, list(BARS[before:played])))
            assert status == 200, answer
            before = played - 3
            return world.market

        yield show
    await world.signals.close()


@asynccontextmanager
async def venue(_: Place) -> AsyncIterator[Show]:
    """Any remote venue, as its port shows it."""
    tapes = Tapes({"EURUSD": tape("EURUSD", scale="1", later=0, spread_pips="0.8")}, played=0)
    read = ingested(tapes)

    async def show(played: int) -> Any:
        tapes.played = played
        return await read(played)

    yield show


@asynccontextmanager
async def binance(_: Place) -> AsyncIterator[Show]:
    """The adapter of Binance over its stand-in, by HTTP."""
    async with rigged() as rig:
        rig.exchange.add(euro())
        read = ingested(rig.market())

        async def show(played: int) -> Any:
            rig.shift = closed_at(played) + timedelta(seconds=1) - datetime.now(UTC)
            # The exchange shows the candle that has not closed as well.
            rig.server.klines = [kline(bar) for bar in BARS[: played + 1]]
            return await read(played)

        yield show


def kline(bar: Candle) -> list[Any]:
    """A candle as Binance writes it."""
    opened = int(bar.time.timestamp() * 1000)
    prices = [f"{price:.8f}" for price in (bar.open, bar.high, bar.low, bar.close)]
    ends = opened + int(HOUR.total_seconds()) * 1000 - 1
    return [opened, *prices, "1.0", ends, "1.0", bar.volume, "1.0", "1.0", "0"]


@asynccontextmanager
async def oanda(_: Place) -> AsyncIterator[Show]:
    """The adapter of OANDA over its stand-in, by HTTP."""
    async with oanda_rigged() as rig:
        read = ingested(rig.market())

        async def show(played: int) -> Any:
            rig.shift = closed_at(played) + timedelta(seconds=1) - datetime.now(UTC)
            rows = [oanda_row(bar, complete=True) for bar in BARS[:played]]
            rig.server.candles = [*rows, oanda_row(BARS[played], complete=False)]
            return await read(played)

        yield show


def oanda_row(bar: Candle, *, complete: bool) -> dict[str, Any]:
    """A candle of bids as OANDA writes it."""
    names = {"o": bar.open, "h": bar.high, "l": bar.low, "c": bar.close}
    prices = {name: f"{price:.5f}" for name, price in names.items()}
    return {
        "complete": complete, "volume": bar.volume, "time": written(bar.time), "bid": prices,
    }  # fmt: skip


SOURCES: dict[str, Callable[[Place], AbstractAsyncContextManager[Show]]] = {
    "file": file, "terminal": terminal, "venue": venue, "binance": binance, "oanda": oanda,
}  # fmt: skip


class Beside:
    """The port ``MarketData``: candles of one market, all else of the recording, so that whole
    bundles can be compared.
    """

    def __init__(self, candles: Any, rest: RecordedMarket) -> None:
        self.candles, self.candles_since = candles.candles, candles.candles_since
        self._rest = rest

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rest, name)


class _Calendar:
    async def around(self, instant: datetime) -> CalendarView:
        return CalendarView(events=(), known_until=instant + timedelta(days=7))


async def bundles(source: Any, place: Place) -> Sequence[Bundle]:
    """The bundle at each look."""
    made = []
    async with source(place) as show:
        for played in LOOKS:
            rest = RecordedMarket(shipped_recording(), MemoryLedger(), start=played)
            market: Any = Beside(await show(played), rest)
            collect = Collect(
                market=market, calendar=_Calendar(), news=NoNews(),
                broker=StillBroker(market), store=PostgresStore(),
            )  # fmt: skip
            made.append(await collect(*STREAM))
    return made


@pytest.fixture
async def place(opened: Database, tmp_path: Path) -> Place:
    control = Control(state=TradingState.RUNNING, reason="test", changed_at=START)
    await seed(shipped(), RiskSettings(), control)
    async with PostgresStore().begin() as tx:
        await tx.people.save(ANN)
    return Place(opened, tmp_path)


@pytest.mark.parametrize("name", SOURCES)
async def test_the_same_bars_give_the_same_bundles(name: str, place: Place) -> None:
    expected, found = await bundles(recording, place), await bundles(SOURCES[name], place)
    for played, ours, theirs in zip(LOOKS, expected, found, strict=True):
        assert theirs.instant == closed_at(played)
        assert len(theirs.candles) == WINDOW
        assert theirs.indicators.sma_200 is not None
        assert theirs.candles == ours.candles
        assert canonical(plain(theirs)) == canonical(plain(ours))


async def test_a_bundle_differs_when_one_digit_does(place: Place) -> None:
    """What the comparison above can see."""
    tapes = Tapes({"EURUSD": tape("EURUSD", scale="1", later=0, spread_pips="0.8")}, played=700)
    bars = list(tapes.tapes["EURUSD"].candles)
    old = bars[650]
    bars[650] = Candle(old.time, old.open, old.high, old.low, old.close, old.volume + 1)
    tapes.tapes = {"EURUSD": Tape(bars, tapes.tapes["EURUSD"].instrument, old.close)}

    @asynccontextmanager
    async def other(_: Place) -> AsyncIterator[Show]:
        async def show(played: int) -> Any:
            tapes.played = played
            return tapes

        yield show

    ours, theirs = await bundles(recording, place), await bundles(other, place)
    for one, another in zip(ours, theirs, strict=True):
        assert canonical(plain(one)) != canonical(plain(another))
