"""The dashboard, the day, how far its limits are used, and the open trades."""

from decimal import Decimal

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.costs import costs, margin_level
from bot.views.facts import account_line, age, badge, coded, direction, paper, reason, signed
from engine.domain.account import Account
from engine.flow.overview import Status, Today, Watched

_TENTH = Decimal("0.1")


def status(words: Words, seen: Status, *, is_live: bool, edit: bool = False) -> Screen:
    """The dashboard of source 004 §4.1, with a button that refreshes it in place."""
    lines = [words("status.title", kind=paper(words, is_live=is_live)), badge(words, seen.control)]
    if seen.control.paused_symbols:
        symbols = ", ".join(seen.control.paused_symbols)
        lines.append(words("control.paused_symbols", symbols=symbols))
    lines += _account(words, seen)
    lines += age(words, seen.age)
    lines += [_watched(words, watched) for watched in seen.watched]
    lines.append(words("status.waiting", count=seen.waiting))
    lines.append(words("status.market_time", time=words.moment(seen.instant)))
    buttons = ((Button(words("button.refresh"), callbacks.pack("status")),),)
    return Screen(text=Html("\n".join(lines)), buttons=buttons, edit=edit)


def _watched(words: Words, seen: Watched) -> Html:
    """A symbol's quote, how much it moves, and how far it has moved today."""
    if seen.quote is None:
        return words("status.no_quote", symbol=seen.symbol)
    none = words("value.none")
    move = seen.move_percent
    return words(
        "status.quote",
        symbol=seen.symbol,
        bid=words.price(seen.quote.bid),
        ask=words.price(seen.quote.ask),
        spread=words.number((seen.quote.spread / seen.pip).quantize(_TENTH)),
        atr=none if seen.atr is None else words.number((seen.atr / seen.pip).quantize(_TENTH)),
        move=none if move is None else signed(words, move, 2),
    )


def _account(words: Words, seen: Status) -> list[Html]:
    account = seen.account
    if account is None:
        return [words("status.no_broker")]
    return [
        account_line(words, account),
        *margin_level(words, account),
        words(
            "status.positions",
            count=len(seen.positions),
            profit=words.money(account.open_profit, account.currency, signed=True),
        ),
        *_day(words, "status.day", seen, account),
    ]


def _day(words: Words, key: str, seen: Status, account: Account) -> list[Html]:
    if seen.day is None:
        return []
    settings = seen.settings
    return [
        words(
            key,
            profit=words.money(seen.day.profit(account.equity), account.currency, signed=True),
            target=words.money(settings.daily_profit_target, account.currency)
            if settings.daily_profit_target
            else words("value.none"),
        )
    ]


def today(words: Words, seen: Today, *, is_live: bool) -> Screen:
    """The day: money, trades, and what became of what was judged."""
    account = seen.status.account
    lines = [
        words(
            "today.title",
            kind=paper(words, is_live=is_live),
            day=words.time(seen.status.instant, "d MMM y"),
        )
    ]
    if account is not None:
        lines += _day(words, "today.result", seen.status, account)
        lines += age(words, seen.status.age)
        for trade in seen.trades:
            lines.append(
                words(
                    "today.trade",
                    time=words.time(trade.closed_at),
                    symbol=trade.symbol,
                    direction=direction(words, trade.direction),
                    reason=coded(words, "exit", trade.reason),
                    profit=words.money(trade.profit, account.currency, signed=True),
                )
            )
        lines += costs(words, seen.trades, account.currency)
    if not seen.trades:
        lines.append(words("today.no_trades"))
    for name, count in sorted(seen.counts.items(), key=lambda item: -item[1]):
        family, _, code = name.partition(":")
        label = reason(words, code) if family == "fail" else coded(words, "action", family)
        key = "today.refused" if family == "fail" else "today.decided"
        lines.append(words(key, name=label, count=count))
    return Screen(text=Html("\n".join(lines)))


def used(words: Words, seen: Status) -> list[Html]:
    """How far each of the day's limits is used."""
    settings, account, day = seen.settings, seen.account, seen.day
    if account is None or day is None:
        return [words("status.no_broker")]
    figures = {
        "daily_loss": (
            words.number(day.loss_percent(account.equity), 2),
            words.number(settings.max_daily_loss_percent),
        ),
        "max_drawdown": (
            words.money(day.drawdown(account.equity), account.currency),
            words.money(settings.max_drawdown_amount, account.currency),
        ),
    }
    if settings.daily_profit_target:
        figures["daily_target_reached"] = (
            words.money(day.profit(account.equity), account.currency, signed=True),
            words.money(settings.daily_profit_target, account.currency),
        )
    return [
        words("risk.used", name=coded(words, "check", code), used=used_, limit=limit)
        for code, (used_, limit) in figures.items()
    ]
