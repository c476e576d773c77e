"""Open trades: the list, one of them with its buttons, and the pick list."""

from collections.abc import Sequence
from decimal import Decimal

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.costs import costs
from bot.views.facts import age, direction, in_r, paper, span
from engine.domain.account import Position
from engine.domain.person import Person, Role
from engine.domain.position_orders import Deed, PositionOrder
from engine.domain.state import TradingState
from engine.errors import PositionRefused
from engine.flow.trades import OpenTrade, OpenTrades
from engine.gate.management import exit_price

#: More would not fit into a message; each can still be named.
_MOST = 20
#: Facts of a refusal that are prices, and those that are volumes.
_PRICES, _VOLUMES = ("price", "market", "limit"), ("volume", "held", "least")


def positions(
    words: Words, seen: OpenTrades, person: Person, *, is_live: bool, edit: bool = False
) -> Screen:
    """Open trades with their live result, and a button for each."""
    lines = [words("positions.title", kind=paper(words, is_live=is_live))]
    if seen.account is None:
        lines.append(words("status.no_broker"))
    elif not seen.trades:
        lines.append(words("positions.none"))
    for trade in seen.trades[:_MOST]:
        lines += _lines(words, trade)
    lines += age(words, seen.age)
    if len(seen.trades) > _MOST:
        lines.append(words("positions.others", count=len(seen.trades) - _MOST))
    rows: list[tuple[Button, ...]] = [
        (_button(words, trade, "pos"),) for trade in seen.trades[:_MOST]
    ]
    rows.append(
        (
            Button(words("button.refresh"), callbacks.pack("positions")),
            Button(words("exposure.button"), callbacks.pack("exposure")),
        )
    )
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows), edit=edit)


def pick(words: Words, trades: Sequence[OpenTrade], *, is_live: bool) -> Screen:
    """Which one is to be closed: a button each, with what it is worth, and Cancel."""
    rows = [(_button(words, trade, "pclose"),) for trade in trades[:_MOST]]
    rows.append((Button(words("button.cancel"), callbacks.pack("cancel")),))
    text = words("positions.pick", kind=paper(words, is_live=is_live))
    return Screen(text=text, buttons=tuple(rows))


def name_of(trade: OpenTrade) -> str:
    """What people call a trade: the number of its idea, and its symbol."""
    return called(trade.position.symbol, trade.number)


def called(symbol: str, number: int | None) -> str:
    """A symbol behind the number of the idea, if it has one."""
    return symbol if number is None else f"#{number} {symbol}"


def result(words: Words, trade: OpenTrade) -> str:
    """The live result in money and, where the first risk is known, in units of it."""
    money = words.money(trade.position.profit, trade.currency, signed=True)
    return worth(words, money, trade.r)


def worth(words: Words, money: str, r: Decimal | None) -> str:
    """Money, and the same in R if that is known."""
    return money if r is None else words("positions.result", money=money, r=in_r(words, r, 2))


def _button(words: Words, trade: OpenTrade, action: str) -> Button:
    money = words.money(trade.position.profit, trade.currency, signed=True)
    way = direction(words, trade.position.direction)
    volume = words.number(trade.position.volume)
    label = f"{name_of(trade)} {way} {volume} · {money}"
    return Button(label, callbacks.position(action, trade.position.id))


def _lines(words: Words, trade: OpenTrade) -> list[Html]:
    position = trade.position
    lines = [
        words(
            "positions.line",
            symbol=name_of(trade),
            direction=direction(words, position.direction),
            volume=words.number(position.volume),
            entry=words.price(position.entry_price),
            stop=_price(words, position.stop_loss),
            target=targets(words, trade.targets),
            profit=result(words, trade),
        ),
        words("positions.more", price=market(words, trade), age=span(words, trade.age)),
    ]
    if trade.under_way is not None:
        lines.append(words("positions.under_way", goal=goal(words, trade.under_way)))
    return lines


def _price(words: Words, price: Decimal | None) -> str:
    return words("value.none") if price is None else words.price(price)


def market(words: Words, trade: OpenTrade) -> str:
    """Where the trade could be left now."""
    quote = trade.quote
    return _price(words, None if quote is None else exit_price(trade.position, quote))


