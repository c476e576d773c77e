"""How trading went: the figures of a span, its trades, and the buttons to other spans."""

from datetime import timedelta
from decimal import Decimal

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.costs import costs
from bot.views.facts import coded, direction, in_r, paper
from engine.domain.order import ClosedTrade
from engine.domain.values import quantize
from engine.flow.performance import Performance, Span

#: Trades shown under the figures; all of them are in the file.
_SHOWN = 6
_SPANS = ("today", "week", "month")
_BAR = 10
#: A span's last day is the one before its end.
_INSTANT = timedelta(microseconds=1)


def report(words: Words, seen: Performance, *, is_live: bool) -> Screen:
    """The figures of a span under the curve of the balance."""
    lines = [_title(words, seen, is_live)]
    if seen.account is None:
        lines.append(words("status.no_broker"))
        return Screen(text=Html("\n".join(lines)))
    currency = seen.account.currency
    lines += _money(words, seen, currency)
    if not seen.metrics.trades:
        lines.append(words("report.no_trades"))
    else:
        lines += _figures(words, seen, currency)
        lines += [Html(""), *_trades(words, seen, currency)]
    chart = {"performance": list(days_of(seen.span))} if seen.metrics.trades else None
    return Screen(text=Html("\n".join(lines)), buttons=_buttons(words, seen), chart=chart)


def _title(words: Words, seen: Performance, is_live: bool) -> Html:
    first, last = (words.time(moment, "d MMM y") for moment in (seen.since, seen.until - _INSTANT))
    days = first if first == last else f"{first} – {last}"
    span = words(f"report.{seen.span.name}")
    return words("report.title", kind=paper(words, is_live=is_live), span=span, days=days)


def _money(words: Words, seen: Performance, currency: str) -> list[Html]:
    start = seen.curve[0][1]
    profit = seen.metrics.profit
    percent = quantize(profit / start * 100, 2) if start > 0 else Decimal(0)
    lines = [
        words(
            "report.profit",
            profit=words.money(profit, currency, signed=True),
            percent=words.number(percent),
        ),
        *costs(words, [trade for trade, _ in seen.trades], currency),
    ]
    if seen.goal > 0:
        part = max(Decimal(0), min(Decimal(1), seen.week / seen.goal))
        full = int(part * _BAR)
        lines.append(
            words(
                "report.goal",
                week=words.money(seen.week, currency, signed=True),
                goal=words.money(seen.goal, currency),
                bar="▓" * full + "░" * (_BAR - full),
                percent=words.number(seen.week / seen.goal * 100, 0),
            )
        )
    return lines


def _figures(words: Words, seen: Performance, currency: str) -> list[Html]:
    figures = seen.metrics
    none = words("value.none")

    def number(value: Decimal | None, places: int) -> str:
        return none if value is None else words.number(quantize(value, places), places)

    def money(value: Decimal | None) -> str:
        return none if value is None else words.money(quantize(value, 2), currency, signed=True)

    rate = figures.win_rate
    lines = [
        words(
            "report.trades",
            count=figures.trades,
            won=figures.wins,
            lost=figures.losses,
            rate=none if rate is None else words.number(rate * 100, 0),
        ),
        words(
            "report.average",
            r=none if figures.average_r is None else in_r(words, figures.average_r, 2),
            payoff=number(figures.payoff, 2),
            expectancy=money(figures.expectancy),
        ),
        words(
            "report.factor",
            factor=number(figures.profit_factor, 2),
            drawdown=words.money(figures.drawdown, currency),
            percent=number(figures.drawdown_percent, 2),
        ),
        words("report.extremes", best=money(figures.best), worst=money(figures.worst)),
    ]
    if days := figures.drawdown_duration.days:
        lines.append(words("report.fall", count=days))
    ratios = {name: getattr(figures, name) for name in ("sharpe", "sortino", "calmar", "sqn")}
    if any(ratio is not None for ratio in ratios.values()):
        lines.append(words("report.ratios", **{n: number(r, 2) for n, r in ratios.items()}))
    if figures.composite is None:
        lines.append(words("report.too_few"))
    else:
        lines.append(words("report.composite", score=words.number(figures.composite, 0)))
    return lines


def _trades(words: Words, seen: Performance, currency: str) -> list[Html]:
    latest = seen.trades[-_SHOWN:][::-1]
    lines = [_trade(words, trade, r, currency) for trade, r in latest]
    if more := len(seen.trades) - len(latest):
        lines.append(words("report.more", count=more))
    return lines


def _trade(words: Words, trade: ClosedTrade, r: Decimal | None, currency: str) -> Html:
    return words(
        "report.trade",
        time=words.time(trade.closed_at, "d MMM HH:mm"),
        symbol=trade.symbol,
        direction=direction(words, trade.direction),
        reason=coded(words, "exit", trade.reason),
        profit=words.money(trade.profit, currency, signed=True),
        r="" if r is None else words("report.r", r=in_r(words, r, 1)),
    )


def _buttons(words: Words, seen: Performance) -> tuple[tuple[Button, ...], ...]:
    spans = tuple(
        Button(words(f"report.{name}"), callbacks.pack("perf", name))
        for name in _SPANS
        if name != seen.span.name
    )
    mine = (
        Button(words("report.me"), callbacks.pack("perf", "me")),
        Button(words("report.scores"), callbacks.pack("perf", "confidence")),
    )
    if not seen.trades:
        return (spans, mine)
    file = Button(words("report.csv"), callbacks.pack("csv", *days_of(seen.span)))
    return (spans, mine, (file,))


def trades_file(words: Words, seen: Performance, *, is_live: bool) -> Screen:
    """The trades of a span as a file."""
    return Screen(
        text=_title(words, seen, is_live),
        document={"kind": "trades", "days": list(days_of(seen.span))},
    )


def days_of(span: Span) -> tuple[str, str]:
    """A span as two dates, which mean the same tomorrow."""
    return span.first.isoformat(), span.last.isoformat()
