"""Streams are read by one at a time; candles keep their revisions; holes are remembered."""

import asyncio
from contextvars import Context
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.domain.account import Account
from engine.domain.market import Candle, Timeframe
from engine.domain.stream import Gap, GapState, Hole, Stored, StreamState, StreamTrouble, Window
from engine.domain.values import decimal
from tests.contract.conftest import rolled_back

SOURCE = "venue:demo"
EUR, GBP = ("EURUSD", Timeframe.H1), ("GBPUSD", Timeframe.H1)
MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
HOUR, MINUTE, NOTHING = timedelta(hours=1), timedelta(minutes=1), timedelta()
KEEP = timedelta(days=30)


def candle(hour: int, close: str = "1.10000", volume: int = 5) -> Candle:
    price = decimal(close)
    high, low = max(price, decimal("1.2")), min(price, decimal("1.0"))
    return Candle(MONDAY + hour * HOUR, decimal("1.1"), high, low, price, volume)


async def enlist(store: Any, *keys: Any, source: str = SOURCE) -> None:
    async with store.begin() as tx:
        await tx.streams.enlist(source, keys)


async def take(store: Any, *keys: Any, lease: timedelta = MINUTE, most: int = 9) -> Any:
    async with store.begin() as tx:
        return await tx.streams.take(SOURCE, keys, most=most, lease=lease, holder="a")


async def settle(store: Any, state: StreamState, pause: timedelta = NOTHING) -> StreamState:
    async with store.begin() as tx:
        assert await tx.streams.hold(state, MINUTE)
        state = replace(state, due_at=await tx.now() + pause)
        await tx.streams.settle(state)
    return state


async def one(store: Any) -> StreamState:
    await enlist(store, EUR)
    (state,) = await take(store, EUR)
    return state  # type: ignore[no-any-return]


async def put(store: Any, state: StreamState, *candles: Candle) -> Stored:
    async with store.begin() as tx:
        return await tx.candles.put(state.number, candles)  # type: ignore[no-any-return]


async def test_a_stream_is_read_by_one_at_a_time_and_the_longest_due_comes_first(
    store: Any,
) -> None:
    await enlist(store, EUR)
    await enlist(store, EUR, GBP)
    (first,) = await take(store, EUR, GBP, most=1)
    assert (first.key, first.claim, first.latest) == (EUR, 1, None)
    async with store.begin() as tx:
        assert await tx.streams.due(SOURCE, [EUR, GBP]) == 1
    (second,) = await take(store, EUR, GBP)
    assert second.key == GBP
    assert await take(store, EUR, GBP) == []


async def test_only_what_is_wanted_is_taken_and_only_of_its_source(store: Any) -> None:
    await enlist(store, EUR, GBP)
    await enlist(store, EUR, source="venue:real")
    assert [state.key for state in await take(store, GBP)] == [GBP]
    async with store.begin() as tx:
        assert await tx.streams.due("venue:real", [EUR, GBP]) == 1
        assert await tx.streams.due("venue:none", [EUR, GBP]) == 0


async def test_workers_that_come_together_share_without_waiting(store: Any) -> None:
    keys = [(f"S{number}", Timeframe.M1) for number in range(12)]
    await enlist(store, *keys)
    taken = await asyncio.gather(*(take(store, *keys, most=4) for _ in range(3)))
    names = sorted(state.symbol for each in taken for state in each)
    assert names == sorted(symbol for symbol, _ in keys)


async def test_a_row_that_somebody_holds_is_passed_over(store: Any) -> None:
    state = await one(store)
    await enlist(store, GBP)
    await settle(store, state)
    async with store.begin() as tx:
        (held,) = await tx.streams.take(SOURCE, [EUR], most=1, lease=MINUTE, holder="a")
        assert held.key == EUR
        async with asyncio.timeout(5):
            # Outside of this one's context, where there is a transaction.
            others = await asyncio.get_running_loop().create_task(
                take(store, EUR, GBP), context=Context()
            )
    assert [state.key for state in others] == [GBP]


