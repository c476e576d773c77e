"""Limits, strategies and equity, moved to the very edge."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.properties.actions.table import action, one
from tests.properties.market import SYMBOLS
from tests.properties.world import ANN, World

_CENT = Decimal("0.01")


async def change(world: World, changes: dict[str, str]) -> None:
    """An admin puts other limits in force."""
    await world.change_settings(ANN.id, changes, reason="test", expected=world.settings_row.version)


@action
async def settings(world: World, n: int) -> None:
    """A limit is moved to exactly what is used, or to the next value beside it."""
    used = max(1, len(world.venue.held) + len(world.orders("intent", "sending", "unknown")))
    spread = world.market.books[SYMBOLS[0]].spread / Decimal("0.0001")
    changes: list[dict[str, str]] = [
        {"max_concurrent_trades": str(used)},
        {"max_concurrent_trades": str(used + 1)},
        {"max_spread_pips": f"{spread:f}"},
        {"max_spread_pips": f"{max(Decimal('0.1'), spread - Decimal('0.1')):f}"},
        {"min_confidence_threshold": one(("60", "100"), n)},
        {"confidence_floor": one(("50", "99"), n), "min_confidence_threshold": "100"},
        {"max_drift_r": one(("0.25", "0.2"), n)},
        {"max_lot_size": one(("1.00", "0.01", "0.10"), n)},
        {"idea_ttl_seconds": one(("15", "60", "900"), n)},
        {"max_drawdown_amount": one(("400.00", "0.01"), n)},
        {"max_daily_loss_percent": one(("3", "0.5"), n)},
        {"daily_profit_target": one(("500", "0", "0.01"), n)},
        {"risk_per_trade_percent": one(("0.5", "0.1"), n)},
        {"watchlist": ",".join(one((SYMBOLS, SYMBOLS[:1]), n))},
        {"max_data_age_candles": one(("1", "3"), n)},
    ]
    await change(world, one(changes, n))


@action
async def roomy(world: World, n: int) -> None:
    """Limits that leave room for the next trade."""
    await change(world, {"max_concurrent_trades": str(4 + n), "max_spread_pips": "2.5"})


@action
async def strategy(world: World, n: int) -> None:
    """A strategy is edited, or switched off and on."""
    async with world.store.begin() as tx:
        await tx.controls.take()
        edited = one(await tx.settings.strategies(), n)
        changed = replace(edited, is_active=not edited.is_active) if n % 4 > 1 else edited
        await tx.settings.save_strategy(changed, by="test", reason="test")


def boundary(world: World, limit: str, day: Any) -> Decimal:
    """The equity at which a limit of the day is reached, rounded to the cent that reaches it."""
    settings = world.settings
    if limit == "daily_loss":
        loss = day.start_equity * settings.max_daily_loss_percent / 100
        return Decimal(day.start_equity - loss).quantize(_CENT, rounding="ROUND_FLOOR")
    if limit == "max_drawdown":
        return Decimal(day.peak_equity - settings.max_drawdown_amount)
    return Decimal(day.start_equity + settings.daily_profit_target)


@action
async def equity(world: World, n: int) -> None:
    """Equity a cent beside a limit of the day, or exactly at it."""
    day = world.store.rows.tables["day"]["paper-1"]
    limit = one(("daily_loss", "max_drawdown", "daily_target_reached"), n)
    world.venue.equity = boundary(world, limit, day) + one((-_CENT, 0, _CENT), n // 3)


@action
async def calm(world: World, _: int) -> None:
    """Equity where the day began."""
    day = world.store.rows.tables["day"]["paper-1"]
    world.venue.equity = day.start_equity
