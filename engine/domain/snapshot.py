"""The snapshot bundle: all a decision rests on, frozen at one instant."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from engine.domain.account import Account, Direction, Position, TradingDay
from engine.domain.feed_fault import FeedMemory
from engine.domain.live import LiveView
from engine.domain.market import Candle, Conversion, Instrument, Quote, Timeframe
from engine.domain.model import Prediction
from engine.domain.order import Order
from engine.domain.settings import RiskSettings
from engine.domain.state import Control
from engine.domain.strategy import Strategy

#: The currency of releases that move all of them: what calendars write for meetings of the world.
EVERY_CURRENCY = "ALL"


_BEFORE, _AFTER = timedelta(days=1), timedelta(days=7)


class Impact(StrEnum):
    """How much an economic release tends to move the market."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEvent:
    """A scheduled release; the values are texts as the calendar prints them."""

    time: datetime
    currency: str
    impact: Impact
    title: str
    previous: str = ""
    forecast: str = ""
    actual: str = ""

    def concerns(self, currencies: Collection[str]) -> bool:
        """Whether it may move one of these."""
        return bool(currencies) and self.currency in (EVERY_CURRENCY, *currencies)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarView:
    """What the calendar says around the instant, and until when it can be trusted to say so."""

    events: tuple[CalendarEvent, ...]
    known_until: datetime

    def around(self, instant: datetime) -> "CalendarView | None":
        """What a decision sees of a longer list: a day before the instant and a week after it; None
        when the list ends before it.
        """
        if instant > self.known_until:
            return None
        near = tuple([e for e in self.events if -_BEFORE <= e.time - instant <= _AFTER])
        if len(near) == len(self.events):
            return self
        return CalendarView(events=near, known_until=self.known_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """A news item; untrusted text."""

    time: datetime
    source: str
    text: str
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicators:
    """Figures of one closed candle; None while there are too few candles for one.

    Prices have two digits more than the symbol, oscillators two digits. ``swing_low`` and
    ``swing_high`` are the extremes of the last ten closed candles; ``vwap`` is the volume-weighted
    mean of the day's typical prices so far (UTC day of the candle), None without volume.
    """

    ema_20: Decimal | None
    ema_50: Decimal | None
    sma_50: Decimal | None
    sma_200: Decimal | None
    rsi_14: Decimal | None
    atr_14: Decimal | None
    adx_14: Decimal | None
    macd: Decimal | None
    macd_signal: Decimal | None
    macd_hist: Decimal | None
    bb_low: Decimal | None
    bb_mid: Decimal | None
    bb_high: Decimal | None
    vwap: Decimal | None
    swing_low: Decimal | None
    swing_high: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The same symbol seen in a longer timeframe, for conditions that look there."""

    timeframe: Timeframe
    candles: tuple[Candle, ...]
    indicators: Indicators
    indicators_before: Indicators


@dataclass(frozen=True, slots=True, kw_only=True)
class PastIdea:
    """An idea of the last day that was put to a person or executed; the guardrails count these.

    ``at`` is market time.
    """

    id: UUID
    strategy_id: UUID
    symbol: str
    direction: Direction
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """An order of ours without a proven end; it counts as filled for risk."""

    client_id: str
    symbol: str
    direction: Direction
    volume: Decimal
    state: str
    created_at: datetime
    strategy_id: str | None


def open_order(order: Order) -> OpenOrder:
    """An order as the risk side of a bundle sees it."""
    return OpenOrder(
        client_id=order.client_id,
        symbol=order.symbol,
        direction=order.direction,
        volume=order.volume,
        state=str(order.state),
        created_at=order.created_at,
        strategy_id=order.strategy_id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What a trade moves, in account currency.

    ``legs`` are the currencies it is long (above zero) and short (below): a EURUSD buy is long of
    euros and short of dollars. An index or a metal is a currency of its own here.
    """

    symbol: str
    direction: Direction
    volume: Decimal
    notional: Decimal
    legs: tuple[tuple[str, Decimal], tuple[str, Decimal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """What turns lots of a symbol into account currency: one lot is worth price × contract size ×
    rate.
    """

    symbol: str
    base: str
    quote: str
    price: Decimal
    contract_size: Decimal
    margin_rate: Decimal
    conversion: Conversion

    def exposure(self, direction: Direction, volume: Decimal) -> Exposure:
        """What so many lots of this symbol move."""
        notional = volume * self.price * self.contract_size * self.conversion.rate
        # Some venues state an index with the same currency twice; the two must not cancel out.
        asset = self.symbol if self.base == self.quote else self.base
        signed = direction.sign * notional
        return Exposure(
            symbol=self.symbol,
            direction=direction,
            volume=volume,
            notional=notional,
            legs=((asset, signed), (self.quote, -signed)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Everything seen at ``instant`` (market time). ``conversion`` turns the symbol's quote
    currency into the account's, ``valuations`` has this symbol and all that is open; what no fresh
    price was there for is missing from them.

    ``indicators`` belong to the last closed candle, ``indicators_before`` to the one before it, so
    that a crossing can be seen. ``frames`` are longer timeframes that some strategy reads,
    ``recent`` the ideas its guardrails count, the oldest first, and ``feed`` what was remembered of
    the symbol's feed; None before the first look at it. ``live`` is how a real account stands, None
    where no real money moves. ``prediction`` is what the approved model said, None without one.
    """

    schema: int = 3
    symbol: str
    timeframe: Timeframe
    instant: datetime
    candles: tuple[Candle, ...]
    indicators: Indicators
    indicators_before: Indicators
    quote: Quote | None
    instrument: Instrument
    conversion: Conversion | None
    valuations: tuple[Valuation, ...]
    calendar: CalendarView | None
    news: tuple[Headline, ...]
    account: Account | None
    day: TradingDay | None
    positions: tuple[Position, ...]
    orders: tuple[OpenOrder, ...]
    settings: RiskSettings
    settings_version: int
    strategies: tuple[Strategy, ...]
    control: Control
    frames: tuple[Frame, ...] = ()
    recent: tuple[PastIdea, ...] = ()
    live: LiveView | None = None
    feed: FeedMemory | None = None
    prediction: Prediction | None = None

    @property
    def holdings(self) -> tuple["Position | OpenOrder", ...]:
        """What is, or may be, open at the venue: positions and orders without a proven end."""
        return (*self.positions, *self.orders)

    @property
    def quote_rate(self) -> Decimal:
        """Account currency for one unit of the symbol's quote currency; zero when not known."""
        return Decimal(0) if self.conversion is None else self.conversion.rate

    def exposure(self, held: "Position | OpenOrder") -> Exposure | None:
        """What a holding moves; None when it cannot be valued."""
        for valuation in self.valuations:
            if valuation.symbol == held.symbol:
                return valuation.exposure(held.direction, held.volume)
        return None
