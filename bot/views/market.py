"""The market's own screens: releases, headlines, indicators, charts, and an evaluation of now."""

from collections.abc import Sequence
from functools import partial

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen, cut
from bot.views.facts import (
    check_line,
    coded,
    condition,
    number_or_none,
    paper,
    price_or_none,
    reason,
    span,
)
from bot.views.history import gate
from engine.domain.market import Timeframe
from engine.domain.snapshot import Bundle, CalendarEvent, Headline, Impact
from engine.domain.strategy import Strategy
from engine.flow.judgement import Outcome
from engine.flow.market import Headlines, Releases

_ICONS = {Impact.HIGH: "🔴", Impact.MEDIUM: "🟠", Impact.LOW: "⚪"}
#: Lines of a list at most; what is further away is left out.
_ROWS = 12
_FRAMES = (Timeframe.M15, Timeframe.H1, Timeframe.H4, Timeframe.D1)


def calendar(words: Words, seen: Releases, *, every: bool, edit: bool = False) -> Screen:
    """Releases of the watched symbols' currencies, with ``every`` those of all the others too."""
    lines = [words("calendar.title", time=words.moment(seen.instant))]
    other = "calendar.watched" if every else "calendar.every"
    buttons = ((Button(words(other), callbacks.pack("cal", "few" if every else "all")),),)
    if seen.view is None:
        lines.append(words("news.unknown"))
        return Screen(text=Html("\n".join(lines)), edit=edit)
    shown = [e for e in seen.view.events if every or e.concerns(seen.currencies)]
    past = [e for e in shown if e.time < seen.instant][-3:]
    ahead = [e for e in shown if e.time >= seen.instant][: _ROWS - len(past)]
    if not past and not ahead:
        lines.append(words("calendar.none"))
    for title, events in (("calendar.past", past), ("calendar.ahead", ahead)):
        if events:
            lines += [Html(""), words(title)]
            lines += [_release(words, seen, event) for event in events]
    lines += [Html(""), words("calendar.known", time=words.moment(seen.view.known_until))]
    return Screen(text=cut(lines), buttons=buttons, edit=edit)


def _release(words: Words, seen: Releases, event: CalendarEvent) -> Html:
    figures = [
        words(f"calendar.{name}", value=text[:20])
        for name, text in (
            ("previous", event.previous),
            ("forecast", event.forecast),
            ("actual", event.actual),
        )
        if text
    ]
    ahead = event.time >= seen.instant
    line = words(
        "calendar.line",
        icon=_ICONS[event.impact],
        time=words.time(event.time, "EEE d MMM HH:mm"),
        span=words("calendar.in", span=span(words, event.time - seen.instant)) if ahead else "",
        currency=event.currency,
        title=event.title[:80],
    )
    return Html("\n   ".join([line, Html(" · ".join(figures))])) if figures else line


def news(words: Words, seen: Headlines, *, symbol: str | None) -> Screen:
    """Headlines, the newest first."""
    lines = [words("headlines.title", time=words.moment(seen.instant))]
    lines += [_headline(words, item) for item in seen.items[:_ROWS]]
    if not seen.items:
        none = "headlines.none" if symbol is None else "headlines.none_of"
        if symbol is None and seen.is_fed:
            none = "headlines.quiet"
        lines.append(words(none, symbol=symbol or ""))
    return Screen(text=cut(lines))


def _headline(words: Words, item: Headline) -> Html:
    return words(
        "headlines.line",
        time=words.time(item.time, "d MMM HH:mm"),
        source=item.source[:30],
        text=item.text[:200],
        symbols=", ".join(item.symbols[:4]),
    )


def indicators(words: Words, bundle: Bundle) -> Screen:
    """The figures of the last closed candle."""
    now, last = bundle.indicators, bundle.candles[-1]
    price = partial(price_or_none, words, digits=bundle.instrument.digits)
    number = partial(number_or_none, words)
    lines = [
        words(
            "indicators.title",
            symbol=bundle.symbol,
            timeframe=str(bundle.timeframe),
            time=words.moment(last.time + bundle.timeframe.length),
        ),
        words("indicators.close", close=price(last.close)),
        words("saw.averages", fast=price(now.ema_20), slow=price(now.ema_50)),
        words("saw.trend", fast=price(now.sma_50), slow=price(now.sma_200)),
        words("saw.strength", rsi=number(now.rsi_14), adx=number(now.adx_14)),
        words(
            "indicators.macd",
            macd=price(now.macd),
            signal=price(now.macd_signal),
            hist=price(now.macd_hist),
        ),
        words(
            "indicators.bands",
            low=price(now.bb_low),
            mid=price(now.bb_mid),
            high=price(now.bb_high),
        ),
        words("indicators.vwap", vwap=price(now.vwap)),
        words(
            "saw.swing",
            atr=price(now.atr_14),
            low=price(now.swing_low),
            high=price(now.swing_high),
        ),
    ]
    again = callbacks.pack("ind", bundle.symbol, bundle.timeframe)
    look = callbacks.pack("chart", bundle.symbol, bundle.timeframe)
    buttons = ((Button(words("button.refresh"), again), Button(words("button.chart"), look)),)
    return Screen(text=Html("\n".join(lines)), buttons=buttons)