def targets(words: Words, prices: Sequence[Decimal]) -> str:
    """Targets, the nearest first."""
    return " / ".join(words.price(price) for price in prices) or words("value.none")


def position(
    words: Words,
    seen: OpenTrades,
    trade: OpenTrade,
    person: Person,
    *,
    is_live: bool,
    edit: bool = True,
) -> Screen:
    """One open trade, and what may be done with it now."""
    held = trade.position
    lines = [
        words(
            "position.title",
            name=name_of(trade),
            direction=direction(words, held.direction),
            kind=paper(words, is_live=is_live),
        ),
        words(
            "position.size",
            volume=words.number(held.volume),
            entry=words.price(held.entry_price),
            price=market(words, trade),
        ),
        words("position.profit", profit=result(words, trade), age=span(words, trade.age)),
        *costs(words, (held,), trade.currency),
        _stop(words, trade),
        words("position.targets", targets=targets(words, trade.targets))
        if trade.targets
        else words("position.without_targets"),
    ]
    if trade.under_way is not None:
        lines.append(words("positions.under_way", goal=goal(words, trade.under_way)))
    stopped = seen.control.state is TradingState.EMERGENCY_STOP
    buttons = _buttons(words, held, stopped=stopped, acts=person.role.rank >= Role.TRADER.rank)
    return Screen(text=Html("\n".join(lines)), buttons=buttons, edit=edit)


def _stop(words: Words, trade: OpenTrade) -> Html:
    stop = trade.position.stop_loss
    if stop is None:
        return words("position.without_stop")
    return words("position.stop", stop=words.price(stop), result=at_price(words, trade, stop))


def at_price(words: Words, trade: OpenTrade, price: Decimal) -> str:
    """What the trade is worth if it is left at a price."""
    money = trade.money_at(price)
    text = words("value.none") if money is None else words.money(money, trade.currency, signed=True)
    return worth(words, text, trade.r_at(price))


def _buttons(
    words: Words, held: Position, *, stopped: bool, acts: bool
) -> tuple[tuple[Button, ...], ...]:
    """A viewer looks; in an emergency stop there is the close alone."""

    def button(name: str, action: str, style: str | None = None) -> Button:
        return Button(words(name), callbacks.position(action, held.id), style)

    last = (
        button("button.refresh", "pos"),
        Button(words("button.position_list"), callbacks.pack("positions")),
    )
    close = button("button.position_close", "pclose", "danger")
    if not acts:
        return (last,)
    if stopped:
        return ((close,), last)
    return (
        (close, button("button.position_half", "phalf")),
        (button("button.position_even", "peven"), button("button.position_stop", "pstop")),
        (button("button.position_targets", "ptargets"),),
        last,
    )


def goal(words: Words, order: PositionOrder) -> Html:
    """What is wanted, in a few words."""
    name = called(order.symbol, order.number)
    if order.deed is Deed.FLATTEN:
        return words("position.goal_flatten")
    if order.deed is Deed.STOP and order.stop_loss is not None:
        return words("position.goal_stop", name=name, price=words.price(order.stop_loss))
    if order.deed is Deed.TARGETS:
        return words("position.goal_targets", name=name, targets=targets(words, order.take_profit))
    if order.closes_all or order.volume_left is None:
        return words("position.goal_close", name=name)
    return words("position.goal_part", name=name, left=words.number(order.volume_left))


def refusal(words: Words, problem: PositionRefused) -> Html:
    """Why something cannot be done with a trade, and what can."""
    return why_not(words, problem.reason, problem.facts)


def why_not(words: Words, reason: str, facts: dict[str, str]) -> Html:
    """A reason in words, its figures as people write them."""
    shown: dict[str, str] = dict(facts)
    shown |= {name: words.price(Decimal(facts[name])) for name in _PRICES if name in facts}
    shown |= {name: words.number(Decimal(facts[name])) for name in _VOLUMES if name in facts}
    key = f"position.no_{reason}"
    return (
        words(key, **shown) if words.has(key) else words("error.position_refused", message=reason)
    )
