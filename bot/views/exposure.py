"""What is open, in money per currency and per symbol, against the limits."""

from collections.abc import Sequence
from decimal import Decimal

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.facts import paper
from engine.flow.exposures import Exposures, Sides, exposures
from engine.flow.usage import Limits

#: More of a group would not fit above a picture.
_MOST = 6


def exposure(words: Words, seen: Limits, *, is_live: bool) -> Screen:
    """The figures under their picture; without figures a sentence that says why."""
    found = None if seen.bundle is None else exposures(seen.bundle)
    lines = [words("exposure.title", kind=paper(words, is_live=is_live))]
    back = Button(words("button.position_list"), callbacks.pack("positions"))
    rows = ((Button(words("button.refresh"), callbacks.pack("exposure")), back),)
    if found is None or seen.bundle is None:
        lines.append(words("status.no_broker"))
        return Screen(text=Html("\n".join(lines)), buttons=rows)
    lines += _lines(words, found, seen)
    chart = {"exposure": [seen.bundle.symbol, str(seen.bundle.timeframe)]}
    drawn = bool(found.by_symbol)
    return Screen(text=Html("\n".join(lines)), buttons=rows, chart=chart if drawn else None)


def _lines(words: Words, found: Exposures, seen: Limits) -> list[Html]:
    settings = seen.settings
    lines = [
        words(
            "exposure.total",
            money=words.money(found.total, found.currency),
            limit=words.money(_part(found, settings.max_exposure_percent), found.currency),
        )
    ]
    if found.unvalued:
        lines.append(words("exposure.unvalued", symbols=", ".join(found.unvalued)))
    if not (found.by_symbol or found.unvalued):
        lines.append(words("positions.none"))
    if found.by_currency:
        most = _part(found, settings.max_currency_exposure_percent)
        limit = words.money(most, found.currency)
        lines += [words("exposure.currencies", limit=limit), *_each(words, found.by_currency)]
    if found.by_symbol:
        lines += [words("exposure.symbols"), *_each(words, found.by_symbol)]
    return lines


def _part(found: Exposures, percent: Decimal) -> Decimal:
    return found.equity * percent / 100


def _each(words: Words, group: Sequence[Sides]) -> list[Html]:
    ordered = sorted(group, key=lambda each: (-max(each.long, each.short), each.name))
    lines = [
        words("exposure.line", name=each.name, sides=_sides(words, each))
        for each in ordered[:_MOST]
    ]
    if len(ordered) > _MOST:
        lines.append(Html(f"… +{words.number(len(ordered) - _MOST)}"))
    return lines


def _sides(words: Words, each: Sides) -> str:
    sides = [(each.long, "exposure.long"), (each.short, "exposure.short")]
    told = [words(key, money=words.number(money, 0)) for money, key in sides if money > 0]
    return " · ".join(told) or words.number(0)
