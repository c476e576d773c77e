"""Return against risk: Sharpe, Sortino, Calmar and SQN, of balances day by day and of trades.

Definitions are those of the library ``backtesting``: returns compound, the mean day is geometric, a
year has 252 days, or 365 where trades end at weekends too, and the rate without risk is 0.
Volatility is that of a compounded year (https://dx.doi.org/10.2139/ssrn.3054517). A day's return is
its last balance against that of the day before; a day without trades, weekends apart, returns 0.
Computed in binary fractions: what comes out is a ratio, never an amount; beyond 1e12 it is None.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from math import exp, log, sqrt

from engine.domain.values import LIMIT, from_float

#: Places of a ratio; float noise begins behind them.
PLACES = 10
_WEEKDAYS, _ALL_DAYS = 252, 365
_SATURDAY = 5
_DAY = timedelta(days=1)


def day_returns(
    balances: Sequence[tuple[datetime, Decimal]], start: Decimal, zone: tzinfo
) -> tuple[list[float], int]:
    """Each day's return from the first day with a trade to the last, by the calendar of ``zone``,
    and the days that a year has; none when the balance is unknown or was ever used up.
    """
    last_of: dict[date, Decimal] = {at.astimezone(zone).date(): held for at, held in balances}
    if not last_of or start <= 0 or min(last_of.values()) <= 0:
        return [], _WEEKDAYS
    has_weekends = any(day.weekday() >= _SATURDAY for day in last_of)
    returns, before, day = [], start, min(last_of)
    while day <= max(last_of):
        if has_weekends or day.weekday() < _SATURDAY:
            held = last_of.get(day, before)
            returns.append(float(held) / float(before) - 1)
            before = held
        day += _DAY
    return returns, _ALL_DAYS if has_weekends else _WEEKDAYS


def annual_return(returns: Sequence[float], days: int) -> float | None:
    """What a year of such days would return, compounded, as a part of one; None without a day, for
    a balance that was used up, or one beyond all figures.
    """
    mean = _geometric_mean(returns)
    return None if mean is None else _finite(lambda: (1 + mean) ** days - 1)


def sharpe(returns: Sequence[float], days: int) -> Decimal | None:
    """Annual return over annual volatility; None for fewer than two days, or without volatility."""
    mean, annual = _geometric_mean(returns), annual_return(returns, days)
    if mean is None or annual is None or len(returns) < 2:
        return None
    middle = sum(returns) / len(returns)
    variance = sum((one - middle) ** 2 for one in returns) / (len(returns) - 1)
    grown = (1 + mean) ** 2
    volatility = _finite(lambda: sqrt((variance + grown) ** days - grown**days))
    return _over(annual, volatility)


def sortino(returns: Sequence[float], days: int) -> Decimal | None:
    """Annual return over the annual root mean square of the days that lost; None without such."""
    annual = annual_return(returns, days)
    if annual is None:
        return None
    lost = sum(min(one, 0.0) ** 2 for one in returns) / len(returns)
    return _over(annual, sqrt(lost) * sqrt(days))


def calmar(returns: Sequence[float], days: int, drawdown_percent: Decimal) -> Decimal | None:
    """Annual return over the deepest fall of the balance; None without a fall."""
    annual = annual_return(returns, days)
    return None if annual is None else _over(annual, float(drawdown_percent) / 100)


def sqn(profits: Sequence[Decimal]) -> Decimal | None:
    """System quality number: the mean profit over its deviation (n-1), times the root of the
    trades; None for fewer than two trades, or all alike, or one beyond all figures.
    """
    if len(profits) < 2 or len(set(profits)) == 1:
        return None
    count = Decimal(len(profits))
    mean = sum(profits, Decimal(0)) / count
    variance = sum(((one - mean) ** 2 for one in profits), Decimal(0)) / (count - 1)
    number = count.sqrt() * mean / variance.sqrt()
    return round(number, PLACES) if abs(number) <= LIMIT else None


def longest_fall(
    balances: Sequence[tuple[datetime, Decimal]], start: Decimal, since: datetime | None
) -> timedelta:
    """The longest time from a peak of the balance until it was reached again, or until the last
    trade where it was not. ``since`` is when the balance was ``start``, None at the first trade.
    """
    if not balances:
        return timedelta(0)
    peak, peak_at, longest = start, since or balances[0][0], timedelta(0)
    is_under = False
    for at, held in balances:
        if held < peak:
            is_under = True
            continue
        if is_under:
            longest = max(longest, at - peak_at)
        peak, peak_at, is_under = held, at, False
    if is_under:
        longest = max(longest, balances[-1][0] - peak_at)
    return longest


def _geometric_mean(returns: Sequence[float]) -> float | None:
    if not returns or min(returns) <= -1:
        return None
    return exp(sum(log(1 + one) for one in returns) / len(returns)) - 1


def _finite(figure: Callable[[], float]) -> float | None:
    """A figure, unless it is beyond what a binary fraction holds."""
    try:
        return figure()
    except OverflowError:
        return None


def _over(above: float, below: float | None) -> Decimal | None:
    # A deviation that is nothing but noise of the arithmetic is none.
    if below is None or not below > 1e-12:
        return None
    ratio = above / below
    # A few wild days, compounded to a year, are a number that says nothing.
    return from_float(ratio, PLACES) if abs(ratio) <= LIMIT else None
