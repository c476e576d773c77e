"""Candles and readings that are fetched from a venue: where from, whose turn it is, what is kept.

Nothing that was stored is overwritten: what the venue later says otherwise is a revision beside it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from engine.domain.account import Account
from engine.domain.market import Candle, Timeframe
from engine.domain.stream import Gap, Hole, Stored, StreamKey, StreamState, Window


class CandleSource(Protocol):
    """The part of ``MarketData`` that is read from a venue at intervals."""

    async def instant(self) -> datetime:
        """The venue's time now."""
        ...

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        """The last ``count`` closed candles, oldest first; fewer when there are no more."""
        ...

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        """Closed candles that opened after ``after``, oldest first: a page of the first ones, or,
        of a venue that shows no others, the last ones.
        """
        ...


class Streams(Protocol):
    """Whose turn it is to read which stream, on the database's clock. Nobody waits for a row."""

    async def enlist(self, source: str, keys: Collection[StreamKey]) -> None:
        """Note streams that are not known yet; they are due at once."""
        ...

    async def due(self, source: str, keys: Collection[StreamKey]) -> int:
        """How many of them wait to be read by somebody."""
        ...

    async def take(
        self,
        source: str,
        keys: Collection[StreamKey],
        *,
        most: int,
        lease: timedelta,
        holder: str,
    ) -> Sequence[StreamState]:
        """Hold streams that are due, the longest due first; others pass over them for so long."""
        ...

    async def hold(self, state: StreamState, lease: timedelta) -> bool:
        """Whether a stream is still ours. If so, it stays ours to the end of the transaction, and
        for ``lease`` from now. Called first in a transaction that writes what was read.
        """
        ...

    async def settle(self, state: StreamState) -> None:
        """Note how a held stream stands and when it is due again, and let go of it."""
        ...

    async def states(self, source: str, keys: Collection[StreamKey]) -> Sequence[StreamState]:
        """How those streams stand that are known, in order of symbol and timeframe."""
        ...

    async def keep_account(self, account: Account, positions: int, at: datetime) -> None:
        """Keep a reading of an account."""
        ...


class Candles(Protocol):
    """Candles by the number of their stream. A candle is known from when it was learnt."""

    async def put(self, stream: int, candles: Sequence[Candle]) -> Stored:
        """Store a page, oldest first, each once: what is new, and as a revision what differs from
        the last revision of the same candle. The stream must be held.
        """
        ...

    async def last(
        self,
        source: str,
        key: StreamKey,
        count: int,
        *,
        known_at: datetime | None = None,
    ) -> tuple[Candle, ...]:
        """The last ``count`` candles, oldest first: as they stand, or with ``known_at`` as they
        stood at that instant.
        """
        ...

    async def window(
        self, source: str, key: StreamKey, count: int, before: Window | None
    ) -> Window:
        """The last ``count`` candles as they stand. With the window that the caller had ``before``,
        only what was learnt since is read.
        """
        ...

    async def since(
        self, source: str, key: StreamKey, after: datetime, *, known_at: datetime | None = None
    ) -> tuple[Candle, ...]:
        """The same of candles that opened after an instant."""
        ...

    async def unjudged(self, source: str, keys: Collection[StreamKey]) -> Sequence[StreamKey]:
        """Those streams whose last candle was judged by nobody; none while nothing is judged."""
        ...

    async def holes(
        self, stream: int, first: datetime, last: datetime, length: timedelta
    ) -> Sequence[Hole]:
        """Where candles of that length are missing between two stored ones of a span."""
        ...

    async def note_gaps(
        self, stream: int, first: datetime, last: datetime, holes: Sequence[Hole]
    ) -> None:
        """These are the gaps of a span: the others are closed, the new ones are open."""
        ...

    async def gaps(self, streams: Collection[int], rest: timedelta) -> Mapping[int, Sequence[Gap]]:
        """Open gaps by stream, oldest first, that were not asked for within the rest."""
        ...

    async def answered(self, stream: int, gap: Gap) -> None:
        """Note that a gap was asked for, and what is known of it now."""
        ...

    async def retire(self, keep: timedelta, least: int, limit: int) -> int:
        """Remove candles that opened so long ago, with their revisions, at most so many rows and
        never one of a stream's ``least`` last ones; the answer is how many rows.
        """
        ...
