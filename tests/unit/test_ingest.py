"""Candles of a venue: what is asked for when, by whom, and what comes of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from bot.ingesting import cadence_of
from bot.settings import Settings
from broker.feeds.stored import StoredMarket
from engine.domain.market import Candle, Timeframe
from engine.domain.stream import Gap, GapState, Hole, StreamState, StreamTrouble, is_weekend
from engine.errors import BrokerSilent, FeedError, InvalidInput, NotFound
from engine.flow.ingest import TOGETHER, IngestCandles, Ingested
from engine.flow.ingest_account import KeepAccount
from engine.flow.ingest_faults import FindStreamFaults
from engine.flow.retention import RetireCandles
from engine.snapshot.indicators import WINDOW
from engine.strategies.documents import shipped
from tests.builders import account
from tests.memory import MemoryStore

EUR = ("EURUSD", Timeframe.H1)
#: A Wednesday.
NOW = datetime(2026, 3, 11, 12, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
EVERY = MINUTE


def candle(time: datetime, close: str = "1.1") -> Candle:
    price = Decimal(close)
    return Candle(time, Decimal("1.1"), max(price, Decimal("1.2")), Decimal("1.0"), price, 5)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Venue:
    """A venue with hourly candles from ``since`` on, some of which it hides; ``page`` is how many
    it shows at once, the first ones or, where it is ``late``, the last ones.
    """

    clock: Clock
    since: datetime = NOW - 3000 * HOUR
    hidden: set[datetime] = field(default_factory=set)
    closes: dict[datetime, str] = field(default_factory=dict)
    page: int = 1000
    late: bool = False
    fails: list[Exception] = field(default_factory=list)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    meanwhile: Callable[[], Any] | None = None

    def _all(self) -> list[Candle]:
        count = int((self.clock.now - self.since) / HOUR)
        times = (self.since + number * HOUR for number in range(count))
        return [candle(t, self.closes.get(t, "1.1")) for t in times if t not in self.hidden]

    async def _ask(self, *what: Any) -> None:
        self.asked.append(what)
        self.called.set()
        await asyncio.sleep(0)
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.fails:
            raise self.fails.pop(0)

    async def instant(self) -> datetime:
        return self.clock.now

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        await self._ask(symbol, timeframe, count)
        return tuple(self._all()[-min(count, self.page) :])

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        await self._ask(symbol, timeframe, after)
        found = [each for each in self._all() if each.time > after]
        return tuple(found[-self.page :] if self.late else found[: self.page])


@dataclass
class Bells:
    rung: list[str] = field(default_factory=list)

    async def ring(self, job: str, *_: str) -> None:
        self.rung.append(job)


@dataclass
class Rig:
    clock: Clock
    store: MemoryStore
    venue: Venue
    ingest: IngestCandles
    market: StoredMarket

    def changed(self, **fields: Any) -> None:
        self.ingest = replace(self.ingest, **fields)

    async def turn(self, after: timedelta = timedelta()) -> Ingested | None:
        """One turn when so much time has passed; None when nothing was due."""
        self.clock.now += after
        await self.ingest.spread()
        done = await self.ingest()
        return done[0] if done else None

    async def state(self) -> StreamState:
        async with self.store.begin() as tx:
            (found,) = await tx.streams.states("venue", [EUR])
        return found  # type: ignore[no-any-return]

    async def kept(self) -> list[datetime]:
        async with self.store.begin() as tx:
            return [each.time for each in await tx.candles.last("venue", EUR, 10_000)]

    async def gaps(self) -> list[Gap]:
        rows = self.store.all("candle_gap")
        return [gap for kept in rows for gap, _ in kept.values()]

    def times(self, first: datetime) -> list[datetime]:
        return [each.time for each in self.venue._all() if each.time >= first]


@pytest.fixture
def rig() -> Rig:
    clock = Clock()
    store: Any = MemoryStore(clock)
    venue: Any = Venue(clock)
    ingest = IngestCandles(
        store=store, source=venue, name="venue", watched=(EUR,), bell=Bells(), holder="here",
        every=EVERY,
    )  # fmt: skip
    market = StoredMarket(store=store, remote=venue, source="venue", watched=(EUR,))
    return Rig(clock, store, venue, ingest, market)


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


async def test_a_history_is_filled_page_by_page_and_goes_on_where_it_was(rig: Rig) -> None:
    rig.changed(history=2000 * HOUR)
    rig.venue.page = 600
    await rig.turn()
    done = await rig.turn()
    assert done is not None
    assert done.percent == 42
    half = await rig.kept()
    assert half == [*rig.times(NOW - 2000 * HOUR + HOUR)[:600], *rig.times(NOW - 600 * HOUR)]
    # The next process knows nothing but what is stored.
    asked = len(rig.venue.asked)
    rig.ingest = replace(rig.ingest, holder="next")
    percents = []
    while (done := await rig.turn()) is not None:
        percents.append(done.percent)
    assert percents == [85, 100]
    # Only pages of before, not the newest candles again with each.
    assert [what[2] for what in rig.venue.asked[asked:]] == [half[599], half[599] + 600 * HOUR]
    assert await rig.kept() == rig.times(NOW - 2000 * HOUR + HOUR)
    assert await rig.gaps() == []


async def test_a_longer_history_is_fetched_later_as_well(rig: Rig) -> None:
    await rig.turn()
    rig.changed(history=1000 * HOUR)
    assert await rig.turn(EVERY)
    while (await rig.state()).is_filling:
        await rig.turn()
    assert (await rig.kept())[0] == NOW - 999 * HOUR + HOUR * 0
    state = await rig.state()
    assert await rig.turn(EVERY)
    assert (await rig.state()).filled_from == state.filled_from


async def test_a_history_ends_where_the_venue_s_does(rig: Rig) -> None:
    rig.changed(history=2000 * HOUR)
    rig.venue.since = NOW - 700 * HOUR
    while await rig.turn():
        pass
    assert await rig.kept() == rig.times(NOW - 700 * HOUR)
    state = await rig.state()
    assert (state.percent, state.begins) == (100, NOW - 2000 * HOUR)
    assert await rig.gaps() == []


async def test_the_newest_candle_is_read_while_a_history_is_filled(rig: Rig) -> None:
    rig.changed(history=2900 * HOUR)
    rig.venue.page = 100
    await rig.turn()
    await rig.turn()
    done = await rig.turn(HOUR + SECOND)
    assert done is not None
    assert (done.new, done.is_closed, (await rig.state()).is_filling) == (1, True, True)


async def test_a_hole_is_asked_for_and_filled(rig: Rig) -> None:
    missing = [NOW + number * HOUR for number in (1, 2)]
    await rig.turn()
    rig.venue.hidden |= set(missing)
    await rig.turn(5 * HOUR)
    hole = Hole(NOW, NOW + 3 * HOUR)
    assert await rig.gaps() == [Gap(hole=hole)]
    rig.venue.hidden.clear()
    done = await rig.turn(EVERY)
    assert done is not None
    assert not done.is_closed  # an old candle is nothing to judge
    assert rig.venue.asked[-1] == (*EUR, NOW)
    assert await rig.gaps() == []
    assert await rig.kept() == rig.times(NOW - WINDOW * HOUR)


async def test_a_hole_that_is_filled_in_part_is_a_smaller_one(rig: Rig) -> None:
    await rig.turn()
    rig.venue.hidden |= {NOW + number * HOUR for number in (1, 2, 3)}
    await rig.turn(6 * HOUR)
    rig.venue.hidden.remove(NOW + 2 * HOUR)
    await rig.turn(EVERY)
    left = [Hole(NOW, NOW + 2 * HOUR), Hole(NOW + 2 * HOUR, NOW + 4 * HOUR)]
    assert await rig.gaps() == [Gap(hole=hole) for hole in left]


async def test_a_hole_is_empty_when_the_venue_has_said_so_twice(rig: Rig) -> None:
    rig.venue.hidden |= {NOW - 30 * HOUR, NOW - 10 * HOUR}
    await rig.turn()
    assert [gap.asked for gap in await rig.gaps()] == [0, 0]
    await rig.turn(EVERY)
    assert [(gap.asked, gap.state) for gap in await rig.gaps()] == [(1, GapState.OPEN)] * 2
    await rig.turn(EVERY)
    assert [(gap.asked, gap.state) for gap in await rig.gaps()] == [(2, GapState.EMPTY)] * 2
    asked = len(rig.venue.asked)
    await rig.turn(EVERY)
    assert len(rig.venue.asked) == asked + 1  # the newest candles only
    # Both were one question.
    assert [what[2] for what in rig.venue.asked[:asked]].count(NOW - 31 * HOUR) == 2


async def test_a_page_that_ends_before_a_hole_says_nothing_of_it(rig: Rig) -> None:
    rig.venue.hidden |= {NOW - 500 * HOUR, NOW - 10 * HOUR}
    await rig.turn()
    rig.venue.page = 100
    await rig.turn(EVERY)
    await rig.turn(EVERY)
    assert [gap.asked for gap in await rig.gaps()] == [2, 0]
    await rig.turn(EVERY)
    await rig.turn(EVERY)
    assert {gap.state for gap in await rig.gaps()} == {GapState.EMPTY}


async def test_a_hole_older_than_what_the_venue_shows_is_given_up(rig: Rig) -> None:
    rig.venue.hidden.add(NOW - 500 * HOUR)
    await rig.turn()
    rig.venue.page, rig.venue.late = 100, True
    await rig.turn(EVERY)
    await rig.turn(EVERY)
    assert [gap.state for gap in await rig.gaps()] == [GapState.BEYOND]


async def test_a_weekend_is_no_hole_where_the_market_rests_then(rig: Rig) -> None:
    friday = datetime(2026, 3, 6, 21, tzinfo=UTC)
    rig.venue.hidden |= {friday + number * HOUR for number in range(49)}
    await rig.turn()
    assert await rig.gaps() == []
    rig.changed(name="exchange", rests=False)
    await rig.turn()
    assert [gap.hole for gap in await rig.gaps()] == [Hole(friday - HOUR, friday + 49 * HOUR)]


@pytest.mark.parametrize(
    ("after", "before", "length", "expected"),
    [
        ("2026-03-06T21:00", "2026-03-08T22:00", HOUR, True),
        ("2026-03-06T20:58", "2026-03-08T21:05", MINUTE, True),
        ("2026-03-06T18:58", "2026-03-08T21:05", MINUTE, False),
        ("2026-03-06T21:00", "2026-03-09T01:00", HOUR, False),
        ("2026-03-05T22:00", "2026-03-08T22:00", 24 * HOUR, True),
        ("2026-03-06T00:00", "2026-03-09T00:00", 24 * HOUR, True),
        ("2026-03-10T21:00", "2026-03-10T23:00", HOUR, False),
        ("2026-03-06T21:00", "2026-03-15T22:00", HOUR, False),
        ("2026-03-08T05:00", "2026-03-08T09:00", HOUR, True),
    ],
)
def test_weekends(after: str, before: str, length: timedelta, expected: bool) -> None:
    hole = Hole(*(datetime.fromisoformat(f"{each}:00+00:00") for each in (after, before)))
    assert is_weekend(hole, length) is expected


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


async def test_a_page_that_fails_loses_nothing_of_what_came_before_it(rig: Rig) -> None:
    rig.changed(history=2000 * HOUR)
    await rig.turn()
    rig.clock.now += HOUR + SECOND
    rig.venue.hidden.add(NOW - 2000 * HOUR)

    async def second_fails() -> None:
        if rig.venue.asked[-1][2] == NOW - 2000 * HOUR:
            raise FeedError("away")

    rig.venue.meanwhile = second_fails
    done = await rig.turn()
    assert done is not None
    assert (done.new, done.is_closed, done.trouble) == (1, True, StreamTrouble.SILENT)
    state = await rig.state()
    assert (state.failures, state.good_at, state.percent) == (1, rig.clock.now, 0)


async def test_filling_is_shown(rig: Rig) -> None:
    rig.changed(history=2000 * HOUR)
    rig.venue.page = 700
    await rig.turn()
    await rig.turn()
    find = FindStreamFaults(store=rig.store, name="venue", watched=(EUR,))  # type: ignore[arg-type]
    (finding,) = await find()
    assert (finding.code, finding.level) == ("stream_filling", "note")
    assert finding.facts == {"streams": "EURUSD H1", "count": 1, "percent": 50}


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
