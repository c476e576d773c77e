"""What a person may change while the product runs: the risk settings, versioned."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from engine.domain.values import bounded, decimal
from engine.errors import InvalidInput

#: Venues write symbols such as EURUSD, US500, XAUUSD.r or BTC-USD.
_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._#+-]{1,23}")
_MOST_SYMBOLS = 100

#: What is kept as the reason of a change for which a person gave none.
NO_REASON = "no reason given"
#: What an installation writes down itself: of its first settings, and of strategies it came with.
FIRST_START, SHIPPED = "first start", "shipped"

_BACK = re.compile("back to version ([0-9]{1,9})")

#: Allowed range of every number, both ends included.
RANGES: dict[str, tuple[Decimal, Decimal]] = {
    "min_confidence_threshold": (Decimal(0), Decimal(100)),
    "confidence_floor": (Decimal(0), Decimal(100)),
    "max_lot_size": (Decimal("0.001"), Decimal(10_000)),
    "max_concurrent_trades": (Decimal(1), Decimal(1_000)),
    "daily_profit_target": (Decimal(0), Decimal(10) ** 9),
    "weekly_profit_target": (Decimal(0), Decimal(10) ** 9),
    "max_drawdown_amount": (Decimal("0.01"), Decimal(10) ** 9),
    "max_daily_loss_percent": (Decimal("0.01"), Decimal(100)),
    "risk_per_trade_percent": (Decimal("0.01"), Decimal(10)),
    "max_exposure_percent": (Decimal(10), Decimal(100_000)),
    "max_spread_pips": (Decimal("0.1"), Decimal(1_000)),
    "max_drift_r": (Decimal("0.01"), Decimal(5)),
    "idea_ttl_seconds": (Decimal(15), Decimal(86_400)),
    "max_data_age_candles": (Decimal(1), Decimal(100)),
    "max_currency_exposure_percent": (Decimal(10), Decimal(100_000)),
    "min_candles": (Decimal(2), Decimal(600)),
    "max_trades_per_direction": (Decimal(1), Decimal(100)),
    "strategy_rate_limit_per_min": (Decimal(1), Decimal(1_000)),
    "strategy_min_interval_seconds": (Decimal(0), Decimal(86_400)),
    "strategy_dedup_ttl_seconds": (Decimal(0), Decimal(86_400)),
    "strategy_daily_budget": (Decimal(1), Decimal(10_000)),
    "strategy_max_candles": (Decimal(50), Decimal(5_000)),
    "heartbeat_timeout_seconds": (Decimal(10), Decimal(86_400)),
    "bundle_retention_days": (Decimal(1), Decimal(3_650)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSettings:
    """The limits of source 004's ``risk_config`` and those of sources 000 to 002 beside it.

    Percentages are percent, money is in account currency, ``max_drift_r`` is how far the price may
    have moved since the idea, in units of the risk between entry and stop.
    ``max_exposure_percent`` is source 001's ``RISK_MAX_EXPOSURE``: the value of all that is open,
    of equity; ``max_currency_exposure_percent`` the same for the net value of one currency.
    ``weekly_profit_target`` is a goal that is shown and stops nothing (source 004).
    ``long_flat`` (source 001) keeps spot symbols either bought once or not held. The guardrails of
    source 000, whose names begin with ``strategy_``, count a strategy's ideas on the market's
    clock. A missing heartbeat and the age of bundles are measured on the wall's.
    """

    min_confidence_threshold: Decimal = Decimal("90")
    confidence_floor: Decimal = Decimal("50")
    max_lot_size: Decimal = Decimal("1.00")
    max_concurrent_trades: int = 3
    daily_profit_target: Decimal = Decimal("500")
    weekly_profit_target: Decimal = Decimal("0")
    stop_after_target: bool = True
    max_drawdown_amount: Decimal = Decimal("400")
    halt_on_drawdown: bool = True
    max_daily_loss_percent: Decimal = Decimal("3")
    allow_off_watchlist_autotrade: bool = False
    risk_per_trade_percent: Decimal = Decimal("0.5")
    max_exposure_percent: Decimal = Decimal("3000")
    max_currency_exposure_percent: Decimal = Decimal("2000")
    max_spread_pips: Decimal = Decimal("2.5")
    max_drift_r: Decimal = Decimal("0.25")
    idea_ttl_seconds: int = 900
    max_data_age_candles: int = 3
    min_candles: int = 60
    max_trades_per_direction: int = 1
    long_flat: bool = True
    strategy_rate_limit_per_min: int = 5
    strategy_min_interval_seconds: int = 60
    strategy_dedup_ttl_seconds: int = 300
    strategy_daily_budget: int = 20
    strategy_max_candles: int = 1_000
    heartbeat_timeout_seconds: int = 120
    bundle_retention_days: int = 90
    watchlist: tuple[str, ...] = ("EURUSD",)

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name not in RANGES:
                continue
            low, high = RANGES[field.name]
            value = bounded(Decimal(getattr(self, field.name)), field=field.name)
            if not low <= value <= high:
                raise InvalidInput(
                    f"{field.name} must be between {low:f} and {high:f}, is {value:f}",
                    field=field.name, low=low, high=high,
                )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsVersion:
    """The settings as they were from one change to the next, who made it, and why."""

    version: int
    settings: RiskSettings
    changed_by: str
    reason: str
    created_at: datetime


def with_changes(settings: RiskSettings, changes: Mapping[str, str]) -> RiskSettings:
    """Settings with some values replaced, each written as a person writes it.

    Raises :class:`InvalidInput` for an unknown name and for a value out of its range; ``mistake``
    in its details says which it is, beside the facts.
    """
    kinds = {field.name: type(getattr(settings, field.name)) for field in fields(settings)}
    values: dict[str, Any] = {}
    for name, text in changes.items():
        if name not in kinds:
            raise InvalidInput(
                f"{name} is no setting; there are: {', '.join(sorted(kinds))}",
                mistake="setting_unknown",
                name=name[:40],
                alike=", ".join(get_close_matches(name, kinds, n=3)) or "max_lot_size",
            )
        values[name] = _value(kinds[name], name, text)
    return replace(settings, **values)


def _value(kind: type, name: str, text: str) -> Any:
    if kind is bool:
        if text not in ("true", "false"):
            raise InvalidInput(
                f"{name} must be true or false, not {text[:40]!r}",
                mistake="setting_switch",
                field=name,
            )
        return text == "true"
    if kind is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    low, high = RANGES[name]
    try:
        number: Decimal = decimal(text, field=name)
    except InvalidInput as error:
        raise InvalidInput(str(error), field=name, low=low, high=high) from error
    if kind is int:
        if number != number.to_integral_value():
            raise InvalidInput(
                f"{name} must be a whole number, not {text}",
                mistake="setting_whole",
                field=name,
                low=low,
                high=high,
            )
        return int(number)
    return number


def back_to(version: int) -> str:
    """The reason that is kept of a return to an older version, when a person gave none."""
    return f"back to version {version}"


def returned_to(reason: str) -> int | None:
    """The version a kept reason of :func:`back_to` names; None for any other reason."""
    found = _BACK.fullmatch(reason)
    return None if found is None else int(found[1])


def written(value: Any) -> str:
    """A setting's value as :func:`with_changes` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else f"{value}"


