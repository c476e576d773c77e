"""Stopping, starting and the mode: what changed, and what still runs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.facts import badge, by, coded
from engine.domain.person import Role
from engine.domain.state import Control, Mode, TradingState
from engine.errors import WouldHalt


def changed(words: Words, control: Control, *, open_trades: int = 0) -> Screen:
    """The state after a change, and what it means for what is open."""
    lines = [badge(words, control), words(f"control.{control.state}")]
    if control.paused_symbols:
        symbols = ", ".join(control.paused_symbols)
        lines.append(words("control.paused_symbols", symbols=symbols))
    if open_trades and not control.may_open:
        lines.append(words("control.open_trades", count=open_trades))
    buttons: tuple[tuple[Button, ...], ...] = ()
    if not control.may_open:
        buttons = ((Button(words("button.resume"), callbacks.pack("resume"), "success"),),)
    return Screen(text=Html("\n".join(lines)), buttons=buttons)


def stop_done(words: Words, *, open_trades: int) -> Screen:
    """The answer to whoever stopped; the state and its button are in the alert that everyone gets,
    so that no second one is left over when trading goes on.
    """
    lines = [words("control.stop_done")]
    if open_trades:
        lines.append(words("control.open_trades", count=open_trades))
    return Screen(text=Html("\n".join(lines)))


def halted(
    words: Words, control: Control, *, at_venue: int = 0, facts: Mapping[str, Any] | None = None
) -> Screen:
    """The alert of a halt: the figure or the part behind it, and what had left before it."""
    found = causes(words, facts or {})
    lines = [badge(words, control), *found, words(f"control.{control.state}")]
    if not found:
        lines.append(by(words, control.changed_by))
    if at_venue:
        lines.append(words("control.at_venue", count=at_venue))
    button = Button(words("button.resume"), callbacks.pack("resume"), "success")
    return Screen(text=Html("\n".join(lines)), buttons=((button,),))


def causes(words: Words, facts: Mapping[str, Any]) -> list[Html]:
    """What a change by the machine itself was made for; empty for a person's."""
    lines = []
    if limit := facts.get("limit"):
        lines.append(
            words(
                "control.limit",
                name=coded(words, "check", limit["reason"]),
                used=words.number(Decimal(limit["used"]), 2),
                limit=words.number(Decimal(limit["limit"])),
            )
        )
    if lost := facts.get("lost"):
        since = words.moment(datetime.fromisoformat(lost["since"]))
        lines.append(words("control.lost", part=_part(words, lost["part"]), time=since))
    if facts.get("demoted"):
        lines.append(words("control.demoted"))
    return lines


def _part(words: Words, name: str) -> Html:
    return coded(words, "part", name)


def would_halt(words: Words, problem: WouldHalt) -> Html:
    """Why trading was not resumed, and what to do about it."""
    facts = problem.details
    if "part" in facts:
        since = words.moment(facts["since"])
        return words("error.would_halt_part", part=_part(words, facts["part"]), time=since)
    return words(
        "error.would_halt",
        name=coded(words, "check", facts["reason"]),
        used=words.number(facts["used"], 2),
        limit=words.number(facts["limit"]),
        time=words.time(facts["next_day"], "d MMM HH:mm"),
    )


def confirm_resume(
    words: Words, control: Control, expires: int, used: Sequence[Html] = ()
) -> Screen:
    """The second step out of a halt or an emergency stop, with how far the limits are used."""
    text = words("control.confirm_resume", badge=Html("\n".join([badge(words, control), *used])))
    yes = Button(
        words("button.confirm_resume"), callbacks.pack("go", control.version, expires), "danger"
    )
    return Screen(
        text=text, buttons=((Button(words("button.cancel"), callbacks.pack("cancel")), yes),)
    )


def mode(words: Words, control: Control, expires: int, *, role: Role) -> Screen:
    """The mode, what it means, and for an admin the other one."""
    other = Mode.SUPERVISED if control.mode is Mode.AUTONOMOUS else Mode.AUTONOMOUS
    lines = [badge(words, control), words(f"mode.means_{control.mode}")]
    if role.rank < Role.ADMIN.rank:
        return Screen(text=Html("\n".join([*lines, words("limits.admin")])))
    data = callbacks.pack("mode", other, control.version, expires)
    style = "danger" if other is Mode.AUTONOMOUS else "success"
    label = words("button.mode", mode=words(f"mode.{other}"))
    return Screen(
        text=Html("\n".join(lines)),
        buttons=(
            (Button(words("button.cancel"), callbacks.pack("cancel")), Button(label, data, style)),
        ),
    )


def needs_confirmation(control: Control) -> bool:
    """Whether leaving this state takes a second step; a pause was a person's own and does not."""
    return control.state in (TradingState.HALTED, TradingState.EMERGENCY_STOP)
