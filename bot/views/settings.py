"""The risk settings in words."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bot.i18n import Html, Words
from bot.views.facts import by
from engine.domain.change_proposal import proposal_of
from engine.domain.settings import FIRST_START, NO_REASON, SHIPPED, returned_to


def name_of(words: Words, name: str) -> Html:
    """A setting's name in words, with its unit."""
    return words(f"setting.{name}")


def shown(words: Words, value: Any) -> Html | str:
    """A setting's value as people read it."""
    if isinstance(value, bool):
        return words("value.true") if value else words("value.false")
    if isinstance(value, (Decimal, int)):
        return words.number(value)
    return ", ".join(value)


#: Reasons that an installation writes down when it begins.
SEEDED = {FIRST_START: "seed.first_start", SHIPPED: "seed.shipped"}


def said(words: Words, reason: str) -> Html | str:
    """A reason as people read it: their own words, or what stands for those that were not given."""
    if reason == NO_REASON:
        return words("settings.no_reason")
    if reason in SEEDED:
        return words(SEEDED[reason])
    proposal = proposal_of(reason)
    if proposal is not None:
        return words("proposals.applied", id=str(proposal))
    version = returned_to(reason)
    return reason if version is None else words("settings.back_to", version=str(version))


def change_line(words: Words, name: str, before: Html | str, after: Html | str) -> Html:
    """One setting, what it was and what it is."""
    return words("settings.change", name=name_of(words, name), before=before, after=after)


def changed(words: Words, who: str, reason: str, changes: Mapping[str, Sequence[Any]]) -> Html:
    """Who changed what, and why. The values are a notice's: numbers are texts in it."""
    lines = [words("settings.changed")]
    for name, (before, after) in changes.items():
        old, new = (shown(words, _value(value)) for value in (before, after))
        lines.append(change_line(words, name, old, new))
    lines.append(words("settings.reason", reason=said(words, reason)))
    lines.append(by(words, who))
    return Html("\n".join(lines))


def _value(value: Any) -> Any:
    return Decimal(value) if isinstance(value, str) else value
