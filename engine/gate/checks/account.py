"""Checks of the account: known at all, the day's limits, margin."""

from decimal import Decimal

from engine.domain.account import Account, TradingDay
from engine.domain.gate import Check
from engine.domain.values import quantize
from engine.gate.case import CONTRADICTORY, MISSING, STALE, Case, Finding, Scene, check, scene_check
from engine.gate.limits import target_open
from engine.gate.money import margin_free
from engine.gate.sizing import margin_of


def _known(scene: Scene) -> tuple[Account, TradingDay] | None:
    account, day = scene.bundle.account, scene.bundle.day
    return None if account is None or day is None else (account, day)


@scene_check(Check.ACCOUNT)
def _account(scene: Scene) -> Finding:
    """The broker answered lately, and its day has a beginning to be measured from."""
    if (known := _known(scene)) is None:
        return False, MISSING, "known"
    account, day = known
    now = scene.bundle.instant
    limit = scene.bundle.settings.max_data_age_candles * scene.bundle.timeframe.length
    if account.id != day.account_id:
        return False, CONTRADICTORY, "known"
    # The broker's midnight is not ours: a day of yesterday's date may still be running.
    fresh = now - account.captured_at <= limit and (now.date() - day.day).days <= 1
    return fresh, "known" if fresh else STALE, "known"


@scene_check(Check.CONVERSION)
def _conversion(scene: Scene) -> Finding:
    """The quote currency can be turned into the account's by fresh prices."""
    account, quote = scene.bundle.account, scene.bundle.instrument.quote
    wanted = quote if account is None else f"{quote}/{account.currency}"
    known = scene.bundle.conversion
    return known is not None, MISSING if known is None else f"{known.rate:f}", wanted


@scene_check(Check.DAILY_LOSS)
def _daily_loss(scene: Scene) -> Finding:
    limit = scene.bundle.settings.max_daily_loss_percent
    if (known := _known(scene)) is None:
        return False, MISSING, str(limit)
    account, day = known
    loss = day.loss_percent(account.equity)
    return loss < limit, str(quantize(loss, 2)), str(limit)


@scene_check(Check.MAX_DRAWDOWN)
def _max_drawdown(scene: Scene) -> Finding:
    limit = scene.bundle.settings.max_drawdown_amount
    if (known := _known(scene)) is None:
        return False, MISSING, str(limit)
    account, day = known
    drawdown = day.drawdown(account.equity)
    return drawdown < limit, str(quantize(drawdown, 2)), str(limit)


@scene_check(Check.DAILY_TARGET_REACHED)
def _daily_target(scene: Scene) -> Finding:
    settings = scene.bundle.settings
    limit = str(settings.daily_profit_target)
    if (known := _known(scene)) is None:
        return False, MISSING, limit
    account, day = known
    profit: Decimal = day.profit(account.equity)
    passed = not settings.stop_after_target or target_open(settings, profit)
    return passed, str(quantize(profit, 2)), limit


@check(Check.MARGIN)
def _margin(case: Case) -> Finding:
    """Where the margin leaves room for no trade at all, the size is zero; the check is then held
    against the least trade, so that it says what was in the way.
    """
    free, needed = margin_free(case.bundle, case.own_order), case.sizing.margin
    if free is None or case.bundle.conversion is None:
        return False, MISSING, MISSING
    if not case.sizing.volume > 0:
        least = margin_of(case.bundle, case.proposal.entry, case.bundle.instrument.volume_min)
        needed = quantize(least, 2)
    return needed <= free, str(needed), str(quantize(free, 2))