async def test_who_dies_loses_the_stream_and_who_is_late_writes_nothing(store: Any) -> None:
    await enlist(store, EUR)
    (late,) = await take(store, EUR, lease=NOTHING)
    (ours,) = await take(store, EUR)
    async with store.begin() as tx:
        assert not await tx.streams.hold(late, MINUTE)
        await tx.streams.settle(replace(late, failures=7))
    assert await take(store, EUR) == []
    await settle(store, ours)
    async with store.begin() as tx:
        assert not await tx.streams.hold(ours, MINUTE)  # it was let go of
        (state,) = await tx.streams.states(SOURCE, [EUR])
    assert state.failures == 0


async def test_who_is_slow_and_was_not_followed_may_write(store: Any) -> None:
    await enlist(store, EUR)
    (slow,) = await take(store, EUR, lease=NOTHING)
    async with store.begin() as tx:
        assert await tx.streams.hold(slow, MINUTE)


async def test_a_stream_is_left_alone_until_its_pause_is_over(store: Any) -> None:
    state = await one(store)
    await settle(store, state, HOUR)
    assert await take(store, EUR) == []


async def test_a_take_that_is_rolled_back_holds_nothing(store: Any) -> None:
    await enlist(store, EUR)
    async with rolled_back(store) as tx:
        assert await tx.streams.take(SOURCE, [EUR], most=1, lease=HOUR, holder="a")
    assert len(await take(store, EUR)) == 1


async def test_how_a_stream_stands_comes_back_as_it_was_noted(store: Any) -> None:
    state = replace(
        await one(store), checked_at=MONDAY, good_at=MONDAY - HOUR, failures=3,
        trouble=StreamTrouble.SILENT, latest=MONDAY - 2 * HOUR, filled_from=MONDAY - 9 * HOUR,
        filled_to=MONDAY - 8 * HOUR, filled_until=MONDAY - 5 * HOUR,
    )  # fmt: skip
    state = await settle(store, state)
    async with store.begin() as tx:
        assert await tx.streams.states(SOURCE, [GBP, EUR]) == [state]
    assert (state.is_filling, state.percent, state.begins) == (True, 25, MONDAY - 5 * HOUR)


async def test_an_account_has_a_stream_and_its_readings_are_kept(store: Any) -> None:
    key = ("demo", None)
    await enlist(store, key)
    (state,) = await take(store, key)
    assert state.key == key
    account = Account(
        id="demo", currency="USD", balance=Decimal(100), equity=Decimal(99),
        margin_used=Decimal(1), margin_free=Decimal(98), open_profit=Decimal(-1),
        captured_at=MONDAY,
    )  # fmt: skip
    async with store.begin() as tx:
        await tx.streams.keep_account(account, 2, MONDAY)


async def test_candles_come_back_with_every_digit_the_venue_wrote(store: Any) -> None:
    state = await one(store)
    told = [candle(0, "1.10"), candle(1, "1.1"), candle(2, "1.123456789012"), candle(3, "1")]
    assert await put(store, state, *told) == Stored(tuple(c.time for c in told), 0)
    async with store.begin() as tx:
        found = await tx.candles.last(SOURCE, EUR, 10)
        assert [str(c.close) for c in found] == ["1.10", "1.1", "1.123456789012", "1"]
        assert list(found) == told
        assert await tx.candles.last(SOURCE, EUR, 2) == tuple(told[2:])
        assert await tx.candles.since(SOURCE, EUR, told[1].time) == tuple(told[2:])
        assert await tx.candles.last(SOURCE, GBP, 2) == ()
        assert await tx.candles.last("venue:real", EUR, 2) == ()
        assert await tx.candles.last(SOURCE, EUR, 0) == ()


async def test_the_same_numbers_are_no_revision(store: Any) -> None:
    state = await one(store)
    await put(store, state, candle(0), candle(1))
    assert await put(store, state, candle(0, "1.1"), candle(1), candle(2)) == Stored(
        (candle(2).time,), 0
    )
    assert await put(store, state) == Stored()


