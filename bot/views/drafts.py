"""A change before it is made and after: what it was, what it will be, why, and the way back."""

from dataclasses import dataclass

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.risk import changes, effects
from bot.views.settings import change_line, said, shown
from engine.domain.settings import RiskSettings, SettingsVersion, differences
from engine.flow.usage import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a confirm button is bound to: which draft, the version looked at, until when (seconds
    since 1970).
    """

    draft: int
    version: int
    until: int


def confirm(
    words: Words,
    seen: Limits,
    after: RiskSettings,
    asked: Question,
    *,
    reason: str | None,
    edit: bool = False,
) -> Screen:
    """The change, its effect on what is open, and the button that makes it."""
    lines = [words("drafts.title"), *changes(words, seen, after), *effects(words, seen, after)]
    lines += reasons(words, reason)
    return Screen(
        text=Html("\n".join(lines)), buttons=(_buttons(words, "apply", asked),), edit=edit
    )


def reasons(words: Words, reason: str | None) -> list[Html]:
    """The reason that was given, or how to give one; and how long the button holds."""
    line = (
        words("drafts.why")
        if reason is None
        else words("settings.reason", reason=said(words, reason))
    )
    return [Html(""), line, words("drafts.valid")]


def _buttons(words: Words, action: str, asked: Question) -> tuple[Button, ...]:
    data = callbacks.pack(action, asked.draft, asked.version, asked.until)
    return (
        Button(words("button.cancel"), callbacks.pack("drop", asked.draft)),
        Button(words("drafts.button"), data, "danger"),
    )


def done(
    words: Words, now: SettingsVersion, before: SettingsVersion, back_to: tuple[str, ...]
) -> Screen:
    """The change as it is in force, with the way back to what was."""
    names = differences(before.settings, now.settings)
    lines = [words("drafts.done", version=str(now.version))]
    lines += change_lines(words, before.settings, now.settings)
    lines.append(words("settings.reason", reason=said(words, now.reason)))
    short = len(names) == 1 and not isinstance(getattr(before.settings, names[0]), tuple)
    label = (
        words("drafts.undo", value=shown(words, getattr(before.settings, names[0])))
        if short
        else words("drafts.undo_all")
    )
    buttons = (
        (Button(label, callbacks.pack("undo", now.version)),),
        (Button(words("drafts.back"), callbacks.pack(*back_to)),),
    )
    return Screen(text=Html("\n".join(lines)), buttons=buttons, edit=True)


def change_lines(words: Words, before: RiskSettings, after: RiskSettings) -> list[Html]:
    """Each setting in which two versions differ."""
    return [
        change_line(
            words, name, *(shown(words, getattr(settings, name)) for settings in (before, after))
        )
        for name in differences(before, after)
    ]


def dropped(words: Words, back_to: tuple[str, ...]) -> Screen:
    """Nothing was changed."""
    button = Button(words("drafts.back"), callbacks.pack(*back_to))
    return Screen(text=words("control.cancelled"), buttons=((button,),), edit=True)
