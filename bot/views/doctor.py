"""What is wrong and the line that fixes it."""

from collections.abc import Sequence
from typing import Any

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen, cut
from bot.views.facts import fault
from engine.domain.diagnosis import Finding, Level
from engine.domain.feed_fault import Fault

#: Faults of market data about which something else can be done than wait.
_FIXES: dict[str, str] = {
    Fault.UNREADABLE: "unreadable", Fault.SUSPENDED: "suspended", Fault.RENAMED: "changed",
    Fault.RESCALED: "changed", Fault.CLOCK_MOVED: "changed",
}  # fmt: skip
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
    facts: dict[str, Any] = dict(finding.facts)
    fix = f"doctor.fix.{finding.code}"
    if finding.code == "data":
        facts["fault"] = fault(words, finding.facts)
        kind = _FIXES.get(str(finding.facts["fault"]), "")
        fix = f"{fix}_{kind}" if kind else fix
    if finding.code == "stopped":
        facts["state"] = words(f"state.{facts['state']}")
    said = words(f"doctor.{finding.code}", **facts)
    return [
        words("doctor.line", icon=_ICONS[finding.level], text=said),
        words(fix, **facts),
    ]
