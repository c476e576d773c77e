"""The gate's checks that depend on the market alone, over whole columns."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from engine.domain.gate import Check
from engine.domain.market import Instrument
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import CalendarView, Impact
from engine.domain.strategy import MarketState, SessionWindow, Strategy
from engine.gate.case import Finding
from engine.gate.feed_guard import INFLUENCE, LOOKED, RECENT, SPIKE_LEAST
from engine.gate.market_state import CHAOTIC_RANGES, DEAD_RANGES, TREND_ADX
from engine.research.columns import Columns, Whole
from engine.research.figures import Figures, Flags, Truth
from engine.snapshot.indicators import WINDOW

_MINUTE, _DAY, _WEEK = 60, 86_400, 7 * 86_400
#: The first day of 1970 was a Thursday; a week here begins on Monday.
_MONDAY = 4 * _DAY
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Candles behind the influential ones whose closes a spike is measured from.
_NEAR = INFLUENCE + 5
_NARROW_OF_TEN = 9
_BIT = {state: 1 << number for number, state in enumerate(MarketState)}
_STATE_OF = {bit: state for state, bit in _BIT.items()}
_EVERY = sum(_STATE_OF)


@dataclass(frozen=True, eq=False, slots=True)
class States:
    """The states the market may be in at each candle, as bits; nearly always it is one."""

    may_be: NDArray[np.uint8]

    def at(self, place: int) -> MarketState | None:
        """The state of a candle; None where it is not certain."""
        return _STATE_OF.get(self.may_be.item(place))

    def one_of(self, states: Collection[MarketState]) -> Truth:
        """Where it is one of these."""
        wanted = sum(_BIT[state] for state in states)
        inside, outside = self.may_be & wanted != 0, self.may_be & (_EVERY - wanted) != 0
        return Truth(inside, inside != outside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the market's checks are held against; ``data`` are findings at doubtful candles."""

    instrument: Instrument
    settings: RiskSettings
    calendar: CalendarView | None
    data: Mapping[int, Finding]
    states: States


def market_checks(strategy: Strategy, figures: Figures, frame: Frame) -> dict[Check, Truth]:
    """Where each of them is open."""
    columns = figures.columns
    instants = columns.opened + columns.length
    counts = np.minimum(np.arange(1, len(columns) + 1), WINDOW)
    clean = np.ones(len(columns), dtype=np.bool_)
    clean[[place for place, finding in frame.data.items() if not finding[0]]] = False
    return {
        Check.DATA_QUALITY: _certain(clean),
        Check.SESSION: _certain(_in_session(strategy.session_windows, instants)),
        Check.NEWS: _certain(_far_from_news(strategy, frame, instants)),
        Check.MARKET_STATE: ~_forbidden_state(strategy, frame.states),
        Check.DATA_READY: _certain(counts >= frame.settings.min_candles),
        Check.STRATEGY_MAX_CANDLES: _certain(counts <= frame.settings.strategy_max_candles),
    }


def _certain(flags: Flags) -> Truth:
    return Truth(flags, np.ones(len(flags), dtype=np.bool_))


def doubtful(columns: Columns) -> Flags:
    """Candles at which the feed guard may find something; at all others the data is clean."""
    step = np.diff(columns.opened, prepend=columns.opened[:1] - columns.length)
    found = _recently(step != columns.length, RECENT)
    found |= _recently(_copies(columns), LOOKED)
    flat = columns.high == columns.low
    same = flat & (np.roll(columns.close, 1) == columns.close)
    found |= flat & same & np.roll(same, 1)
    if columns.volume.any():
        found |= columns.volume == 0
    near = min(_NEAR, len(columns))
    highest = _rolling(columns.high, near, np.max)
    lowest = _rolling(columns.low, near, np.min)
    return found | ((highest - lowest) > float(SPIKE_LEAST) * lowest * (1 - 1e-9))


def _copies(columns: Columns) -> Flags:
    """Candles with all figures of the one before."""
    found = np.zeros(len(columns), dtype=np.bool_)
    found[1:] = columns.high[1:] > columns.low[1:]
    for figure in (columns.open, columns.high, columns.low, columns.close, columns.volume):
        found[1:] &= figure[1:] == figure[:-1]
    return found


def _recently(flags: Flags, count: int) -> Flags:
    """Where one of the last so many is set."""
    total = np.cumsum(flags)
    before = np.concatenate([np.zeros(count, dtype=total.dtype), total[:-count]])[: len(total)]
    recent: Flags = total > before
    return recent