async def test_a_revision_is_kept_beside_what_it_corrects(store: Any) -> None:
    state = await one(store)
    await put(store, state, candle(0), candle(1), candle(2))
    async with store.begin() as tx:
        before = await tx.now()
    assert await put(store, state, candle(1, "1.15"), candle(2, volume=6)) == Stored((), 2)
    assert await put(store, state, candle(1, "1.16")) == Stored((), 1)
    async with store.begin() as tx:
        found = await tx.candles.last(SOURCE, EUR, 9)
        assert found == (candle(0), candle(1, "1.16"), candle(2, volume=6))
        then = await tx.candles.last(SOURCE, EUR, 9, known_at=before)
        assert then == (candle(0), candle(1), candle(2))
        assert await tx.candles.since(SOURCE, EUR, candle(0).time, known_at=before) == then[1:]
        assert await tx.candles.last(SOURCE, EUR, 2, known_at=before - HOUR) == ()


async def test_holes_are_between_two_candles_of_a_span(store: Any) -> None:
    state = await one(store)
    await put(store, state, *(candle(hour) for hour in (0, 1, 4, 5, 8)))
    holes = [Hole(candle(1).time, candle(4).time), Hole(candle(5).time, candle(8).time)]
    async with store.begin() as tx:
        first, last = candle(0).time, candle(8).time
        assert await tx.candles.holes(state.number, first, last, HOUR) == holes
        assert await tx.candles.holes(state.number, first, last, 2 * HOUR) == []
        first, last = candle(4).time, candle(7).time
        assert await tx.candles.holes(state.number, first, last, HOUR) == []


async def gaps(store: Any, state: StreamState, rest: timedelta = NOTHING) -> list[Gap]:
    async with store.begin() as tx:
        return list((await tx.candles.gaps([state.number], rest)).get(state.number, []))


async def note(store: Any, state: StreamState, first: int, last: int, *holes: Hole) -> None:
    async with store.begin() as tx:
        span = (candle(first).time, candle(last).time)
        await tx.candles.note_gaps(state.number, *span, holes)


async def test_a_gap_is_open_until_it_is_known_to_be_empty(store: Any) -> None:
    state = await one(store)
    hole = Hole(candle(1).time, candle(4).time)
    await note(store, state, 0, 9, hole)
    await note(store, state, 0, 9, hole)
    assert await gaps(store, state) == [Gap(hole=hole)]
    asked = Gap(hole=hole, asked=1)
    async with store.begin() as tx:
        await tx.candles.answered(state.number, asked)
    assert await gaps(store, state) == [asked]
    assert await gaps(store, state, HOUR) == []  # it was asked for a moment ago
    async with store.begin() as tx:
        await tx.candles.answered(state.number, replace(asked, asked=2, state=GapState.EMPTY))
    assert await gaps(store, state) == []
    await note(store, state, 0, 9, hole)
    assert await gaps(store, state) == []  # it is remembered


async def test_a_gap_that_was_filled_is_gone_and_what_is_left_of_it_is_a_new_one(
    store: Any,
) -> None:
    state = await one(store)
    whole = Hole(candle(1).time, candle(6).time)
    other = Hole(candle(8).time, candle(10).time)
    await note(store, state, 0, 10, whole, other)
    async with store.begin() as tx:
        await tx.candles.answered(state.number, Gap(hole=whole, asked=2, state=GapState.EMPTY))
    left = [Hole(candle(1).time, candle(3).time), Hole(candle(4).time, candle(6).time)]
    await note(store, state, 1, 6, *left)
    assert await gaps(store, state) == [*(Gap(hole=hole) for hole in left), Gap(hole=other)]
    await note(store, state, 0, 7)
    assert await gaps(store, state) == [Gap(hole=other)]


