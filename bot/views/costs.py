"""What a trade cost beside what its prices made, what was not filled, and the margin it holds."""

from collections.abc import Sequence
from decimal import Decimal

from bot.i18n import Html, Words
from engine.domain.account import Account, Position
from engine.domain.order import ClosedTrade, Order
from engine.domain.values import quantize


def costs(
    words: Words, trades: Sequence[Position | ClosedTrade], currency: str
) -> tuple[Html, ...]:
    """One line for all of them together; none where nothing was taken, or the venue does not say.

    What is shown adds up to their profit, which is after costs.
    """
    commission = sum((trade.commission for trade in trades), Decimal(0))
    swap = sum((trade.swap for trade in trades), Decimal(0))
    if not commission and not swap:
        return ()
    profit = sum((trade.profit for trade in trades), Decimal(0))
    shown = {"gross": profit - commission - swap, "commission": commission, "swap": swap}
    money = {name: words.money(sum_, currency, signed=True) for name, sum_ in shown.items()}
    return (words("costs.parts", **money),)


def unfilled(words: Words, order: Order) -> tuple[Html, ...]:
    """One line where the venue filled a part only."""
    if not order.unfilled:
        return ()
    return (words("fill.part", volume=words.number(order.unfilled)),)


def margin_level(words: Words, account: Account) -> tuple[Html, ...]:
    """One line while margin is used: how far it is covered, by which a venue stops out."""
    level = account.margin_level
    return () if level is None else (words("margin.level", level=words.number(quantize(level, 0))),)
