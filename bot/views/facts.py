"""Small pieces of text that several views share: names of codes, signs, conditions, sizes."""

from datetime import timedelta
from decimal import Decimal
from html import escape

from bot.i18n import Html, Words
from engine.domain.account import Direction
from engine.domain.gate import CheckResult
from engine.domain.idea import Observation
from engine.domain.snapshot import Bundle, Impact
from engine.domain.state import Control
from engine.domain.values import quantize
from engine.gate.case import MISSING

#: Plain signs, not emoji: every phone draws them alike.
YES, NO = "✓", "✗"


def paper(words: Words, *, is_live: bool) -> Html:
    """The word that says whether real money moves; it is on every message about trades."""
    return words("money.live" if is_live else "money.paper")


def direction(words: Words, way: Direction) -> Html:
    """BUY or SELL in the person's language."""
    return words(f"direction.{way}")


def coded(words: Words, family: str, code: str, **values: object) -> Html:
    """The name of a code (``check.spread``); the code itself where there are no words for it."""
    key = f"{family}.{code}"
    return (
        words(key, **values)
        if words.has(key)
        else Html(f"<code>{escape(code[:120], quote=False)}</code>")
    )


def check_line(words: Words, check: CheckResult) -> Html:
    """A check: its sign, its name, what it saw and its limit."""
    seen = words("value.missing") if check.observed == MISSING else value(words, check.observed)
    is_figure = any(letter.isdigit() for letter in check.limit)
    return words(
        "check.line" if is_figure else "check.needs",
        sign=YES if check.passed else NO,
        name=coded(words, "check", check.code),
        observed=seen,
        limit=value(words, check.limit),
    )


def value(words: Words, text: str) -> Html | str:
    """A recorded value: codes are translated, figures stay as they were recorded."""
    if "/" in text and text.replace("/", "").isalpha():
        return Html("/".join(value(words, part) for part in text.split("/")))
    key = f"value.{text}"
    return words(key) if text.replace("_", "").isalpha() and words.has(key) else text


def condition(words: Words, seen: Observation) -> Html:
    """One condition of a strategy and what was observed."""
    return words(
        "condition.line",
        sign=YES if seen.met else NO,
        name=coded(words, "condition", seen.name, argument=_argument(words, seen.argument)),
        observed=value(words, seen.observed),
    )


def _argument(words: Words, text: str) -> Html | str:
    """A condition's argument, which may have a timeframe in front: ``H4 with_trade``."""
    timeframe, space, rest = text.rpartition(" ")
    return f"{timeframe} {value(words, rest)}" if space else value(words, text)


def badge(words: Words, control: Control) -> Html:
    """The state as one line: what it is, why, and the mode."""
    state = words(f"state.{control.state}")
    if not control.may_open:
        state = words("state.because", state=state, reason=coded(words, "reason", control.reason))
    return words("state.badge", state=state, mode=words(f"mode.{control.mode}"))


def span(words: Words, length: timedelta) -> Html:
    """A length of time in its two largest units."""
    minutes = int(length.total_seconds()) // 60
    if minutes >= 48 * 60:
        return words("span.days", days=minutes // 1440, hours=minutes % 1440 // 60)
    if minutes < 60:
        return words("span.minutes", minutes=minutes)
    return words("span.hours", hours=minutes // 60, minutes=minutes % 60)


def in_r(words: Words, r: Decimal, places: int, *, sign: bool = True) -> str:
    """A result in units of risk, a gain with its plus; what rounds to nothing has no sign."""
    rounded = quantize(r, places)
    size = words.number(abs(rounded), places)
    if not sign or not rounded:
        return size
    return f"+{size}" if rounded > 0 else f"−{size}"


def next_news(words: Words, bundle: Bundle) -> Html:
    """The next high-impact release that moves the symbol."""
    if bundle.calendar is None:
        return words("news.unknown")
    ahead = [
        event
        for event in bundle.calendar.events
        if event.impact is Impact.HIGH
        and event.currency in bundle.instrument.currencies
        and event.time >= bundle.instant
    ]
    if not ahead:
        return words("news.none")
    first = min(ahead, key=lambda event: event.time)
    return words(
        "news.next",
        currency=first.currency,
        title=first.title[:80],
        span=span(words, first.time - bundle.instant),
    )


def pips(bundle: Bundle, distance: Decimal) -> Decimal:
    """A distance in pips with one digit."""
    return bundle.instrument.pips(distance).quantize(Decimal("0.1"))
