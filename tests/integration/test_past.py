"""The past that an installation keeps: a whole recording, or what was stored of a venue."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.backtest_reports import stored
from bot.past import past_of
from bot.playing import PlayApart
from bot.settings import Settings
from broker.feeds.recorded import shipped_recording
from broker.feeds.stored import StoredMarket
from engine.domain.backtest import Wish
from engine.domain.market import Timeframe
from engine.errors import InvalidInput
from engine.research.plan import plan_of
from tests.conftest import Database
from tests.integration.conftest import Desk

KEY = ("EURUSD", Timeframe.H1)


async def test_a_recording_is_tried_on_as_a_whole(desk: Desk, database: Database) -> None:
    settings = Settings(_env_file=None, database_url=database.url)  # type: ignore[call-arg]
    past = await stored(settings, "EURUSD", None)
    assert past.source == shipped_recording().name
    assert len(past.columns) == len(shipped_recording().candles)
    with pytest.raises(InvalidInput, match="is not watched here, but EURUSD H1"):
        await stored(settings, "GBPUSD", None)
    with pytest.raises(InvalidInput, match="holds H1 candles of EURUSD"):
        await stored(settings, "EURUSD", Timeframe.M5)


async def test_what_workers_stored_of_a_venue_is_played(desk: Desk) -> None:
    store, candles = desk.world.store, shipped_recording().candles[:900]
    market = StoredMarket(
        store=store, remote=desk.world.market, source="venue:here", watched=(KEY,)
    )
    world = replace(desk.world, market=market)
    with pytest.raises(InvalidInput, match="no H1 candles of EURUSD are stored here"):
        await past_of(world, *KEY)
    async with store.begin() as tx:
        await tx.streams.enlist(market.source, [KEY])
        (state,) = await tx.streams.take(
            market.source, [KEY], most=1, lease=timedelta(minutes=1), holder="test"
        )
        await tx.candles.put(state.number, candles)
    past = await past_of(world, *KEY)
    assert (past.source, len(past.columns)) == ("venue:here", 900)
    async with store.begin() as tx:
        version, settings = await tx.settings.risk()
        book = await tx.settings.strategies()
    wish = Wish(symbol=KEY[0], timeframe=KEY[1], strategy="EMA trend", quiet=True)
    plan = plan_of(wish, book, settings, version, source=past.source, calendar=None)
    played = await PlayApart(world)(plan)
    assert played.trades > 3
