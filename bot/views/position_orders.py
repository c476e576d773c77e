"""What is wanted of an open trade: the question with its effect, and what became of it."""

from decimal import Decimal

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.control import changed
from bot.views.facts import by, direction, paper
from bot.views.positions import (
    at_price,
    goal,
    market,
    name_of,
    targets,
    why_not,
)
from engine.domain.position_orders import Deed, PositionOrder, PositionOrderState
from engine.domain.state import Control
from engine.flow.position_records import SHORT
from engine.flow.positions import Asked
from engine.flow.trades import OpenTrade, OpenTrades

_S = PositionOrderState


def question(words: Words, asked: Asked, *, is_live: bool, edit: bool = False) -> Screen:
    """The second step: what will happen, about what it is worth, until when it may be confirmed."""
    order, until = asked.order, asked.order.valid_until
    lines = [Html(f"{paper(words, is_live=is_live)} · {_asked(words, asked)}")]
    if until is not None:
        time, zone = words.time(until, "HH:mm:ss"), words.zone_name(until)
        lines.append(words("position.valid", time=time, zone=zone))
    buttons = (
        Button(words("button.cancel"), callbacks.pack("pno", order.client_id)),
        Button(words("button.position_confirm"), callbacks.pack("pgo", order.client_id), "danger"),
    )
    return Screen(text=Html("\n".join(lines)), buttons=(buttons,), edit=edit)


def _asked(words: Words, asked: Asked) -> Html:
    order, trade = asked.order, asked.trade
    held = trade.position
    name, way = name_of(trade), direction(words, held.direction)
    if order.deed is Deed.STOP and order.stop_loss is not None:
        before = words("value.none") if held.stop_loss is None else words.price(held.stop_loss)
        return words(
            "position.ask_stop",
            name=name,
            direction=way,
            before=before,
            after=words.price(order.stop_loss),
            result=at_price(words, trade, order.stop_loss),
        )
    if order.deed is Deed.TARGETS:
        return words(
            "position.ask_targets",
            name=name,
            direction=way,
            after=targets(words, order.take_profit),
            before=targets(words, trade.targets),
        )
    return _close(words, asked, name, way)


def _close(words: Words, asked: Asked, name: str, way: Html) -> Html:
    held, left = asked.trade.position, asked.order.volume_left or Decimal(0)
    profit = held.profit * (held.volume - left) / held.volume
    return words(
        "position.ask_part" if left else "position.ask_close",
        name=name,
        direction=way,
        volume=words.number(held.volume - left),
        held=words.number(held.volume),
        left=words.number(left),
        profit=words.money(profit, asked.trade.currency, signed=True),
    )


def type_price(words: Words, trade: OpenTrade, deed: Deed) -> Screen:
    """Ask for a price that is typed."""
    held = trade.position
    stop = words("value.none") if held.stop_loss is None else words.price(held.stop_loss)
    stops = deed is Deed.STOP
    text = words(
        "position.type_stop" if stops else "position.type_targets",
        name=name_of(trade),
        direction=direction(words, held.direction),
        before=stop if stops else targets(words, trade.targets),
        price=market(words, trade),
    )
    return Screen(text=text)


def outcome(words: Words, order: PositionOrder, *, is_live: bool, edit: bool = False) -> Screen:
    """How an order stands."""
    kind = paper(words, is_live=is_live)
    if order.deed is Deed.FLATTEN:
        return Screen(text=_flatten(words, order, kind), edit=edit)
    text = words("position.result", kind=kind, goal=goal(words, order), state=_state(words, order))
    return Screen(text=text, edit=edit)


def _state(words: Words, order: PositionOrder) -> Html:
    if order.state is _S.DONE and order.price is not None and order.volume_closed is not None:
        volume, price = words.number(order.volume_closed), words.price(order.price)
        dealt = words("position.state_dealt", volume=volume, price=price)
        if order.reason != SHORT:
            return dealt
        return Html(f"{dealt}. {why_not(words, order.reason, order.facts)}")
    reason = why_not(words, order.reason, order.facts) if order.reason else Html("")
    return words(f"position.state_{order.state}", reason=reason)


def _flatten(words: Words, order: PositionOrder, kind: Html) -> Html:
    if order.state is _S.DONE:
        return words("position.flat", kind=kind)
    if order.state is _S.CANCELLED:
        reason = why_not(words, order.reason or "released", order.facts)
        return words("position.flatten_ended", kind=kind, reason=reason)
    return words("panic.going")


def told(
    words: Words,
    order: PositionOrder,
    *,
    is_live: bool,
    silent: bool = False,
) -> Html:
    """The same for everyone, with who wanted it."""
    if silent:
        return words("position.flatten_silent", kind=paper(words, is_live=is_live))
    text = outcome(words, order, is_live=is_live).text
    return Html(f"{text}\n{by(words, order.asked_name)}")


def panic(
    words: Words, control: Control, seen: OpenTrades | None, expires: int, *, is_live: bool
) -> Screen:
    """What an emergency stop left open, and the one question before it is closed.

    ``seen`` is None when nobody could be asked in time.
    """
    stopped = changed(words, control)
    known = None if seen is None or seen.account is None else seen
    if known is not None and not known.trades and not known.arriving:
        text = Html(f"{stopped.text}\n{words('panic.nothing')}")
        return Screen(text=text, buttons=stopped.buttons)
    question = words("panic.ask", effect=_effect(words, known))
    kind = paper(words, is_live=is_live)
    buttons = (
        Button(words("button.leave_open"), callbacks.pack("cancel")),
        Button(
            words("button.flatten", count=len(known.trades))
            if known is not None and known.trades
            else words("button.flatten_unseen"),
            callbacks.pack("flat", control.version, expires),
            "danger",
        ),
    )
    return Screen(text=Html(f"{stopped.text}\n\n{kind} · {question}"), buttons=(buttons,))


def _effect(words: Words, seen: OpenTrades | None) -> Html:
    if seen is None or seen.account is None:
        return words("panic.unseen")
    parts = []
    if seen.trades:
        profit = words.money(seen.profit, seen.account.currency, signed=True)
        parts.append(words("panic.effect", count=len(seen.trades), profit=profit))
    if seen.arriving:
        parts.append(words("panic.arriving", count=seen.arriving))
    return Html(" ".join(parts))
