"""The day's limits with their figures: which one is reached, by how much."""

from dataclasses import dataclass
from decimal import Decimal

from engine.domain.account import Account, TradingDay
from engine.domain.settings import RiskSettings
from engine.domain.state import HaltReason
from engine.gate.limits import reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A limit that is reached. Both figures are in its own unit: percent for the daily loss, money
    of the account for drawdown and target.
    """

    reason: HaltReason
    used: Decimal
    limit: Decimal


def breach(settings: RiskSettings, account: Account, day: TradingDay) -> Breach | None:
    """The limit whose breach halts trading now, or None."""
    reason = reached(settings, account, day)
    if reason is None:
        return None
    used, limit = {
        HaltReason.DAILY_LOSS: (
            day.loss_percent(account.equity),
            settings.max_daily_loss_percent,
        ),
        HaltReason.MAX_DRAWDOWN: (day.drawdown(account.equity), settings.max_drawdown_amount),
        HaltReason.DAILY_TARGET_REACHED: (
            day.profit(account.equity),
            settings.daily_profit_target,
        ),
    }[reason]
    return Breach(reason=reason, used=used, limit=limit)
