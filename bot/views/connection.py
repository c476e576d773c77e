"""The venue: which account, how it answers, what it can do, and orders nobody knows the end of."""

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.facts import account_line, direction, paper
from bot.views.risk import back
from engine.flow.connection import Connection

#: Everything a venue may be able to do, in the order it is said.
_ABILITIES = ("stop_loss", "several_targets", "time_limit", "partial_close")
_SHOWN = 10


def connection(words: Words, seen: Connection, *, edit: bool = False) -> Screen:
    """The venue now, with a button that asks it again."""
    lines = [
        words("broker.title", kind=paper(words, is_live=seen.is_live)),
        words("broker.account", id=seen.account_id),
        words("broker.live" if seen.is_live else "broker.paper"),
        *_answer(words, seen),
        *_alive(words, seen),
        *(
            words("broker.leverage", symbol=symbol, ratio=words.number(ratio, 0))
            for symbol, ratio in seen.leverage
        ),
        _can(words, seen),
        *_unknown(words, seen),
    ]
    buttons = ((Button(words("button.refresh"), callbacks.pack("broker")), back(words, "hub")),)
    return Screen(text=Html("\n".join(lines)), buttons=buttons, edit=edit)


def _answer(words: Words, seen: Connection) -> list[Html]:
    account = seen.account
    if account is None:
        return [words("status.no_broker")]
    return [
        account_line(words, account),
        words("broker.currency", currency=account.currency),
        words("broker.latency", milliseconds=words.number(seen.latency * 1000, 0)),
    ]


def _alive(words: Words, seen: Connection) -> list[Html]:
    if seen.lost is not None:
        return [words("broker.lost", time=words.moment(seen.lost.since))]
    if seen.synced is None:
        return [words("broker.never")]
    return [words("broker.synced", time=words.stamp(seen.synced, "d MMM HH:mm:ss"))]


def _can(words: Words, seen: Connection) -> Html:
    marks = [
        words(
            "broker.can" if name in seen.abilities else "broker.cannot", what=words(f"can.{name}")
        )
        for name in _ABILITIES
    ]
    return Html("\n".join(marks))


def _unknown(words: Words, seen: Connection) -> list[Html]:
    lines = [words("broker.unknown", count=len(seen.unknown))] if seen.unknown else []
    lines += [
        words(
            "broker.order",
            symbol=order.symbol,
            direction=direction(words, order.direction),
            volume=words.number(order.volume),
            id=order.client_id,
        )
        for order in seen.unknown[:_SHOWN]
    ]
    return lines or [words("broker.all_known")]
