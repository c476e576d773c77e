"""What a simulated trade server keeps: symbols, positions, orders, deals, and its return codes."""

from dataclasses import dataclass
from enum import IntEnum


class Code(IntEnum):
    """TRADE_RETCODE_* that the simulation answers by itself."""

    NONE = 0
    REQUOTE = 10004
    PLACED = 10008
    DONE = 10009
    DONE_PARTIAL = 10010
    TIMEOUT = 10012
    INVALID = 10013
    INVALID_VOLUME = 10014
    INVALID_PRICE = 10015
    INVALID_STOPS = 10016
    MARKET_CLOSED = 10018
    NO_MONEY = 10019
    NO_CHANGES = 10025
    INVALID_FILL = 10030
    CONNECTION = 10031
    POSITION_CLOSED = 10036
    INVALID_CLOSE_VOLUME = 10038


DEAL, SLTP = 1, 6
BUY, SELL = 0, 1
IN, OUT = 0, 1


@dataclass
class Symbol:
    """``filling`` is the bit mask, ``exemode`` 2 is market execution."""

    name: str
    digits: int
    bid: float
    ask: float
    contract: float = 100_000.0
    filling: int = 1
    exemode: int = 2
    stops_level: int = 0
    freeze_level: int = 0
    vmin: float = 0.01
    vmax: float = 50.0
    vstep: float = 0.01
    tick: float = 0.0
    open: bool = True
    base: str = "EUR"
    profit: str = "USD"
    tick_ms: int = 0

    def __post_init__(self) -> None:
        self.tick = self.tick or self.point

    @property
    def point(self) -> float:
        """The smallest unit of a price."""
        return float(f"1e-{self.digits}")

    def breaks_stops(self, side: int, sl: float, tp: float) -> bool:
        """Whether stops are on the wrong side or too near the bid (longs) or ask (shorts)."""
        gap = self.stops_level * self.point - 1e-12
        way, price = (1, self.bid) if side == BUY else (-1, self.ask)
        near = (sl and (price - sl) * way < gap) or (tp and (tp - price) * way < gap)
        wrong = (sl and (price - sl) * way <= 0) or (tp and (tp - price) * way <= 0)
        return bool(near or wrong)


@dataclass
class Position:
    """An open trade. ``ticket`` may differ from ``identifier``."""

    ticket: int
    identifier: int
    symbol: str
    type: int
    volume: float
    price_open: float
    sl: float
    tp: float
    magic: int
    comment: str
    time: int
    swap: float = 0.0


@dataclass
class WorkingOrder:
    """An order that the trade server has and has not dealt yet."""

    ticket: int
    symbol: str
    type: int
    volume: float
    price: float
    magic: int
    position: int
    time: int
    state: int = 1


@dataclass
class Deal:
    """What was dealt. ``reason`` 3 is an Expert Advisor, 4 a stop, 5 a target."""

    ticket: int
    order: int
    time: int
    time_msc: int
    type: int
    entry: int
    magic: int
    position_id: int
    volume: float
    price: float
    profit: float
    symbol: str
    comment: str
    reason: int = 3
    swap: float = 0.0
    commission: float = 0.0
    fee: float = 0.0


@dataclass
class Release:
    """An economic release; values are millionths, None when not out."""

    id: int
    time: int
    title: str
    importance: int = 3
    exact: bool = True
    currency: str = "USD"
    country: str = "US"
    actual: int | None = None
    forecast: int | None = None
    previous: int | None = None


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the next request to the trade server.

    ``kind``: ``answer`` (not executed, that code), ``executed`` (executed, that code), ``late``
    (executed after ``seconds``, that code now), ``working`` (as late, and an order is seen
    meanwhile), ``partial`` (``part`` of the volume), ``die_before``, ``die_after``, ``die_late``
    (the terminal's process ends).
    """

    kind: str
    code: int = 0
    seconds: float = 0.0
    part: float = 0.5


@dataclass
class Request:
    """A MqlTradeRequest as it arrived."""

    action: int
    magic: int
    symbol: str
    volume: float
    price: float
    sl: float
    tp: float
    deviation: int
    type: int
    type_filling: int
    comment: str
    position: int


@dataclass
class Answer:
    """A MqlTradeResult."""

    retcode: int
    deal: int = 0
    order: int = 0
    volume: float = 0.0
    price: float = 0.0
    comment: str = ""
    request_id: int = 0


@dataclass
class Flags:
    """What the terminal, the broker and the user permit."""

    terminal: bool = True
    ea: bool = True
    account: bool = True
    experts: bool = True
    trade_mode: int = 0
