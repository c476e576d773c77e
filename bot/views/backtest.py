"""What a backtest came to, in few lines for a chat, and as rows for tables."""

from collections.abc import Sequence
from decimal import Decimal
from html import escape

from bot.i18n import Html, Words
from bot.views.facts import coded, in_r, reason, signed
from engine.domain.values import quantize
from engine.research.forecasts import asks_a_model
from engine.research.plan import Plan
from engine.research.report import Report, Slice

#: Refusals in the chat; all are in the report.
_SHOWN = 4
#: How far a setup came that became no order.
_SETUPS = {"blocked": "kept_back", "fail": "refused", "review": "refused"}
Row = tuple[str, str]


def headline(words: Words, report: Report) -> Html:
    """What was tried, where and when."""
    return words(
        "backtest.title",
        symbol=report.plan.symbol,
        timeframe=str(report.plan.timeframe),
        span=span(words, report),
    )


def span(words: Words, report: Report) -> str:
    """The days that were played."""
    return " – ".join(words.time(at, "d MMM y") for at in (report.first, report.last))


def summary(words: Words, report: Report) -> Html:
    """The report in a few lines."""
    lines = [headline(words, report)]
    if not report.is_whole:
        lines.append(words("backtest.partial", candles=words.number(report.candles)))
    lines.append(words("backtest.strategies", names=names(report.plan)))
    lines += [Html(f"{name}: <b>{value}</b>") for name, value in figures(words, report)[:8]]
    if report.refusals:
        lines.append(Html(f"{words('backtest.refusals')}:"))
    for why, count in report.refusals[:_SHOWN]:
        lines.append(Html(f"· {refusal(words, why)}: {words.number(count)}"))
    lines += [words("backtest.halts", count=len(report.halts))] if report.halts else []
    lines += notes(words, report)
    return Html("\n".join(lines))


def names(plan: Plan) -> str:
    """The strategies of a plan."""
    return ", ".join(f"{each.name} v{each.version}" for each in plan.strategies)


def figures(words: Words, report: Report) -> list[tuple[Html, str]]:
    """The figures by their names, the most important first."""
    metrics, currency = report.metrics, report.plan.currency
    none = str(words("value.none"))

    def number(value: Decimal | None, places: int = 2) -> str:
        return none if value is None else words.number(quantize(value, places), places)

    def money(value: Decimal | None) -> str:
        return none if value is None else words.money(quantize(value, 2), currency, signed=True)

    rate = metrics.win_rate
    fall = words.money(quantize(report.drawdown, 2), currency)
    r = none if metrics.average_r is None else in_r(words, metrics.average_r, 2)
    return [
        (words("backtest.profit"), f"{money(report.end - report.plan.balance)}"
         f" ({signed(words, report.percent, 2)} %)"),
        (words("backtest.trades"), words.number(metrics.trades)),
        (words("backtest.win_rate"), none if rate is None else f"{number(rate * 100, 1)} %"),
        (words("backtest.factor"), number(metrics.profit_factor)),
        (words("backtest.expectancy"), money(metrics.expectancy)),
        (words("backtest.average_r"), r),
        (words("backtest.drawdown"), f"{fall} ({number(report.drawdown_percent)} %)"),
        (words("backtest.payoff"), number(metrics.payoff)),
        (words("backtest.best"), money(metrics.best)),
        (words("backtest.worst"), money(metrics.worst)),
        (words("backtest.ideas"), words.number(report.ideas)),
        (words("backtest.orders"), words.number(report.orders)),
        (words("backtest.open"), words.number(report.open_trades)),
        (words("backtest.candles"), words.number(report.candles)),
        (words("backtest.speed"), words.number(int(report.speed))),
    ]  # fmt: skip


def assumptions(words: Words, plan: Plan) -> list[tuple[Html, str]]:
    """What the run was told, by its names."""
    costs, yes, no = plan.costs, words("backtest.yes"), words("backtest.no")
    return [
        (words("backtest.source"), plan.source),
        (words("backtest.names"), names(plan)),
        (words("backtest.balance"), words.money(plan.balance, plan.currency)),
        (words("backtest.spread"), words.number(costs.spread_pips)),
        (words("backtest.slippage"), words.number(costs.slippage_pips)),
        (words("backtest.commission"), words.money(costs.commission_per_lot, plan.currency)),
        (words("backtest.swap"),
         f"{words.number(costs.swap_long)} / {words.number(costs.swap_short)}"),
        (words("backtest.leverage"),
         f"1:{words.number(costs.leverage)}" if costs.leverage else words("backtest.usual")),
        (words("backtest.latency"), words.number(costs.latency_ms)),
        (words("backtest.calendar"), plan.calendar or words("backtest.no_news")),
        (words("backtest.resume"), words(f"backtest.resume_{plan.resume}")),
        (words("backtest.approves"), yes if plan.approves else no),
        (words("backtest.settings"), f"v{plan.settings_version}"),
        (words("backtest.zone"), plan.zone),
    ]  # fmt: skip


def notes(words: Words, report: Report) -> list[Html]:
    """What a reader must know to judge the figures."""
    plan = report.plan
    lines = [] if plan.calendar is not None else [words("backtest.assumed_quiet")]
    if plan.model is not None:
        name, last = plan.model.asked.name, words.time(plan.model.last, "d MMM y")
        lines.append(words("backtest_model.asked", name=name, last=last))
    elif any(asks_a_model(each) for each in plan.strategies):
        lines.append(words("backtest_model.none"))
    return lines + [words("backtest.left_out", what=each) for each in plan.left_out]


def halt(words: Words, why: str) -> Html:
    """Why trading was halted."""
    return coded(words, "reason", why)


def refusal(words: Words, why: str) -> Html:
    """Why there was no order, from its code."""
    family, _, code = why.partition(":")
    if family == "order":
        return Html(escape(code[:120], quote=False))
    if family in _SETUPS:
        return words(f"backtest.{_SETUPS[family]}", reason=reason(words, code))
    kind, _, name = code.partition(":")
    if name and not words.has(f"check.{kind}"):
        return coded(words, "short", name)
    return reason(words, kind)


def slices(words: Words, parts: Sequence[Slice], *, are_days: bool, currency: str) -> list[Row]:
    """Trades by the hour or the weekday: a name, and how many, how many won, and what they made."""
    return [
        (
            words(f"backtest.weekday_{part.name}") if are_days else f"{part.name:02}:00",
            words(
                "backtest.slice",
                count=part.trades,
                won=part.wins,
                profit=words.money(part.profit, currency, signed=True),
            ),
        )
        for part in parts
    ]
