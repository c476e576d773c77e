"""What closed trades were worth: source 004's ``/analysis`` and source 001's metrics.

Definitions follow common use: win rate is wins of all trades, a trade that came out even is no win;
profit factor is what was won over what was lost; payoff is the mean win over the mean loss;
expectancy is the mean profit of a trade; drawdown is the deepest fall of the balance from its peak,
and the longest time until a peak was reached again. Return against risk is defined in
``engine.scoring.ratios``. What is not a number anywhere is None here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import accumulate

from engine.scoring.ratios import calmar, day_returns, longest_fall, sharpe, sortino, sqn

#: A score made of fewer trades would be luck.
ENOUGH = 10
#: What earns a part of the composite score in full, and the drawdown that earns nothing.
FULL_FACTOR, FULL_R, FULL_PAYOFF, NO_DRAWDOWN = (
    Decimal(2), Decimal("0.5"), Decimal(2), Decimal(20),
)  # fmt: skip
_PART = Decimal(25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A round trip: its profit in account currency after costs, and the same in units of the risk
    that was taken, None where that is not known.
    """

    closed_at: datetime
    profit: Decimal
    r: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Figures of a list of trades. What cannot be said of so few is None: a win rate of no trades,
    a profit factor without a loss, a Sharpe ratio of one day, a composite of fewer than
    :data:`ENOUGH`. Ratios have :data:`engine.scoring.ratios.PLACES` places.
    """

    trades: int
    wins: int
    losses: int
    profit: Decimal
    win_rate: Decimal | None
    average_r: Decimal | None
    payoff: Decimal | None
    expectancy: Decimal | None
    profit_factor: Decimal | None
    drawdown: Decimal
    drawdown_percent: Decimal
    best: Decimal | None
    worst: Decimal | None
    composite: Decimal | None
    drawdown_duration: timedelta
    sharpe: Decimal | None
    sortino: Decimal | None
    calmar: Decimal | None
    sqn: Decimal | None


def measure(
    trades: Sequence[Trade],
    *,
    start: Decimal,
    since: datetime | None = None,
    zone: tzinfo = UTC,
) -> Metrics:
    """The figures of trades, the oldest first, of an account that began with ``start`` at ``since``
    (at the first trade where that is not said); days are those of ``zone``.

    Without trades every count and amount is 0 and all else None.
    """
    profits = [trade.profit for trade in trades]
    won = [profit for profit in profits if profit > 0]
    lost = [-profit for profit in profits if profit < 0]
    risked = [trade.r for trade in trades if trade.r is not None]
    fall, percent = _drawdown(profits, start)
    sums = list(accumulate(profits, initial=start))[1:]
    balances = [(trade.closed_at, held) for trade, held in zip(trades, sums, strict=True)]
    returns, days = day_returns(balances, start, zone)
    factor = _ratio(sum(won, Decimal(0)), sum(lost, Decimal(0)))
    average_r = _mean(risked)
    payoff = _ratio(_mean(won), _mean(lost))
    return Metrics(
        trades=len(profits),
        wins=len(won),
        losses=len(lost),
        profit=sum(profits, Decimal(0)),
        win_rate=_ratio(Decimal(len(won)), Decimal(len(profits))),
        average_r=average_r,
        payoff=payoff,
        expectancy=_mean(profits),
        profit_factor=factor,
        drawdown=fall,
        drawdown_percent=percent,
        best=max(profits, default=None),
        worst=min(profits, default=None),
        composite=_composite(len(profits), factor, average_r, payoff, percent),
        drawdown_duration=longest_fall(balances, start, since),
        sharpe=sharpe(returns, days),
        sortino=sortino(returns, days),
        calmar=calmar(returns, days, percent),
        sqn=sqn(profits),
    )


def _composite(
    trades: int,
    factor: Decimal | None,
    average_r: Decimal | None,
    payoff: Decimal | None,
    drawdown_percent: Decimal,
) -> Decimal | None:
    """0 to 100, a quarter each: profit factor (1 earns nothing, 2 all), mean R (0.5 earns all),
    payoff (2 earns all), drawdown (none earns all, a fifth of the peak nothing). Without a single
    loss, factor and payoff are as good as they can be.
    """
    if trades < ENOUGH:
        return None
    parts = (
        Decimal(1) if factor is None else (factor - 1) / (FULL_FACTOR - 1),
        Decimal(0) if average_r is None else average_r / FULL_R,
        (Decimal(1) if factor is None else Decimal(0)) if payoff is None else payoff / FULL_PAYOFF,
        1 - drawdown_percent / NO_DRAWDOWN,
    )
    return sum((_PART * min(max(part, Decimal(0)), Decimal(1)) for part in parts), Decimal(0))


def _drawdown(profits: Sequence[Decimal], start: Decimal) -> tuple[Decimal, Decimal]:
    """The deepest fall from a peak of the balance, in money and in percent of that peak."""
    balance = peak = start
    deepest = steepest = Decimal(0)
    for profit in profits:
        balance += profit
        peak = max(peak, balance)
        deepest = max(deepest, peak - balance)
        if peak > 0:
            steepest = max(steepest, (peak - balance) / peak * 100)
    return deepest, steepest


def _mean(values: Sequence[Decimal]) -> Decimal | None:
    return sum(values, Decimal(0)) / len(values) if values else None


def _ratio(above: Decimal | None, below: Decimal | None) -> Decimal | None:
    return None if above is None or below is None or not below else above / below
