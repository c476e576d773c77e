"""The limits: all of them with how far they are used, one of them, what another value does."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from re import sub

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.facts import age, by, coded, paper
from bot.views.settings import change_line, name_of, said, shown
from engine.domain.person import Role
from engine.domain.settings import RANGES, RiskSettings, differences
from engine.flow.usage import Limits

#: The settings by what they are about, in the order people ask for them.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "day": (
        "max_daily_loss_percent", "max_drawdown_amount", "halt_on_drawdown", "daily_profit_target",
        "stop_after_target", "weekly_profit_target",
    ),
    "trade": (
        "risk_per_trade_percent", "max_lot_size", "max_spread_pips", "max_drift_r",
        "idea_ttl_seconds",
    ),
    "open": (
        "max_concurrent_trades", "max_trades_per_direction", "max_exposure_percent",
        "max_currency_exposure_percent", "long_flat",
    ),
    "decide": (
        "min_confidence_threshold", "confidence_floor", "allow_off_watchlist_autotrade",
        "watchlist",
    ),
    "strategy": (
        "strategy_daily_budget", "strategy_rate_limit_per_min", "strategy_min_interval_seconds",
        "strategy_dedup_ttl_seconds", "strategy_max_candles",
    ),
    "data": (
        "max_data_age_candles", "min_candles", "heartbeat_timeout_seconds",
        "bundle_retention_days",
    ),
}  # fmt: skip
_MONEY = ("daily_profit_target", "weekly_profit_target", "max_drawdown_amount")
#: The unit of each number, as a code that has words.
_UNITS = {
    "percent": (
        "max_daily_loss_percent", "risk_per_trade_percent", "max_exposure_percent",
        "max_currency_exposure_percent",
    ),
    "seconds": (
        "idea_ttl_seconds", "strategy_min_interval_seconds", "strategy_dedup_ttl_seconds",
        "heartbeat_timeout_seconds",
    ),
    "candles": ("max_data_age_candles", "min_candles", "strategy_max_candles"),
    "trades": ("max_concurrent_trades", "max_trades_per_direction"),
    "ideas": ("strategy_daily_budget", "strategy_rate_limit_per_min"),
    "points": ("min_confidence_threshold", "confidence_floor"),
    "lots": ("max_lot_size",), "pips": ("max_spread_pips",), "r": ("max_drift_r",),
    "days": ("bundle_retention_days",), "money": _MONEY,
}  # fmt: skip
_UNIT = {name: unit for unit, names in _UNITS.items() for name in names}
#: Whose figure a new value is held against when it is put in force.
_COUNTED = ("max_concurrent_trades", "max_trades_per_direction")
_CELLS = 10


def overview(words: Words, seen: Limits, *, is_live: bool, edit: bool = False) -> Screen:
    """Every limit under its heading; a button for each heading."""
    lines = [words("risk.title", kind=paper(words, is_live=is_live))]
    if seen.open_trades is None:
        lines.append(words("status.no_broker"))
    lines += age(words, seen.age)
    for group, names in GROUPS.items():
        lines += [Html(""), words(f"limits.{group}")]
        lines += [line(words, seen, name) for name in names]
    lines += [Html(""), version_line(words, seen)]
    buttons = [
        Button(words(f"limits.button_{group}"), callbacks.pack("risk", group)) for group in GROUPS
    ]
    rows = rows_of(buttons, 2)
    rows.append(
        (
            Button(words("button.refresh"), callbacks.pack("risk")),
            Button(words("limits.button_history"), callbacks.pack("versions", 0)),
            Button(words("hub.button"), callbacks.pack("hub")),
        )
    )
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows), edit=edit)


def group(words: Words, seen: Limits, name: str, *, is_live: bool) -> Screen:
    """The limits of one heading, a button for each; the other headings are pages."""
    order = list(GROUPS)
    place = order.index(name)
    lines = [
        words("risk.title", kind=paper(words, is_live=is_live)),
        words(f"limits.{name}"),
        *(line(words, seen, one) for one in GROUPS[name]),
    ]
    rows: list[tuple[Button, ...]] = [
        (Button(short(words, one), callbacks.pack("limit", one)),) for one in GROUPS[name]
    ]
    turn = [
        Button(sign, callbacks.pack("risk", order[(place + step) % len(order)]))
        for sign, step in (("◂", -1), ("▸", 1))
    ]
    count = f"{words.number(place + 1)}/{words.number(len(order))}"
    if name == "open":
        rows.append((Button(words("exposure.button"), callbacks.pack("exposure")),))
    rows.append((turn[0], Button(count, callbacks.pack("risk", name)), turn[1]))
    rows.append((back(words, "risk"),))
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows), edit=True)


def limit(words: Words, seen: Limits, name: str, *, role: Role, edit: bool = True) -> Screen:
    """One limit: what it means, what it may be, how far it is used, and who set it."""
    last = seen.set_by(name)
    lines = [
        Html(f"<b>{name_of(words, name)}</b>"),
        Html(f"<code>{name}</code>"),
        words(f"explain.{name}"),
        Html(""),
        words("limits.now", value=valued(words, seen, name, getattr(seen.settings, name))),
        *_used(words, seen, name, getattr(seen.settings, name)),
        may_be(words, seen, name),
        words("limits.set", time=words.moment(last.created_at), version=str(last.version)),
        words("settings.reason", reason=said(words, last.reason)),
        by(words, last.changed_by),
    ]
    rows: list[tuple[Button, ...]] = []
    if name == "watchlist":
        rows.append((Button(words("watch.button"), callbacks.pack("watch")),))
    elif role.rank >= Role.ADMIN.rank:
        rows.append((Button(words("limits.button_change"), callbacks.pack("change", name)),))
    else:
        lines.append(words("limits.admin"))
    rows.append((back(words, "risk", _group_of(name)),))
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows), edit=edit)


def ask(words: Words, seen: Limits, name: str) -> Screen:
    """The question for a new value."""
    lines = [
        words("limits.ask", name=name_of(words, name)),
        words("limits.now", value=valued(words, seen, name, getattr(seen.settings, name))),
        may_be(words, seen, name),
    ]
    leave = Button(words("button.cancel"), callbacks.pack("drop", 0))
    return Screen(text=Html("\n".join(lines)), buttons=((leave,),), edit=True)


def effects(words: Words, seen: Limits, after: RiskSettings) -> list[Html]:
    """What other settings mean for what is open: nothing closes, and what would stop or wait."""
    lines = []
    names = differences(seen.settings, after)
    for name in names:
        lines += _used(words, seen, name, getattr(after, name), named=True)
        if name in _COUNTED and not seen.used.get(name, Decimal(0)) < getattr(after, name):
            lines.append(words("limits.full"))
    if seen.open_trades is None:
        lines.append(words("status.no_broker"))
    elif seen.open_trades:
        lines.append(words("limits.stay", count=seen.open_trades))
    found = seen.would_breach(after)
    if found is not None:
        lines.append(words("limits.would_halt", name=coded(words, "check", found.reason)))
    return lines


def line(words: Words, seen: Limits, name: str) -> Html:
    """A limit in one line, with its bar where it can be used up."""
    value = getattr(seen.settings, name)
    used = seen.used.get(name)
    if used is None or not _has_bar(name, value):
        return words(
            "risk.limit", name=name_of(words, name), limit=valued(words, seen, name, value)
        )
    text = words(
        "risk.used",
        name=name_of(words, name),
        used=_figure(words, seen, name, used),
        limit=valued(words, seen, name, value),
    )
    return Html(f"{text}\n{bar(words, used, Decimal(value))}")


def _used(
    words: Words, seen: Limits, name: str, value: object, *, named: bool = False
) -> list[Html]:
    used = seen.used.get(name)
    if used is None or not isinstance(value, (Decimal, int)) or not _has_bar(name, value):
        return []
    text = words(
        "risk.used" if named else "limits.used",
        name=name_of(words, name),
        used=_figure(words, seen, name, used),
        limit=valued(words, seen, name, value),
    )
    return [Html(f"{text}\n{bar(words, used, Decimal(value))}")]


def _has_bar(name: str, value: object) -> bool:
    return not (name == "daily_profit_target" and value == 0)


def bar(words: Words, used: Decimal, limit_: Decimal) -> Html:
    """How much is used, as a bar of ten cells and in percent; what is over is a full bar."""
    share = max(Decimal(0), used / limit_)
    cells = min(_CELLS, int(share * _CELLS))
    shape = "▰" * cells + "▱" * (_CELLS - cells)
    return words("limits.bar", bar=shape, percent=words.number(share * 100, 0))


def valued(words: Words, seen: Limits, name: str, value: object) -> Html | str:
    """A setting's value, money as such while the account's currency is known."""
    if name in _MONEY and seen.currency is not None and isinstance(value, Decimal):
        return words.money(value, seen.currency)
    return shown(words, value)


def _figure(words: Words, seen: Limits, name: str, used: Decimal) -> str:
    if name in _MONEY and seen.currency is not None:
        return words.money(used, seen.currency)
    whole = used == used.to_integral_value()
    return words.number(used, 0 if whole else 2)


def may_be(words: Words, seen: Limits, name: str) -> Html:
    """What a setting may be, with its unit."""
    if name not in RANGES:
        value = getattr(seen.settings, name)
        return words("limits.may_switch" if isinstance(value, bool) else "limits.may_list")
    unit = _UNIT[name]
    low, high = (words.number(end) for end in RANGES[name])
    if unit == "money" and seen.currency is not None:
        return words("limits.may", low=low, high=high, unit=seen.currency)
    return words("limits.may", low=low, high=high, unit=words(f"unit.{unit}"))


def version_line(words: Words, seen: Limits) -> Html:
    """The version in force, who made it and when."""
    last = seen.versions[0]
    return Html(
        words("limits.version", version=str(last.version), time=words.moment(last.created_at))
        + " "
        + by(words, last.changed_by)
    )


def changes(words: Words, seen: Limits, after: RiskSettings) -> list[Html]:
    """Each setting that differs, as it is and as it would be."""
    return [
        change_line(
            words,
            name,
            valued(words, seen, name, getattr(seen.settings, name)),
            valued(words, seen, name, getattr(after, name)),
        )
        for name in differences(seen.settings, after)
    ]


def short(words: Words, name: str) -> str:
    """A setting's name without the unit behind it."""
    return sub(r"\s*[(（][^()]*[)）]\s*$", "", name_of(words, name))


def _group_of(name: str) -> str:
    return next(group for group, names in GROUPS.items() if name in names)


def back(words: Words, action: str, *parts: str | int) -> Button:
    """The way back to where one came from."""
    return Button(words("drafts.back"), callbacks.pack(action, *parts))


def rows_of(buttons: Sequence[Button], width: int) -> list[tuple[Button, ...]]:
    """Buttons in rows of so many."""
    return [tuple(buttons[start : start + width]) for start in range(0, len(buttons), width)]
