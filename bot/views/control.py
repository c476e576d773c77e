"""Stopping, starting and the mode: what changed, and what still runs."""

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.facts import badge
from engine.domain.state import Control, Mode, TradingState


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


def halted(words: Words, control: Control, *, at_venue: int = 0) -> Screen:
    """The alert of a halt, naming what had left before it."""
    lines = [badge(words, control), words(f"control.{control.state}")]
    if at_venue:
        lines.append(words("control.at_venue", count=at_venue))
    button = Button(words("button.resume"), callbacks.pack("resume"), "success")
    return Screen(text=Html("\n".join(lines)), buttons=((button,),))


def confirm_resume(words: Words, control: Control, expires: int) -> Screen:
    """The second step out of a halt or an emergency stop."""
    text = words("control.confirm_resume", badge=badge(words, control))
    yes = Button(
        words("button.confirm_resume"), callbacks.pack("go", control.version, expires), "danger"
    )
    return Screen(
        text=text, buttons=((Button(words("button.cancel"), callbacks.pack("cancel")), yes),)
    )


def mode(words: Words, control: Control, expires: int) -> Screen:
    """The mode, what it means, and the other one."""
    other = Mode.SUPERVISED if control.mode is Mode.AUTONOMOUS else Mode.AUTONOMOUS
    lines = [badge(words, control), words(f"mode.means_{control.mode}")]
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