def chart(words: Words, bundle: Bundle, *, is_live: bool) -> Screen:
    """A chart of a symbol, with the other timeframes as buttons."""
    text = words(
        "chart.caption",
        kind=paper(words, is_live=is_live),
        symbol=bundle.symbol,
        timeframe=str(bundle.timeframe),
        close=words.price(bundle.candles[-1].close),
        time=words.moment(bundle.instant),
    )
    frames = tuple(
        Button(str(frame), callbacks.pack("chart", bundle.symbol, frame)) for frame in _FRAMES
    )
    figures = callbacks.pack("ind", bundle.symbol, bundle.timeframe)
    return Screen(
        text=text,
        buttons=(frames, (Button(words("button.indicators"), figures),)),
        chart={"symbol": bundle.symbol, "timeframe": str(bundle.timeframe)},
    )


def evaluation(
    words: Words, bundle: Bundle, answers: Sequence[tuple[Strategy, Outcome]], *, is_live: bool
) -> Screen:
    """What each strategy makes of this moment; a button shows its every check."""
    lines = [_evaluation_title(words, bundle, is_live)]
    if not bundle.control.evaluates:
        lines.append(words("evaluate.stopped"))
    if not answers:
        lines.append(words("evaluate.nobody", symbol=bundle.symbol))
    for strategy, outcome in answers:
        passed = sum(check.passed for check in outcome.checks)
        lines += [
            Html(""),
            words("evaluate.strategy", name=strategy.name[:60], version=strategy.version),
            _verdict(words, outcome),
            words("evaluate.passed", passed=passed, total=len(outcome.checks)),
        ]
        lines += [condition(words, seen) for seen in outcome.evaluation.observations]
    buttons = tuple(
        (
            Button(
                words("evaluate.checks", name=strategy.name[:30]),
                callbacks.pack("eval", bundle.symbol, number),
            ),
        )
        for number, (strategy, _) in enumerate(answers[:6])
    )
    return Screen(text=cut(lines), buttons=buttons)


def evaluation_of(
    words: Words, bundle: Bundle, strategy: Strategy, outcome: Outcome, *, is_live: bool
) -> Screen:
    """Every check of one strategy at this moment."""
    lines = [
        _evaluation_title(words, bundle, is_live),
        words("evaluate.strategy", name=strategy.name[:60], version=strategy.version),
        _verdict(words, outcome),
        Html(""),
        words("why.conditions"),
        *(condition(words, seen) for seen in outcome.evaluation.observations),
    ]
    if outcome.confidence is not None:
        lines += [Html(""), words("why.score", score=words.number(outcome.confidence.score))]
    currency = bundle.account.currency if bundle.account else None
    closed = [check for check in outcome.checks if not check.passed]
    lines += [Html(""), words("why.gate")]
    lines += [check_line(words, check, currency) for check in closed]
    lines += gate(words, bundle, outcome.checks)
    return Screen(text=cut(lines))


def _evaluation_title(words: Words, bundle: Bundle, is_live: bool) -> Html:
    return words(
        "evaluate.title",
        kind=paper(words, is_live=is_live),
        symbol=bundle.symbol,
        timeframe=str(bundle.timeframe),
        time=words.moment(bundle.instant),
    )


def _verdict(words: Words, outcome: Outcome) -> Html:
    """What would come of it now: the gate's verdict and why, or what keeps it from an idea."""
    if outcome.report is not None:
        first = outcome.report.first_failed
        verdict = words(f"verdict.{outcome.report.verdict}")
        why = "" if first is None else words("history.because", reason=reason(words, first.code))
        return words("evaluate.verdict", verdict=verdict, why=why)
    if outcome.blocked_by is not None:
        return words("evaluate.blocked", reason=reason(words, outcome.blocked_by))
    name = outcome.no_trade.partition(":")[2].rpartition(":")[2]
    said = words.has(f"check.{name}")
    short = reason(words, name) if said else coded(words, "short", name)
    return words("evaluate.none", reason=short)
