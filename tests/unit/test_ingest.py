"""Candles of a venue: what is asked for when, by whom, and what comes of it."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from bot.ingesting import cadence_of
from bot.settings import Settings
from engine.domain.market import Timeframe
from engine.domain.stream import StreamTrouble
from engine.errors import BrokerSilent, FeedError, InvalidInput, NotFound
from engine.flow.ingest import TOGETHER
from engine.flow.ingest_account import KeepAccount
from engine.flow.ingest_faults import FindStreamFaults
from engine.flow.retention import RetireCandles
from engine.snapshot.indicators import WINDOW
from engine.strategies.documents import shipped
from tests.builders import account
from tests.ingest_rig import EUR, EVERY, HOUR, MINUTE, NOW, SECOND, Bells, Rig, rigged


@pytest.fixture
def rig() -> Rig:
    return rigged()


async def test_the_first_time_what_indicators_need_then_what_closed_since(rig: Rig) -> None:
    done = await rig.turn()
    assert done is not None
    assert (done.new, done.is_closed, done.percent) == (WINDOW, True, None)
    assert await rig.turn() is None
    done = await rig.turn(HOUR + SECOND)
    assert done is not None
    assert (done.new, done.revised) == (1, 0)
    assert rig.venue.asked[1:] == [(*EUR, NOW - 4 * HOUR)]
    assert await rig.kept() == rig.times(NOW - WINDOW * HOUR)


async def test_a_stream_is_due_after_the_interval_or_when_its_candle_closes(rig: Rig) -> None:
    await rig.turn()
    rig.clock.now = NOW + HOUR - MINUTE / 2
    assert await rig.turn()
    assert await rig.turn(MINUTE / 2) is None
    done = await rig.turn(SECOND)  # a moment after the close
    assert done is not None
    assert done.new == 1
    assert await rig.turn(EVERY - SECOND) is None
    assert await rig.turn(SECOND)


async def test_a_venue_that_shows_a_candle_late_is_asked_again_soon(rig: Rig) -> None:
    await rig.turn()
    rig.venue.hidden.add(NOW)
    done = await rig.turn(HOUR + SECOND)
    assert done is not None
    assert not done.is_closed
    rig.venue.hidden.clear()
    done = await rig.turn(2 * SECOND)
    assert done is not None
    assert done.is_closed


async def test_what_the_venue_says_otherwise_is_a_revision(rig: Rig) -> None:
    await rig.turn()
    last = NOW - HOUR
    rig.venue.closes[last] = "1.15"
    done = await rig.turn(EVERY)
    assert done is not None
    assert (done.new, done.revised, done.is_closed) == (0, 1, False)
    async with rig.store.begin() as tx:
        assert (await tx.candles.last("venue", EUR, 1))[0].close == Decimal("1.15")
        before = await tx.candles.last("venue", EUR, 1, known_at=NOW)
        assert before[0].close == Decimal("1.1")


async def test_after_a_long_time_the_newest_candle_is_judged_and_none_before(rig: Rig) -> None:
    await rig.turn()
    rig.venue.page = 700
    done = await rig.turn(1500 * HOUR)
    closed = []
    while done is not None:
        closed.append((done.new, done.is_closed))
        done = await rig.turn()
    # Pages begin with candles that are known.
    assert closed == [(697, False), (697, False), (106, True)]
    assert await rig.kept() == rig.times(NOW - WINDOW * HOUR)


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (FeedError("away"), StreamTrouble.SILENT),
        (TimeoutError(), StreamTrouble.SILENT),
        (ConnectionResetError(), StreamTrouble.SILENT),
        (NotFound("no such symbol"), StreamTrouble.UNKNOWN),
        (KeyError("what"), StreamTrouble.BROKEN),
    ],
)
async def test_a_stream_that_fails_backs_off_shows_and_comes_back(
    rig: Rig, error: Exception, trouble: StreamTrouble
) -> None:
    await rig.turn()
    rig.venue.fails = [error, error]
    done = await rig.turn(EVERY)
    assert done is not None
    assert (done.trouble, done.error) == (trouble, error)
    find = FindStreamFaults(store=rig.store, name="venue", watched=(EUR,))  # type: ignore[arg-type]
    assert await rig.turn(4 * SECOND) is None
    assert await rig.turn(SECOND)
    assert await rig.turn(9 * SECOND) is None
    (finding,) = await find()
    assert finding.code == f"stream_{trouble}"
    facts = {"streams": "EURUSD H1", "count": 1, "minutes": 1, "failures": 2}
    assert finding.facts == facts
    done = await rig.turn(SECOND)
    assert done is not None
    assert done.trouble is None
    assert await find() == []


async def test_the_pause_grows_to_five_minutes_and_no_further(rig: Rig) -> None:
    rig.venue.fails = [FeedError("away") for _ in range(20)]
    for _ in range(15):
        await rig.turn(5 * MINUTE)
    assert await rig.turn(5 * MINUTE - SECOND) is None
    assert (await rig.state()).failures == 15
    assert (await rig.state()).good_at is None


async def test_who_was_followed_writes_nothing(rig: Rig) -> None:
    async def slow() -> None:
        rig.venue.meanwhile = None
        rig.clock.now += 61 * SECOND
        assert (await rig.ingest())[0].new == WINDOW

    rig.venue.meanwhile = slow
    done = await rig.turn()
    assert done is not None
    assert (done.is_ours, done.new, done.is_closed) == (False, 0, False)
    assert len(rig.venue.asked) == 2
    assert len(await rig.kept()) == WINDOW


async def test_a_worker_that_ends_in_between_is_followed_when_its_lease_is_over(rig: Rig) -> None:
    rig.venue.meanwhile = lambda: asyncio.sleep(3600)
    lost = asyncio.get_running_loop().create_task(rig.turn())
    async with asyncio.timeout(5):
        await rig.venue.called.wait()
    lost.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lost
    rig.venue.meanwhile = None
    assert await rig.turn() is None
    done = await rig.turn(60 * SECOND)
    assert done is not None
    assert done.new == WINDOW


async def test_workers_share_many_symbols_and_call_each_other(rig: Rig) -> None:
    watched = tuple((f"S{number:03}", Timeframe.H1) for number in range(35))
    bells = Bells()
    rig.changed(watched=watched, bell=bells)
    await rig.ingest.spread()
    assert bells.rung == ["fetch"] * 3
    done = await asyncio.gather(*(rig.ingest() for _ in range(4)))
    assert [len(each) for each in done] == [TOGETHER, TOGETHER, TOGETHER, 5]
    assert len({each.symbol for turn in done for each in turn}) == 35
    assert len(rig.venue.asked) == 35
    await rig.ingest.spread()
    assert bells.rung == ["fetch"] * 3


async def test_the_longer_timeframes_that_strategies_look_at_are_read_too(rig: Rig) -> None:
    async with rig.store.begin() as tx:
        for strategy in shipped():
            await tx.settings.save_strategy(strategy, by="test", reason="test")
    rig.changed(watched=(("EURUSD", Timeframe.M15), ("BTCUSDT", Timeframe.H1)))
    await rig.ingest.spread()
    keys = [row.state.key for row in rig.store.all("candle_stream")]
    assert keys == [
        ("EURUSD", Timeframe.M15), ("BTCUSDT", Timeframe.H1),
        ("EURUSD", Timeframe.H1), ("BTCUSDT", Timeframe.H4),
    ]  # fmt: skip


async def test_a_market_shows_what_was_stored_and_nothing_before_that(rig: Rig) -> None:
    with pytest.raises(FeedError, match="stored yet"):
        await rig.market.candles(*EUR, 10)
    with pytest.raises(FeedError, match="stored yet"):
        await rig.market.candles_since(*EUR, NOW - HOUR)
    await rig.turn()
    rig.venue.asked.clear()
    found = await rig.market.candles(*EUR, WINDOW)
    assert [each.time for each in found] == rig.times(NOW - WINDOW * HOUR)
    assert await rig.market.candles_since(*EUR, NOW - 3 * HOUR) == found[-2:]
    assert await rig.market.candles(*EUR, 0) == ()
    assert rig.venue.asked == []


async def test_many_streams_are_read_at_once_as_one_by_one(rig: Rig) -> None:
    other = ("GBPUSD", Timeframe.H1)
    assert await rig.market.candles_of([EUR, other], 5) == {}
    await rig.turn()
    for count in (5, 50, 7):
        found = await rig.market.candles_of([EUR, other], count)
        assert found == {EUR: await rig.market.candles(*EUR, count)}
        assert len(found[EUR]) == count
    await rig.turn(HOUR + SECOND)
    newest = (await rig.market.candles_of([EUR], 5))[EUR]
    assert newest[-1].time == NOW
    assert newest == await replace(rig.market, _seen={}).candles(*EUR, 5)


async def test_the_venue_is_asked_for_what_is_not_kept(rig: Rig) -> None:
    await rig.turn()
    rig.venue.asked.clear()
    # A timeframe that somebody only looks at, and candles of before the stored ones.
    assert len(await rig.market.candles("EURUSD", Timeframe.M15, 3)) == 3
    before = NOW - (WINDOW + 5) * HOUR
    assert (await rig.market.candles_since(*EUR, before))[0].time == before + HOUR
    assert rig.venue.asked == [("EURUSD", Timeframe.M15, 3), (*EUR, before)]


async def test_a_timeframe_that_nobody_reads_any_more_is_not_believed(rig: Rig) -> None:
    await rig.turn()
    market = replace(rig.market, watched=())
    rig.venue.asked.clear()
    assert len(await market.candles(*EUR, 3)) == 3
    assert rig.venue.asked == []
    rig.clock.now += 11 * MINUTE
    assert len(await market.candles(*EUR, 3)) == 3
    assert len(await market.candles_since(*EUR, NOW - 3 * HOUR)) == 2
    assert len(rig.venue.asked) == 2


class Broker:
    """An account, or silence."""

    account_id = "demo"
    is_silent = False

    async def account(self) -> Any:
        if self.is_silent:
            raise BrokerSilent("away")
        return account()

    async def positions(self) -> Any:
        return ()


async def test_the_account_is_kept_at_intervals_by_one(rig: Rig) -> None:
    broker: Any = Broker()
    keep = KeepAccount(
        store=rig.store, broker=broker, holder="a", every=30 * SECOND  # type: ignore[arg-type]
    )  # fmt: skip
    assert sum(await asyncio.gather(keep(), keep())) == 1
    rig.clock.now += 29 * SECOND
    assert not await keep()
    rig.clock.now += SECOND
    broker.is_silent = True
    with pytest.raises(BrokerSilent):
        await keep()
    broker.is_silent = False
    assert not await keep()
    rig.clock.now += 30 * SECOND
    assert await keep()
    assert len(rig.store.all("snapshot_account")) == 2


async def test_old_candles_are_retired(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.flow.retention.LEAST", 100)
    monkeypatch.setattr("engine.flow.retention.ROWS", 150)
    await rig.turn()
    retire = RetireCandles(store=rig.store, keep=200 * HOUR)  # type: ignore[arg-type]
    assert await retire() == 400
    assert await rig.kept() == rig.times(NOW - 200 * HOUR)


def test_a_history_that_would_be_removed_at_once_is_refused() -> None:
    def cadence(**fields: Any) -> Any:
        return cadence_of(Settings(_env_file=None, **fields))  # type: ignore[call-arg]

    assert (cadence().candles, cadence().account) == (MINUTE, 30 * SECOND)
    assert cadence(candle_history_days=399).history == 399 * 24 * HOUR
    with pytest.raises(InvalidInput, match="CANDLE_KEEP_DAYS"):
        cadence(candle_history_days=400)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("snapshot_interval_seconds", 0), ("snapshot_interval_seconds", 3601),
        ("account_snapshot_interval_seconds", 4), ("candle_history_days", -1),
        ("candle_keep_days", 29),
    ],
)  # fmt: skip
def test_intervals_have_bounds(name: str, value: int) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings(_env_file=None, **{name: value})  # type: ignore[call-arg, arg-type]
