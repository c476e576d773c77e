"""Small pieces of text that several views share: names of codes, signs, conditions, sizes."""

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from html import escape
from typing import Any

from bot.i18n import Html, Words
from engine.domain.account import Account, Direction
from engine.domain.gate import Check, CheckResult
from engine.domain.idea import Idea, Observation
from engine.domain.snapshot import Bundle, Impact
from engine.domain.state import Control
from engine.domain.values import quantize
from engine.gate.case import MISSING

#: Plain signs, not emoji: every phone draws them alike.
YES, NO = "✓", "✗"

#: How a check's figure is held against its limit; a check that is not here needs what is named.
_BOUNDS = {
    "of_pair": (Check.CONVERSION,),
    "at_most": (
        Check.SPREAD, Check.STALE_DATA, Check.UNKNOWN_ORDER, Check.MAX_EXPOSURE,
        Check.CURRENCY_EXPOSURE, Check.MARGIN, Check.RISK_BUDGET, Check.PRICE_DRIFT,
        Check.STRATEGY_MAX_CANDLES,
    ),
    "at_least": (
        Check.DATA_READY, Check.STOPS_LEVEL, Check.REWARD_RATIO, Check.STRATEGY_COOLDOWN,
        Check.STRATEGY_DUPLICATE, Check.CONFIDENCE_FLOOR, Check.CONFIDENCE_THRESHOLD,
    ),
    "under": (
        Check.OPEN_POSITION, Check.MAX_CONCURRENT_TRADES, Check.STRATEGY_POSITIONS,
        Check.DAILY_LOSS, Check.MAX_DRAWDOWN, Check.STRATEGY_RATE_LIMIT,
        Check.STRATEGY_DAILY_BUDGET,
    ),
    "over": (Check.NEWS,),
    "of": (Check.DAILY_TARGET_REACHED,),
}  # fmt: skip
_BOUND = {code: bound for bound, codes in _BOUNDS.items() for code in codes}
_MONEY = (
    Check.MAX_EXPOSURE, Check.MARGIN, Check.MAX_DRAWDOWN, Check.DAILY_TARGET_REACHED,
)  # fmt: skip
_PRICES = (Check.STOPS_LEVEL, Check.CONVERSION)
#: What a check saw when there is nothing it could be held against.
_NOTHING = ("none", "not_spot")
_FIGURE = re.compile(r"-?\d+(\.\d+)?")


def paper(words: Words, *, is_live: bool) -> Html:
    """The word that says whether real money moves; it is on every message about trades."""
    return words("money.live" if is_live else "money.paper")


def age(words: Words, of: timedelta) -> list[Html]:
    """How old the venue's figures are; nothing while they are of this very second."""
    seconds = int(of.total_seconds())
    return [words("glance.age", seconds=str(seconds))] if seconds >= 1 else []


def account_line(words: Words, account: Account) -> Html:
    """The account's balance, equity and free margin."""
    return words(
        "status.account",
        balance=words.money(account.balance, account.currency),
        equity=words.money(account.equity, account.currency),
        free=words.money(account.margin_free, account.currency),
    )


def price_or_none(words: Words, value: Decimal | None, digits: int) -> str:
    """A price with the digits of its symbol, or the word for no figure."""
    return words("value.none") if value is None else words.price(quantize(value, digits))


def number_or_none(words: Words, value: Decimal | None) -> str:
    """A figure with two decimals, or the word for no figure."""
    return words("value.none") if value is None else words.number(quantize(value, 2))


def idea_line(words: Words, idea: Idea) -> Html:
    """An idea in a list."""
    return words(
        "ideas.line",
        number=idea.number,
        symbol=idea.proposal.symbol,
        direction=direction(words, idea.proposal.direction),
        score=words.number(idea.confidence.score),
        status=words(f"idea_status.{idea.status}"),
        time=words.stamp(idea.created_at),
    )


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


