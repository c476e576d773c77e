"""What a chart of a market shows: the data alone, in the language of the domain."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from engine.domain.account import Direction
from engine.domain.market import Candle, Instrument, Timeframe
from engine.domain.snapshot import CalendarEvent
from engine.domain.strategy import SessionWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The prices of a trade, or of an idea for one; what is absent is not drawn. ``name`` stands
    before its words where a chart shows several trades (``#12``).
    """

    entry: Decimal | None = None
    stop: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    fill: Decimal | None = None
    direction: Direction | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A symbol in one timeframe, and what is known around it.

    ``candles`` are closed ones, the oldest first; the last 120 are drawn, and 49 more before them
    let the averages begin at the left edge. ``instant`` is what the title says. ``support`` and
    ``resistance`` are prices; one far from the candles is left out. ``windows`` are hours to shade,
    ``events`` releases to mark: pass only those that matter.
    """

    timeframe: Timeframe
    instant: datetime
    instrument: Instrument
    candles: tuple[Candle, ...]
    trades: tuple[Levels, ...] = ()
    support: Decimal | None = None
    resistance: Decimal | None = None
    windows: tuple[SessionWindow, ...] = ()
    events: tuple[CalendarEvent, ...] = ()