async def test_a_candle_is_left_to_judge_until_somebody_has(store: Any) -> None:
    state = await one(store)
    await put(store, state, candle(0), candle(1))
    async with store.begin() as tx:
        assert await tx.candles.unjudged(SOURCE, [EUR, GBP]) == [EUR]
        assert await tx.candles.unjudged("venue:real", [EUR, GBP]) == []
        assert await tx.evaluations.claim([(*EUR, candle(1).time)])
        assert await tx.candles.unjudged(SOURCE, [EUR]) == []
    await put(store, state, candle(1, "1.11"))
    async with store.begin() as tx:
        assert await tx.candles.unjudged(SOURCE, [EUR]) == []  # the same candle


async def test_old_candles_go_with_their_revisions_but_the_last_of_a_stream_stay(
    store: Any,
) -> None:
    state = await one(store)
    async with store.begin() as tx:
        now = (await tx.now()).replace(minute=0, second=0, microsecond=0)
    shift = now - 40 * timedelta(days=1) - MONDAY
    told = [replace(candle(hour), time=candle(hour).time + shift) for hour in range(6)]
    new = replace(candle(0), time=now - HOUR)
    await put(store, state, *told, new)
    await put(store, state, replace(told[0], close=decimal("1.15")))
    begins = told[0].time
    state = replace(state, filled_from=begins, filled_to=begins, filled_until=begins)
    await settle(store, state)
    async with store.begin() as tx:
        holes = [Hole(told[1].time, told[3].time), Hole(told[5].time, new.time)]
        await tx.candles.note_gaps(state.number, told[0].time, new.time, holes)
    async with store.begin() as tx:
        assert await tx.candles.retire(KEEP, 3, 100) == 5
        assert await tx.candles.last(SOURCE, EUR, 9) == (told[4], told[5], new)
    assert await gaps(store, state) == [Gap(hole=holes[1])]
    async with store.begin() as tx:
        (after,) = await tx.streams.states(SOURCE, [EUR])
        assert after.begins == told[3].time  # nothing before is known any more
        assert await tx.candles.retire(KEEP, 3, 100) == 0
        assert await tx.candles.retire(KEEP, 1, 1) == 1
        assert await tx.candles.retire(60 * timedelta(days=1), 1, 9) == 0


async def test_a_window_that_is_known_is_brought_up_to_date(store: Any) -> None:
    state = await one(store)

    async def window(before: Window | None, count: int = 3) -> Window:
        async with store.begin() as tx:
            return await tx.candles.window(SOURCE, EUR, count, before)  # type: ignore[no-any-return]

    empty = await window(None)
    assert (empty.candles, empty.learnt_at) == ((), None)
    await put(store, state, *(candle(hour) for hour in (0, 1, 4)))
    seen = await window(empty)
    assert seen.candles == (candle(0), candle(1), candle(4))
    assert await window(seen) == seen
    await put(store, state, candle(5), candle(6))
    seen = await window(seen)
    assert seen.candles == (candle(4), candle(5), candle(6))
    await put(store, state, candle(2), candle(5, "1.15"))  # one of before, and a revision
    seen = await window(seen)
    assert seen.candles == (candle(4), candle(5, "1.15"), candle(6))
    await put(store, state, candle(5, "1.16"), candle(7))
    seen = await window(seen)
    assert seen.candles == (candle(5, "1.16"), candle(6), candle(7))
    assert (await window(seen, 9)).candles == (await window(None, 9)).candles


async def test_a_hole_that_is_filled_within_a_known_window_shows(store: Any) -> None:
    state = await one(store)
    await put(store, state, *(candle(hour) for hour in (0, 1, 4, 5)))
    async with store.begin() as tx:
        seen = await tx.candles.window(SOURCE, EUR, 3, None)
    await put(store, state, candle(2), candle(3))
    async with store.begin() as tx:
        again = await tx.candles.window(SOURCE, EUR, 3, seen)
    assert again.candles == (candle(3), candle(4), candle(5))
