"""Streams and candles in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count, pairwise

from engine.domain.account import Account
from engine.domain.market import Candle
from engine.domain.state import Control
from engine.domain.stream import Gap, GapState, Hole, Stored, StreamKey, StreamState, Window
from engine.ports import Clock
from tests.memory.rows import View

_STREAM, _CANDLES, _GAPS = "candle_stream", "candle", "candle_gap"


@dataclass(frozen=True)
class _Stream:
    state: StreamState
    leased_until: datetime | None = None
    holder: str = ""


class MemoryStreams:
    """The port ``Streams`` in one transaction."""

    def __init__(self, view: View, clock: Clock, numbers: "count[int]") -> None:
        self._view, self._clock, self._numbers = view, clock, numbers

    async def enlist(self, source: str, keys: Collection[StreamKey]) -> None:
        for symbol, timeframe in keys:
            if self._view.get(_STREAM, (source, symbol, timeframe)) is None:
                state = StreamState(
                    source=source,
                    symbol=symbol,
                    timeframe=timeframe,
                    number=next(self._numbers),
                    due_at=self._clock(),
                )
                row = _Stream(state)
                await self._view.insert(_STREAM, (source, symbol, timeframe), row)

    async def due(self, source: str, keys: Collection[StreamKey]) -> int:
        return len(self._due(source, keys))

    def _due(self, source: str, keys: Collection[StreamKey]) -> list[_Stream]:
        now = self._clock()
        rows: list[_Stream] = [
            row for key in keys if (row := self._view.get(_STREAM, (source, *key))) is not None
        ]
        return [
            row
            for row in rows
            if row.state.due_at <= now and (row.leased_until is None or row.leased_until <= now)
        ]

    async def take(
        self,
        source: str,
        keys: Collection[StreamKey],
        *,
        most: int,
        lease: timedelta,
        holder: str,
    ) -> Sequence[StreamState]:
        rows = sorted(self._due(source, keys), key=lambda row: (row.state.due_at, row.state.number))
        free = [row for row in rows if not self._view.is_held(_STREAM, _key(row.state))][:most]
        taken = []
        for row in free:
            state = replace(row.state, claim=row.state.claim + 1)
            held = replace(row, state=state, leased_until=self._clock() + lease, holder=holder)
            await self._view.put(_STREAM, _key(state), held)
            taken.append(state)
        return taken

    async def hold(self, state: StreamState, lease: timedelta) -> bool:
        await self._view.lock(_STREAM, _key(state))
        row: _Stream = self._view.get(_STREAM, _key(state))
        if row.state.claim != state.claim or row.leased_until is None:
            return False
        await self._view.put(_STREAM, _key(state), replace(row, leased_until=self._clock() + lease))
        return True

    async def settle(self, state: StreamState) -> None:
        row: _Stream = self._view.get(_STREAM, _key(state))
        if row.state.claim == state.claim:
            await self._view.put(_STREAM, _key(state), _Stream(state))

    async def states(self, source: str, keys: Collection[StreamKey]) -> Sequence[StreamState]:
        rows: list[_Stream] = [
            row for key in keys if (row := self._view.get(_STREAM, (source, *key))) is not None
        ]
        states = [row.state for row in rows]
        return sorted(states, key=lambda state: (state.symbol, state.timeframe or ""))

    async def keep_account(self, account: Account, positions: int, at: datetime) -> None:
        number = len(self._view.all("snapshot_account"))
        await self._view.insert("snapshot_account", number, (account, positions, at))


def _key(state: StreamState) -> tuple[str, str, str | None]:
    return (state.source, state.symbol, state.timeframe)


@dataclass(frozen=True)
class _Known:
    candle: Candle
    learnt_at: datetime


_Revisions = tuple[_Known, ...]


class MemoryCandles:
    """The port ``Candles`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    def _of(self, stream: int) -> dict[datetime, _Revisions]:
        return dict(self._view.get(_CANDLES, stream) or {})

    async def put(self, stream: int, candles: Sequence[Candle]) -> Stored:
        kept, new, revised = self._of(stream), [], 0
        for candle in candles:
            before = kept.get(candle.time, ())
            if before and before[-1].candle == candle:
                continue
            if before:
                revised += 1
            else:
                new.append(candle.time)
            kept[candle.time] = (*before, _Known(candle, self._clock()))
        await self._view.put(_CANDLES, stream, kept)
        return Stored(tuple(new), revised)

    async def last(
        self, source: str, key: StreamKey, count: int, *, known_at: datetime | None = None
    ) -> tuple[Candle, ...]:
        found = self._read(source, key, known_at)
        return found[max(0, len(found) - count) :] if count > 0 else ()

    async def since(
        self, source: str, key: StreamKey, after: datetime, *, known_at: datetime | None = None
    ) -> tuple[Candle, ...]:
        found = self._read(source, key, known_at)
        return tuple(candle for candle in found if candle.time > after)

    async def window(
        self, source: str, key: StreamKey, count: int, before: Window | None
    ) -> Window:
        row: _Stream | None = self._view.get(_STREAM, (source, *key))
        kept = {} if row is None else self._of(row.state.number)
        times = sorted(kept)[-count:]
        learnt = max((kept[time][-1].learnt_at for time in times), default=None)
        return Window(count, tuple(kept[time][-1].candle for time in times), learnt)

    def _read(self, source: str, key: StreamKey, known_at: datetime | None) -> tuple[Candle, ...]:
        row: _Stream | None = self._view.get(_STREAM, (source, *key))
        kept = {} if row is None else self._of(row.state.number)
        found = []
        for time in sorted(kept):
            known = [k for k in kept[time] if known_at is None or k.learnt_at <= known_at]
            if known:
                found.append(known[-1].candle)
        return tuple(found)

    async def unjudged(self, source: str, keys: Collection[StreamKey]) -> Sequence[StreamKey]:
        control: Control | None = self._view.get("control", 1)
        if control is not None and not control.evaluates:
            return []
        found = []
        for key in sorted(keys, key=lambda key: (key[0], key[1] or "")):
            row: _Stream | None = self._view.get(_STREAM, (source, *key))
            kept = {} if row is None else self._of(row.state.number)
            if not kept:
                continue
            last = max(kept)
            if self._view.get("evaluation", (*key, last)) is None:
                found.append(key)
        return found

    async def holes(
        self, stream: int, first: datetime, last: datetime, length: timedelta
    ) -> Sequence[Hole]:
        times = [time for time in sorted(self._of(stream)) if first <= time <= last]
        return [Hole(a, b) for a, b in pairwise(times) if b - a >= 2 * length]

    async def note_gaps(
        self, stream: int, first: datetime, last: datetime, holes: Sequence[Hole]
    ) -> None:
        kept: dict[datetime, tuple[Gap, datetime | None]] = {
            after: row
            for after, row in (self._view.get(_GAPS, stream) or {}).items()
            if not (first <= after and row[0].hole.before <= last) or row[0].hole in holes
        }
        for hole in holes:
            known = kept.get(hole.after)
            if known is None or known[0].hole != hole:
                kept[hole.after] = (Gap(hole=hole), None)
        await self._view.put(_GAPS, stream, kept)

    async def gaps(self, streams: Collection[int], rest: timedelta) -> Mapping[int, Sequence[Gap]]:
        found = {}
        for stream in streams:
            rows = (self._view.get(_GAPS, stream) or {}).items()
            open_ = [
                gap
                for _, (gap, asked_at) in sorted(rows)
                if gap.state is GapState.OPEN
                and (asked_at is None or asked_at <= self._clock() - rest)
            ]
            if open_:
                found[stream] = open_
        return found

    async def answered(self, stream: int, gap: Gap) -> None:
        kept = dict(self._view.get(_GAPS, stream) or {})
        kept[gap.hole.after] = (gap, self._clock())
        await self._view.put(_GAPS, stream, kept)

    async def retire(self, keep: timedelta, least: int, limit: int) -> int:
        removed = 0
        rows: list[_Stream] = self._view.all(_STREAM)
        for row in rows:
            kept = self._of(row.state.number)
            times = sorted(kept)
            if len(times) < least:
                continue
            until = min(times[-least], self._clock() - keep)
            gone = []
            for time in times:
                if time < until and removed + len(kept[time]) <= limit:
                    removed += len(kept.pop(time))
                    gone.append(time)
            if gone:
                await self._forget(row, kept, gone[-1])
        return removed

    async def _forget(self, row: _Stream, kept: dict[datetime, _Revisions], last: datetime) -> None:
        number, state = row.state.number, row.state
        await self._view.put(_CANDLES, number, kept)
        gaps = self._view.get(_GAPS, number) or {}
        left = {after: gap for after, gap in gaps.items() if after > last}
        await self._view.put(_GAPS, number, left)
        if state.filled_from and state.filled_to and state.filled_until:
            state = replace(
                state,
                filled_from=max(state.filled_from, last),
                filled_to=max(state.filled_to, last),
                filled_until=max(state.filled_until, last),
            )
            await self._view.put(_STREAM, _key(state), replace(row, state=state))