def _rolling(values: Whole, count: int, what: object) -> Whole:
    """The extreme of the last so many; of fewer at the beginning."""
    padded = np.concatenate([np.full(count - 1, values[0]), values])
    windows = np.lib.stride_tricks.sliding_window_view(padded, count)
    found: Whole = what(windows, axis=1)  # type: ignore[operator]
    return found


def _in_session(windows: tuple[SessionWindow, ...], instants: Whole) -> Flags:
    if all(window.zone == "UTC" for window in windows):
        minutes = (instants - _MONDAY) % _WEEK // _MINUTE
        monday = _EPOCH + timedelta(seconds=_MONDAY)
        week = [monday + timedelta(minutes=minute) for minute in range(_WEEK // _MINUTE)]
        table = np.array([any(window.holds(at) for window in windows) for at in week])
        inside: Flags = table[minutes]
        return inside
    moments = (_EPOCH + timedelta(seconds=int(at)) for at in instants)
    return np.fromiter((any(w.holds(at) for w in windows) for at in moments), dtype=np.bool_)


def _far_from_news(strategy: Strategy, frame: Frame, instants: Whole) -> Flags:
    rule, calendar = strategy.forbidden_conditions, frame.calendar
    if calendar is None:
        return np.zeros(len(instants), dtype=np.bool_)
    limit = rule.block_high_impact_news_minutes
    until = (calendar.known_until - _EPOCH).total_seconds()
    far: Flags = instants + limit * _MINUTE <= until
    blocked = frame.instrument.currencies & frozenset(rule.blocked_symbols_during_news)
    for event in calendar.events:
        if event.impact is Impact.HIGH and event.concerns(blocked):
            at = (event.time - _EPOCH).total_seconds()
            # Whole minutes away: up to the last second of the limit's minute.
            least = np.searchsorted(instants, at - (limit + 1) * _MINUTE, side="right")
            most = np.searchsorted(instants, at + (limit + 1) * _MINUTE, side="left")
            far[least:most] = False
    return far


def market_states(figures: Figures) -> States:
    """What ``engine.gate.market_state`` says of each candle."""
    atr, adx, count = figures["atr_14"], figures["adx_14"], len(figures.columns)
    moves = figures.above(atr, np.zeros(count))
    stands = ~moves & _certain(np.isfinite(atr))
    told = np.isfinite(atr) & np.isfinite(adx)
    slack = 4 * figures.slack
    chaotic = figures.above(figures.span, float(CHAOTIC_RANGES) * atr, slack)
    dead = _mostly(figures.above(float(DEAD_RANGES) * atr, figures.span, slack))
    trend = ~figures.oscillator_below("adx_14", float(TREND_ADX))
    # In the order in which the state is told: the first that holds is it.
    asked = (
        (stands, MarketState.DEAD),
        (_certain(~told), MarketState.UNKNOWN),
        (chaotic, MarketState.CHAOTIC),
        (dead, MarketState.DEAD),
        (trend, MarketState.TREND),
    )
    may_be, is_left = np.zeros(count, dtype=np.uint8), np.ones(count, dtype=np.bool_)
    for truth, state in asked:
        may_be[is_left & (truth.met | ~truth.sure)] |= _BIT[state]
        is_left &= ~(truth.met & truth.sure)
    may_be[is_left] |= _BIT[MarketState.RANGE]
    return States(may_be)


def _forbidden_state(strategy: Strategy, states: States) -> Truth:
    """Where the market is in a state that the strategy leaves alone, or in none that it knows."""
    forbidden = strategy.forbidden_conditions.market_states
    if not forbidden:
        return _certain(np.zeros(len(states.may_be), dtype=np.bool_))
    return states.one_of((*forbidden, MarketState.UNKNOWN))


def _mostly(narrow: Truth) -> Truth:
    """Where nine of the last ten are."""
    certain = _count(narrow.met & narrow.sure)
    possible = certain + _count(~narrow.sure)
    return Truth(
        certain >= _NARROW_OF_TEN, (certain >= _NARROW_OF_TEN) | (possible < _NARROW_OF_TEN)
    )


def _count(flags: Flags) -> Whole:
    total = np.cumsum(flags.astype(np.int64))
    before = np.concatenate([np.zeros(10, dtype=np.int64), total[:-10]])[: len(total)]
    counted: Whole = total - before
    return counted
