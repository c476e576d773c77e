"""What is wrong and the line that fixes it."""

from collections.abc import Sequence

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen, cut
from engine.domain.diagnosis import Finding, Level

_ICONS = {Level.FAULT: "🔴", Level.WARNING: "🟠", Level.NOTE: "ℹ️"}


def doctor(words: Words, found: Sequence[Finding], *, edit: bool = False) -> Screen:
    """Findings, the worst first, each with what to do; a clean bill when there is nothing bad."""
    bad = [finding for finding in found if finding.level is not Level.NOTE]
    lines = [words("doctor.title") if bad else words("doctor.fine")]
    for finding in found:
        lines += [Html(""), *lines_of(words, finding)]
    again = Button(words("button.refresh"), callbacks.pack("doctor"))
    return Screen(text=cut(lines), buttons=((again,),), edit=edit)


def lines_of(words: Words, finding: Finding) -> list[Html]:
    """A finding, and what to do about it."""
    said = words(f"doctor.{finding.code}", **finding.facts)
    return [
        words("doctor.line", icon=_ICONS[finding.level], text=said),
        words(f"doctor.fix.{finding.code}", **finding.facts),
    ]
