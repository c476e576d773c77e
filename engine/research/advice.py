"""The advisor's rules: from how trades went and were filled to what might be changed (source 001).

Each rule is a pure function of a :class:`Situation` and needs enough trades to say anything. A rule
only ever proposes; whoever answers decides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from engine.domain.change_proposal import FieldChange, Figure, Ground, Subject, Target
from engine.domain.settings import RiskSettings, differences, written
from engine.domain.values import quantize
from engine.scoring.metrics import Metrics

#: Trades below which a rule says nothing; of one symbol, of one side of a score, and fills.
ENOUGH_TRADES, ENOUGH_OF_SYMBOL, ENOUGH_OF_SIDE, ENOUGH_FILLS = 20, 10, 8, 10
#: What a losing run leaves of the risk of a trade, and how low that may go, in percent of equity.
_LESS_RISK, _LEAST_RISK = Decimal("0.75"), Decimal("0.10")
#: A fall is near its limit from this part of it on, and halves the risk.
_NEAR_LIMIT, _HALF = Decimal("0.6"), Decimal("0.5")
#: The steps by which the confidence threshold is tried, and where that ends.
_STEP, _STEPS, _HIGHEST = Decimal(5), 4, Decimal(95)
#: Mean slippage in units of risk that is an anomaly, and one that is none.
_SLIPPAGE, _LITTLE = Decimal("0.10"), Decimal("0.05")
_TIGHTER, _LEAST_DRIFT = Decimal("0.8"), Decimal("0.05")
#: The part of answers that came to nothing because the price had moved, which is too much.
_MOVED, _WIDER, _MOST_DRIFT = Decimal("0.5"), Decimal("1.25"), Decimal("0.5")
#: A symbol that brings in less than this part of what it loses is left alone.
_POOR = Decimal("0.7")


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A trade as the rules see it: its result in money and in units of its risk, the confidence it
    was taken with, and how much worse than proposed it was filled, in units of its risk.
    """

    symbol: str
    profit: Decimal
    r: Decimal | None
    score: Decimal | None
    slippage: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the rules look at. ``answered`` approvals were decided by a tap; ``moved`` of them came
    to nothing because the price had moved.
    """

    settings: RiskSettings
    version: int
    past: tuple[Past, ...]
    metrics: Metrics
    answered: int
    moved: int
    paused_symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Advice:
    """What the rules would change of one subject, and why."""

    subject: Subject
    changes: tuple[FieldChange, ...]
    grounds: tuple[Ground, ...]


#: Figures of a ground by name.
Numbers = dict[str, Decimal | int]
#: (settings so far, situation) -> the settings as the rule wants them, and why; None for no advice.
Rule = Callable[[RiskSettings, Situation], tuple[RiskSettings, Ground] | None]


def advise(seen: Situation) -> tuple[Advice, ...]:
    """Everything the rules would change: the settings as one, each symbol by itself."""
    wanted, grounds = seen.settings, []
    for rule in _RULES:
        found = rule(wanted, seen)
        if found is not None:
            wanted, ground = found
            grounds.append(ground)
    names = differences(seen.settings, wanted)
    found_symbols = _symbols(seen)
    if not names:
        return found_symbols
    changes = tuple(
        FieldChange(name, written(getattr(seen.settings, name)), written(getattr(wanted, name)))
        for name in names
    )
    subject = Subject(Target.SETTINGS, version=seen.version)
    return (Advice(subject, changes, tuple(grounds)), *found_symbols)


def _losing(now: RiskSettings, seen: Situation) -> tuple[RiskSettings, Ground] | None:
    """Trades lose on average: each shall risk less."""
    mean = seen.metrics.average_r
    if seen.metrics.trades < ENOUGH_TRADES or mean is None or not mean < 0:
        return None
    figures: Numbers = {"trades": seen.metrics.trades, "average_r": quantize(mean, 2)}
    return _less_risk(now, _LESS_RISK, "losing", figures)


def _near_drawdown(now: RiskSettings, seen: Situation) -> tuple[RiskSettings, Ground] | None:
    """The balance fell by much of what halts trading: each trade shall risk half."""
    fall, limit = seen.metrics.drawdown, now.max_drawdown_amount
    if seen.metrics.trades < ENOUGH_TRADES or fall < limit * _NEAR_LIMIT:
        return None
    figures: Numbers = {"drawdown": quantize(fall, 2), "limit": limit}
    return _less_risk(now, _HALF, "near_drawdown", figures)


def _less_risk(
    now: RiskSettings, part: Decimal, code: str, figures: Numbers
) -> tuple[RiskSettings, Ground] | None:
    risk = max(_LEAST_RISK, quantize(now.risk_per_trade_percent * part, 2))
    if not risk < now.risk_per_trade_percent:
        return None
    return replace(now, risk_per_trade_percent=risk), _ground(code, figures)


def _low_scores(now: RiskSettings, seen: Situation) -> tuple[RiskSettings, Ground] | None:
    """Trades of low confidence lose and those of high confidence win: the lowest step of the
    threshold that parts them.
    """
    scored = [(p.score, p.r) for p in seen.past if p.score is not None and p.r is not None]
    for number in range(1, _STEPS + 1):
        wanted = now.min_confidence_threshold + _STEP * number
        low = [r for score, r in scored if score < wanted]
        high = [r for score, r in scored if score >= wanted]
        if wanted > _HIGHEST or min(len(low), len(high)) < ENOUGH_OF_SIDE:
            continue
        below, above = mean_of(low), mean_of(high)
        if below < 0 < above:
            figures: Numbers = {
                "score": wanted,
                "below_r": quantize(below, 2),
                "above_r": quantize(above, 2),
                "trades": len(scored),
            }
            return replace(now, min_confidence_threshold=wanted), _ground("low_scores", figures)
    return None


def _slipping(now: RiskSettings, seen: Situation) -> tuple[RiskSettings, Ground] | None:
    """Fills are worse than what was proposed: the price may have moved less when an order leaves.

    Where it is the other way about, and answers come to nothing because the price moved while fills
    are good, it may have moved more.
    """
    slips = [past.slippage for past in seen.past if past.slippage is not None]
    if len(slips) < ENOUGH_FILLS:
        return None
    mean, drift = mean_of(slips), now.max_drift_r
    figures: Numbers = {"fills": len(slips), "slippage_r": quantize(mean, 3)}
    if mean > _SLIPPAGE:
        tighter = max(_LEAST_DRIFT, quantize(drift * _TIGHTER, 2))
        if tighter < drift:
            return replace(now, max_drift_r=tighter), _ground("slippage", figures)
        return None
    if seen.answered < ENOUGH_FILLS or mean > _LITTLE:
        return None
    wider = min(_MOST_DRIFT, quantize(drift * _WIDER, 2))
    if seen.moved < seen.answered * _MOVED or not wider > drift:
        return None
    figures |= {"answered": seen.answered, "moved": seen.moved}
    return replace(now, max_drift_r=wider), _ground("price_moves", figures)


def _symbols(seen: Situation) -> tuple[Advice, ...]:
    """Symbols that lose while the others together win."""
    found = []
    for symbol in sorted({past.symbol for past in seen.past} - set(seen.paused_symbols)):
        mine = [past.profit for past in seen.past if past.symbol == symbol]
        others = [past.profit for past in seen.past if past.symbol != symbol]
        won = sum((one for one in mine if one > 0), Decimal(0))
        lost = -sum((one for one in mine if one < 0), Decimal(0))
        if len(mine) < ENOUGH_OF_SYMBOL or not won < lost * _POOR:
            continue
        if sum(others, Decimal(0)) <= 0:
            continue
        figures: Numbers = {
            "trades": len(mine),
            "profit_factor": quantize(won / lost, 2),
            "profit": quantize(won - lost, 2),
        }
        change = FieldChange(symbol, "trading", "paused")
        subject = Subject(Target.SYMBOL, symbol, name=symbol)
        found.append(Advice(subject, (change,), (_ground("poor_symbol", figures),)))
    return tuple(found)


def mean_of(values: Sequence[Decimal]) -> Decimal:
    """The mean of at least one value."""
    return sum(values, Decimal(0)) / len(values)


def _ground(code: str, figures: Numbers) -> Ground:
    named = tuple(Figure(name, f"{value:f}" if isinstance(value, Decimal) else str(value))
                  for name, value in figures.items())  # fmt: skip
    return Ground(code, named)


_RULES: tuple[Rule, ...] = (_losing, _near_drawdown, _low_scores, _slipping)