def differences(before: RiskSettings, after: RiskSettings) -> tuple[str, ...]:
    """The names of the settings whose values differ, in the order of the settings."""
    names = (field.name for field in fields(before))
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def must_agree(settings: RiskSettings) -> None:
    """Raise :class:`InvalidInput` for values that are fine alone and make no sense together.

    Asked of a change only: what was stored under the rules of its time stays readable.
    """
    _ordered(settings, "confidence_floor", "min_confidence_threshold")
    _ordered(settings, "risk_per_trade_percent", "max_daily_loss_percent")
    _ordered(settings, "min_candles", "strategy_max_candles")
    symbols = settings.watchlist
    if not 1 <= len(symbols) <= _MOST_SYMBOLS:
        raise InvalidInput(
            f"watchlist must name 1 to {_MOST_SYMBOLS} symbols, such as EURUSD,XAUUSD;"
            f" it names {len(symbols)}",
            mistake="watchlist_length",
            field="watchlist",
            most=_MOST_SYMBOLS,
        )
    for symbol in symbols:
        if not _SYMBOL.fullmatch(symbol):
            raise InvalidInput(
                f"watchlist: {symbol[:40]!r} is no symbol; write 2 to 24 letters, digits or ._#+-,"
                " separated by commas",
                mistake="symbol",
                field="watchlist",
                symbol=symbol[:40],
            )
    if len({symbol.upper() for symbol in symbols}) != len(symbols):
        raise InvalidInput(
            "watchlist names a symbol twice; name each once",
            mistake="watchlist_twice",
            field="watchlist",
        )


def _ordered(settings: RiskSettings, low: str, high: str) -> None:
    least, most = getattr(settings, low), getattr(settings, high)
    if not least <= most:
        raise InvalidInput(
            f"{low} ({least}) must not be above {high} ({most}); change both, or choose"
            f" {low} up to {most}",
            mistake="setting_order",
            field=low,
            above=high,
            value=least,
            limit=most,
        )
