"""A recorded market: it moves at its pace, for one of all who push, and shows only what closed."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from broker.feeds.no_news import NoNews
from broker.feeds.recorded import RecordedMarket, Recording
from engine.domain.market import Timeframe
from engine.errors import InvalidInput, NotFound
from tests.builders import HOUR, NOW, candle
from tests.fakes import MemoryLedger

PACE = timedelta(seconds=5)
TAPE = tuple(candle(NOW + HOUR * i, close=f"1.1000{i}") for i in range(5))


class Wall:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = datetime.fromisoformat("2026-01-31T09:00:00+00:00")

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, length: timedelta) -> None:
        self.now += length


def recording(candles=TAPE):
    return Recording(name="five", symbol="EURUSD", timeframe=Timeframe.H1, candles=candles)


def market(start=2, ledger=None):
    return RecordedMarket(recording(), ledger or MemoryLedger(), start=start)


async def test_the_market_time_is_when_the_last_played_candle_closed():
    assert await market(start=1).instant() == NOW + HOUR
    assert await market(start=4).instant() == NOW + 4 * HOUR


async def test_only_closed_candles_are_seen():
    seen = market(start=3)
    assert await seen.candles("EURUSD", Timeframe.H1, 2) == TAPE[1:3]
    assert await seen.candles("EURUSD", Timeframe.H1, 300) == TAPE[:3]
    assert await seen.candles_since("EURUSD", Timeframe.H1, TAPE[0].time) == TAPE[1:3]
    assert await seen.candles_since("EURUSD", Timeframe.H1, TAPE[0].time - HOUR) == TAPE[:3]
    assert await seen.candles_since("EURUSD", Timeframe.H1, TAPE[2].time) == ()
    assert await seen.candles_since("EURUSD", Timeframe.H1, TAPE[4].time) == ()


async def test_the_quote_is_the_last_close_and_the_spread_above_it():
    found = await market(start=3).quote("EURUSD")
    assert found is not None
    assert (found.bid, found.ask) == (Decimal("1.10002"), Decimal("1.10010"))
    assert found.time == NOW + 3 * HOUR


async def test_the_tape_moves_one_candle_a_pace():
    wall, tape = Wall(), market()
    assert await tape.advance(wall, PACE) == TAPE[2]
    assert await tape.advance(wall, PACE) is None
    wall.pass_(PACE - timedelta(microseconds=1))
    assert await tape.advance(wall, PACE) is None
    wall.pass_(timedelta(microseconds=1))
    assert await tape.advance(wall, PACE) == TAPE[3]
    assert await tape.played() == 4


async def test_a_long_absence_is_one_candle_not_many():
    wall, tape = Wall(), market()
    await tape.advance(wall, PACE)
    wall.pass_(100 * PACE)
    assert await tape.advance(wall, PACE) == TAPE[3]
    assert await tape.advance(wall, PACE) is None


async def test_of_all_who_push_only_one_moves_the_tape():
    wall, ledger = Wall(), MemoryLedger()
    workers = [market(ledger=ledger) for _ in range(8)]
    moved = await asyncio.gather(*(worker.advance(wall, PACE) for worker in workers))
    assert [candle_ for candle_ in moved if candle_ is not None] == [TAPE[2]]
    assert {await worker.played() for worker in workers} == {3}


async def test_the_tape_is_not_moved_on_from_where_the_caller_has_not_been():
    wall, ledger = Wall(), MemoryLedger()
    one, other = market(ledger=ledger), market(ledger=ledger)
    seen = await one.instant()
    assert await other.advance(wall, PACE, after=seen) == TAPE[2]
    wall.pass_(PACE)
    assert await one.advance(wall, PACE, after=seen) is None
    assert await one.advance(wall, PACE, after=await one.instant()) == TAPE[3]


async def test_at_the_end_the_market_stands_still():
    wall, tape = Wall(), market(start=4)
    assert await tape.advance(wall, PACE) == TAPE[4]
    wall.pass_(PACE)
    assert await tape.advance(wall, PACE) is None
    assert await tape.played() == 5
    assert await tape.instant() == NOW + 5 * HOUR


async def test_a_rest_holds_the_tape_for_a_pace():
    wall, tape = Wall(), market()
    await tape.rest(wall)
    assert await tape.played() == 2
    wall.pass_(PACE - timedelta(seconds=1))
    assert await tape.advance(wall, PACE) is None
    await tape.rest(wall)
    wall.pass_(PACE - timedelta(seconds=1))
    assert await tape.advance(wall, PACE) is None
    wall.pass_(timedelta(seconds=1))
    assert await tape.advance(wall, PACE) == TAPE[2]


async def test_the_place_outlives_the_process():
    wall, ledger = Wall(), MemoryLedger()
    await market(ledger=ledger).advance(wall, PACE)
    assert await market(start=1, ledger=ledger).played() == 3


@pytest.mark.parametrize("start", [-1, 0, 5, 6])
def test_a_recording_starts_inside_itself(start):
    with pytest.raises(InvalidInput, match=f"cannot start at {start}"):
        market(start=start)


async def test_another_symbol_or_timeframe_is_not_in_the_recording():
    seen = market()
    with pytest.raises(NotFound, match="no H4 candles of EURUSD"):
        await seen.candles("EURUSD", Timeframe.H4, 1)
    with pytest.raises(NotFound):
        await seen.candles_since("EURUSD", Timeframe.M1, NOW)
    for ask in (seen.quote, seen.instrument):
        with pytest.raises(NotFound, match="no H1 candles of GBPUSD"):
            await ask("GBPUSD")
    assert (await seen.instrument("EURUSD")).symbol == "EURUSD"


async def test_a_recording_has_no_headlines():
    assert await NoNews().latest(NOW) == ()
