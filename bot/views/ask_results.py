"""Answers about money, limits and what would have been, as lines."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType

from bot.i18n import Html, Words
from bot.views.facts import direction, in_r
from bot.views.settings import name_of
from engine.domain.account import Direction
from engine.domain.ask import Evidence, Figure, Intent, Row
from engine.domain.values import quantize

#: A Monday, to name the days of the week after.
_MONDAY = date(2026, 1, 5)
#: Limits in money; the others are percent, or a count.
_MONEY = ("max_drawdown_amount", "daily_profit_target")


def money(words: Words, value: Decimal, currency: str | None, *, signed: bool = False) -> str:
    """An amount, with its currency where that is known."""
    if currency is not None:
        return words.money(value, currency, signed=signed)
    return words.number(quantize(value, 2), 2)


def _limits(words: Words, found: Evidence) -> list[Html]:
    lines = [_limit(words, row, found.currency) for row in found.rows]
    age = found.count("age")
    return [*lines, *([words("glance.age", seconds=str(age))] if age else [])]


def _limit(words: Words, row: Row, currency: str | None) -> Html:
    name, percent = str(row["name"]), row["percent"]
    used, limit, left = (_decimal(row[key]) for key in ("used", "limit", "left"))
    places = 0 if name == "max_concurrent_trades" else 2
    said = {
        key: money(words, value, currency)
        if name in _MONEY
        else words.number(quantize(value, places), places)
        for key, value in (("used", used), ("limit", limit), ("left", left))
    }
    if percent is None:
        return words("ask.no_limit", name=name_of(words, name), used=said["used"])
    share = words.number(quantize(_decimal(percent), 1), 1)
    return words("ask.limit", name=name_of(words, name), percent=share, **said)


def _exposure(words: Words, found: Evidence) -> list[Html]:
    percent = found.number("percent")
    lines = [
        words(
            "ask.open",
            number=words.number(found.count("open")),
            total=money(words, found.number("total") or Decimal(0), found.currency),
            percent="–" if percent is None else words.number(quantize(percent, 1), 1),
        )
    ]
    if found.text("unvalued"):
        lines.append(words("exposure.unvalued", symbols=found.text("unvalued")))
    lines += [_side(words, row, found.currency) for row in found.rows]
    return lines


def _side(words: Words, row: Row, currency: str | None) -> Html:
    sides = [
        words(f"exposure.{way}", money=money(words, _decimal(row[way]), currency))
        for way in ("long", "short")
        if _decimal(row[way]) > 0
    ]
    told = Html(" · ".join(sides)) if sides else Html(words.number(0))
    return words("exposure.line", name=row["name"], sides=told)


def _result(words: Words, found: Evidence) -> list[Html]:
    trades, rate = found.count("trades"), found.number("win_rate")
    if not trades:
        return [words("report.no_trades")]
    shown = {
        name: money(words, found.number(name) or Decimal(0), found.currency, signed=True)
        for name in ("profit", "best", "worst")
    }
    return [
        words(
            "ask.result",
            count=trades,
            number=words.number(trades),
            profit=shown["profit"],
            won=words.number(found.count("wins")),
            lost=words.number(found.count("losses")),
            rate="–" if rate is None else words.number(quantize(rate, 1), 1),
        ),
        words("ask.range", best=shown["best"], worst=shown["worst"]),
    ]


def _best(words: Words, found: Evidence) -> list[Html]:
    if not found.rows:
        return [words("report.no_trades")]
    lines = [
        words(
            "ask.best",
            name=_key(words, found.asked.by or "", row["key"]),
            profit=money(words, _decimal(row["profit"]), found.currency, signed=True),
            count=row["trades"],
            number=words.number(_whole(row["trades"])),
        )
        for row in found.rows
    ]
    of_time = found.asked.by in ("hour", "day", "weekday")
    return [*lines, *([words("ask.by_end")] if of_time else [])]


def _key(words: Words, by: str, key: Figure) -> str:
    """An hour, a day or a name that results were put together by."""
    if by == "hour":
        hour = _whole(key)
        return f"{hour:02}:00–{(hour + 1) % 24:02}:00"
    if by == "weekday":
        return words.time(_noon(_MONDAY + timedelta(days=_whole(key))), "EEEE")
    if by == "day":
        return words.time(_noon(date.fromisoformat(str(key))), "d MMM y")
    return f"#{key}" if by == "trade" and isinstance(key, int) else str(key) or "–"


def _noon(day: date) -> datetime:
    """The same day in every zone but the farthest."""
    return datetime(day.year, day.month, day.day, 11, tzinfo=UTC)


def _would(words: Words, found: Evidence) -> list[Html]:
    if found.asked.idea is not None:
        return [_would_one(words, found)]
    ideas = found.count("ideas")
    if not ideas:
        return [words("ask.no_ideas")]
    groups: dict[str, tuple[int, Decimal]] = {}
    for row in found.rows:
        many, total = groups.get(str(row["group"]), (0, Decimal(0)))
        more = (many + _whole(row["ideas"]), total + _decimal(row["total_r"]))
        groups[str(row["group"])] = more
    lines = [
        words(
            "ask.would",
            count=ideas,
            number=words.number(ideas),
            r=in_r(words, found.number("total_r") or Decimal(0), 2),
            **{
                name: words.number(found.count(name))
                for name in ("target", "stop", "timed_out", "open", "unknown")
            },
        )
    ]
    if len(groups) > 1:
        lines += [
            words(
                "ask.group",
                name=words(f"ask.what.{group}"),
                number=words.number(many),
                r=in_r(words, total, 2),
            )
            for group, (many, total) in groups.items()
        ]
    return lines


def _would_one(words: Words, found: Evidence) -> Html:
    r, at = found.number("r"), found.moment("at")
    return words(
        "ask.would_one",
        number=str(found.count("number")),
        symbol=found.text("symbol"),
        direction=direction(words, Direction(found.text("direction"))),
        result=words(f"ask.became.{found.text('result')}"),
        r="" if r is None else words("ask.in_r", r=in_r(words, r, 2)),
        time="" if at is None else words.moment(at),
    )


def _threshold(words: Words, found: Evidence) -> list[Html]:
    ideas = found.count("ideas")
    if not ideas:
        return [words("ask.no_ideas")]
    lines = [
        words(
            "ask.threshold",
            count=ideas,
            number=words.number(ideas),
            threshold=words.number(found.number("threshold") or 0),
            after=words.number(found.count("reached_after")),
            before=words.number(found.count("reached_before")),
        ),
        words(
            "ask.executes",
            after=words.number(found.count("execute_after")),
            before=words.number(found.count("execute_before")),
        ),
        words("ask.changed", number=words.number(found.count("changed"))),
    ]
    if found.count("unreadable"):
        lines.append(words("ask.unreadable", number=words.number(found.count("unreadable"))))
    return lines


def _decimal(value: Figure) -> Decimal:
    assert isinstance(value, Decimal | int)
    return Decimal(value)


def _whole(value: Figure) -> int:
    assert isinstance(value, int)
    return value


BODIES: Mapping[Intent, Callable[[Words, Evidence], list[Html]]] = MappingProxyType({
    Intent.LIMITS: _limits,
    Intent.EXPOSURE: _exposure,
    Intent.RESULT: _result,
    Intent.BEST: _best,
    Intent.WOULD: _would,
    Intent.THRESHOLD: _threshold,
})  # fmt: skip
