"""What can be wrong with a symbol's market data, and what is remembered of where it comes from."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from engine.domain.market import Candle, Instrument, Quote, Timeframe


class Fault(StrEnum):
    """Stable codes, used in records, notices and findings."""

    #: The feed answers nothing, or what cannot be a candle, a quote or a specification.
    UNREADABLE = "unreadable"
    #: The venue shows the symbol and does not deal in it, or shows it no longer.
    SUSPENDED = "suspended"
    NO_QUOTE = "no_quote"
    #: The venue's name of the symbol is another one than before.
    RENAMED = "renamed"
    #: Digits, pip or contract size are others than before.
    RESCALED = "rescaled"
    #: The broker's clock is another distance ahead of UTC than before.
    CLOCK_MOVED = "clock_moved"
    #: A candle stands before an older one.
    DISORDER = "disorder"
    #: A candle's time, or all of its figures, stand there twice in a row.
    REPEATED = "repeated"
    #: Candles overlap, or do not begin where candles of this length do.
    MISPLACED = "misplaced"
    #: Candles are missing while the market was open.
    HOLE = "hole"
    #: A candle that has not closed yet, or a quote from later than now.
    FUTURE = "future"
    SPIKE = "spike"
    FROZEN = "frozen"
    NO_VOLUME = "no_volume"
    #: Quote and candles are of different prices.
    APART = "apart"
    #: Older than the trader's limit; the gate's own check ``stale_data`` refuses it.
    OLD = "old"
    #: Wider than the trader's limit; the gate's own check ``spread`` refuses it.
    WIDE = "wide"


#: What is wrong with candles, and may be wrong with those that are stored.
OF_CANDLES = frozenset(
    (
        Fault.UNREADABLE, Fault.CLOCK_MOVED, Fault.DISORDER, Fault.REPEATED, Fault.MISPLACED,
        Fault.HOLE, Fault.FUTURE, Fault.SPIKE, Fault.FROZEN, Fault.NO_VOLUME,
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFault:
    """A fault: what was seen, what it was held against, and the instant it is about, if one."""

    code: Fault
    seen: str
    limit: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """Facts of a symbol at its venue that do not change from one candle to the next."""

    name: str
    digits: int
    pip: Decimal
    contract_size: Decimal
    clock_offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedMemory:
    """The facts that are believed. ``other`` are different ones that were seen since, at the candle
    that opened at ``since``.

    Other facts are believed when they are still there one candle later: what comes and goes is a
    fault, what stays is the venue's new truth.
    """

    believed: SourceFacts
    other: SourceFacts | None = None
    since: datetime | None = None

    def accepts(self, facts: SourceFacts, candle: datetime) -> bool:
        """Whether facts that were seen at a candle are believed."""
        if facts == self.believed:
            return True
        return facts == self.other and self.since is not None and candle > self.since

    def after(self, facts: SourceFacts, candle: datetime) -> "FeedMemory":
        """What is remembered after a look."""
        if self.accepts(facts, candle):
            return FeedMemory(believed=facts)
        if facts == self.other:
            return self
        return replace(self, other=facts, since=candle)


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """Trouble that lasts: its first fault, since when, at how many looks in a row (no more are
    counted than it takes to tell of it), and whether people were told.
    """

    fault: Fault
    since: datetime
    looks: int = 1
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRecord:
    """All that is kept of one symbol's feed."""

    memory: FeedMemory | None = None
    episode: Episode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the guard looks at: one symbol's closed candles (oldest first) and quote at ``instant``
    of market time, its specification, and what is remembered of its feed.
    """

    timeframe: Timeframe
    instant: datetime
    candles: tuple[Candle, ...]
    quote: Quote | None
    instrument: Instrument
    memory: FeedMemory | None


def facts_of(instrument: Instrument) -> SourceFacts:
    """What a specification says of where it comes from."""
    return SourceFacts(
        name=instrument.venue_name or instrument.symbol,
        digits=instrument.digits,
        pip=instrument.pip,
        contract_size=instrument.contract_size,
        clock_offset=instrument.clock_offset,
    )