def by(words: Words, name: str) -> Html:
    """Who made a change: a person by name, or the terminal or the machine in words."""
    key = f"actor.{name}"
    return words("control.by", name=words(key) if words.has(key) else name)


def reason(words: Words, code: str) -> Html:
    """Why not, from a code: the check that failed, or the reason of a halt or of an order's end."""
    families = ("failed", "check", "reason")
    return coded(words, next((f for f in families if words.has(f"{f}.{code}")), "reason"), code)


def check_line(words: Words, check: CheckResult, currency: str | None = None) -> Html:
    """A check: its sign, its name, what it saw, and what that must be. Money is written as such
    where the account's ``currency`` is known.
    """
    no_target = check.code is Check.DAILY_TARGET_REACHED and _is_zero(check.limit)
    told = check.code is Check.DATA_QUALITY
    bare = no_target or told or (check.passed and check.observed in _NOTHING)
    return words(
        f"check.{'plain' if bare else _BOUND.get(check.code, 'needs')}",
        sign=YES if check.passed else NO,
        name=coded(words, "check", check.code),
        observed=words("value.none")
        if no_target
        else _seen(words, check, check.observed, currency),
        limit=_seen(words, check, check.limit, currency),
    )


def fault(words: Words, facts: Mapping[str, Any]) -> Html:
    """What is wrong with market data: a fault's code, what was seen, and what it should be."""
    return coded(words, "fault", facts["fault"], seen=facts["seen"], limit=facts["limit"])


def _is_zero(text: str) -> bool:
    return bool(_FIGURE.fullmatch(text)) and Decimal(text) == 0


def _seen(words: Words, check: CheckResult, text: str, currency: str | None) -> Html | str:
    """One side of a check as people read it: figures their way, prices as terminals show them."""
    if text == MISSING:
        return words("value.missing")
    if check.code is Check.DATA_QUALITY and not check.passed:
        code, _, seen = text.partition(": ")
        return fault(words, {"fault": code, "seen": seen, "limit": check.limit})
    if check.code is Check.SESSION:
        return _hours(words, text)
    if check.code is Check.LOT_SIZE:
        return "–".join(words.number(Decimal(part)) for part in text.split("-"))
    if not _FIGURE.fullmatch(text):
        return value(words, text)
    if check.code in _MONEY and currency is not None:
        return words.money(Decimal(text), currency)
    return words.price(Decimal(text)) if check.code in _PRICES else words.number(Decimal(text))


def _hours(words: Words, text: str) -> Html | str:
    """A weekday and an hour, or spans of hours: ``Mon 06:00Z``, ``08:00-17:00 Europe/London``."""
    day, space, rest = text.partition(" ")
    shown = f"{value(words, day)} {rest}" if space and day.isalpha() else text
    return re.sub(r"(\d)Z", r"\1 UTC", re.sub(r"(\d)-(\d)", r"\1–\2", shown))


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
        name=coded(words, "condition", seen.name, argument=argument(words, seen.argument)),
        observed=_reading(words, seen.observed),
    )


def argument(words: Words, text: str) -> Html | str:
    """A condition's argument, which may have a timeframe in front: ``H4 with_trade``."""
    timeframe, space, rest = text.rpartition(" ")
    return f"{timeframe} {_reading(words, rest)}" if space else _reading(words, text)


def _reading(words: Words, text: str) -> Html | str:
    """A condition's figure in the person's way. Figures with many digits are prices, which are
    written alike everywhere.
    """
    plain = _FIGURE.fullmatch(text) and len(text.partition(".")[2]) <= 2
    return words.number(Decimal(text)) if plain else value(words, text)


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
    return signed(words, r, places) if sign else words.number(abs(quantize(r, places)), places)


def signed(words: Words, number: Decimal, places: int) -> str:
    """A number with its sign, also when it is a gain; what rounds to nothing has none."""
    rounded = quantize(number, places)
    size = words.number(abs(rounded), places)
    if not rounded:
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
