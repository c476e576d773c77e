"""What one turn of a stream comes to: what is asked for, what is stored, when it is due again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine.domain.market import Candle, Timeframe
from engine.domain.stream import (
    Gap,
    GapState,
    Hole,
    Stored,
    StreamState,
    StreamTrouble,
    in_step,
    is_weekend,
)
from engine.ports import Candles

#: A venue shows a candle a moment after it closed; for a while it is asked more often: after the
#: next second, then every two.
MOMENT = timedelta(milliseconds=100)
_SOON, _AGAIN = timedelta(milliseconds=900), timedelta(seconds=2)
_LATE = timedelta(seconds=30)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
#: A page with so many new candles may not be the last one.
FULL = 500
#: How often the venue has to say that a hole is empty.
_TWICE = 2


@dataclass(slots=True)
class Reading:
    """What the venue said in a turn; None for what it was not asked, or did not answer.

    ``fresh`` are the newest candles, ``page`` is a page of older ones. ``asked`` are the gaps that
    were asked for, ``answer`` is what the venue has from the oldest of them on. ``begins`` is how
    far back candles are wanted.
    """

    fresh: tuple[Candle, ...] | None = None
    page: tuple[Candle, ...] | None = None
    asked: tuple[Gap, ...] = ()
    answer: tuple[Candle, ...] | None = None
    begins: datetime | None = None


def candles_of(state: StreamState) -> tuple[str, Timeframe]:
    """The key of a stream of candles."""
    assert state.timeframe is not None
    return state.symbol, state.timeframe


def reaching(state: StreamState, begins: datetime) -> StreamState:
    """The stream with its beginning moved back, when a longer history is wanted than is there."""
    if state.filled_from is None or state.is_filling:
        return state
    _, timeframe = candles_of(state)
    if not begins < state.filled_from - timeframe.length:
        return state
    return replace(state, filled_from=begins, filled_to=begins, filled_until=state.filled_from)


def wants_fresh(state: StreamState, every: timedelta, now: datetime) -> bool:
    """Whether this turn asks for the newest candles: always, except in turns that only fetch a page
    of older ones.
    """
    if not state.is_filling or state.failures or state.good_at is None or state.latest is None:
        return True
    closes = _closes(state, state.latest)
    return now - state.good_at >= every or state.good_at < closes <= now


def due_after(state: StreamState, every: timedelta, now: datetime, *, is_last: bool) -> datetime:
    """When the stream is due again; ``is_last`` is whether its newest candle was read."""
    if state.failures:
        return now + min(_FIRST_PAUSE * (1 << min(state.failures - 1, 10)), _LONGEST_PAUSE)
    if state.is_filling or not is_last:
        return now
    due = in_step(state, every, now)
    if state.latest is None:
        return due
    closes = _closes(state, state.latest)
    if closes > now:
        return min(due, closes)
    if not now - closes < _LATE:
        return due
    return min(due, now + (_SOON if now - closes < _AGAIN else _AGAIN))


def _closes(state: StreamState, latest: datetime) -> datetime:
    """When the candle after the last one should show."""
    _, timeframe = candles_of(state)
    return latest + 2 * timeframe.length + MOMENT


async def keep_fresh(
    table: Candles, state: StreamState, reading: Reading, *, rests: bool
) -> tuple[StreamState, Stored]:
    """Store the newest candles, and note where the stream begins and ends."""
    candles = reading.fresh
    if not candles:
        return state, Stored()
    stored = await table.put(state.number, candles)
    first, last = candles[0].time, candles[-1].time
    if stored.new:
        since = first if state.latest is None else min(first, state.latest)
        await _note(table, state, since, last, rests=rests)
    latest = last if state.latest is None else max(last, state.latest)
    if state.filled_from is None:
        begins = first if reading.begins is None else min(first, reading.begins)
        state = replace(state, filled_from=begins, filled_to=begins, filled_until=first)
    return replace(state, latest=latest), stored


async def keep_page(
    table: Candles, state: StreamState, reading: Reading, *, rests: bool
) -> tuple[StreamState, Stored]:
    """Store a page of older candles and note how far it reaches; an empty one is the last."""
    done, until = state.filled_to, state.filled_until
    if reading.page is None or done is None or until is None:
        return state, Stored()
    page = [candle for candle in reading.page if done < candle.time < until]
    stored = await table.put(state.number, page)
    is_last = not page or reading.page[-1].time >= until
    reached = until if is_last else page[-1].time
    if stored.new:
        await _note(table, state, done, reached, rests=rests)
    return replace(state, filled_to=reached), stored


async def keep_answer(
    table: Candles, state: StreamState, reading: Reading, *, rests: bool
) -> Stored:
    """Store what fills gaps, and note which are really empty."""
    answer = reading.answer
    if answer is None:
        return Stored()
    found = [c for c in answer if any(_is_within(c, gap.hole) for gap in reading.asked)]
    stored = await table.put(state.number, found)
    for gap in reading.asked:
        if any(_is_within(candle, gap.hole) for candle in found):
            await _note(table, state, gap.hole.after, gap.hole.before, rests=rests)
        else:
            told = _told(gap, reading.asked[0].hole, answer)
            if told is not None:
                await table.answered(state.number, told)
    return stored


def _is_within(candle: Candle, hole: Hole) -> bool:
    return hole.after < candle.time < hole.before


def _told(gap: Gap, first: Hole, answer: Sequence[Candle]) -> Gap | None:
    """A gap that an answer without candles for it says something of: that it is empty, or older
    than what the venue shows. None when the answer, from the first hole on, ends before it.
    """
    known = bool(answer) and answer[0].time <= max(first.before, gap.hole.after)
    if known and answer[-1].time < gap.hole.before:
        return None
    asked = gap.asked + 1
    ended = GapState.EMPTY if known else GapState.BEYOND
    return replace(gap, asked=asked, state=ended if asked >= _TWICE else GapState.OPEN)


async def _note(
    table: Candles, state: StreamState, first: datetime, last: datetime, *, rests: bool
) -> None:
    """Look for holes in a span that has new candles."""
    _, timeframe = candles_of(state)
    found = await table.holes(state.number, first, last, timeframe.length)
    missing = [hole for hole in found if not (rests and is_weekend(hole, timeframe.length))]
    await table.note_gaps(state.number, first, last, missing)


def noted(
    state: StreamState, reading: Reading, now: datetime, trouble: StreamTrouble | None
) -> StreamState:
    """How the stream stands after a turn."""
    is_good = reading.fresh is not None
    return replace(
        state,
        checked_at=now,
        good_at=now if is_good else state.good_at,
        failures=0 if trouble is None else state.failures + 1,
        trouble=trouble,
    )
