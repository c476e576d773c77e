"""The hub of the settings: a section behind each button, and what stands in the short ones."""

from collections.abc import Sequence
from datetime import datetime

from bot import callbacks
from bot.i18n import Html, Words
from bot.screen import Button, Screen
from bot.views.drafts import change_lines
from bot.views.facts import NO, YES, badge, by, paper
from bot.views.risk import back, rows_of
from bot.views.settings import said
from engine.domain.person import Person, Role
from engine.domain.provider import AiReach, Lost, Offer
from engine.domain.settings import SettingsVersion, differences
from engine.domain.state import Control
from engine.flow.provider_records import ProviderStatus

#: Section and the action its button has.
_SECTIONS = (
    ("risk", "risk"), ("watch", "watch"), ("strategies", "rules"), ("broker", "broker"),
    ("ai", "ai"), ("mode", "hubmode"), ("language", "hublang"), ("zone", "hubzone"),
)  # fmt: skip


def hub(
    words: Words,
    control: Control,
    person: Person,
    version: SettingsVersion,
    *,
    is_live: bool,
    edit: bool = False,
) -> Screen:
    """The sections; what is in force, and who reads it in which words and hours."""
    lines = [
        words("hub.title", kind=paper(words, is_live=is_live)),
        badge(words, control),
        Html(
            words(
                "limits.version",
                version=str(version.version),
                time=words.moment(version.created_at),
            )
            + " "
            + by(words, version.changed_by)
        ),
        words("hub.you", language=words("language.name"), zone=person.timezone),
    ]
    buttons = [Button(words(f"hub.{name}"), callbacks.pack(action)) for name, action in _SECTIONS]
    buttons.append(Button(words("hub.notices"), callbacks.pack("notices")))
    buttons.append(Button(words("limits.button_history"), callbacks.pack("versions", 0)))
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows_of(buttons, 2)), edit=edit)


def within(words: Words, screen: Screen) -> Screen:
    """Another screen as a section of the hub: in place, with the way back."""
    rows = (*screen.buttons, (back(words, "hub"),))
    return Screen(text=screen.text, buttons=rows, edit=True)


def ai(words: Words, status: ProviderStatus, role: Role, offer: Offer | None = None) -> Screen:
    """Which model writes texts, or none and what that means; how its provider is connected, and
    what it said just now.
    """
    if status.lost is Lost.NEVER and not status.enabled:
        return within(words, Screen(text=words("hub.ai_none")))
    provider, model = status.provider.shown, status.model or "–"
    lines = [words("ai_section.title", provider=provider, model=model)]
    if status.lost is not None:
        lines.append(words(f"provider.lost_{status.lost}", provider=provider))
    else:
        lines.append(words(f"ai_section.{status.mode}"))
    if status.lost is None and status.expires_at is not None:
        lines.append(words("ai_section.until", time=words.moment(status.expires_at)))
    if not status.enabled:
        lines.append(words("ai_section.disabled"))
    lines.append(words("ai_section.rules"))
    if offer is not None:
        said = words(f"ai.{offer.reach}", provider=provider, model=model)
        sign = YES if offer.reach is AiReach.ONLINE else NO
        lines += [Html(""), Html(f"{sign} {said}")]
    test = Button(words("ai_section.test"), callbacks.pack("aitest"))
    buttons = ((test,),) if role.rank >= Role.TRADER.rank else ()
    return within(words, Screen(text=Html("\n".join(lines)), buttons=buttons))


def zone(words: Words, person: Person, now: datetime, *, command: bool) -> Screen:
    """A person's time zone and their time; the command that changes it, where there is one."""
    lines = [words("hub.zone_now", zone=person.timezone, time=words.moment(now))]
    if command:
        lines.append(words("hub.zone_change"))
    return within(words, Screen(text=Html("\n".join(lines))))


def notices(words: Words, *, command: bool) -> Screen:
    """What a person is told of; the command that changes it, where there is one."""
    key = "hub.notices_change" if command else "hub.notices_all"
    return within(words, Screen(text=words(key)))


def versions(words: Words, found: Sequence[SettingsVersion], page: int, *, size: int) -> Screen:
    """One page of the versions, newest first; ``found`` has one more where there are older ones."""
    lines = [words("versions.title"), Html("")]
    lines += [version_of(words, version) for version in found[:size]]
    buttons = [
        Button(f"v{version.version}", callbacks.pack("version", version.version))
        for version in found[:size]
    ]
    rows = rows_of(buttons, 4)
    turn = []
    if page > 0:
        turn.append(Button(words("versions.newer"), callbacks.pack("versions", page - 1)))
    if len(found) > size:
        turn.append(Button(words("button.older"), callbacks.pack("versions", page + 1)))
    if turn:
        rows.append(tuple(turn))
    rows.append((back(words, "hub"),))
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows), edit=True)


def version_of(words: Words, version: SettingsVersion) -> Html:
    """A version in one line: when, who, why."""
    return words(
        "versions.line",
        version=str(version.version),
        time=words.stamp(version.created_at),
        reason=said(words, version.reason),
        by=by(words, version.changed_by),
    )


def version(
    words: Words,
    found: SettingsVersion,
    before: SettingsVersion | None,
    now: SettingsVersion,
    *,
    role: Role,
) -> Screen:
    """One version: what it changed, how it differs from the one in force, and the way back."""
    lines = [version_of(words, found), Html(""), words("versions.changed")]
    if before is None:
        lines.append(words("versions.first"))
    else:
        lines += change_lines(words, before.settings, found.settings)
    rows: list[tuple[Button, ...]] = []
    if found.version == now.version:
        lines.append(words("versions.in_force"))
    elif not differences(now.settings, found.settings):
        lines.append(words("versions.alike"))
    else:
        lines += [Html(""), words("versions.would")]
        lines += change_lines(words, now.settings, found.settings)
        if role.rank >= Role.ADMIN.rank:
            data = callbacks.pack("restore", found.version)
            rows.append((Button(words("versions.restore", version=str(found.version)), data),))
    rows.append((back(words, "versions", 0),))
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows), edit=True)
