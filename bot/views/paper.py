"""The paper account: since when, what it made, what is open, and the checklist with its ticks."""

from decimal import Decimal

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.facts import paper as kind_of
from bot.views.facts import signed
from engine.domain.account import Account
from engine.domain.values import quantize
from engine.flow.paper import Item, PaperState
from engine.scoring.metrics import Metrics

#: The two logs of source 002, by the name of their button and file.
LOGS = ("signals", "trades")


def state(words: Words, seen: PaperState, *, edit: bool = False) -> Screen:
    """The account and the checklist; a log's button where there is one to send."""
    lines = [words("paper.title", kind=kind_of(words, is_live=seen.is_live), name=seen.name)]
    if seen.is_live:
        lines.append(words("paper.live"))
    if seen.since is None:
        lines.append(words("paper.nothing"))
    else:
        lines.append(words("paper.since", time=words.moment(seen.since)))
    lines += _account(words, seen)
    lines.append(words("paper.ideas", count=seen.ideas))
    lines += _trades(words, seen.metrics)
    lines += [Html(""), words("paper.checklist")]
    lines += [_item(words, seen, item, holds=holds) for item, holds in seen.checks]
    return Screen(text=Html("\n".join(lines)), buttons=_buttons(words, seen), edit=edit)


def _account(words: Words, seen: PaperState) -> list[Html]:
    account = seen.account
    if account is None:
        return [words("status.no_broker")]
    return [
        _balance(words, account, seen.metrics),
        words(
            "status.positions",
            count=len(seen.positions),
            profit=words.money(account.open_profit, account.currency, signed=True),
        ),
    ]


def _balance(words: Words, account: Account, made: Metrics) -> Html:
    start = account.balance - made.profit
    percent = made.profit * 100 / start if start > 0 else Decimal(0)
    return words(
        "paper.balance",
        balance=words.money(account.balance, account.currency),
        profit=words.money(quantize(made.profit, 2), account.currency, signed=True),
        percent=signed(words, percent, 2),
        equity=words.money(account.equity, account.currency),
    )


def _trades(words: Words, made: Metrics) -> list[Html]:
    if not made.trades:
        return [words("paper.no_trades")]
    none = str(words("value.none"))

    def number(value: Decimal | None, places: int) -> str:
        return none if value is None else words.number(quantize(value, places), places)

    rate = None if made.win_rate is None else made.win_rate * 100
    return [
        words(
            "paper.trades",
            count=made.trades,
            rate=number(rate, 0),
            factor=number(made.profit_factor, 2),
            drawdown=number(made.drawdown_percent, 2),
        )
    ]


def _item(words: Words, seen: PaperState, item: Item, *, holds: bool) -> Html:
    text = words(f"paper.check_{item}", percent=words.number(seen.settings.max_daily_loss_percent))
    return Html(f"{'✅' if holds else '⬜'} {text}")


def _buttons(words: Words, seen: PaperState) -> tuple[tuple[Button, ...], ...]:
    refresh = Button(words("button.refresh"), callbacks.pack("paper"))
    trades = Button(words("button.position_list"), callbacks.pack("positions"))
    week = Button(words("paper.performance"), callbacks.pack("perf", "month"))
    logs = tuple(Button(f"📄 {name}_log.csv", callbacks.pack("paperlog", name)) for name in LOGS)
    return ((refresh, trades), (week,), *((logs,) if seen.ideas else ()))


def log(words: Words, name: str) -> Screen:
    """One of the two logs as a file."""
    return Screen(text=words(f"paper.log_{name}"), document={"kind": "paper", "id": name})
