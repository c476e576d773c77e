"""Real money: what it needs, what is missing, why, and what to do about it."""

from collections.abc import Mapping
from typing import Any

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen, cut
from bot.views.facts import NO, YES, by
from engine.domain.live import Item
from engine.domain.person import Role
from engine.flow.live import LiveReport

#: An item that would be good to have.
_ADVISED = "○"


def checklist(words: Words, seen: LiveReport, role: Role, *, edit: bool = False) -> Screen:
    """Every item with its sign; what is missing says why and what to do."""
    lines = [words("live.title"), _head(words, seen), Html("")]
    for item in seen.items:
        lines += item_lines(words, item)
    if seen.confirmation is not None:
        told = seen.confirmation
        lines += [Html(""), words("live.word", name=told.name, time=words.moment(told.at))]
        lines.append(by(words, told.by))
    rows = [(Button(words("button.refresh"), callbacks.pack("live")),)]
    if seen.confirmation is not None and role.rank >= Role.TRADER.rank:
        rows.insert(0, (Button(words("live.button_off"), callbacks.pack("live-off"), "danger"),))
    if seen.may_be_confirmed and role is Role.ADMIN:
        rows.insert(0, (Button(words("live.button_ask"), callbacks.pack("live-ask")),))
    return Screen(text=cut(lines), buttons=tuple(rows), edit=edit)


def _head(words: Words, seen: LiveReport) -> Html:
    if seen.is_demo:
        return words("live.demo")
    if seen.missing:
        return words("live.closed", count=str(len(seen.missing)))
    return words("live.open", name=seen.identity.name)


def item_lines(words: Words, item: Item) -> list[Html]:
    """An item; one that does not hold with what to do."""
    sign = YES if item.holds else (NO if item.is_mandatory else _ADVISED)
    line = words("live.line", sign=sign, text=words(f"live.need_{item.need}"))
    if item.holds:
        return [line]
    code = item.need if item.why is None else f"{item.need}_{item.why}"
    return [line, words("live.fix", text=words(f"live.fix_{code}"))]


def question(words: Words, seen: LiveReport, expires: int) -> Screen:
    """The second step, with the account and what one stands for."""
    yes = Button(words("live.button_yes"), callbacks.pack("live-yes", seen.mark, expires), "danger")
    return Screen(
        text=words("live.question", name=seen.identity.name),
        buttons=((Button(words("button.cancel"), callbacks.pack("live")), yes),),
        edit=True,
    )


def told(words: Words, detail: Mapping[str, Any]) -> Html:
    """Who let real money in, or shut it out."""
    key = "live.told_open" if detail["confirmed"] else "live.told_closed"
    return Html("\n".join([words(key, name=detail["name"]), by(words, detail["by"])]))
