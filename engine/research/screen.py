"""What can be said of every candle at once: a strategy's conditions and the market's own checks.

Each candle gets a key of bits, from which its no follows together with the state of the account.
Where a key could be wrong by rounding, or a setup stands free, the candle is to be looked at by the
pipeline itself (``asks``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.domain.account import Direction
from engine.domain.gate import Check
from engine.domain.market import Instrument
from engine.domain.strategy import Strategy
from engine.research.columns import Columns, Whole
from engine.research.figures import Figures, Flags, Truth
from engine.research.market_checks import Frame, market_checks
from engine.research.setup_truth import SETUP_TRUTHS
from engine.research.truth import truth_of
from engine.strategies.exits import distance_of, ratio_of

#: Bits of a key: the second direction's answer, a proposal, the market's checks, the conditions.
OTHER_SIDE, PROPOSES, CHECKS_AT, CONDITIONS_AT = 1, 2, 2, 10
#: Conditions that fit into a key.
MOST = 48
#: Price steps that are left of a distance however it is rounded.
_STEPS = 3
#: The checks that depend on the market alone, in the order of their bits.
MARKET = (
    Check.DATA_QUALITY, Check.SESSION, Check.NEWS, Check.MARKET_STATE, Check.DATA_READY,
    Check.STRATEGY_MAX_CANDLES,
)  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True)
class Screen:
    """Each candle's key, the names of the observations it holds, where the pipeline has to be
    asked, where keys or days change, and where the first of two directions certainly proposes
    nothing.
    """

    keys: Whole
    names: tuple[str, ...]
    asks: Flags
    starts: list[int]
    is_silent: Flags


def screen(strategy: Strategy, figures: Figures, frame: Frame) -> Screen:
    """A strategy's screen over all candles."""
    columns, sides = figures.columns, strategy.direction.directions
    answers = [_side(strategy, figures, side) for side in sides]
    sure, key = np.ones(len(columns), dtype=np.bool_), answers[0].key
    met, proposes = answers[0].met, answers[0].proposes
    for answer in answers:
        sure &= answer.sure
    for answer in answers[1:]:
        other = (~proposes & answer.proposes) | (~proposes & ~answer.proposes & (answer.met > met))
        key = np.where(other, answer.key | OTHER_SIDE, key)
        met, proposes = np.where(other, answer.met, met), proposes | answer.proposes
    checks = market_checks(strategy, figures, frame)
    free = np.ones(len(columns), dtype=np.bool_)
    for bit, code in enumerate(MARKET):
        closed = ~checks[code].met
        key = key | (closed.astype(np.int64) << (CHECKS_AT + bit))
        sure &= checks[code].sure
        if code not in (Check.DATA_READY, Check.STRATEGY_MAX_CANDLES):
            free &= ~closed
    blocked = proposes & ~free & _has_exits(strategy, figures, frame.instrument)
    keys = key | np.where(proposes, PROPOSES, 0)
    is_silent = answers[0].sure & ~answers[0].proposes
    return Screen(
        keys=keys, names=answers[0].names, asks=~sure | (proposes & ~blocked),
        starts=_starts(keys, columns), is_silent=is_silent,
    )  # fmt: skip


def closed_in(key: int) -> frozenset[Check]:
    """The market's checks that are closed in a key."""
    return frozenset(code for bit, code in enumerate(MARKET) if key >> (CHECKS_AT + bit) & 1)


def unmet_in(key: int, names: Sequence[str]) -> list[str]:
    """The observations that are not met in a key, in the order they are made; ``names`` are those
    of its screen.
    """
    return [name for bit, name in enumerate(names) if key >> (CONDITIONS_AT + bit) & 1]


@dataclass(frozen=True, eq=False, slots=True)
class _Side:
    names: tuple[str, ...]
    key: Whole
    met: Whole
    proposes: Flags
    sure: Flags


def _side(strategy: Strategy, figures: Figures, side: Direction) -> _Side:
    count = len(figures.columns)
    key, met = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    all_met, sure = np.ones(count, dtype=np.bool_), np.ones(count, dtype=np.bool_)
    seen = _observed(strategy, figures, side)
    if seen is None or len(seen.met) > MOST:
        sure[:] = False  # only the pipeline can ask it
        return _Side((), key, met, all_met, sure)
    for bit, (_, truth, is_required) in enumerate(seen.met):
        key |= (~truth.met).astype(np.int64) << (CONDITIONS_AT + bit)
        sure &= truth.sure
        if is_required:
            met += truth.met
            all_met &= truth.met
    if seen.there is not None:
        sure &= seen.there.sure & seen.there.met
    return _Side(tuple([name for name, *_ in seen.met]), key, met, all_met, sure)


@dataclass(frozen=True, eq=False, slots=True)
class _Seen:
    """What is observed of a direction, in its order: its name, where it is met, and whether it has
    to be. Where a setup lacks figures it observes nothing: it is not ``there``.
    """

    met: list[tuple[str, Truth, bool]]
    there: Truth | None = None


def _observed(strategy: Strategy, figures: Figures, side: Direction) -> _Seen | None:
    """None where a setup has no column form."""
    required = len(strategy.entry_conditions)
    conditions = (*strategy.entry_conditions, *strategy.nice_to_have)
    found = [
        (condition.name, truth_of(condition, figures, side), number < required)
        for number, condition in enumerate(conditions)
    ]
    if strategy.setup is None:
        return _Seen(found)
    if strategy.setup not in SETUP_TRUTHS:
        return None
    setup = SETUP_TRUTHS[strategy.setup](figures, side)
    own = [(name, truth, True) for name, truth in setup.met.items()]
    return _Seen([*own, *found], setup.there)


def _has_exits(strategy: Strategy, figures: Figures, known: Instrument) -> Flags:
    """Where a proposal's stop and targets certainly exist: distances that are some price steps and
    not half the price, and so many times the risk.
    """
    rules, atr = strategy.exit_rules, figures["atr_14"]
    if strategy.setup is not None:
        return np.zeros(len(atr), dtype=np.bool_)  # it says where its exits are
    steps = {"pips": float(known.pip), "points": 100 * figures.unit, "cents": 0.01}
    there: Flags = np.isfinite(atr)
    for text in (rules.stop_loss, *rules.take_profit):
        ratio, distance = ratio_of(text), distance_of(text)
        if distance is not None:
            number, unit = distance
            with np.errstate(invalid="ignore"):
                far = float(number) * (atr if unit == "atr" else steps[unit])
                there &= (far > _STEPS * 100 * figures.unit) & (far < figures.close / 2)
        elif not ratio:
            return np.zeros(len(atr), dtype=np.bool_)
    return there


def _starts(keys: Whole, columns: Columns) -> list[int]:
    days = (columns.opened + columns.length) // 86_400
    changed = (keys[1:] != keys[:-1]) | (days[1:] != days[:-1])
    return [int(place) for place in np.flatnonzero(changed) + 1]
