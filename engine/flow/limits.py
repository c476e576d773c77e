"""The day's limits with their figures: which one is reached, by how much."""

from dataclasses import dataclass
from decimal import Decimal

from engine.domain.account import Account, TradingDay
from engine.domain.settings import RiskSettings
from engine.domain.state import HaltReason
from engine.gate.limits import reached

#: The setting behind each limit that halts.
_SETTINGS = {
    HaltReason.DAILY_LOSS: "max_daily_loss_percent",
    HaltReason.MAX_DRAWDOWN: "max_drawdown_amount",
    HaltReason.DAILY_TARGET_REACHED: "daily_profit_target",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A limit that is reached, and the setting that holds it. Both figures are in its own unit:
    percent for the daily loss, money of the account for drawdown and target.
    """

    reason: HaltReason
    setting: str
    used: Decimal
    limit: Decimal


def breach(settings: RiskSettings, account: Account, day: TradingDay) -> Breach | None:
    """The limit whose breach halts trading now, or None."""
    reason = reached(settings, account.equity, day)
    if reason is None:
        return None
    used = {
        HaltReason.DAILY_LOSS: day.loss_percent,
        HaltReason.MAX_DRAWDOWN: day.drawdown,
        HaltReason.DAILY_TARGET_REACHED: day.profit,
    }[reason](account.equity)
    setting = _SETTINGS[reason]
    return Breach(reason=reason, setting=setting, used=used, limit=getattr(settings, setting))
