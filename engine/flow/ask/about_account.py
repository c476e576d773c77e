"""Look-ups over the account as it stands now: how close to the limits, what is exposed."""

from decimal import Decimal

from engine.domain.ask import Asked, Evidence, Figure, Row
from engine.flow.ask.scene import Scene, lacks
from engine.flow.exposures import exposures
from engine.ports import Transaction

#: The limits that fill up, in the order in which they are told.
NAMES = (
    "max_daily_loss_percent", "max_drawdown_amount", "daily_profit_target",
    "max_exposure_percent", "max_currency_exposure_percent", "max_concurrent_trades",
)  # fmt: skip
_HUNDRED = Decimal(100)


async def limits(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """How much of each limit is used now, by the gate's own figures."""
    seen = scene.limits
    names = NAMES if asked.what is None else (asked.what,)
    if seen is None or not set(names) & seen.used.keys():
        return lacks(asked, "venue")
    rows: list[Row] = []
    for name in names:
        if name not in seen.used:
            continue
        limit = Decimal(getattr(seen.settings, name))
        used = seen.used[name]
        rows.append({
            "name": name,
            "used": used,
            "limit": limit,
            "left": max(Decimal(0), limit - used),
            "percent": max(Decimal(0), used) * _HUNDRED / limit if limit > 0 else None,
        })  # fmt: skip
    figures: dict[str, Figure] = {"version": seen.version, "age": int(seen.age.total_seconds())}
    return Evidence(asked=asked, figures=figures, rows=tuple(rows), currency=seen.currency)


async def exposure(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """What is open now, in account currency: by symbol, by currency, and in all."""
    seen = scene.limits
    bundle = None if seen is None else seen.bundle
    found = None if bundle is None else exposures(bundle)
    if seen is None or bundle is None or found is None:
        return lacks(asked, "venue")
    held = [one for one in bundle.holdings if asked.symbol in (None, one.symbol)]
    rows: list[Row] = [
        {"kind": "symbol", "name": side.name, "long": side.long, "short": side.short}
        for side in found.by_symbol
        if asked.symbol in (None, side.name)
    ]
    if asked.symbol is None:
        rows += [
            {"kind": "currency", "name": side.name, "long": side.long, "short": side.short}
            for side in found.by_currency
        ]
    total = found.total
    if asked.symbol is not None:
        total = sum(
            (s.long + s.short for s in found.by_symbol if s.name == asked.symbol), Decimal(0)
        )
    equity = found.equity
    figures: dict[str, Figure] = {
        "open": len(held),
        "total": total,
        "percent": total * _HUNDRED / equity if equity > 0 else None,
        "equity": equity,
        "unvalued": ", ".join(found.unvalued),
        "age": int(seen.age.total_seconds()),
    }
    return Evidence(asked=asked, figures=figures, rows=tuple(rows), currency=found.currency)
