"""The day's limits: which of them has been reached, and what reaching it does."""

from decimal import Decimal

from engine.domain.account import TradingDay
from engine.domain.settings import RiskSettings
from engine.domain.state import HaltReason


def reached(settings: RiskSettings, equity: Decimal, day: TradingDay) -> HaltReason | None:
    """The first limit that an equity breaches and whose breach halts trading, or None.

    Written as "unless within, halt", so that a figure that cannot be compared halts too.
    """
    if not day.loss_percent(equity) < settings.max_daily_loss_percent:
        return HaltReason.DAILY_LOSS
    if settings.halt_on_drawdown and not day.drawdown(equity) < settings.max_drawdown_amount:
        return HaltReason.MAX_DRAWDOWN
    if settings.stop_after_target and not target_open(settings, day.profit(equity)):
        return HaltReason.DAILY_TARGET_REACHED
    return None


def target_open(settings: RiskSettings, profit: Decimal) -> bool:
    """Whether the day's profit is still short of its target; a target of zero means none is set."""
    return settings.daily_profit_target == 0 or profit < settings.daily_profit_target
